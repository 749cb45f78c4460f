"""YOLO's text files become the pixels that Ultralytics fills."""

import unicodedata
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.yolo.reader import read_yolo
from prep.recognise.recognise import recognise
from tests.support.prep_samples import HEIGHT, WIDTH
from tests.support.small_formats import (
    SQUARE,
    masks_of,
    write_yolo,
    yolo_row,
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8)),
        min_size=1,
        max_size=4,
    )
)
def test_yolo_polygons_are_filled_as_points_cut_to_whole_pixels(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    text = "".join(f"{number} {' '.join(f'{x} {y}' for x, y in points)}\n" for number, points in rows)
    root = write_yolo(tmp_path_factory.mktemp("yolo"), {"images/a": text})
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, points in rows:
        pixels = (np.array(points, np.float32) * np.array([WIDTH, HEIGHT], np.float32)).astype(np.int32)
        cv2.fillPoly(expected, [pixels], number + 1)
    (mask,) = masks_of(read_yolo(root, workers=1)).values()
    assert np.array_equal(mask, expected)


def test_the_folders_of_yolos_yaml_are_the_split(tmp_path: Path) -> None:
    text = yolo_row(SQUARE)
    yaml = "path: .\nnames:\n  0: car\n  1: road\ntrain: ../train/images\nval: valid/images\ntest: ../test/images\n"
    root = write_yolo(tmp_path, {"train/images/a": text, "train/images/b": text, "valid/images/a": text}, yaml)
    source = read_yolo(root, workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    sets = tmp_path / "out" / "ImageSets" / "Segmentation"
    assert (sets / "train.txt").read_text().split() == ["train_images_a", "b"]
    assert (sets / "val.txt").read_text().split() == ["valid_images_a"]


def test_yolo_without_yaml_takes_a_class_list(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"images/a": yolo_row(SQUARE)}, None)
    with pytest.raises(SagesegError, match=r"neither data\.yaml nor a list of classes"):
        read_yolo(root, workers=1)
    (root / "classes.txt").write_text("car\n")
    assert read_yolo(root, workers=1).classes.names == ("_background_", "car")


def test_yolo_counts_boxes_and_takes_an_image_without_text_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_yolo(tmp_path, {"images/a": "0 0.5 0.5 0.2 0.2\n" + yolo_row(SQUARE, 1), "images/b": ""})
    (root / "labels" / "b.txt").unlink()
    source = read_yolo(root, workers=1)
    assert [(each.reason, each.count) for each in source.left_out] == [("boxes, which have no outline", 1)]
    assert "1 image(s) have no text file, so they show nothing, such as" in capsys.readouterr().err
    assert not masks_of(source)["images/b.jpg"].any()
    assert set(np.unique(masks_of(source)["images/a.jpg"])) == {0, 2}


def test_yolo_counts_rows_that_cover_no_pixel(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"images/a": "0 1 0.1 1 0.5 1 0.9\n" + yolo_row(SQUARE)})
    source = read_yolo(root, workers=1)
    assert [(each.reason, each.count) for each in source.left_out] == [("shapes that cover no pixel of their image", 1)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0 0.1 0.1 0.5 0.1\n0 0.1 0.1 0.2 0.2 0.3\n", r"a\.txt: line 2: 6 numbers; expected a class, and x and y"),
        ("2 0.1 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: class 2 is none of the 2, counted from 0"),
        ("0 0.1 0.1 0.5 0.1 50 0.5\n", r"a\.txt: line 1: a point outside of the image"),
        ("car 0.1 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: 'car' is no number; expected numbers alone"),
        ("0 nan 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: a point outside of the image"),
    ],
)
def test_yolo_names_the_line_that_is_broken(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_yolo(write_yolo(tmp_path, {"images/a": text}), workers=1)


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("names: [car\n", r"data\.yaml: not YAML"),
        ("train: images\n", r"data\.yaml: names: expected a list"),
        ("names: [car]\ntrain: pictures\n", r"data\.yaml: train: pictures is not in .*a list of them"),
        ("names: [car]\n", "neither train, val nor test"),
        ("names: [car, car]\ntrain: images\n", "car"),
        ("names: [car, true]\ntrain: images\n", r"names: what is called 1 is True to YAML; write the name in quotes"),
        ("names: [car]\ntrain: ../../images\n", r"which is not in .*; copy data\.yaml into the folder"),
        ("names: [car]\ntrain: list.txt\n", r"list\.txt: names no image"),
    ],
)
def test_yolo_names_what_is_wrong_with_its_yaml(tmp_path: Path, yaml: str, told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_yolo(yolo_with(tmp_path, yaml), workers=1)


def yolo_with(root: Path, yaml: str) -> Path:
    (root.parent / "images").mkdir(exist_ok=True)  # beside the folder that is read
    (root / "list.txt").write_text("\n")
    return write_yolo(root, {"images/a": yolo_row(SQUARE)}, yaml)


LISTED = {f"images/{split}/{name}": yolo_row(SQUARE) for split, name in (("Train", "a"), ("Train", "b"), ("Val", "c"))}


@pytest.mark.parametrize("before", ["data/", "./", "", "/content/set/", "data\\"])
def test_yolos_splits_may_be_lists_as_cvat_writes_them(tmp_path: Path, before: str) -> None:
    root = write_yolo(tmp_path, LISTED, "path: .\nnames:\n  0: car\nTrain: Train.txt\nValidation: Validation.txt\n")
    (root / "Train.txt").write_text(f"{before}images/Train/a.jpg\n{before}images/Train/b.jpg\n")
    (root / "Validation.txt").write_text(f"{before}images/Val/c.jpg\n")
    source = read_yolo(root, workers=1)
    assert {one.source: source.splits[one.group] for one in source.images} == {
        "images/Train/a.jpg": "train",
        "images/Train/b.jpg": "train",
        "images/Val/c.jpg": "val",
    }
    assert all(mask.any() for mask in masks_of(source).values())


def test_yolo_names_the_line_of_a_list_whose_image_is_missing(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: Train.txt\n")
    (root / "Train.txt").write_text("images/Train/a.jpg\n\nimages/Train/z.jpg\n")
    with pytest.raises(SagesegError, match=r"Train\.txt: line 3: 1 of 2 images are not in .*z\.jpg"):
        read_yolo(root, workers=1)


def test_yolo_asks_for_the_images_that_cvat_left_out(tmp_path: Path) -> None:
    root = yolo_with(tmp_path, "names: [car]\ntrain: train.txt\n")
    for path in root.rglob("*.jpg"):
        path.unlink()
    (root / "train.txt").write_text("images/train/cam1/a.jpg\n")
    with pytest.raises(
        SagesegError, match=r"no image in it; expected images/train/cam1/a\.jpg, and so on: name the folder .* --images"
    ):
        read_yolo(root, workers=1)


@pytest.mark.parametrize("layout", ["images/{}/", "{}/images/"])
def test_yolo_without_yaml_takes_folders_that_are_called_so_for_the_split(tmp_path: Path, layout: str) -> None:
    texts = {layout.format(split) + name: yolo_row(SQUARE) for split, name in (("train", "a"), ("valid", "b"))}
    root = write_yolo(tmp_path, texts, None)
    (root / "classes.txt").write_text("car\n")
    source = read_yolo(root, workers=1)
    assert sorted(source.splits[one.group] for one in source.images) == ["train", "val"]


def test_yolo_draws_no_split_where_train_and_val_are_the_same_images(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\nval: images/Train\n")
    source = read_yolo(root, workers=1)
    assert source.undecided == f"{root / 'data.yaml'}: images/Train/a.jpg is both in train and in val"
    assert [one.source for one in source.images] == ["images/Train/a.jpg", "images/Train/b.jpg"]
    assert source.splits == {}


def test_yolo_counts_texts_without_image_and_images_that_nothing_names(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\n")
    (root / "labels" / "Train" / "gone.txt").write_text(yolo_row(SQUARE))
    (root / "labels" / "classes.txt").write_text("car\n")
    left_out = {each.reason: (each.count, each.example) for each in read_yolo(root, workers=1).left_out}
    assert left_out["text files without an image"] == (1, str(root / "labels" / "Train" / "gone.txt"))
    assert left_out["images that no annotation names"] == (1, str(root / "images" / "Val" / "c.jpg"))


def test_yolo_refuses_a_folder_in_which_no_image_has_a_text_file(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\n")
    (root / "labels").rename(root / "annotations")
    with pytest.raises(SagesegError, match=r"none of its 2 image\(s\) .* expected labels/Train/a\.txt of images/Tr"):
        read_yolo(root, workers=1)


@pytest.mark.parametrize("background", ["background", "_background_"])
def test_yolo_refuses_a_list_that_may_or_may_not_count_the_background(tmp_path: Path, background: str) -> None:
    root = write_yolo(tmp_path, {"images/a": yolo_row(SQUARE)}, None)
    (tmp_path / "names.txt").write_text(f"{background}\ncar\n")
    with pytest.raises(SagesegError, match=rf"{background} is in it, and nobody can tell whether"):
        read_yolo(root, tmp_path / "names.txt", workers=1)


def test_yolos_class_region_says_where_to_look(tmp_path: Path) -> None:
    root = write_yolo(
        tmp_path, {"images/a": yolo_row(SQUARE) + yolo_row(SQUARE[:3], 1)}, "names: [car, __region__]\ntrain: images\n"
    )
    (image,) = read_yolo(root, workers=1).images
    assert np.allclose(image.regions, [SQUARE[:3]], atol=0.01)
    assert np.count_nonzero(image.mask.read()) == 21 * 21


def test_yolo_finds_texts_whose_names_are_composed_in_another_way(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"images/Große é": yolo_row(SQUARE)})
    (image,) = (root / "images").iterdir()
    image.rename(image.with_name(unicodedata.normalize("NFD", image.name)))
    source = read_yolo(root, workers=1)
    assert [mask.max() for mask in masks_of(source).values()] == [1]
    assert source.left_out == ()


def _of_lists(root: Path) -> str:
    for split in ("Train", "Validation"):
        (root / f"{split}.txt").write_text(f"data/images/{split}/{split[0]}.jpg\n")
    return "Train: Train.txt\nValidation: Validation.txt\n"


@pytest.mark.parametrize(
    ("places", "split"),
    [
        (("labels/Train", "labels/Validation"), _of_lists),
        (("labels/train", "labels/val"), "train: images/train\nval: images/val\n"),
        (("train/labels", "valid/labels"), "train: ../train/images\nval: ../valid/images\n"),
        (("labels/train", "labels/val"), None),
        (("train/labels", "valid/labels"), None),
    ],
)
def test_images_may_lie_elsewhere(tmp_path: Path, places: tuple[str, str], split: Any) -> None:
    root, photos = tmp_path / "yolo", tmp_path / "photos"
    for place, stem in zip(places, "TV", strict=True):
        (root / place).mkdir(parents=True)
        (root / place / f"{stem}.txt").write_text(yolo_row(SQUARE))
        (photos / stem).mkdir(parents=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(photos / stem / f"{stem}.{'jpg' if split is _of_lists else 'png'}")
    told = split(root) if callable(split) else split
    if told:
        (root / "data.yaml").write_text(f"names: [car, road]\n{told}")
    else:
        (root / "classes.txt").write_text("car\nroad\n")
    with pytest.raises(SagesegError, match="--images"):
        read_yolo(root, workers=1)
    assert " --images IMAGES " in recognise(root)[0].command
    source = read_yolo(root, images=photos, workers=1)
    assert {PurePosixPath(name).stem: own for name, own in source.splits.items()} == {"T": "train", "V": "val"}
    assert all(mask.any() for mask in masks_of(source).values())


def test_texts_of_images_that_nobody_has_may_be_left_out(tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "yolo", {"images/a": yolo_row(SQUARE), "images/b": yolo_row(SQUARE)}, None)
    (root / "classes.txt").write_text("car\nroad\n")
    (root / "images").rename(tmp_path / "photos")
    next((tmp_path / "photos").glob("b.*")).unlink()
    with pytest.raises(SagesegError, match=r"b\.txt: 1 of 2 images are not in .*photos: .*b\.jpg; .* --skip-missing"):
        read_yolo(root, images=tmp_path / "photos", workers=1)
    source = read_yolo(root, images=tmp_path / "photos", skip_missing=True, workers=1)
    assert [image.source for image in source.images] == ["a.jpg"]
    assert [(left.reason, left.count) for left in source.left_out] == [
        ("images that are not in the folder", 1),
        ("text files without an image", 1),
    ]
