"""Predictions as labelme's polygons: drawn as labelme draws them they are the mask again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from analysis.exports.labelme import export_labelme, labelme_json, trace
from analysis.masks.cleaning import NO_CHANGES, Changes
from analysis.options import Cleaning
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import Predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions

NAMES = ("_background_", "road", "car", "tree")


def draw(content: dict[str, object], names: tuple[str, ...]) -> Mask:
    """labelme's shapes_to_label for polygons: each on a canvas of its own, one over the other."""
    height, width = content["imageHeight"], content["imageWidth"]
    assert isinstance(height, int)
    assert isinstance(width, int)
    mask = np.zeros((height, width), np.uint8)
    shapes = content["shapes"]
    assert isinstance(shapes, list)
    for shape in shapes:
        assert len(shape["points"]) > 2
        canvas = Image.new("1", (width, height))
        ImageDraw.Draw(canvas).polygon([tuple(point) for point in shape["points"]], fill=1, outline=1)
        mask[np.asarray(canvas)] = names.index(shape["label"])
    return mask


def again(mask: Mask, tolerance: float = 0) -> Mask:
    polygons = list(trace(mask, tolerance))
    return draw(labelme_json(polygons, NAMES, "a.jpg", mask.shape[1], mask.shape[0]), NAMES)


@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    num_classes=st.integers(2, 4),
    zoom=st.integers(1, 3),
    seed=st.integers(0, 9999),
)
def test_without_tolerance_the_polygons_are_the_mask(
    height: int, width: int, num_classes: int, zoom: int, seed: int
) -> None:
    small = np.random.default_rng(seed).integers(0, num_classes, (height, width)).astype(np.uint8)
    mask = np.kron(small, np.ones((zoom, zoom), np.uint8))
    assert np.array_equal(again(mask), mask)


def test_holes_and_islands_in_them() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[2:38, 2:38] = 1
    mask[6:34, 6:34] = 0
    mask[10:30, 10:30] = 2
    mask[14:26, 14:26] = 1
    mask[18:22, 18:22] = 0
    assert np.array_equal(again(mask), mask)
    assert [each.class_id for each in trace(mask, 0)] == [1, 0, 2, 0, 1, 0]


@pytest.mark.parametrize("tolerance", [0.5, 2.0, 6.0])
def test_polygons_stray_no_farther_than_the_tolerance(tolerance: float) -> None:
    mask = disc_image(300, 260)[1]
    outline = next(iter(trace(mask, 0))).points
    simple = next(iter(trace(mask, tolerance))).points.astype(float)
    assert len(simple) < len(outline)
    starts, ends = simple, np.roll(simple, -1, axis=0)
    along = ends - starts
    share = np.einsum("pij,ij->pi", outline[:, None] - starts, along) / (along**2).sum(axis=1)
    nearest = starts + np.clip(share, 0, 1)[..., None] * along
    distance = np.linalg.norm(outline[:, None] - nearest, axis=2).min(axis=1)
    assert distance.max() <= tolerance + 1e-6
    perimeter = np.linalg.norm(outline - np.roll(outline, 1, axis=0), axis=1).sum()
    assert (again(mask, tolerance) != mask).sum() < tolerance * perimeter


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    images = {"a_01": disc_image(60, 50), "a_02": disc_image(60, 50, seed=1)}
    dataset = make_dataset(tmp_path / "d", images, crop=32)
    masks = {stem: mask.copy() for stem, (_, mask) in images.items()}
    masks["a_01"][0, 0] = masks["a_02"][0, 0:3] = 1
    return make_predictions(tmp_path / "p", dataset, masks, dropped_too=True)


def test_files_are_what_labelme_reads(predictions: Predictions, tmp_path: Path) -> None:
    done = export_labelme(predictions, tmp_path / "out", workers=1)
    assert (done.images, done.polygons, done.changes) == (2, 4, NO_CHANGES)
    content = json.loads((tmp_path / "out" / "a_01.json").read_text())
    assert set(content) == {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"}
    assert (content["imagePath"], content["imageData"]) == ("a_01.jpg", None)
    assert (content["imageWidth"], content["imageHeight"]) == (60, 50)
    assert content["shapes"][0]["label"] == "car"
    assert content["shapes"][0]["shape_type"] == "polygon"
    assert content["shapes"][1]["points"] == [[0, 0]] * 3


def test_small_regions_are_left_out_and_counted(predictions: Predictions, tmp_path: Path) -> None:
    done = export_labelme(predictions, tmp_path / "out", cleaning=Cleaning(least_pixels=3), workers=1)
    assert (done.polygons, done.changes) == (3, Changes(removed=1, removed_pixels=1))


def test_images_elsewhere_are_pointed_at(predictions: Predictions, tmp_path: Path) -> None:
    images = tmp_path / "shoot"
    images.mkdir()
    (images / "a_01.jpg").write_bytes(b"")
    with pytest.raises(SagesegError, match=r"shoot.a_02\.jpg: not found; expected the folder of the images"):
        export_labelme(predictions, tmp_path / "out", images=images, workers=1)
    (images / "a_02.jpg").write_bytes(b"")
    export_labelme(predictions, tmp_path / "out", images=images, workers=1)
    path = json.loads((tmp_path / "out" / "a_02.json").read_text())["imagePath"]
    assert path == "../shoot/a_02.jpg"
    assert (tmp_path / "out" / path).is_file()


def test_bad_requests_are_one_line(predictions: Predictions, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="--tolerance -1"):
        export_labelme(predictions, tmp_path / "out", tolerance=-1)
    nameless = Predictions(predictions.root, predictions.rows, None, {})
    with pytest.raises(SagesegError, match=r"labels\.txt: not found; labelme needs"):
        export_labelme(nameless, tmp_path / "out")


def test_classes_keep_their_names() -> None:
    mask = np.array([[0, 1, 1, 3]], np.uint8)
    labels = [shape["label"] for shape in labelme_json(list(trace(mask, 0)), NAMES, "a.jpg", 4, 1)["shapes"]]
    assert labels == ["road", "tree"]
    assert ClassTable(NAMES).names[3] == "tree"
