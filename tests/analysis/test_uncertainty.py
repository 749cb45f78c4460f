"""How unsure a model is of an image: the formula, and what must not change it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.masks.bands import Band
from analysis.masks.blend import likeliest
from analysis.selection.uncertainty import (
    FLOOR,
    HAZE,
    Uncertainty,
    away_from_outlines,
    outline_reach,
    sum_bands,
    uncertainty_of,
)
from formats.predictions import Probabilities
from tests.support.dataset_samples import disc_image


def shares(height: int, width: int, num_classes: int, seed: int) -> Probabilities:
    values = np.random.default_rng(seed).dirichlet(np.full(num_classes, 0.3), (height, width))
    return np.moveaxis(values, -1, 0).astype(np.float16)


def of_car(car: np.ndarray) -> Probabilities:
    """Of two classes, from the probability of the second."""
    return np.stack([1 - car, car]).astype(np.float16)


def unsure(probabilities: Probabilities, reach: int = 1) -> Uncertainty:
    band = Band(0, likeliest(probabilities), probabilities)
    return uncertainty_of(sum_bands([band], len(probabilities), reach))


Images = st.builds(shares, st.integers(1, 12), st.integers(1, 12), st.integers(2, 5), st.integers(0, 9999))


def by_pixels(probabilities: Probabilities, reach: int) -> float:
    """The definition, pixel by pixel."""
    num_classes, height, width = probabilities.shape
    labels = probabilities.argmax(axis=0)
    predicted, likely, doubt = ([0.0] * num_classes for _ in range(3))
    for y in range(height):
        for x in range(width):
            around = labels[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            inner = len(np.unique(around)) == 1
            for class_id, value in enumerate(float(value) for value in probabilities[:, y, x]):
                if class_id == labels[y, x]:
                    predicted[class_id] += 1
                    likely[class_id] += value
                    doubt[class_id] += (1 - value) * inner
                elif value > np.float16(HAZE):
                    likely[class_id] += value
                    doubt[class_id] += value * inner
    floor: float = FLOOR * height * width
    there = [c for c in range(1, num_classes) if max(predicted[c], likely[c]) >= floor]
    if not there:
        return sum(doubt[1:]) / (sum(predicted[1:]) + sum(likely[1:]) + floor)
    return sum(doubt[c] / (predicted[c] + likely[c] + floor) for c in there) / len(there)


@given(Images, st.integers(1, 3))
def test_it_is_the_formula_pixel_by_pixel(probabilities: Probabilities, reach: int) -> None:
    assert unsure(probabilities, reach).score == pytest.approx(by_pixels(probabilities, reach), abs=1e-6)
    assert 0 <= unsure(probabilities, reach).score < 1


def test_by_hand() -> None:
    found = unsure(of_car(np.array([[0.75, 0.75, 0.75, 0.25, 0.5, 0.0]])))
    # three pixels are predicted, the third of them at the outline, as is the fourth; of equal classes the lowest is
    # predicted, so that 0.5 of the fifth are in doubt
    assert found.score == pytest.approx((0.25 + 0.25 + 0.5) / (3 + 3 * 0.75 + 0.25 + 0.5 + 0.006))
    assert found.class_id == 1


@given(Images, st.integers(0, 9999))
def test_neither_how_an_image_lies_nor_the_order_of_classes_counts(probabilities: Probabilities, seed: int) -> None:
    rng, num_classes = np.random.default_rng(seed), len(probabilities)
    plain = unsure(probabilities).score
    for turned in (probabilities[:, ::-1], probabilities[:, :, ::-1], probabilities.swapaxes(1, 2)):
        assert unsure(np.ascontiguousarray(turned)).score == pytest.approx(plain, abs=1e-6)
    classes = [0, *(1 + rng.permutation(num_classes - 1))]
    labels = np.argsort(classes)[likeliest(probabilities)].astype(np.uint8)
    renamed = uncertainty_of(sum_bands([Band(0, labels, probabilities[classes])], num_classes, 1))
    assert renamed.score == pytest.approx(plain, abs=1e-6)


@given(Images, st.lists(st.integers(1, 11), max_size=4, unique=True), st.integers(1, 4))
def test_bands_of_any_height_add_up(probabilities: Probabilities, cuts: list[int], reach: int) -> None:
    labels, height = likeliest(probabilities), probabilities.shape[1]
    ends = [0, *sorted(cut for cut in cuts if cut < height), height]
    bands = [Band(a, labels[a:b], probabilities[:, a:b]) for a, b in pairwise(ends)]
    parts = uncertainty_of(sum_bands(iter(bands), len(probabilities), reach))
    assert parts.score == pytest.approx(unsure(probabilities, reach).score, abs=1e-9)
    assert [band.top for band, _ in away_from_outlines(bands, reach)] == ends[:-1]


@pytest.mark.parametrize(("size", "reach"), [((20, 10), 1), ((320, 240), 2), ((1918, 1280), 12)])
def test_outlines_are_as_wide_as_the_image_is_large(size: tuple[int, int], reach: int) -> None:
    assert outline_reach(*size) == reach


@pytest.mark.parametrize("num_classes", [2, 3, 6])
def test_a_sure_model_is_not_uncertain(num_classes: int) -> None:
    labels = np.random.default_rng(0).integers(0, num_classes, (20, 30))
    sure = (labels == np.arange(num_classes)[:, None, None]).astype(np.float16)
    assert unsure(sure).score == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("haze", [0.0, 0.02, 0.09])
def test_an_image_without_objects_is_not_uncertain(haze: float) -> None:
    assert unsure(of_car(np.full((40, 60), haze))).score == 0


def soft_disc(size: int, sureness: float = 0.98) -> np.ndarray:
    """Probabilities of a disc whose outline is blurred over two pixels."""
    rows, columns = np.mgrid[:100, :100]
    inside = np.clip(size - np.hypot(rows - 50, columns - 50), -1, 1) / 2 + 0.5
    return np.asarray(0.01 + (sureness - 0.01) * inside)


def test_an_overlooked_object_outweighs_a_long_outline() -> None:
    large, overlooked = soft_disc(45), soft_disc(20, sureness=0.4)
    entropy = [float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()) for p in (large, soft_disc(20))]
    assert entropy[0] > 1.3 * entropy[1]  # the outline alone makes the mean of entropies
    assert unsure(of_car(large)).score < 0.05
    assert unsure(of_car(overlooked)).score > 0.9


def test_a_small_object_is_no_more_uncertain_for_its_outline() -> None:
    assert unsure(of_car(soft_disc(8))).score < 1.5 * unsure(of_car(soft_disc(45))).score


def test_a_half_sure_object_is_more_uncertain_than_a_sure_one_of_any_size() -> None:
    scores = [unsure(of_car(soft_disc(size))).score for size in (12, 25, 45)]
    assert unsure(of_car(soft_disc(25, sureness=0.7))).score > max(scores)


def test_the_class_that_is_least_sure_is_named_and_each_class_counts_alike() -> None:
    mask = disc_image(60, 50)[1]
    values = np.zeros((4, 50, 60), np.float16)
    values[0], values[1] = mask == 0, mask
    values[0, :5, :40], values[2, :5, :40], values[3, :5, :40] = 0, 0.6, 0.4  # a small object between two classes
    found = unsure(values)
    assert found.class_id == 3
    inner = 4 * 39  # without the row and the column beside the background
    two, three = 0.4 * inner / (200 + 0.6 * 200 + 3), 0.4 * inner / (0.4 * 200 + 3)
    assert found.score == pytest.approx((0 + two + three) / 3, abs=1e-3)
