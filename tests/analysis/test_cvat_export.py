"""Predictions as CVAT's masks: read again they are the prediction, pixel for pixel."""

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exports.cvat import export_cvat, find_objects, image_text, row_counts
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import Predictions, open_predictions
from prep.readers.cvat.reader import read_cvat
from tests.support.cvat_formula import COUNT, bitmap, document
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.typed_commands import typed

GOLDEN = sorted((Path(__file__).parents[1] / "data" / "golden").glob("cvat_*.json"))
CLASSES = ClassTable(("_background_", "car", 'road "A&B" <5>', "Baum-ähnlich"))


def predicted(folder: Path, masks: Mapping[str, Mask], *, crop: int | None = None) -> tuple[Predictions, Path]:
    """Predictions, and the folder of their images."""
    images = {stem: (disc_image(*mask.shape[::-1])[0], mask) for stem, mask in masks.items()}
    dataset = make_dataset(folder / "dataset", images, crop=crop, classes=CLASSES, drop_empty=False)
    whole = make_dataset(folder / "whole", images, classes=CLASSES, drop_empty=False)
    return make_predictions(folder / "predictions", dataset, masks), whole.root / "JPEGImages"


def patches(seed: int, width: int = 90, height: int = 70) -> Mask:
    small = np.random.default_rng(seed).integers(0, len(CLASSES), (height // 5, width // 5)).astype(np.uint8)
    return np.kron(small, np.ones((5, 5), np.uint8))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_runs_are_those_that_cvats_library_encodes(path: Path) -> None:
    """`oracles/cvat_golden.py`: runs, then left, top, right and bottom of the pixels that are set."""
    encoded = json.loads(path.read_text())["encoded"]
    assert len(encoded) == COUNT
    for number, (*runs, left, top, right, bottom) in enumerate(encoded):
        assert row_counts(bitmap(number)[top : bottom + 1, left : right + 1]) == runs, number


@pytest.mark.parametrize("crop", [None, 64])
def test_out_and_in_again_is_the_same_mask(tmp_path: Path, crop: int | None) -> None:
    masks = {"a_1": patches(1), "a_2": np.zeros((40, 50), np.uint8), "b_1": patches(3, 130, 64)}
    predictions, images = predicted(tmp_path, masks, crop=crop)
    exported = export_cvat(predictions, tmp_path / "annotations.xml", workers=1)
    source = read_cvat(tmp_path / "annotations.xml", images, workers=1)
    assert source.classes == CLASSES
    assert exported.images == len(source.images) == 3
    assert exported.masks == sum(len(list(find_objects(mask))) for mask in masks.values())
    for image in source.images:
        assert np.array_equal(image.mask.read(), masks[Path(image.source).stem]), image.source
        assert image.attributes["overlap_pixels"] == "0"


@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 9999))
def test_objects_are_the_mask_taken_apart(width: int, height: int, seed: int) -> None:
    mask = np.random.default_rng(seed).integers(0, 4, (height, width)).astype(np.uint8)
    again = np.zeros_like(mask)
    for each in find_objects(mask):
        rows, columns = each.flags.shape
        under = again[each.top : each.top + rows, each.left : each.left + columns]
        assert not under[each.flags].any()
        assert each.flags.any(axis=0).all()
        assert each.flags.any(axis=1).all()
        under[each.flags] = each.class_id
    assert np.array_equal(again, mask)


def test_pixels_that_touch_at_a_corner_are_one_object_and_other_classes_are_others() -> None:
    mask = np.array([[1, 0, 2], [0, 1, 2], [1, 0, 0], [0, 0, 1]], np.uint8)
    assert [(each.class_id, each.left, each.top, each.flags.shape) for each in find_objects(mask)] == [
        (1, 0, 0, (3, 2)),
        (1, 2, 3, (1, 1)),
        (2, 2, 0, (2, 1)),
    ]


def test_names_and_labels_are_written_as_xml() -> None:
    text = image_text(7, 'a&b "1".jpg', (4, 3), list(find_objects(np.full((3, 4), 2, np.uint8))), CLASSES)
    image = ElementTree.fromstring(text)  # noqa: S314  # text of ours
    (mask,) = image
    assert (image.get("id"), image.get("name"), image.get("width")) == ("7", 'a&b "1".jpg', "4")
    assert (mask.get("label"), mask.get("rle")) == ('road "A&B" <5>', "0, 12")
    assert ElementTree.fromstring(document(text)).find("image") is not None  # noqa: S314


def test_the_file_lists_the_labels_and_numbers_images_beyond_any_task(tmp_path: Path) -> None:
    predictions, _ = predicted(tmp_path, {"a_1": patches(1), "a_2": patches(2)})
    export_cvat(predictions, tmp_path / "annotations.xml", workers=1)
    root = ElementTree.parse(tmp_path / "annotations.xml").getroot()  # noqa: S314
    assert [label.findtext("name") for label in root.iter("label")] == list(CLASSES.names[1:])
    assert [label.findtext("type") for label in root.iter("label")] == ["mask"] * 3
    assert [image.get("id") for image in root.iter("image")] == ["10000000", "10000001"]
    assert [image.get("name") for image in root.iter("image")] == ["a_1.jpg", "a_2.jpg"]


def test_small_objects_may_be_left_out_and_are_counted(tmp_path: Path) -> None:
    mask = np.zeros((40, 50), np.uint8)
    mask[2:5, 2:5], mask[10:12, 10:14], mask[30, 30] = 1, 2, 3
    predictions, images = predicted(tmp_path, {"a_1": mask})
    line = "analysis cvat predictions --out annotations.xml --least-pixels 9 --workers 1"
    ran = typed(line.split(), tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "2 objects of 9 pixels became background\n1 masks of 1 images\n" in ran.stderr
    (image,) = read_cvat(tmp_path / "annotations.xml", images, workers=1).images
    assert np.array_equal(image.mask.read(), np.where(mask == 1, 1, 0))
    assert predictions.classes


def test_what_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    predictions, _ = predicted(tmp_path, {"a_1": patches(1)})
    out = tmp_path / "annotations.xml"
    out.write_text("mine")
    with pytest.raises(SagesegError, match="annotations.xml: exists already; choose another --out or add --overwrite"):
        export_cvat(predictions, out, workers=1)
    assert out.read_text() == "mine"
    export_cvat(predictions, out, overwrite=True, workers=1)
    assert out.read_text().startswith("<?xml")


def test_nothing_half_written_is_left_where_a_mask_is_broken(tmp_path: Path) -> None:
    predictions, _ = predicted(tmp_path, {"a_1": patches(1), "a_2": patches(2)})
    (predictions.root / "masks" / "a_2.png").write_bytes(b"")
    with pytest.raises(SagesegError, match=r"a_2\.png"):
        export_cvat(predictions, tmp_path / "annotations.xml", workers=1)
    assert list(tmp_path.glob("annotations*")) == []


def test_names_of_classes_are_needed(tmp_path: Path) -> None:
    predictions, _ = predicted(tmp_path, {"a_1": patches(1)})
    (predictions.root / "labels.txt").unlink()
    with pytest.raises(SagesegError, match="CVAT needs the classes' names"):
        export_cvat(open_predictions(predictions.root), tmp_path / "annotations.xml")
