"""A folder of labelme's files becomes a source of labelled images, or one line that says what is wrong."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from formats.crops import parse_crop_id
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import decode_image, encode_image, read_image
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.labelled_image import LabelledImage, read_content
from prep.readers.labelme.reader import read_labelme
from prep.readers.regions import draw_regions
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.labelme_samples import (
    HEIGHT,
    TRIANGLE,
    WIDTH,
    in_base64,
    jpeg_with_orientation,
    noise,
    png,
    shape,
    write_json,
    write_labels,
    write_pair,
)

BOX = [[2, 3], [30, 20]]


def read(folder: Path, **options: object) -> tuple[LabelledImage, ...]:
    labels = folder.parent / "labels.txt"
    if not labels.exists():
        write_labels(folder.parent)
    return read_labelme(folder, labels, workers=1, **options).images  # type: ignore[arg-type]


def test_json_files_become_images_with_masks(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "b", [shape("road", BOX, "rectangle"), shape("__ignore__")])
    write_pair(tmp_path / "in", "a", [])
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    assert source.classes.names == ("_background_", "car", "road")
    assert [image.source for image in source.images] == ["a.jpg", "b.jpg"]
    assert not source.images[0].mask.read().any()
    assert np.unique(source.images[1].mask.read()).tolist() == [0, 2, 255]


def test_the_dataset_holds_the_masks(tmp_path: Path) -> None:
    for stem in "abc":
        write_pair(tmp_path / "in", stem)
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    for image in source.images:
        stem = Path(image.source).stem
        assert np.array_equal(read_mask(dataset.mask_path(stem)), image.mask.read())
        assert dataset.image_path(stem).read_bytes() == image.image.read_bytes()


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
    (image,) = read(tmp_path / "in")
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
    (image,) = read(tmp_path / "in")
    mask = image.mask.read()
    assert not mask[10:13, 10:13].any()
    assert mask[9, 11] == 1
    assert np.unique(mask).tolist() == [0, 1]


@pytest.mark.parametrize(("labels", "drawn"), [(("car",), "background"), (("car", "background"), "Background")])
def test_a_background_that_is_not_in_the_list_is_refused(tmp_path: Path, labels: tuple[str, ...], drawn: str) -> None:
    write_labels(tmp_path, *labels)
    write_pair(tmp_path / "in", "a", [shape("car"), shape(drawn)])
    with pytest.raises(SagesegError, match=rf"a\.json: shapes\[1\] \({drawn}\): label '{drawn}' is not in"):
        read(tmp_path / "in")


Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, Form] = ("NFC", "NFD")


@pytest.mark.parametrize("listed", FORMS)
def test_a_label_is_one_class_whichever_way_its_letters_are_composed(tmp_path: Path, listed: Form) -> None:
    labels = [unicodedata.normalize(form, "Straße_é") for form in FORMS]
    write_labels(tmp_path, unicodedata.normalize(listed, labels[0]))
    boxes = [[[0, 0], [4, 4]], [[9, 9], [13, 13]]]
    write_pair(tmp_path / "in", "a", [shape(label, box, "rectangle") for label, box in zip(labels, boxes, strict=True)])
    (image,) = read(tmp_path / "in")
    assert np.bincount(image.mask.read().ravel())[1:].tolist() == [50]


def test_a_list_with_one_label_in_two_spellings_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path, *(unicodedata.normalize(form, "é") for form in FORMS))
    write_pair(tmp_path / "in", "a", [])
    with pytest.raises(SagesegError, match=r"labels\.txt: two labels differ in how their letters are composed"):
        read(tmp_path / "in")


def test_a_list_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes("\ufeffcar\r\nStraße\r\n".encode())
    write_pair(tmp_path / "in", "a", [shape("Straße")])
    (image,) = read(tmp_path / "in")
    assert np.unique(image.mask.read()).tolist() == [0, 2]


def test_a_list_in_another_encoding_is_told_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes("汽车\n".encode("gb18030"))
    write_pair(tmp_path / "in", "a", [])
    with pytest.raises(SagesegError, match=r"labels\.txt: not UTF-8 text; .* iconv -f gb18030 -t utf-8"):
        read(tmp_path / "in")


def test_the_pixels_that_overlap_decided_are_counted_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path / "in", "a", [shape("car", BOX, "rectangle"), shape("road", [[30, 20], [40, 30]], "rectangle")])
    (image,) = read(tmp_path / "in")
    assert image.attributes == {OVERLAP: "1"}
    assert "overlap in 1 pixels of 1 image(s)" in capsys.readouterr().err


def test_images_that_nobody_saved_in_labelme_are_counted(tmp_path: Path) -> None:
    for stem in "ab":
        write_pair(tmp_path / "in", stem)
    labels = write_labels(tmp_path, "car")
    assert read_labelme(tmp_path / "in", labels, workers=1).left_out == ()
    (tmp_path / "in" / "b.json").unlink()
    source = read_labelme(tmp_path / "in", labels, workers=1)
    assert [image.source for image in source.images] == ["a.jpg"]
    (left_out,) = source.left_out
    assert left_out.reason.startswith("images without a JSON file")
    assert (left_out.count, left_out.example) == (1, f"{tmp_path}/in/b.jpg")


def test_images_elsewhere_are_found_by_the_whole_image_path(tmp_path: Path) -> None:
    for folder in ("a b", "c"):
        write_pair(tmp_path / folder, "ä")
        content = json.loads((tmp_path / folder / "ä.json").read_text())
        (tmp_path / folder / "ä.json").unlink()
        (tmp_path / "out").mkdir(exist_ok=True)
        content["imagePath"] = f"{folder}/ä.jpg"
        (tmp_path / "out" / f"{folder}_ä.json").write_text(json.dumps(content))
    labels = write_labels(tmp_path, "car")
    source = read_labelme(tmp_path / "out", labels, images=tmp_path, workers=1)
    assert [image.source for image in source.images] == ["a b/ä.jpg", "c/ä.jpg"]


def test_images_elsewhere_are_found_by_a_name_that_one_alone_has(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a")
    (tmp_path / "frames" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "frames" / "deep" / "a.jpg")
    labels = write_labels(tmp_path, "car")
    (image,) = read_labelme(tmp_path / "in", labels, images=tmp_path / "frames", workers=1).images
    assert image.source == "deep/a.jpg"


def test_images_elsewhere_of_one_name_are_told(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a")
    for folder in ("b", "c"):
        (tmp_path / "frames" / folder).mkdir(parents=True)
        (tmp_path / "frames" / folder / "a.jpg").write_bytes((tmp_path / "in" / "a.jpg").read_bytes())
    (tmp_path / "in" / "a.jpg").unlink()
    with pytest.raises(SagesegError, match=r"imagePath a\.jpg may be .*b/a\.jpg or .*c/a\.jpg; write the path from"):
        read_labelme(tmp_path / "in", write_labels(tmp_path, "car"), images=tmp_path / "frames", workers=1)


def test_regions_are_no_objects(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("__region__", BOX, "rectangle"), shape("__region__")])
    (image,) = read(tmp_path / "in")
    assert not image.mask.read().any()
    assert image.regions == (((2, 3), (30, 3), (30, 20), (2, 20)), tuple(map(tuple, TRIANGLE)))


# several folders


def two_folders(root: Path, *folders: str, stems: str = "ab") -> list[Path]:
    for folder in folders:
        for stem in stems:
            write_pair(root / folder, stem)
    return [root / folder for folder in folders]


def test_several_folders_are_read_as_if_they_lay_in_one(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path / "all", "day1", "day2")
    labels = write_labels(tmp_path)
    together = read_labelme(one, labels, others=[two], workers=1)
    assert together == read_labelme(tmp_path / "all", labels, workers=1)
    assert [image.source for image in together.images] == ["day1/a.jpg", "day1/b.jpg", "day2/a.jpg", "day2/b.jpg"]
    assert {image.group for image in together.images} == {"day1", "day2"}


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path, "here/x/labels", "there/x/labels", stems="a")
    source = read_labelme(one, write_labels(tmp_path), others=[two], workers=1)
    assert [image.source for image in source.images] == ["here/x/labels/a.jpg", "there/x/labels/a.jpg"]


def test_several_folders_mirror_those_of_their_images(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path, "day1", "day2", stems="a")
    for folder in (one, two):
        (tmp_path / "frames" / folder.name).mkdir(parents=True)
        (folder / "a.jpg").rename(tmp_path / "frames" / folder.name / "a.jpg")
    source = read_labelme(one, write_labels(tmp_path), others=[two], images=tmp_path / "frames", workers=1)
    assert [image.source for image in source.images] == ["day1/a.jpg", "day2/a.jpg"]
    assert source.left_out == ()


def test_an_image_may_lie_in_another_of_the_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = two_folders(tmp_path, "day1", "day2", stems="a")
    (one / "a.jpg").rename(two / "b.jpg")
    write_json(one / "a.json", [shape()], imagePath="../day2/b.jpg")
    source = read_labelme(one, write_labels(tmp_path), others=[two], workers=1)
    assert [image.source for image in source.images] == ["day2/a.jpg", "day2/b.jpg"]
    assert "outside" not in capsys.readouterr().err


@pytest.mark.parametrize("folders", [("day1", "day1"), ("day1", "day1/sub"), ("day1/sub", "day1")])
def test_a_folder_in_another_is_named_twice(tmp_path: Path, folders: tuple[str, str]) -> None:
    two_folders(tmp_path, "day1/sub", "day1")
    with pytest.raises(SagesegError, match="one lies in the other, or they are one; name it once"):
        read_labelme(tmp_path / folders[0], write_labels(tmp_path), others=[tmp_path / folders[1]], workers=1)


# without a list


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


# all that is wrong


def test_unknown_labels_are_told_together_with_how_often_they_stand(tmp_path: Path) -> None:
    for number in range(12):
        write_pair(tmp_path / "in", f"{number:02}", [shape("ca"), shape("car"), shape("ca")])
    write_pair(tmp_path / "in", "zz", [shape("raod"), shape("road", [[0, 0], [9, 9]])])
    with pytest.raises(SagesegError) as caught:
        read(tmp_path / "in")
    told = str(caught.value)
    assert told.startswith(f"{tmp_path}/in/00.json: shapes[0] (ca): label 'ca' is not in ")
    assert f"(1 of 26 faults: label 'ca' 24 times, first in {tmp_path}/in/00.json: shapes[0] (ca); " in told
    assert "zz.json: shapes[1] (road): polygon of 2 points; " in told
    assert f"zz.json: shapes[0] (raod): label 'raod' is not in {tmp_path}/labels.txt)" in told


def test_a_label_hides_neither_the_image_nor_where_shapes_lie(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("ca"), shape("car", [[90, 0], [99, 9], [99, 0]])])
    write_pair(tmp_path / "in", "b", [shape("ca")], imagePath="gone.jpg")
    with pytest.raises(SagesegError) as caught:
        read(tmp_path / "in")
    told = str(caught.value)
    assert "(1 of 4 faults: label 'ca' 2 times, " in told
    assert "lies outside the image of 60×40 pixels" in told
    assert told.endswith("b.json: imagePath gone.jpg is not there)")


def test_the_first_ten_faults_are_named_and_all_are_counted(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "good")
    for number in range(14):
        write_json(tmp_path / "in" / f"{number:02}.json", [shape(points=[[0, 0]]), shape()], imagePath="gone.jpg")
    with pytest.raises(SagesegError, match=r"00\.json: shapes\[0\].* \(1 of 14 faults: ") as caught:
        read(tmp_path / "in")
    assert [f"{number:02}.json" in str(caught.value) for number in range(14)] == [True] * 10 + [False] * 4
    assert str(caught.value).endswith("; …)")


# which images have no file


@pytest.mark.parametrize("apart", [True, False])
def test_an_image_that_its_file_holds_is_not_called_without_one(tmp_path: Path, apart: bool) -> None:
    content = in_base64(encode_image(noise(1)))
    path = write_pair(tmp_path / "in", "a", imageData=content)
    folder = tmp_path / "frames" / "deep" if apart else tmp_path / "in"
    folder.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".jpg").rename(folder / "a.jpg")
    images = tmp_path / "frames" if apart else None
    assert read_labelme(tmp_path / "in", write_labels(tmp_path), images=images, workers=1).left_out == ()


@pytest.mark.parametrize("other", ["a.png", "a_json/img.png", "a_json/label_viz.png"])
def test_what_lies_beside_a_labelled_image_is_not_called_unlabelled(tmp_path: Path, other: str) -> None:
    """Another form of the image, and what labelme_json_to_dataset makes."""
    write_pair(tmp_path / "in", "a")
    (tmp_path / "in" / "a_json").mkdir()
    (tmp_path / "in" / other).write_bytes(png(noise(1)))
    assert read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1).left_out == ()


# which image


def test_backslashes_lead_to_the_image(tmp_path: Path) -> None:
    write_pair(tmp_path / "in" / "sub", "a")
    (tmp_path / "in" / "sub" / "a.json").rename(tmp_path / "in" / "a.json")
    write_json(tmp_path / "in" / "a.json", [shape()], imagePath="sub\\a.jpg")
    (image,) = read(tmp_path / "in")
    assert (image.source, image.image) == ("sub/a.jpg", tmp_path / "in" / "sub" / "a.jpg")


@pytest.mark.parametrize("on_disk", FORMS)
@pytest.mark.parametrize("in_json", FORMS)
@pytest.mark.parametrize("images", ["beside", "below", "elsewhere"])
def test_an_image_is_found_whichever_way_its_name_is_composed(
    tmp_path: Path, on_disk: Form, in_json: Form, images: str
) -> None:
    """Names on a Mac are decomposed, those of JSON files mostly not; folders have names, too."""
    folder = {"beside": tmp_path / "in", "below": tmp_path / "in" / "Höhe", "elsewhere": tmp_path / "images"}[images]
    place = "Höhe/Größe.jpg" if images == "below" else "Größe.jpg"
    path = write_pair(tmp_path / "in", "a", imagePath=unicodedata.normalize(in_json, place))
    named = folder.with_name(unicodedata.normalize(on_disk, folder.name)) / unicodedata.normalize(on_disk, "Größe.jpg")
    named.parent.mkdir(exist_ok=True)
    path.with_suffix(".jpg").rename(named)
    (image,) = read(tmp_path / "in", images=folder if images == "elsewhere" else None)
    assert image.image == named
    assert unicodedata.normalize("NFC", image.source) == place


def test_two_files_that_differ_in_composition_alone_are_refused(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", imagePath="Größe.jpg")
    for form in FORMS:
        (tmp_path / "in" / unicodedata.normalize(form, "Größe.jpg")).write_bytes(path.with_suffix(".jpg").read_bytes())
    with pytest.raises(SagesegError, match=r"in: 'Gro\\u0308\\xdfe\.jpg' and 'Gr\\xf6\\xdfe\.jpg' are one name"):
        read(tmp_path / "in")


@pytest.mark.parametrize("name", ["C:\\Users\\me\\a.jpg", "/home/me/a.jpg", "//server/me/a.jpg"])
def test_a_path_from_the_root_is_found_in_the_named_folder_and_nowhere_else(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path / "in", "a", imagePath=name)
    (tmp_path / "frames").mkdir()
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "frames" / "a.jpg")
    with pytest.raises(SagesegError, match=rf"a\.json: imagePath {re.escape(name.replace(chr(92), '/'))} leaves"):
        read(tmp_path / "in")
    (image,) = read(tmp_path / "in", images=tmp_path / "frames")
    assert (image.source, image.image.resolve()) == ("a.jpg", tmp_path / "frames" / "a.jpg")


def test_a_path_from_the_root_is_not_followed_though_the_image_is_there(tmp_path: Path) -> None:
    write_pair(tmp_path / "secret", "a")
    write_pair(tmp_path / "in", "a", imagePath=str(tmp_path / "secret" / "a.jpg"))
    with pytest.raises(SagesegError, match="leaves the folder"):
        read(tmp_path / "in")


@pytest.mark.parametrize("name", ["../frames/a.jpg", "..\\frames\\a.jpg", "sub/../../frames/a.jpg"])
def test_a_way_out_of_the_folder_is_followed_and_told(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """labelme --output writes such ways, and so does analysis labelme."""
    write_pair(tmp_path / "in", "a", imagePath=name)
    (tmp_path / "in" / "sub").mkdir()
    (tmp_path / "frames").mkdir()
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "frames" / "a.jpg")
    (image,) = read(tmp_path / "in")
    assert (image.source, image.image.resolve()) == ("a.jpg", tmp_path / "frames" / "a.jpg")
    assert f"1 of 1 images lie outside of {tmp_path}/in, where imagePath leads: in {tmp_path}/frames\n" in (
        capsys.readouterr().err
    )


def test_images_outside_are_called_by_their_paths_below_the_folder_of_all(tmp_path: Path) -> None:
    for folder in ("d1", "d2"):
        path = write_pair(tmp_path / "in" / folder, "a", imagePath=f"../../frames/{folder}/a.jpg")
        (tmp_path / "frames" / folder).mkdir(parents=True)
        path.with_suffix(".jpg").rename(tmp_path / "frames" / folder / "a.jpg")
    (tmp_path / "frames" / "d1" / "b.jpg").write_bytes(encode_image(noise(4)))
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    assert [(image.source, image.group) for image in source.images] == [("d1/a.jpg", "d1"), ("d2/a.jpg", "d2")]
    (left_out,) = source.left_out
    assert (left_out.count, Path(left_out.example).resolve()) == (1, tmp_path / "frames" / "d1" / "b.jpg")


def test_with_a_folder_of_images_nothing_outside_of_it_is_read(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", imagePath="../secret/a.jpg")
    (tmp_path / "secret").mkdir()
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "secret" / "a.jpg")
    (tmp_path / "frames").mkdir()
    with pytest.raises(SagesegError, match=r"imagePath \.\./secret/a\.jpg is not there"):
        read(tmp_path / "in", images=tmp_path / "frames")


def test_an_embedded_image_needs_no_file(tmp_path: Path) -> None:
    pixels = noise(3)
    folder = tmp_path / "in"
    folder.mkdir()
    write_json(folder / "a.json", [shape()], imagePath="/gone/b.png", imageData=in_base64(png(pixels)))
    write_json(folder / "c.json", [shape()], imagePath=..., imageData=in_base64(encode_image(pixels)))
    embedded, nameless = read(folder)
    assert (embedded.source, nameless.source) == ("b.png", "c.jpg")
    assert np.array_equal(decode_image(read_content(embedded)), pixels)
    assert nameless.mask.read().shape == (HEIGHT, WIDTH)


def test_images_that_are_no_jpeg_become_one_once(tmp_path: Path) -> None:
    for stem in "abc":
        path = write_pair(tmp_path / "in", stem, imagePath=f"{stem}.png")
        (tmp_path / "in" / f"{stem}.jpg").unlink()
        path.with_suffix(".png").write_bytes(png(noise(7)))
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert open_dataset(tmp_path / "out").image_path("a").read_bytes() == encode_image(noise(7))


# which way up


def stripes(width: int, height: int) -> np.ndarray:
    """Bright where the triangle of the samples is not; upside down, or turned, it would be."""
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[: height // 2, : width // 2] = 20
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_polygons_agree_under_every_exif_orientation(tmp_path: Path, orientation: int) -> None:
    """labelme shows and stores an image as its orientation says, and so it is read."""
    path = write_pair(tmp_path / "in", "a", [shape("car", [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]], "rectangle")])
    stored = as_stored(stripes(WIDTH, HEIGHT), orientation)
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stored, orientation))
    check_agreement(*read(tmp_path / "in"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sizes", ["told", "not told"])
def test_polygons_drawn_on_the_stored_pixels_are_turned_with_them(
    tmp_path: Path, orientation: int, sizes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the size keeps silent, --orientation says so; regions go with the shapes."""
    box = [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]]
    shapes = [shape("car", box, "rectangle"), shape("__region__", box, "rectangle")]
    told = {} if sizes == "told" else {"imageWidth": ..., "imageHeight": ...}
    path = write_pair(tmp_path / "in", "a", shapes, **told)
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stripes(WIDTH, HEIGHT), orientation))
    (image,) = read(tmp_path / "in", orientation="stored")
    check_agreement(image)
    mask = image.mask.read()
    assert np.array_equal(draw_regions(image.regions, mask.shape[::-1], (1, 1)), mask)
    assert ("1 image(s) turned by EXIF were labelled on the pixels as stored" in capsys.readouterr().err) == (
        orientation > 1
    )


