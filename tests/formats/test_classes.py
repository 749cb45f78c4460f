"""Class table, palette and labels.txt."""

from pathlib import Path

import numpy as np
import pytest

from formats.classes import ClassTable, labelmap, read_labels, voc_palette, write_labels
from formats.errors import SagesegError


def test_palette_begins_and_ends_with_the_colours_of_pascal_voc() -> None:
    # VOC2012's published legend: background, aeroplane, bicycle, …, ignore's border colour
    expected = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        2: (0, 128, 0),
        3: (128, 128, 0),
        15: (192, 128, 128),
        255: (224, 224, 192),
    }
    palette = voc_palette()
    assert {i: tuple(palette[i].tolist()) for i in expected} == expected


def test_palette_gives_every_id_a_colour_of_its_own() -> None:
    assert len(np.unique(voc_palette(), axis=0)) == 256


def test_labels_round_trip_with_names_of_any_script(tmp_path: Path) -> None:
    classes = ClassTable(("_background_", "voiture/jaune", "車"))
    write_labels(tmp_path / "labels.txt", classes)
    assert read_labels(tmp_path / "labels.txt") == classes
    assert (tmp_path / "labels.txt").read_bytes() == "_background_\nvoiture/jaune\n車\n".encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("car\n_background_\n", "first class must be _background_, not 'car'"),
        ("", "first class must be _background_, not nothing; put it first"),
        ("_background_\n", "no class but the background; the built-in takes 2 to 254"),
        ("_background_\ncar\ncar\n", "'car' stands twice"),
        ("_background_\n__ignore__\n", "__ignore__ is mask value 255, not a class"),
    ],
)
def test_wrong_labels_are_refused_with_the_file_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(SagesegError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("line\nbreak", "car"), r"'line\\nbreak' cannot stand in labels\.txt, which has one name a line"),
        (("car\n",), "cannot stand in"),
        (("a\u2028b",), "cannot stand in"),
        (("",), "'' cannot stand in"),
        ((" \t",), "cannot stand in"),
        (("car", " car"), "'car' stands twice"),
    ],
)
def test_names_that_would_be_others_when_read_again_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        ClassTable(("_background_", *names))


def test_labels_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"labels\.txt: not found"):
        read_labels(tmp_path / "labels.txt")


def test_label_map_names_the_colours_of_the_masks() -> None:
    assert labelmap(ClassTable(("_background_", "car", "traffic light"))) == (
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:128,0,0::\ntraffic light:0,128,0::\n"
        "__ignore__:224,224,192::\n"
    )


@pytest.mark.parametrize("name", ["left:right", "#1", ":"])
def test_label_map_cannot_hold_every_name(name: str) -> None:
    assert labelmap(ClassTable(("_background_", "car", name))) is None


def test_label_map_leaves_background_to_the_class_of_that_name() -> None:
    assert "\n_background_:0,0,0::\nbackground:128,0,0::\n" in (
        labelmap(ClassTable(("_background_", "background"))) or ""
    )
