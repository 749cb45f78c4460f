"""Which class a label of labelme is: by a list, by names alone, and what is the background."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_readings import BOX, FORMS, Form, read_images
from tests.support.labelme_samples import shape, write_labels, write_pair


def test_names_and_labels_may_hold_spaces_quotes_slashes_and_any_letters(tmp_path: Path) -> None:
    stem, label = 'it\'s a "grüße" 日本 #1', "road/lane ü"
    write_pair(tmp_path / "in", stem, [shape(label)])
    for number in range(2):
        write_pair(tmp_path / "in", f"{number}")
    source = read_labelme(tmp_path / "in", write_labels(tmp_path, "car", label), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, val=1, workers=1))
    dataset = open_dataset(tmp_path / "out")
    assert dataset.classes.names == ("_background_", "car", label)
    assert 2 in read_mask(dataset.mask_path(stem))


@pytest.mark.parametrize("labels", [("__ignore__", "_background_", "car"), ("car",), ("_background_", "car")])
def test_ignore_and_background_need_not_be_listed(tmp_path: Path, labels: tuple[str, ...]) -> None:
    write_labels(tmp_path, *labels)
    write_pair(tmp_path / "in", "a", [shape("car"), shape("__ignore__", BOX, "rectangle")])
    (image,) = read_images(tmp_path / "in")
    assert np.unique(image.mask.read()).tolist() == [0, 1, 255]


@pytest.mark.parametrize("drawn", ["background", "_background_"])
@pytest.mark.parametrize(
    "labels",
    [
        ("_background_", "car", "background"),
        ("car", "background"),
        ("background", "car"),
        ("car", "_background_"),
        ("__ignore__", "_background_", "car"),
    ],
)
def test_the_background_may_be_drawn_by_either_name(tmp_path: Path, labels: tuple[str, ...], drawn: str) -> None:
    write_labels(tmp_path, *labels)
    write_pair(tmp_path / "in", "a", [shape("car"), shape(drawn, [[10, 10], [12, 12]], "rectangle")])
    (image,) = read_images(tmp_path / "in")
    mask = image.mask.read()
    assert not mask[10:13, 10:13].any()
    assert mask[9, 11] == 1
    assert np.unique(mask).tolist() == [0, 1]


@pytest.mark.parametrize(("labels", "drawn"), [(("car",), "background"), (("car", "background"), "Background")])
def test_a_background_that_is_not_in_the_list_is_refused(tmp_path: Path, labels: tuple[str, ...], drawn: str) -> None:
    write_labels(tmp_path, *labels)
    write_pair(tmp_path / "in", "a", [shape("car"), shape(drawn)])
    with pytest.raises(SagesegError, match=rf"a\.json: shapes\[1\] \({drawn}\): label '{drawn}' is not in"):
        read_images(tmp_path / "in")


@pytest.mark.parametrize("listed", FORMS)
def test_a_label_is_one_class_whichever_way_its_letters_are_composed(tmp_path: Path, listed: Form) -> None:
    labels = [unicodedata.normalize(form, "Straße_é") for form in FORMS]
    write_labels(tmp_path, unicodedata.normalize(listed, labels[0]))
    boxes = [[[0, 0], [4, 4]], [[9, 9], [13, 13]]]
    write_pair(tmp_path / "in", "a", [shape(label, box, "rectangle") for label, box in zip(labels, boxes, strict=True)])
    (image,) = read_images(tmp_path / "in")
    assert np.bincount(image.mask.read().ravel())[1:].tolist() == [50]


def test_a_list_with_one_label_in_two_spellings_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path, *(unicodedata.normalize(form, "é") for form in FORMS))
    write_pair(tmp_path / "in", "a", [])
    with pytest.raises(SagesegError, match=r"labels\.txt: two labels differ in how their letters are composed"):
        read_images(tmp_path / "in")


def test_a_list_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes("\ufeffcar\r\nStraße\r\n".encode())
    write_pair(tmp_path / "in", "a", [shape("Straße")])
    (image,) = read_images(tmp_path / "in")
    assert np.unique(image.mask.read()).tolist() == [0, 2]


def test_a_list_in_another_encoding_is_told_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes("汽车\n".encode("gb18030"))
    write_pair(tmp_path / "in", "a", [])
    with pytest.raises(SagesegError, match=r"labels\.txt: not UTF-8 text; .* iconv -f gb18030 -t utf-8"):
        read_images(tmp_path / "in")


def test_without_a_list_the_classes_are_the_labels_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pair(tmp_path / "in", "a", [shape("road"), shape("__ignore__"), shape("__region__")])
    write_pair(tmp_path / "in", "b", [shape("car"), shape("background"), shape("road")])
    source = read_labelme(tmp_path / "in", workers=1)
    assert source.classes.names == ("_background_", "car", "road")
    assert "the labels that were drawn, by name: " in (told := capsys.readouterr().err)
    assert "car (1 shapes), road (2 shapes)" in told
    by_id = {image.source: np.unique(image.mask.read()).tolist() for image in source.images}
    assert by_id == {"a.jpg": [0, 255], "b.jpg": [0, 2]}


def test_both_names_of_the_background_may_be_drawn_without_a_list(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("car"), shape("background"), shape("_background_", BOX, "rectangle")])
    assert read_labelme(tmp_path / "in", workers=1).classes.names == ("_background_", "car")


def test_a_label_may_be_the_background_without_a_list(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("car"), shape("soil")])
    assert read_labelme(tmp_path / "in", background="soil", workers=1).classes.names == ("_background_", "car")


def test_a_list_in_the_folder_is_taken_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pair(tmp_path / "in", "a", [shape("car")])
    write_labels(tmp_path / "in", "road", "car")
    assert read_labelme(tmp_path / "in", workers=1).classes.names == ("_background_", "road", "car")
    assert f"the classes are those of {tmp_path}/in/labels.txt" in capsys.readouterr().err


def test_no_shape_at_all_gives_no_class(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [])
    with pytest.raises(SagesegError, match=f"{tmp_path}/in: no class in it; expected some, or name them"):
        read_labelme(tmp_path / "in", workers=1)
