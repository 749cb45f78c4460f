"""What a list with colours means for masks of colours, of palettes and of ids."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.classes import ClassTable, labelmap
from formats.errors import SagesegError
from prep.readers.classes.class_masks import settle_masks
from prep.readers.classes.label_list import find_background, number_lines, read_class_list
from tests.support.class_list_samples import BLACK, BORDER, CAT, DOG, VOC, first, settle, write
from tests.support.voc_samples import add_mask, painted, palette_image, rows, whole

MAP = ["# label:color_rgb:parts:actions", "background:0,0,0::", "cat:48,112,32::", "dog:176,112,32::"]


@pytest.mark.parametrize("name", ["labelmap.txt", "mine.txt"])
def test_one_channel_without_the_maps_colours_holds_line_numbers(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grey, palette = rows(0, 1, 2, 255), palette_image(rows(0, 2, 1), VOC)
    settled = settle(tmp_path, MAP, grey, palette, name=name)
    assert settled.classes.names == ("_background_", "cat", "dog")
    assert first(settled)[:4] == [0, 1, 2, 255]
    assert "masks of one channel hold its lines' numbers" in capsys.readouterr().err


def test_the_colours_of_a_palette_decide_where_they_are_the_maps(tmp_path: Path) -> None:
    by_frequency = palette_image(rows(1, 0, 2), [DOG, BLACK, CAT])
    assert first(settle(tmp_path, MAP, by_frequency, name="labelmap.txt"))[:3] == [0, 2, 1]
    white = ["background:0,0,0::", "car:255,255,255::"]
    assert first(settle(tmp_path, white, rows(0, 255), whole(0), name="labelmap.txt"))[:2] == [0, 1]


def test_what_fills_a_palette_up_is_no_colour(tmp_path: Path) -> None:
    filled = palette_image(rows(0, 1, 2, 255), [BLACK, CAT, DOG] + [BLACK] * 253)
    assert first(settle(tmp_path, MAP, filled, name="labelmap.txt"))[:4] == [0, 1, 2, 255]
    no_background = palette_image(np.maximum(whole(1), rows(1, 2, 255)), [BLACK, CAT, DOG] + [BLACK] * 253)
    assert first(settle(tmp_path, MAP, no_background, name="labelmap.txt"))[:3] == [1, 2, 255]


def test_one_channel_that_fits_neither_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"m1\.png: value 9 is no line of .*labelmap.txt, which has 3, and the col"):
        settle(tmp_path, MAP, rows(0, 1), rows(0, 9), name="labelmap.txt")


def test_colours_and_line_numbers_may_stand_side_by_side(tmp_path: Path) -> None:
    settled = settle(tmp_path, MAP, painted(rows(0, 2), [BLACK, CAT, DOG]), rows(0, 1), name="labelmap.txt")
    assert [mask.read()[1, 0] for mask in settled.masks.values()] == [2, 1]


def test_black_is_the_background_of_a_map_that_names_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["car:9,9,9::", "sky:0,0,0::"]
    mask = painted(rows(1, 0), [BLACK, (9, 9, 9)])
    settled = settle(tmp_path, lines, mask, name="labelmap.txt")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [1, 0])
    assert "no line is called background, and sky is black" in capsys.readouterr().err
    settled = settle(tmp_path, lines, mask, name="labelmap.txt", background="none")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car", "sky"), [1, 2])
    settled = settle(tmp_path, lines[:1], mask, name="labelmap.txt")
    assert (settled.classes.names, first(settled)[:2]) == (("_background_", "car"), [1, 0])


@pytest.mark.parametrize("name", ["ignored", "Ignore", "void", "__ignore__"])
def test_vocs_border_under_a_name_of_ignore_is_no_class(tmp_path: Path, name: str) -> None:
    lines = [*MAP, f"{name}:224,224,192::"]
    coloured = settle(tmp_path / "a", lines, painted(rows(0, 1, 3), [BLACK, CAT, DOG, BORDER]), name="labelmap.txt")
    assert (coloured.classes.names, first(coloured)[:3]) == (("_background_", "cat", "dog"), [0, 1, 255])
    numbered = settle(tmp_path / "b", lines, rows(0, 1, 3), name="labelmap.txt")
    assert (numbered.classes.names, first(numbered)[:3]) == (("_background_", "cat", "dog"), [0, 1, 255])


@pytest.mark.parametrize("line", ["void:1,2,3::", "ignored:::", "tree:224,224,192::"])
def test_another_name_or_colour_is_a_class(tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = line.partition(":")[0]
    assert settle(tmp_path, [*MAP, line], rows(0, 1, 3), name="labelmap.txt").classes.names[-1] == name
    assert ("write __ignore__ in its place" in capsys.readouterr().err) == (name != "tree")


def test_a_map_without_colours_is_a_list(tmp_path: Path) -> None:
    lines = ["background:::", "car:::", "bus:::"]
    assert first(settle(tmp_path, lines, rows(0, 2, 1), name="labelmap.txt"))[:3] == [0, 2, 1]


def test_a_map_without_colours_has_datumaros_where_masks_hold_colours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["background:::", "car:::", "bus:::"]
    mask = painted(rows(0, 2, 1, 255), VOC)
    settled = settle(tmp_path, lines, mask, name="labelmap.txt")
    assert settled.classes.names == ("_background_", "car", "bus")
    assert first(settled)[:4] == [0, 2, 1, 255]
    assert "no colours, so VOC's palette is taken in the order of the classes" in capsys.readouterr().err
    with pytest.raises(SagesegError, match=r"m0\.png: holds colours, and .*labelmap.txt says none; expected name:red,"):
        first(settle(tmp_path, lines, painted(rows(0, 1), [BLACK, CAT]), name="labelmap.txt"))


@pytest.mark.parametrize("lines", [["car:::", "background:::"], ["car:::", "bus:::"]])
def test_a_map_without_colours_that_datumaro_would_not_write_is_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(SagesegError, match=r"m0\.png: holds colours, and .*labelmap.txt says none"):
        settle(tmp_path, lines, painted(rows(0, 1), VOC), name="labelmap.txt")


def test_a_gif_is_read_by_the_colours_of_a_map(tmp_path: Path) -> None:
    add_mask(tmp_path / "m.gif", palette_image(rows(0, 2), [BLACK, CAT, DOG]))
    listed = read_class_list(write(tmp_path, "background:0,0,0::", "cat:48,112,32::", "dog:176,112,32::"))
    assert first(settle_masks(listed, [tmp_path / "m.gif"], workers=1))[:2] == [0, 2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["car"], "'car': expected name:red,green,blue"),
        (["car:1,2::"], "'car:1,2::': expected name:red,green,blue"),
        (["car:1,2,300::"], "'car:1,2,300::': expected red, green and blue from 0 to 255"),
        (["car:1,2,3::", "bus:1,2,3::"], "bus has the colour of another label"),
    ],
)
def test_a_broken_map_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=rf"labelmap\.txt: {message}"):
        settle(tmp_path, lines, rows(0, 1), name="labelmap.txt")


@given(st.lists(st.text("abc ü,1.", min_size=1, max_size=4).map(str.strip).filter(bool), min_size=1, unique=True))
def test_the_label_map_of_a_dataset_is_read_as_its_classes(
    tmp_path_factory: pytest.TempPathFactory, own: list[str]
) -> None:
    classes = ClassTable(("_background_", *own))
    path = tmp_path_factory.mktemp("map") / "labelmap.txt"
    path.write_text(labelmap(classes) or "", encoding="utf-8")
    listed = read_class_list(path)
    numbering = number_lines(listed, find_background(listed, None))
    assert numbering.classes == classes
    assert {colour: VOC.index(colour) for colour in numbering.of_colour} == numbering.of_colour
