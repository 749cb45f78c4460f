"""What areas are made of, as scipy and numpy have it: objects, distributions, comparison with the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from analysis.areas.distribution import distribution, histogram
from analysis.areas.measuring import compare, find_objects
from analysis.areas.totals import correlation
from formats.crops import Box
from formats.masks import Mask

EIGHT = np.ones((3, 3), int)
sizes = st.integers(1, 24)


def noise(height: int, width: int, values: int, seed: int) -> Mask:
    return np.random.default_rng(seed).integers(0, values, (height, width)).astype(np.uint8)


@given(height=sizes, width=sizes, seed=st.integers(0, 9999))
def test_objects_are_scipys_and_together_the_class(height: int, width: int, seed: int) -> None:
    mask = noise(height, width, 4, seed)
    mask[mask == 3] = 255
    found = find_objects(mask)
    assert set(found) == {1, 2} & set(mask.ravel().tolist())
    for class_id, objects in found.items():
        labels, number = ndimage.label(mask == class_id, EIGHT)
        assert sorted(objects.pixels.tolist()) == sorted(np.bincount(labels.ravel())[1:].tolist())
        assert objects.pixels.sum() == np.count_nonzero(mask == class_id)
        assert objects.pixels.tolist() == sorted(objects.pixels.tolist(), reverse=True)
        cut = {int(label) for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]) for label in side} - {0}
        assert objects.cut.sum() == len(cut)
        places = [(s[1].start, s[0].start) for s in ndimage.find_objects(labels)]
        assert sorted(map(tuple, objects.boxes[:, :2].tolist())) == sorted(places)
        assert len(objects.boxes) == number


def test_of_equal_objects_the_first_in_reading_order_is_number_one() -> None:
    mask = np.zeros((6, 9), np.uint8)
    mask[3, 1] = mask[2, 7] = mask[4, 4] = 1
    assert find_objects(mask)[1].boxes[:, :2].tolist() == [[7, 2], [1, 3], [4, 4]]


def test_what_touches_what_was_not_predicted_is_cut() -> None:
    mask = np.zeros((12, 12), np.uint8)
    mask[4:6, 2:4] = mask[1, 2] = mask[5, 10] = 1
    objects = find_objects(mask, (Box(4, 6, 4, 4),))[1]
    assert dict(zip(objects_places(objects.boxes), objects.cut.tolist(), strict=True)) == {
        (2, 4): True,  # by a corner
        (2, 1): False,
        (10, 5): False,
    }


def objects_places(boxes: Any) -> list[tuple[int, int]]:
    return [(left, top) for left, top, _, _ in boxes.tolist()]


values = st.dictionaries(st.floats(0.01, 1e7), st.integers(1, 9), min_size=1, max_size=30)


@given(values=values)
def test_distributions_are_numpys(values: dict[float, int]) -> None:
    every = np.repeat(list(values), list(values.values()))
    told = distribution(values)
    assert (told["count"], told["smallest"], told["largest"]) == (len(every), every.min(), every.max())
    assert told["sum"] == pytest.approx(every.sum())
    assert told["mean"] == pytest.approx(every.mean())
    assert told["median"] == pytest.approx(np.median(every))
    for share, value in told["quantiles"].items():
        assert value == pytest.approx(np.quantile(every, float(share)))


@given(values=values)
def test_histograms_hold_each_value_once(values: dict[float, int]) -> None:
    bins = histogram(values)
    assert sum(each["count"] for each in bins) == sum(values.values())
    assert sum(each["sum"] for each in bins) == pytest.approx(sum(v * n for v, n in values.items()))
    assert bins[0]["count"] > 0 < bins[-1]["count"]
    for each in bins:
        assert each["count"] == sum(n for v, n in values.items() if each["from"] <= v < each["to"])
        assert f"{each['from']:e}"[0] in "125"
    assert all(low["to"] == high["from"] for low, high in pairwise(bins))


def test_of_nothing_there_is_no_mean() -> None:
    told = distribution({})
    assert (told["count"], told["sum"], told["mean"], told["median"], told["quantiles"]) == (0, 0, None, None, {})
    assert histogram({}) == []


@given(height=sizes, width=sizes, seed=st.integers(0, 9999))
def test_compared_pixels_are_counted_where_the_truth_is_known(height: int, width: int, seed: int) -> None:
    truth, prediction = noise(height, width, 4, seed), noise(height, width, 3, seed + 1)
    truth[truth == 3] = 255
    told = compare(truth, prediction, 3)
    for class_id in (1, 2):
        assert told[class_id].true == np.count_nonzero(truth == class_id)
        assert told[class_id].predicted == np.count_nonzero((prediction == class_id) & (truth != 255))
        assert told[class_id].true_objects == ndimage.label(truth == class_id, EIGHT)[1]
        assert told[class_id].found <= told[class_id].true_objects


@given(pairs=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=20))
def test_correlation_is_pearsons(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, float).T
    ours = correlation(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(np.corrcoef(one, other)[0, 1])
