"""Which image a JSON file of labelme is of, where it lies, and which images have none."""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import decode_image, encode_image, read_image
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import read_content
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_readings import FORMS, Form, read_images
from tests.support.labelme_samples import (
    HEIGHT,
    WIDTH,
    in_base64,
    noise,
    png,
    shape,
    write_json,
    write_labels,
    write_pair,
)


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


def test_backslashes_lead_to_the_image(tmp_path: Path) -> None:
    write_pair(tmp_path / "in" / "sub", "a")
    (tmp_path / "in" / "sub" / "a.json").rename(tmp_path / "in" / "a.json")
    write_json(tmp_path / "in" / "a.json", [shape()], imagePath="sub\\a.jpg")
    (image,) = read_images(tmp_path / "in")
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
    (image,) = read_images(tmp_path / "in", images=folder if images == "elsewhere" else None)
    assert image.image == named
    assert unicodedata.normalize("NFC", image.source) == place


def test_two_files_that_differ_in_composition_alone_are_refused(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", imagePath="Größe.jpg")
    for form in FORMS:
        (tmp_path / "in" / unicodedata.normalize(form, "Größe.jpg")).write_bytes(path.with_suffix(".jpg").read_bytes())
    with pytest.raises(SagesegError, match=r"in: 'Gro\\u0308\\xdfe\.jpg' and 'Gr\\xf6\\xdfe\.jpg' are one name"):
        read_images(tmp_path / "in")


@pytest.mark.parametrize("name", ["C:\\Users\\me\\a.jpg", "/home/me/a.jpg", "//server/me/a.jpg"])
def test_a_path_from_the_root_is_found_in_the_named_folder_and_nowhere_else(tmp_path: Path, name: str) -> None:
    write_pair(tmp_path / "in", "a", imagePath=name)
    (tmp_path / "frames").mkdir()
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "frames" / "a.jpg")
    with pytest.raises(SagesegError, match=rf"a\.json: imagePath {re.escape(name.replace(chr(92), '/'))} leaves"):
        read_images(tmp_path / "in")
    (image,) = read_images(tmp_path / "in", images=tmp_path / "frames")
    assert (image.source, image.image.resolve()) == ("a.jpg", tmp_path / "frames" / "a.jpg")


def test_a_path_from_the_root_is_not_followed_though_the_image_is_there(tmp_path: Path) -> None:
    write_pair(tmp_path / "secret", "a")
    write_pair(tmp_path / "in", "a", imagePath=str(tmp_path / "secret" / "a.jpg"))
    with pytest.raises(SagesegError, match="leaves the folder"):
        read_images(tmp_path / "in")


@pytest.mark.parametrize("name", ["../frames/a.jpg", "..\\frames\\a.jpg", "sub/../../frames/a.jpg"])
def test_a_way_out_of_the_folder_is_followed_and_told(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """labelme --output writes such ways, and so does analysis labelme."""
    write_pair(tmp_path / "in", "a", imagePath=name)
    (tmp_path / "in" / "sub").mkdir()
    (tmp_path / "frames").mkdir()
    (tmp_path / "in" / "a.jpg").rename(tmp_path / "frames" / "a.jpg")
    (image,) = read_images(tmp_path / "in")
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
        read_images(tmp_path / "in", images=tmp_path / "frames")


def test_an_embedded_image_needs_no_file(tmp_path: Path) -> None:
    pixels = noise(3)
    folder = tmp_path / "in"
    folder.mkdir()
    write_json(folder / "a.json", [shape()], imagePath="/gone/b.png", imageData=in_base64(png(pixels)))
    write_json(folder / "c.json", [shape()], imagePath=..., imageData=in_base64(encode_image(pixels)))
    embedded, nameless = read_images(folder)
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


def test_the_image_is_read_as_it_was_shown(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a")
    (image,) = read_images(tmp_path / "in")
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
