"""Stitching with probabilities, undoing a resize, and probabilities that are not right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.masks.bands import Band, whole
from analysis.masks.reading import read_prediction, read_truth
from analysis.masks.sources import plan_sources
from analysis.masks.stitch import stitch
from analysis.masks.upsample import resize_bands
from analysis.options import How
from analysis.report.report import report
from formats import dataset as files
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.manifest import write_manifest
from formats.masks import Mask, read_mask, write_mask
from formats.predictions import Predictions, open_predictions, write_probabilities
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares

IMAGES = {"a_01": disc_image(90, 70, seed=1), "b_01": disc_image(90, 70, seed=2)}
TRUE_MASKS: dict[str, Mask] = {stem: mask for stem, (_, mask) in IMAGES.items()}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32, overlap=16)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    made = make_predictions(tmp_path / "predictions", dataset, TRUE_MASKS)
    write_shares(made, 0.9)
    return made


def stitched_mask(out: Path, stem: str) -> Mask:
    return read_mask(out / "masks" / f"{stem}.png")


def test_probabilities_are_blended(dataset: Dataset, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "all", dataset, TRUE_MASKS, dropped_too=True)
    write_shares(predictions, 0.9)
    # one crop is wrong along its left edge, but no surer than its neighbour, in which that lies inside
    row = next(row for row in dataset.rows if row.kept and row.x > 0 and row.y > 0)
    mask = read_mask(predictions.mask_path(row.id))
    wrong = mask.copy()
    wrong[:, :3] ^= 1
    share = np.where(wrong == 1, 0.9, 0.1)
    write_probabilities(predictions.probabilities_path(row.id), np.stack([1 - share, share]))
    done = stitch(predictions, dataset, tmp_path / "out", workers=1)
    assert done.by is How.BLEND
    for stem, truth in TRUE_MASKS.items():
        assert np.array_equal(stitched_mask(tmp_path / "out", stem), truth)


def test_the_inner_part_can_be_asked_for(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    for row in predictions.rows:  # probabilities that say the opposite of the masks
        share = np.where(read_mask(predictions.mask_path(row.id)) == 1, 0.1, 0.9)
        write_probabilities(predictions.probabilities_path(row.id), np.stack([1 - share, share]))
    assert stitch(predictions, dataset, tmp_path / "inner", by=How.INNER, workers=1).by is How.INNER
    stitch(predictions, dataset, tmp_path / "blend", workers=1)
    assert np.array_equal(stitched_mask(tmp_path / "inner", "a_01"), TRUE_MASKS["a_01"])
    assert not np.array_equal(stitched_mask(tmp_path / "blend", "a_01"), TRUE_MASKS["a_01"])


def test_blending_needs_probabilities_and_classes(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    (predictions.root / "labels.txt").unlink()
    with pytest.raises(SagesegError, match=r"labels\.txt: not found; blending probabilities needs"):
        stitch(open_predictions(predictions.root), None, tmp_path / "out", by=How.BLEND)
    with pytest.raises(SagesegError, match=r"labels\.txt: not found; blending probabilities needs"):
        stitch(open_predictions(predictions.root), None, tmp_path / "out", probabilities=True)
    with pytest.raises(SagesegError, match="--by inner: --probabilities keeps blended ones"):
        stitch(predictions, dataset, tmp_path / "out", by=How.INNER, probabilities=True)
    plain = make_predictions(tmp_path / "plain", dataset, TRUE_MASKS)
    with pytest.raises(SagesegError, match="no probabilities to blend with; predict with --probabilities"):
        stitch(plain, dataset, tmp_path / "out", by=How.BLEND)


def test_a_report_of_crops_and_of_what_is_stitched_agree(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    crops = report(predictions, dataset, tmp_path / "one", workers=1)
    stitch(predictions, dataset, tmp_path / "stitched", workers=1)
    whole = report(open_predictions(tmp_path / "stitched"), dataset, tmp_path / "two", workers=1)
    assert crops["confusion"] == whole["confusion"]
    assert crops["thresholds"] is not None
    assert whole["thresholds"] is None


def test_a_lone_missing_probability_is_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    path = predictions.probabilities_path(predictions.rows[4].id)
    path.unlink()
    message = (
        rf"{path.name}: not found, though other crops have probabilities .1 of {len(predictions.rows)} are missing"
    )
    with pytest.raises(SagesegError, match=message):
        stitch(predictions, dataset, tmp_path / "out", workers=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.25, 1.5])
def test_values_that_are_no_probabilities_are_named(
    predictions: Predictions, dataset: Dataset, tmp_path: Path, value: float
) -> None:
    path = predictions.probabilities_path(predictions.rows[4].id)
    shares = np.full((2, 32, 32), 0.5)
    shares[1, 3, 4] = value
    write_probabilities(path, shares)
    for work in (stitch, report):
        with pytest.raises(SagesegError, match=rf"{path.name}: holds {value}; expected probabilities from 0 to 1"):
            work(predictions, dataset, tmp_path / "out", workers=1)


def test_minus_zero_is_zero(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    for row in predictions.rows:
        path = predictions.probabilities_path(row.id)
        car = np.where(read_mask(predictions.mask_path(row.id)) == 1, 1.0, -0.0)
        write_probabilities(path, np.stack([np.where(car == 1, -0.0, 1.0), car]))
    stitch(predictions, dataset, tmp_path / "out", workers=1)
    assert np.array_equal(stitched_mask(tmp_path / "out", "a_01"), TRUE_MASKS["a_01"])


def test_probabilities_of_another_shape_are_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    path = predictions.probabilities_path(predictions.rows[4].id)
    write_probabilities(path, np.full((3, 32, 32), 1 / 3))
    with pytest.raises(
        SagesegError, match=rf"{path.name}: probabilities of shape \(3, 32, 32\); expected \(2, 32, 32\)"
    ):
        stitch(predictions, dataset, tmp_path / "out", workers=1)


SOURCE_SIZE = 200, 151


def brought_back(mask: Mask) -> Mask:
    height, width = mask.shape
    return whole(resize_bands(iter([Band(0, mask)]), (width, height), SOURCE_SIZE), *SOURCE_SIZE)


FULL_TRUTH = {stem: brought_back(mask) for stem, mask in TRUE_MASKS.items()}
"""Masks at the source's size, such as a perfect model of the resized images would predict."""


