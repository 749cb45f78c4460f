"""Predictions as a COCO file: run lengths and, without tolerance, polygons give the masks back, pixel for pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

from analysis.exports.coco import Exported, Shapes, encode_mask, export_coco
from analysis.exports.coco_shapes import ring
from analysis.masks.cleaning import NO_CHANGES
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import Mask
from formats.predictions import Predictions
from prep.readers.coco.reader import read_coco
from tests.support.coco_samples import coco_truth
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.typed_commands import typed

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0.11's `decode` under numpy 2."""
THREE = ClassTable(("_background_", "car", "größe"))
MASKS = st.tuples(
    st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.integers(2, 4), st.integers(0, 9999)
).map(
    lambda drawn: np.kron(
        np.random.default_rng(drawn[4]).integers(0, drawn[3], drawn[:2]), np.ones((drawn[2], drawn[2]))
    ).astype(np.uint8)
)


def objects(mask: Mask, shapes: Shapes) -> list[dict[str, Any]]:
    return [json.loads("{" + each) for each in encode_mask(mask, shapes).objects]


def drawn(found: list[dict[str, Any]], shape: tuple[int, ...]) -> Mask:
    """pycocotools' pixels of each object, over those before it."""
    mask = np.zeros(shape, np.uint8)
    for each in found:
        runs = (
            coco_masks.merge(coco_masks.frPyObjects(each["segmentation"], *shape))
            if isinstance(each["segmentation"], list)
            else {"size": list(shape), "counts": each["segmentation"]["counts"].encode()}
        )
        own = np.asarray(coco_masks.decode(runs))
        mask[own == 1] = each["category_id"]
        if isinstance(each["segmentation"], dict):
            assert each["segmentation"]["size"] == list(shape)
            assert coco_masks.toBbox(runs).tolist() == each["bbox"]
            assert int(own.sum()) == each["area"]
    return mask


@given(mask=MASKS)
def test_run_lengths_give_the_mask_back(mask: Mask) -> None:
    assert np.array_equal(drawn(objects(mask, Shapes()), mask.shape), mask)


@given(mask=MASKS)
def test_polygons_without_tolerance_give_the_mask_back(mask: Mask) -> None:
    found = objects(mask, Shapes(tolerance=0))
    assert all(len(each["segmentation"]) == 1 for each in found)
    assert np.array_equal(drawn(found, mask.shape), mask)
    assert encode_mask(mask, Shapes(tolerance=0)).wrong == 0


@pytest.mark.parametrize("tolerance", [1.0, 3.0])
@given(mask=MASKS)
def test_what_polygons_with_tolerance_differ_is_counted(mask: Mask, tolerance: float) -> None:
    encoded = encode_mask(mask, Shapes(tolerance))
    again = drawn([json.loads("{" + each) for each in encoded.objects], mask.shape)
    assert encoded.wrong == np.count_nonzero(again != mask)


def test_tolerance_makes_fewer_points_near_the_edge() -> None:
    flags = disc_image(300, 260)[1] > 0
    exact, simple = ring(flags, 0, 0, 0), ring(flags, 0, 0, 2.0)
    assert len(simple) < len(exact) / 4
    nearest = np.abs(simple[:, None] - exact).sum(axis=2).min(axis=1)
    assert nearest.max() <= 2


def test_holes_islands_and_corners_that_touch() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[2:38, 2:38] = 1
    mask[6:34, 6:34] = 0
    mask[10:30, 10:30] = 2
    mask[14:26, 14:26] = 0
    mask[18:22, 18:22] = 1
    mask[22:24, 22:24] = 1
    for shapes in (Shapes(), Shapes(0)):
        found = objects(mask, shapes)
        assert [each["category_id"] for each in found] == [1, 2, 1]
        assert np.array_equal(drawn(found, mask.shape), mask)


def sample(root: Path, count: int = 3) -> tuple[Predictions, dict[str, Mask]]:
    masks = {}
    for number in range(count):
        mask = disc_image(60, 50)[1]
        mask[number : number + 9, 30:] = 2
        masks[f"a_{number:02}"] = mask
    images = {stem: (np.zeros((*mask.shape, 3), np.uint8), mask) for stem, mask in masks.items()}
    dataset = make_dataset(root / "dataset", images, crop=32, classes=THREE)
    return make_predictions(root / "predictions", dataset, masks, dropped_too=True), masks


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("tolerance", [None, 0.0])
def test_out_and_in_again_the_masks_are_equal(
    tmp_path: Path, tolerance: float | None, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, masks = sample(tmp_path)
    out = tmp_path / "out.json"
    exported = export_coco(predictions, out, Shapes(tolerance), workers=workers)
    content = json.loads(out.read_text("utf-8"))
    assert exported == Exported(3, len(content["annotations"]), NO_CHANGES, 0, "")
    assert [each["id"] for each in content["annotations"]] == list(range(1, exported.objects + 1))
    assert [each["name"] for each in content["categories"]] == ["car", "größe"]
    for each in content["images"]:
        (tmp_path / each["file_name"]).write_bytes(encode_image(np.zeros((each["height"], each["width"], 3), np.uint8)))
    source = read_coco(out, tmp_path, workers=1)
    assert source.classes == THREE
    assert {Path(each.source).stem: each.mask.read().tolist() for each in source.images} == {
        stem: mask.tolist() for stem, mask in masks.items()
    }
    truth = coco_truth(out, {1: 1, 2: 2}, capsys)
    assert all(np.array_equal(truth[f"{stem}.jpg"], mask) for stem, mask in masks.items())


def test_an_image_without_objects_is_in_the_file(tmp_path: Path) -> None:
    masks = {"a_00": np.zeros((20, 30), np.uint8)}
    dataset = make_dataset(tmp_path / "d", {"a_00": (np.zeros((20, 30, 3), np.uint8), masks["a_00"])}, crop=None)
    predictions = make_predictions(tmp_path / "p", dataset, masks)
    assert export_coco(predictions, tmp_path / "out.json").objects == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert (len(content["images"]), content["annotations"]) == (1, [])


def test_the_command_tells_how_far_polygons_are_off(tmp_path: Path) -> None:
    sample(tmp_path)
    line = ["analysis", "coco", "predictions", "--out", "out.json", "--polygons", "--tolerance", "4"]
    ran = typed(line, tmp_path)
    assert ran.returncode == 0
    assert "drawn again, the polygons differ from the masks in at most " in ran.stderr
    assert "pixels of an image, in a_0" in ran.stderr
    again = typed(line, tmp_path)
    assert again.returncode == 1
    assert "out.json: exists already; choose another --out or add --overwrite" in again.stderr
    assert typed([*line, "--overwrite"], tmp_path).returncode == 0


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"--tolerance -1: expected 0 pixels or more"):
        Shapes(-1.0)
    predictions, _ = sample(tmp_path, 1)
    nameless = Predictions(predictions.root, predictions.rows, None, {})
    with pytest.raises(SagesegError, match=r"labels\.txt: not found; COCO needs the classes' names"):
        export_coco(nameless, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_broken_mask_leaves_no_file(tmp_path: Path) -> None:
    predictions, _ = sample(tmp_path)
    predictions.mask_path(predictions.rows[-1].id).write_bytes(b"")
    with pytest.raises(SagesegError):
        export_coco(predictions, tmp_path / "out.json", workers=1)
    assert not list(tmp_path.glob("out.json*"))


def test_without_pycocotools_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions, _ = sample(tmp_path, 1)
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    with pytest.raises(SagesegError, match=r"pip install -e '\.\[coco\]'"):
        export_coco(predictions, tmp_path / "out.json")