def check_agreement(image: LabelledImage) -> None:
    pixels, mask = decode_image(read_content(image)), image.mask.read()
    assert pixels.shape[:2] == mask.shape
    assert pixels[mask == 1].max() < 120
    assert pixels[mask == 0].min() > 120


def test_a_size_that_tells_needs_no_option(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", [shape("car", [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]], "rectangle")])
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stripes(WIDTH, HEIGHT), 6))
    check_agreement(*read(tmp_path / "in", orientation="upright"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_an_embedded_image_of_any_kind_is_taken_as_its_pixels_lie(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    content = with_orientation(stripes(WIDTH, HEIGHT), 3, kind)
    write_json(tmp_path / "in" / "a.json", [shape()], imageData=in_base64(content))
    (image,) = read(tmp_path / "in")
    assert np.abs(decode_image(read_content(image)).astype(int) - stripes(WIDTH, HEIGHT)).max() < 20


def test_an_embedded_image_is_taken_as_its_pixels_lie(tmp_path: Path) -> None:
    """labelme shows it so, whatever its EXIF says."""
    (tmp_path / "in").mkdir()
    write_json(tmp_path / "in" / "a.json", [shape()], imageData=in_base64(jpeg_with_orientation(noise(2), 6)))
    (image,) = read(tmp_path / "in")
    assert decode_image(read_content(image)).shape == (HEIGHT, WIDTH, 3)


def test_a_turned_image_whose_file_says_no_size_cannot_be_settled(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", imageWidth=..., imageHeight=...)
    read(tmp_path / "in")
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(noise(), 3))
    with pytest.raises(SagesegError, match=r"a\.json: no imageWidth and imageHeight, and a\.jpg has an EXIF"):
        read(tmp_path / "in")


# groups


def test_groups_are_frames_blocks_folders_or_images(tmp_path: Path) -> None:
    for folder, stem in (("", "drive_b0003_f000120"), ("", "drive_b0003_f000130"), ("", "lone"), ("night", "x1")):
        write_pair(tmp_path / "in" / folder, stem)
    groups = {image.source: image.group for image in read(tmp_path / "in")}
    assert groups == {
        "drive_b0003_f000120.jpg": "drive_b0003",
        "drive_b0003_f000130.jpg": "drive_b0003",
        "lone.jpg": "lone",
        "night/x1.jpg": "night",
    }
    by_name = read(tmp_path / "in", group_by=re.compile("^(.)"))
    assert [image.group for image in by_name] == ["d", "d", "l", "x"]


# bad input


def spoil_json(**more: object) -> Callable[[Path], None]:
    return lambda folder: void(write_pair(folder, "bad", **more))  # type: ignore[arg-type]


def void(_: object) -> None:
    """Nothing."""


def spoil_image(content: bytes, suffix: str = ".jpg") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = write_pair(folder, "bad", imagePath=f"bad{suffix}")
        path.with_suffix(".jpg").unlink()
        path.with_suffix(suffix).write_bytes(content)

    return spoil


def twice(folder: Path) -> None:
    write_pair(folder, "bad")
    write_json(folder / "copy.json", [shape()], imagePath="bad.jpg")


def loop(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "back").symlink_to(folder, target_is_directory=True)


def link_to_itself(folder: Path) -> None:
    (folder / "bad.json").symlink_to(folder / "bad.json")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            spoil_json(shapes=[shape("carr")]),
            r"bad\.json: shapes\[0\] \(carr\): label 'carr' .* nearest there is 'car'",
        ),
        (spoil_json(shapes=[shape(points=[[0, 0], [9, 9]])]), r"bad\.json: shapes\[0\] \(car\): polygon of 2 points"),
        (spoil_json(shapes=[shape(points=[[0, 0], [9, float("nan")], [9, 9]])]), r"bad\.json: .* not finite"),
        (spoil_json(shapes=[shape(points=[[90, 0], [99, 9], [99, 0]])]), r"bad\.json: .* outside the image of 60×40"),
        (spoil_json(imagePath="../../secret.jpg"), r"bad\.json: imagePath \.\./\.\./secret\.jpg is not there"),
        (spoil_json(imagePath="gone.jpg"), r"bad\.json: imagePath gone\.jpg is not there"),
        (spoil_json(imagePath=...), r"bad\.json: neither imagePath nor imageData"),
        (spoil_json(imageData="%%%"), r"bad\.json: imageData is no base64"),
        (spoil_json(imageData=in_base64(b"nothing")), r"bad\.json: cannot be read as an image"),
        (spoil_json(imageHeight=50), r"bad\.json: labelled at 60×50 pixels, but bad\.jpg has 60×40"),
        (
            spoil_json(imageHeight=50, imageData=in_base64(png(noise()))),
            r"bad\.json: .* 60×50 .* its imageData has 60×40",
        ),
        (spoil_image(b""), r"bad\.jpg: cannot be read as an image"),
        (spoil_image(b"GIF89a", ".gif"), r"bad\.gif: cannot be read as an image"),
        (twice, r"copy\.json and .*bad\.json: both label bad\.jpg"),
        (loop, r"deep/back: a link back to .*in a circle; remove it"),
        (link_to_itself, r"bad\.json: cannot be read \(Too many levels of symbolic links\)"),
    ],
)
def test_what_would_not_become_the_drawn_pixels_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    write_pair(tmp_path / "in", "a")
    spoil(tmp_path / "in")
    with pytest.raises(SagesegError, match=message) as caught:
        read(tmp_path / "in")
    assert "\n" not in str(caught.value)


