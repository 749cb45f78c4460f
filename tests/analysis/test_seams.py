"""The seam audit finds the rim that is wrong, and how wide it is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.masks.pieces import Piece
from analysis.masks.seams import BIN, BINS, audit_seams, edge_distance, judge_seams, write_seams
from formats.crops import Box
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import read_mask, write_mask
from formats.predictions import Predictions
from tests.support.dataset_samples import make_dataset, make_predictions

WIDTH, HEIGHT, CROP = 256, 192, 128


def make(tmp_path: Path, crop: int | None, overlap: int = 0) -> tuple[Predictions, Dataset]:
    mask = np.ones((HEIGHT, WIDTH), np.uint8)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    dataset = make_dataset(tmp_path / "dataset", {"a_01": (image, mask)}, crop=crop, overlap=overlap)
    return make_predictions(tmp_path / "predictions", dataset, {"a_01": mask}), dataset


def spoil(predictions: Predictions, rim: int, inner_rate: float = 0.0) -> None:
    """Make the rim along inner edges wrong at each second pixel, and so much of the rest."""
    rng = np.random.default_rng(0)
    for row in predictions.rows:
        mask = read_mask(predictions.mask_path(row.id))
        distance = edge_distance(Piece(row.id, row.box, row.box), (WIDTH, HEIGHT))
        assert distance is not None
        rates = np.where(distance < rim, 0.5, inner_rate)
        write_mask(predictions.mask_path(row.id), mask * (rng.random(mask.shape) >= rates))


def test_distance_counts_from_edges_inside_the_image() -> None:
    distance = edge_distance(Piece("a", Box(0, 0, 4, 3), Box(0, 0, 4, 3)), (8, 3))
    assert distance is not None
    assert distance.tolist() == [[3, 2, 1, 0]] * 3
    both = edge_distance(Piece("a", Box(2, 0, 5, 3), Box(0, 0, 1, 1)), (8, 3))
    assert both is not None
    assert both.tolist() == [[0, 1, 2, 1, 0]] * 3
    assert edge_distance(Piece("a", Box(0, 0, 16, 16), Box(0, 0, 8, 8)), (8, 8)) is None


@pytest.mark.parametrize("inner_rate", [0.0, 0.02])
def test_a_wrong_rim_is_found_with_the_overlap_that_mends_it(tmp_path: Path, inner_rate: float) -> None:
    predictions, dataset = make(tmp_path, CROP)
    spoil(predictions, 16, inner_rate)
    seams = audit_seams(predictions, dataset, workers=1)
    assert (seams.rim, seams.overlap) == (16, 32)
    assert seams.inner_rate == pytest.approx(inner_rate, abs=0.003)
    assert seams.errors[0] / seams.pixels[0] == pytest.approx(0.5, abs=0.03)
    assert "within 16 pixels of crops' edges" in seams.sentence()
    assert "--overlap 32" in seams.sentence()
    write_seams(tmp_path, seams)
    told = json.loads((tmp_path / "seams.json").read_text())
    assert (told["rim_pixels"], told["overlap_pixels"], told["present_overlap_pixels"]) == (16, 32, 0)
    assert told["bins"][1]["from_pixels"] == BIN


def test_an_overlap_that_is_wide_enough_is_said_to_be(tmp_path: Path) -> None:
    predictions, dataset = make(tmp_path, CROP, 40)
    spoil(predictions, 16)
    seams = audit_seams(predictions, dataset, workers=1)
    assert (seams.rim, seams.present_overlap) == (16, 40)
    assert "their overlap of 40 mends it" in seams.sentence()


def test_even_errors_need_no_overlap(tmp_path: Path) -> None:
    predictions, dataset = make(tmp_path, CROP)
    assert audit_seams(predictions, dataset, workers=1).overlap == 0
    spoil(predictions, 0, 0.2)
    seams = audit_seams(predictions, dataset, workers=1)
    assert seams.overlap == 0
    assert "no more at their edges" in seams.sentence()


def test_padding_and_ignored_pixels_are_no_errors(tmp_path: Path) -> None:
    predictions, dataset = make(tmp_path, CROP)
    spoil(predictions, 16)
    for row in dataset.rows:
        mask = read_mask(dataset.mask_path(row.id))
        mask[:, ::2] = 255
        write_mask(dataset.mask_path(row.id), mask)
    seams = audit_seams(predictions, dataset, workers=1)
    assert seams.pixels.sum() == sum(CROP * CROP for _ in dataset.rows) / 2
    assert seams.rim == 16


def test_images_that_are_not_cut_have_no_seams(tmp_path: Path) -> None:
    predictions, dataset = make(tmp_path, None)
    with pytest.raises(SagesegError, match="no crop with a true mask has a neighbour"):
        audit_seams(predictions, dataset, workers=1)


def test_the_rim_ends_where_the_errors_first_do() -> None:
    pixels, errors = np.full(BINS, 100), np.zeros(BINS, np.int64)
    errors[[0, 1, 3]] = 50
    errors[8:] = 1
    assert judge_seams(pixels, errors, 256).rim == 2 * BIN


def test_without_an_inner_part_nothing_is_claimed() -> None:
    pixels, errors = np.zeros((2, BINS), np.int64)
    pixels[0], errors[0] = 10, 5
    seams = judge_seams(pixels, errors, 64)
    assert math.isnan(seams.inner_rate)
    assert seams.rim == 0
    assert "too small" in seams.sentence()
    assert seams.to_json()["inner_error_rate"] is None
