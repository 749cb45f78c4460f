"""Names of classes are drawn in letters, not in boxes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib import get_data_path
from PIL import ImageFont

from analysis.drawing import fonts
from analysis.drawing.fonts import drawable
from analysis.drawing.legend import legend_band

OURS = Path(get_data_path()) / "fonts" / "ttf"
"""Fonts that lie wherever the tests run."""


def test_pillows_own_font_where_it_suffices() -> None:
    text, font = drawable("road 2", 14)
    assert text == "road 2"
    assert font.getlength(text) == ImageFont.load_default(14).getlength(text)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose fonts are in this folder."""
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path])
    for cache in (fonts._fonts, fonts._installed_font, drawable):
        cache.cache_clear()
    yield tmp_path
    for cache in (fonts._fonts, fonts._installed_font, drawable):
        cache.cache_clear()


def test_another_font_of_the_machine_has_cyrillic(installed: Path) -> None:
    shutil.copy(OURS / "DejaVuSans.ttf", installed)
    text, font = drawable("дорога", 14)
    assert text == "дорога"
    assert not fonts._draws(ImageFont.load_default(14), text)
    assert fonts._draws(font, text)
    assert drawable("дорога 道", 14)[0] == r"\u0434\u043e\u0440\u043e\u0433\u0430 \u9053"  # not the half of a name


def test_regular_styles_come_before_others(installed: Path) -> None:
    for name in ("DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf"):
        shutil.copy(OURS / name, installed / f"a-{name}")
    (installed / "deep" / "er").mkdir(parents=True)
    shutil.copy(OURS / "DejaVuSans.ttf", installed / "deep" / "er" / "Z.TTF")
    assert [Path(path).name for path in fonts._fonts()] == [
        "Z.TTF",
        "a-DejaVuSans-Bold.ttf",
        "a-DejaVuSans-Oblique.ttf",
    ]


def test_fonts_of_boxes_and_files_that_are_none_are_passed_over(installed: Path) -> None:
    shutil.copy(OURS / "LastResortHE-Regular.ttf", installed)
    (installed / "broken.ttf").write_bytes(b"no font")
    (installed / "gone.ttf").symlink_to(installed / "nowhere.ttf")
    (installed / "readme.txt").write_text("no font either")
    assert fonts._fonts() == ()


def test_fonts_are_looked_for_where_machines_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_DIRS", raising=False)
    assert {tmp_path / "fonts", Path("/usr/share/fonts"), Path("/System/Library/Fonts")} <= set(fonts.font_folders())


def test_letters_that_no_font_has_become_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed_font", lambda _letters: None)
    drawable.cache_clear()
    assert drawable("道路 1", 14)[0] == r"\u9053\u8def 1"
    drawable.cache_clear()


def test_two_names_that_only_differ_in_such_letters_are_drawn_apart() -> None:
    bands = [legend_band(300, ((name, (1, 2, 3)),), 14).tobytes() for name in ("дорога", "машина")]
    assert bands[0] != bands[1]
