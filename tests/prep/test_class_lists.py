"""What line n of a list means for masks of class ids, and which line is the background: one rule for all readers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.classes.label_list import (
    ClassList,
    Line,
    find_background,
    find_class_list,
    number_lines,
    read_class_list,
)
from tests.support.class_list_samples import VOC, first, settle, write
from tests.support.voc_samples import palette_image, rows, whole

names = st.lists(st.sampled_from("abcdefghij"), min_size=2, unique=True).map(tuple)


@given(names, st.data())
def test_names_and_ids_move_together(classes: tuple[str, ...], data: st.DataObject) -> None:
    listed = ClassList("list", tuple(map(Line, classes)))
    background = data.draw(st.none() | st.integers(0, len(classes) - 1))
    numbering = number_lines(listed, background)
    for value, name in enumerate(classes):
        expected = "_background_" if value == background else name
        assert numbering.classes.names[numbering.of_value[value]] == expected
        assert numbering.of_name[name] == numbering.of_value[value]
    left_out = number_lines(listed, None, zero_is_background=True)
    assert [left_out.classes.names[i] for i in left_out.of_value] == ["_background_", *classes]


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["background", "road", "walk"], [0, 1, 2, 255]),
        (["road", "background", "walk"], [1, 0, 2, 255]),
        (["road", "walk", "_background_"], [1, 2, 0, 255]),
        (["__ignore__", "_background_", "road", "walk"], [0, 1, 2, 255]),
    ],
)
def test_a_background_on_any_line_is_class_0(tmp_path: Path, lines: list[str], ids: list[int]) -> None:
    settled = settle(tmp_path, lines, rows(0, 1, 2, 255))
    assert settled.classes.names == ("_background_", "road", "walk")
    assert first(settled)[:4] == ids


def test_masks_stay_as_they_are_only_where_ids_do(tmp_path: Path) -> None:
    masks = [palette_image(rows(0, 1, 2, 255), VOC), palette_image(rows(0, 0, 255), VOC)]
    assert len(settle(tmp_path / "a", ["background", "road", "walk"], *masks).final) == 2
    moved = settle(tmp_path / "b", ["road", "background", "walk"], *masks)
    assert moved.final == frozenset()


def test_a_list_without_background_beside_ids_is_asked_about(tmp_path: Path) -> None:
    mask = rows(0, 1, 2, 255)
    with pytest.raises(SagesegError, match="no line is the background, and the masks use 0 to 2 and 255: pass") as told:
        settle(tmp_path, ["road", "walk", "house"], mask)
    assert "--background none if value 0 is road, or --background background if 0" in str(told.value)
    settled = settle(tmp_path, ["road", "walk", "house"], mask, background="none")
    assert settled.classes.names == ("_background_", "road", "walk", "house")
    assert first(settled)[:4] == [1, 2, 3, 255]
    settled = settle(tmp_path, ["road", "walk", "house"], mask, background="background")
    assert settled.classes.names == ("_background_", "road", "walk", "house")
    assert first(settled)[:4] == [0, 1, 2, 255]


def test_the_highest_value_settles_a_list_without_background(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settled = settle(tmp_path, ["road", "walk"], whole(0), rows(0, 2))
    assert settled.classes.names == ("_background_", "road", "walk")
    assert first(settled)[0] == 0
    assert (
        "no line is the background, and the masks use 0 to 2: so value 0 is the background" in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["bg", "void", "unlabeled", "Unlabelled", "Background"])
def test_a_name_like_background_is_never_guessed(tmp_path: Path, name: str) -> None:
    with pytest.raises(SagesegError, match=f"pass --background {name} if that is it"):
        settle(tmp_path, ["road", name], rows(0, 1))
    settled = settle(tmp_path, ["road", name], rows(0, 1), background=name)
    assert settled.classes.names == ("_background_", "road")
    assert first(settled)[:2] == [1, 0]


def test_a_background_that_is_not_in_the_list_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="--background voit: no line of .*labels.txt; the nearest is 'void'"):
        settle(tmp_path, ["road", "void"], rows(0, 1), background="voit")
    with pytest.raises(SagesegError, match="labels.txt has a line none"):
        settle(tmp_path, ["road", "none"], rows(0, 1), background="none")
    with pytest.raises(SagesegError, match="_background_ and background are both the background"):
        settle(tmp_path, ["_background_", "background"], rows(0, 1))


def test_values_over_the_list_are_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(
        SagesegError, match=r"m1\.png: value 7 is no class: .*labels.txt has 2 lines, for values 0 to 1"
    ):
        settle(tmp_path, ["background", "car"], rows(0, 1), rows(0, 7))
    with pytest.raises(SagesegError, match=r"m0\.png: value 4 is no class: .* has 3 lines, for values 0 to 3"):
        settle(tmp_path, ["road", "walk", "house"], rows(0, 4))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["background", "", "car"], "line 2 is empty"),
        (["0 background", "1 car"], "each line begins with a number"),
        (["# my classes", "background", "car"], "a line begins with '# '"),
        (["background", "car", "car"], "'car' stands twice"),
        ([], "no class in it"),
    ],
)
def test_lists_whose_line_numbers_are_unclear_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(SagesegError, match=f"labels.txt: .*{message}"):
        settle(tmp_path, lines, rows(0, 1))


def test_two_lists_in_a_folder_must_agree(tmp_path: Path) -> None:
    write(tmp_path, "__ignore__", "_background_", "car")
    write(tmp_path, "_background_", "car", name="class_names.txt")
    found = find_class_list(tmp_path)
    assert found is not None
    assert [line.name for line in found.lines] == ["_background_", "car"]
    write(tmp_path, "_background_", "bus", name="class_names.txt")
    with pytest.raises(SagesegError, match="labels.txt and .*class_names.txt name other classes"):
        find_class_list(tmp_path)


def test_polygons_need_no_values(tmp_path: Path) -> None:
    listed = read_class_list(write(tmp_path, "car", "bg", "__ignore__"))
    assert number_lines(listed, find_background(listed, None)).of_name == {
        "_background_": 0,
        "car": 1,
        "bg": 2,
        "__ignore__": 255,
    }
    assert number_lines(listed, find_background(listed, "bg")).of_name["bg"] == 0
    coins = read_class_list(write(tmp_path, "1 euro", "2 euro"))
    assert number_lines(coins, find_background(coins, None)).of_name["2 euro"] == 2


def test_the_two_lists_of_a_dataset_are_one(tmp_path: Path) -> None:
    write(tmp_path, "_background_", "car")
    write(tmp_path, "background:0,0,0::", "car:128,0,0::", name="labelmap.txt")
    found = find_class_list(tmp_path)
    assert found is not None
    assert found.has_colours
