"""How unsure a model is of an image: the formula, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.masks.bands import Band
from analysis.masks.blend import likeliest
from analysis.selection.uncertainty import FLOOR, HAZE, Uncertainty, sum_bands, uncertainty_of
from formats.predictions import Probabilities
from tests.support.dataset_samples import disc_image


def shares(height: int, width: int, num_classes: int, seed: int) -> Probabilities:
    values = np.random.default_rng(seed).dirichlet(np.full(num_classes, 0.3), (height, width))
    return np.moveaxis(values, -1, 0).astype(np.float16)


def of_car(car: np.ndarray) -> Probabilities:
    """Of two classes, from the probability of the second."""
    return np.stack([1 - car, car]).astype(np.float16)


def unsure(probabilities: Probabilities) -> Uncertainty:
    band = Band(0, likeliest(probabilities), probabilities)
    return uncertainty_of(sum_bands([band], len(probabilities)))


Images = st.builds(shares, st.integers(1, 12), st.integers(1, 12), st.integers(2, 5), st.integers(0, 9999))


def by_pixels(probabilities: Probabilities) -> float:
    """The definition, pixel by pixel."""
    num_classes, height, width = probabilities.shape
    predicted, agreed, likely = ([0.0] * num_classes for _ in range(3))
    for y in range(height):
        for x in range(width):
            values = [float(value) for value in probabilities[:, y, x]]
            own = values.index(max(values))
            predicted[own] += 1
            agreed[own] += values[own]
            for class_id, value in enumerate(values):
                likely[class_id] += value if class_id == own or value > np.float16(HAZE) else 0
    floor: float = FLOOR * height * width
    there = [c for c in range(1, num_classes) if max(predicted[c], likely[c]) >= floor]
    if not there:
        return 1 - (2 * sum(agreed[1:]) + floor) / (sum(predicted[1:]) + sum(likely[1:]) + floor)
    missed = [1 - (2 * agreed[c] + floor) / (predicted[c] + likely[c] + floor) for c in there]
    return sum(missed) / len(missed)


@given(Images)
def test_it_is_the_formula_pixel_by_pixel(probabilities: Probabilities) -> None:
    assert unsure(probabilities).score == pytest.approx(by_pixels(probabilities), abs=1e-6)
    assert 0 <= unsure(probabilities).score < 1


def test_by_hand() -> None:
    found = unsure(of_car(np.array([[0.75, 0.25], [0.5, 0.0]])))
    # predicted: one pixel (of equal ones the lowest class); agreed 0.75; likely 0.75 + 0.25 + 0.5; floor 0.004
    assert found.score == pytest.approx(1 - (2 * 0.75 + 0.004) / (1 + 1.5 + 0.004))
    assert found.class_id == 1


@given(Images, st.integers(0, 9999))
def test_neither_the_places_of_pixels_nor_the_order_of_classes_count(probabilities: Probabilities, seed: int) -> None:
    rng, num_classes = np.random.default_rng(seed), len(probabilities)
    pixels = rng.permutation(probabilities.reshape(num_classes, -1), axis=1).reshape(probabilities.shape)
    classes = [0, *(1 + rng.permutation(num_classes - 1))]
    plain = unsure(probabilities).score
    assert unsure(pixels).score == pytest.approx(plain, abs=1e-6)
    labels = np.argsort(classes)[likeliest(probabilities)].astype(np.uint8)
    turned = uncertainty_of(sum_bands([Band(0, labels, probabilities[classes])], num_classes))
    assert turned.score == pytest.approx(plain, abs=1e-6)


@given(Images, st.integers(0, 12))
def test_bands_add_up(probabilities: Probabilities, at: int) -> None:
    labels = likeliest(probabilities)
    bands = [Band(0, labels[:at], probabilities[:, :at]), Band(at, labels[at:], probabilities[:, at:])]
    parts = uncertainty_of(sum_bands(bands, len(probabilities)))
    assert parts.score == pytest.approx(unsure(probabilities).score, abs=1e-6)


@given(Images, st.integers(2, 3))
def test_an_image_at_a_larger_size_is_as_uncertain(probabilities: Probabilities, zoom: int) -> None:
    larger = probabilities.repeat(zoom, axis=1).repeat(zoom, axis=2)
    assert unsure(larger).score == pytest.approx(unsure(probabilities).score, abs=1e-6)


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
    two = 1 - (2 * 0.6 * 200 + 3) / (200 + 0.6 * 200 + 3)
    three = 1 - 3 / (0.4 * 200 + 3)
    assert found.score == pytest.approx((0 + two + three) / 3, abs=1e-3)