@pytest.fixture
def resized(tmp_path: Path) -> Dataset:
    """The dataset as prep makes it with --resize 90x70 from images of another size."""
    dataset = make_dataset(tmp_path / "resized", IMAGES, crop=32)
    width, height = SOURCE_SIZE
    (dataset.root / "truth").mkdir()
    for stem, mask in FULL_TRUTH.items():
        write_mask(dataset.truth_path(stem), mask)
    rows = [replace(row, source_width=width, source_height=height, truth_sha256="0" * 64) for row in dataset.rows]
    write_manifest(files.manifest_path(dataset.root), rows)
    files.info_path(dataset.root).write_text(json.dumps({**dataset.info, "options": {"resize": "90x70"}}))
    return open_dataset(dataset.root)


def test_a_recorded_resize_is_undone(resized: Dataset, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "p", resized, TRUE_MASKS)
    done = stitch(predictions, resized, tmp_path / "out", workers=1)
    assert done.uncovered_pixels == 0
    for stem in TRUE_MASKS:
        assert np.array_equal(stitched_mask(tmp_path / "out", stem), FULL_TRUTH[stem])
    stitched = open_predictions(tmp_path / "out")
    assert (stitched.rows[0].width, stitched.rows[0].height) == SOURCE_SIZE
    for each in (predictions, stitched):
        scores = report(each, resized, tmp_path / f"report-{each.root.name}", workers=1)
        assert scores["overall"]["iou"]["car"] == 1.0
        judged = scores["judged"]
        assert judged["pixels"] == np.sum(scores["confusion"])
        assert judged["of"] == judged["pixels"] + judged["not_predicted"] == 2 * SOURCE_SIZE[0] * SOURCE_SIZE[1]


def test_without_a_dataset_the_predictions_tell_of_the_resize(resized: Dataset, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "p", resized, TRUE_MASKS, dropped_too=True)
    told = replace(predictions, info={"resize": "90x70"})
    stitch(told, None, tmp_path / "out", workers=1)
    assert np.array_equal(stitched_mask(tmp_path / "out", "a_01"), FULL_TRUTH["a_01"])
    assert "resize" not in open_predictions(tmp_path / "out").info


def test_a_resize_that_nobody_told_of_is_not_guessed(resized: Dataset, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "p", resized, TRUE_MASKS, dropped_too=True)
    rows = [replace(row, source_width=40, source_height=30) for row in predictions.rows]
    write_manifest(predictions.root / "manifest.csv", rows)
    with pytest.raises(
        SagesegError, match=r"a_01_x58_y0: the crop lies at 58,0, outside its image of 40×30; stitch with"
    ):
        stitch(open_predictions(predictions.root), None, tmp_path / "out", workers=1)


def test_truth_and_prediction_come_at_one_size(resized: Dataset, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "p", resized, TRUE_MASKS)
    (source, _) = plan_sources(predictions, resized)
    shape = SOURCE_SIZE[::-1]
    assert read_truth(resized.root, source, 2).shape == read_prediction(predictions.root, source, 2).shape == shape


def test_a_truth_of_another_size_is_never_resized(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    row = predictions.rows[0]
    write_mask(dataset.mask_path(row.id), np.zeros((64, 64), np.uint8))
    with pytest.raises(SagesegError, match=rf"{row.id}\.png: 64×64 pixels; expected 32×32"):
        report(predictions, dataset, tmp_path / "out", workers=1)
