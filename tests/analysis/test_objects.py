"""Objects, true, predicted and wrong: against scipy, and by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from analysis.scoring.class_windows import class_windows
from analysis.scoring.components import (
    SIZE_EDGES,
    ClassObjects,
    Components,
    SizeColumn,
    class_objects,
    find_components,
)
from analysis.scoring.objects import Amount, Kind, WrongObject, WrongObjects, false_positive_objects, missed_objects
from formats.masks import Mask

EIGHT = np.ones((3, 3), int)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 30), st.floats(0.05, 0.95), st.integers(0, 999))


def spots(height: int, width: int, density: float, seed: int) -> Mask:
    return (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8)


def objects(truth: Mask, prediction: Mask, num_classes: int) -> list[ClassObjects]:
    return list(map(class_objects, class_windows(truth, prediction, num_classes)))


def found(truth: Mask, prediction: Mask, num_classes: int = 2) -> Components:
    return find_components(objects(truth, prediction, num_classes), num_classes)


def wrong(truth: Mask, prediction: Mask, num_classes: int = 2, halo: int = 3) -> tuple[WrongObjects, WrongObjects]:
    classes = objects(truth, prediction, num_classes)
    false_positives = false_positive_objects(classes, num_classes, halo)
    return false_positives, missed_objects(classes, num_classes, halo)


def blank(height: int = 40, width: int = 60) -> Mask:
    return np.zeros((height, width), np.uint8)


def test_true_and_predicted_objects_and_what_was_found() -> None:
    truth, prediction = blank(), blank()
    truth[5:15, 5:15] = 1  # 100 pixels, 60 of them found
    truth[30:32, 50:54] = 1  # 8 pixels, missed
    prediction[5:11, 5:15] = 1
    prediction[20:23, 30:33] = 1
    components = found(truth, prediction)
    assert components.true_count.tolist() == [0, 2]
    assert components.predicted_count.tolist() == [0, 2]
    assert [(each.x, each.y, each.width, each.height, each.pixels, each.agreed) for each in components.true] == [
        (5, 5, 10, 10, 100, 0.6),
        (50, 30, 4, 2, 8, 0.0),
    ]
    assert [each.agreed for each in components.predicted] == [1.0, 0.0]
    assert components.sizes[:3].tolist() == [[1, 0, 8, 0], [0, 0, 0, 0], [1, 1, 100, 60]]
    assert SIZE_EDGES[:3] == (1, 10, 100)
    assert [column.name for column in SizeColumn] == ["OBJECTS", "FOUND", "PIXELS", "RIGHT_PIXELS"]


@pytest.mark.parametrize(("columns", "is_found"), [(4, 0), (5, 1)])
def test_an_object_is_found_from_half_of_it_on(columns: int, is_found: int) -> None:
    truth, prediction = blank(), blank()
    truth[5:15, 5:15] = 1
    prediction[5:15, 5 : 5 + columns] = 1
    assert found(truth, prediction).sizes[2].tolist() == [1, is_found, 100, 10 * columns]


def described(each: WrongObject) -> tuple[int, int, int, int, int, Kind]:
    return each.x, each.y, each.width, each.height, each.pixels, each.kind


def test_halo_bulge_and_an_object_of_its_own() -> None:
    truth, prediction = blank(), blank()
    truth[10:30, 10:30] = 1
    prediction[10:30, 9:30] = 1  # one column too wide
    prediction[15:20, 30:40] = 1  # reaches ten pixels out
    prediction[2:4, 50:53] = 1  # far from it
    false_positives, missed = wrong(truth, prediction)
    assert [described(each) for each in false_positives.largest] == [
        (30, 15, 10, 5, 50, Kind.BULGE),
        (9, 10, 1, 20, 20, Kind.HALO),
        (50, 2, 3, 2, 6, Kind.OBJECT),
    ]
    bulge, halo, own = false_positives.largest
    assert (bulge.distance, bulge.reach) == (1, 10)
    assert (halo.distance, halo.reach) == (1, 1)
    assert own.distance == pytest.approx(math.hypot(50 - 29, 10 - 3), rel=0.02)
    assert false_positives.count == 3
    assert false_positives.amounts[1, :, :, Amount.PIXELS].sum(axis=1).tolist() == [20, 50, 6]
    assert false_positives.amounts[1, Kind.BULGE, 1].tolist() == [1, 50]
    assert missed.count == 0
    assert missed.largest == ()


def test_on_an_empty_image_every_region_is_an_object() -> None:
    prediction = blank()
    prediction[5:8, 5:8] = 1
    (only,) = wrong(blank(), prediction)[0].largest
    assert (only.distance, only.reach, only.kind) == (math.inf, math.inf, Kind.OBJECT)


def test_a_missed_object_and_a_missed_rim() -> None:
    truth, prediction = blank(), blank()
    truth[10:30, 10:30] = 1
    prediction[10:30, 12:30] = 1
    truth[35:38, 50:55] = 1
    missed = wrong(truth, prediction)[1]
    assert [described(each) for each in missed.largest] == [
        (10, 10, 2, 20, 40, Kind.HALO),
        (50, 35, 5, 3, 15, Kind.OBJECT),
    ]


def pole(width: int = 12) -> Mask:
    """An object so thin that all of it lies near any part of it."""
    mask = blank()
    mask[4:36, 20 : 20 + width] = 1
    return mask


@pytest.mark.parametrize(("lost", "kind"), [(5, Kind.HALO), (6, Kind.HALO), (7, Kind.OBJECT), (11, Kind.OBJECT)])
def test_an_object_of_which_more_than_half_is_missed_has_no_halo(lost: int, kind: Kind) -> None:
    truth, prediction = pole(), pole()
    prediction[:, 20 : 20 + lost] = 0
    ((only,), others) = (side.largest for side in reversed(wrong(truth, prediction, halo=20)))
    assert (only.pixels, only.kind, others) == (32 * lost, kind, ())
    assert only.agreed == pytest.approx(1 - lost / 12)
    assert only.reach <= 20


def test_halves_missed_on_both_sides_count_together() -> None:
    truth, prediction = pole(), blank()
    prediction[4:36, 24:28] = 1  # a third of the pole, in its middle
    missed = wrong(truth, prediction, halo=20)[1]
    assert [(each.pixels, each.kind) for each in missed.largest] == [(32 * 4, Kind.OBJECT)] * 2
    assert [each.agreed for each in missed.largest] == pytest.approx([1 / 3] * 2)


def test_what_is_predicted_around_a_speck_is_no_halo_of_it() -> None:
    truth, prediction = blank(), blank()
    truth[18:22, 28:32] = 1
    prediction[15:25, 25:35] = 1
    (only,) = wrong(truth, prediction, halo=10)[0].largest
    assert (only.pixels, only.kind, only.agreed) == (84, Kind.OBJECT, 0.16)


def test_a_bulge_of_a_small_object_is_more_than_the_object() -> None:
    truth, prediction = blank(), blank()
    truth[10:20, 5:15] = prediction[10:20, 5:15] = 1
    prediction[13:17, 15:40] = 1  # as many pixels again
    (even,) = wrong(truth, prediction)[0].largest
    assert (even.pixels, even.kind, even.agreed) == (100, Kind.BULGE, 0.5)
    prediction[13, 40] = 1
    assert wrong(truth, prediction)[0].largest[0].kind is Kind.OBJECT


def test_each_region_is_judged_by_its_own_object() -> None:
    truth, prediction = blank(), blank()
    truth[10:30, 2:22] = truth[10:30, 40:46] = 1
    prediction[10:30, 4:22] = prediction[10:30, 44:46] = 1  # a tenth of one missed, two thirds of the other
    missed = wrong(truth, prediction, halo=10)[1]
    assert [(each.x, each.kind) for each in missed.largest] == [(40, Kind.OBJECT), (2, Kind.HALO)]


@given(shape=shapes, halo=st.integers(0, 6))
def test_kinds_are_what_the_two_shares_say_and_hold_every_region_once(
    shape: tuple[int, int, float, int], halo: int
) -> None:
    truth, prediction = spots(*shape), spots(*shape[:3], shape[3] + 1)
    false_positives, missed = wrong(truth, prediction, halo=halo)
    for side, mine, other in ((false_positives, prediction, truth), (missed, truth, prediction)):
        places, number = ndimage.label(mine & (1 - other), EIGHT)
        whole, _ = ndimage.label(mine, EIGHT)
        far = cv2.distanceTransform(1 - other, cv2.DIST_L2, 5) if other.any() else np.full(mine.shape, np.inf)
        expected = np.zeros((len(Kind), len(Amount)), int)
        for region in range(1, number + 1):
            at = places == region
            within, right = (far[at] <= halo).mean(), other[whole == whole[at][0]].mean()
            rules = {
                Kind.OBJECT: within == 0 or right < 0.5,
                Kind.BULGE: 0 < within < 1 and right >= 0.5,
                Kind.HALO: within == 1 and right >= 0.5,
            }
            assert sum(rules.values()) == 1
            expected[next(kind for kind in rules if rules[kind])] += [1, at.sum()]
        assert side.amounts[1].sum(axis=1).tolist() == expected.tolist()


def test_what_a_region_is_confused_with() -> None:
    truth, prediction = blank(), blank()
    truth[10:20, 10:20] = 2
    prediction[10:20, 10:20] = 1
    prediction[10:20, 20:23] = 1
    false_positives, missed = wrong(truth, prediction, 3)
    (confused,) = false_positives.largest
    assert (confused.class_id, confused.confused_with, confused.pixels) == (1, 2, 130)
    (lost,) = missed.largest
    assert (lost.class_id, lost.confused_with, lost.pixels) == (2, 1, 100)


@given(shape=shapes, num_classes=st.integers(2, 4))
def test_regions_hold_exactly_the_wrong_foreground(shape: tuple[int, int, float, int], num_classes: int) -> None:
    rng = np.random.default_rng(shape[3])
    truth = (spots(*shape) * rng.integers(0, num_classes, shape[:2])).astype(np.uint8)
    prediction = (spots(*shape) * rng.integers(0, num_classes, shape[:2])).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = 255
    false_positives, missed = wrong(truth, prediction, num_classes)
    for class_id in range(1, num_classes):
        valid = truth != 255
        for side, flags in (
            (false_positives, valid & (prediction == class_id) & (truth != class_id)),
            (missed, valid & (truth == class_id) & (prediction != class_id)),
        ):
            amounts = side.amounts[class_id].sum(axis=(0, 1))
            assert amounts.tolist() == [ndimage.label(flags, EIGHT)[1], flags.sum()]


@given(seed=st.integers(0, 300))
def test_distances_are_euclidean_within_two_percent(seed: int) -> None:
    truth, prediction = spots(60, 60, 0.002, seed), spots(60, 60, 0.01, seed + 1)
    exact = ndimage.distance_transform_edt(1 - truth) if truth.any() else np.full(truth.shape, np.inf)
    for each in wrong(truth, prediction, halo=0)[0].largest:
        there = np.zeros_like(truth)
        there[each.y : each.y + each.height, each.x : each.x + each.width] = 1
        region = (prediction & ~truth & there) > 0
        assert each.distance == pytest.approx(exact[region].min(), rel=0.02)
        assert each.reach == pytest.approx(exact[region].max(), rel=0.02)
