"""Names of classes are drawn in letters, not in boxes."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib import font_manager, get_data_path
from PIL import ImageFont

from analysis.drawing import fonts
from analysis.drawing.fonts import drawable
from analysis.drawing.legend import legend_band


def test_pillows_own_font_where_it_suffices() -> None:
    text, font = drawable("road 2", 14)
    assert text == "road 2"
    assert font.getlength(text) == ImageFont.load_default(14).getlength(text)


def test_another_font_of_the_machine_has_cyrillic() -> None:
    text, font = drawable("дорога", 14)  # matplotlib's own DejaVu Sans has it, whatever is installed
    assert text == "дорога"
    assert not fonts._draws(ImageFont.load_default(14), text)
    assert fonts._draws(font, text)


def test_fonts_of_boxes_and_files_that_are_none_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = Path(get_data_path()) / "fonts/ttf/LastResortHE-Regular.ttf"
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    others = [str(boxes), str(broken), str(tmp_path / "gone.ttf")]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: others)
    fonts._fonts.cache_clear()
    assert boxes.is_file()
    assert [Path(path).name for path, _ in fonts._fonts()] == ["DejaVuSans.ttf"]
    fonts._fonts.cache_clear()


def test_letters_that_no_font_has_become_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed_font", lambda _letters: None)
    drawable.cache_clear()
    assert drawable("道路 1", 14)[0] == r"\u9053\u8def 1"
    drawable.cache_clear()


def test_two_names_that_only_differ_in_such_letters_are_drawn_apart() -> None:
    bands = [legend_band(300, ((name, (1, 2, 3)),), 14).tobytes() for name in ("дорога", "машина")]
    assert bands[0] != bands[1]