def test_ids_have_the_folder_in_them_where_stems_repeat(tmp_path: Path) -> None:
    """Frames of several videos, each in its own folder, are numbered alike."""
    for video, stems in {"cam1": ("0", "1"), "cam2": ("0", "1"), "cam3": ("0", "alone")}.items():
        for stem in stems:
            write_pair(tmp_path / "in" / video, stem)
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=40, val=1, workers=1))
    dataset = open_dataset(tmp_path / "out")
    names = {"cam1_0", "cam1_1", "cam2_0", "cam2_1", "cam3_0", "alone"}
    assert {row.source_stem for row in dataset.rows} == names
    assert {parse_crop_id(row.id)[0] for row in dataset.rows} == names
    assert {row.group for row in dataset.rows} == {"cam1", "cam2", "cam3"}
    assert all(dataset.mask_path(row.id).is_file() for row in dataset.rows if row.kept)


def test_two_images_of_one_name_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path / "in" / "one", "a")
    (tmp_path / "in" / "one" / "a.png").write_bytes(png(noise(1)))
    write_json(tmp_path / "in" / "one" / "a2.json", [shape()], imagePath="a.png")
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    with pytest.raises(SagesegError, match=r"one/a\.jpg and one/a\.png would both be called a; rename one"):
        write_dataset(source, tmp_path / "out", PrepOptions(workers=1))


@pytest.mark.parametrize(
    ("folder", "labels", "message"),
    [
        ("gone", "labels.txt", "gone: no such folder"),
        ("empty", "labels.txt", r"empty: no \.json file in it; expected <image>\.json of labelme"),
        ("in", "gone.txt", r"gone\.txt: not found"),
        ("in", "twice.txt", r"twice\.txt: classes: 'car' stands twice"),
    ],
)
def test_missing_folders_and_labels_are_named(tmp_path: Path, folder: str, labels: str, message: str) -> None:
    write_pair(tmp_path / "in", "a")
    (tmp_path / "empty").mkdir()
    write_labels(tmp_path)
    (tmp_path / "twice.txt").write_text("car\ncar\n")
    with pytest.raises(SagesegError, match=message):
        read_labelme(tmp_path / folder, tmp_path / labels, workers=1)


def test_two_workers_read_what_one_reads(tmp_path: Path) -> None:
    for number in range(6):
        write_pair(tmp_path / "in", f"a{number}")
    labels = write_labels(tmp_path)
    one, two = (read_labelme(tmp_path / "in", labels, workers=workers) for workers in (1, 2))
    assert one == replace(two)


def test_the_image_is_read_as_it_was_shown(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a")
    (image,) = read(tmp_path / "in")
    assert np.array_equal(decode_image(read_content(image)), read_image(path.with_suffix(".jpg")))


def mirrored(root: Path, named: str) -> tuple[Path, Path]:
    """JSON files and images in folders of their own that mirror each other."""
    for folder in "ab":
        (root / "labels" / folder).mkdir(parents=True)
        (root / "images" / folder).mkdir(parents=True)
        (root / "images" / folder / "0.jpg").write_bytes(encode_image(noise(ord(folder))))
        write_json(root / "labels" / folder / "0.json", [shape()], imagePath=named.format(folder))
    return root / "labels", root / "images"


@pytest.mark.parametrize("named", ["0.jpg", "D:\\x\\{}\\0.jpg", "..\\..\\images\\{}\\0.jpg"])
def test_folders_that_mirror_each_other_pair(tmp_path: Path, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    labels, images = mirrored(tmp_path, named)
    source = read_labelme(labels, write_labels(tmp_path, "car"), images=images, workers=1)
    assert sorted(image.image.resolve() for image in source.images) == sorted(images.rglob("*.jpg"))
    assert "left out" not in capsys.readouterr().err


def test_a_size_may_be_written_with_a_point(tmp_path: Path) -> None:
    write_pair(tmp_path / "a", imageWidth=float(WIDTH), imageHeight=float(HEIGHT))
    assert len(read_labelme(tmp_path / "a", write_labels(tmp_path, "car"), workers=1).images) == 1
