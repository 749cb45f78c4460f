"""Objects are the connected regions of each class, of eight neighbours."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from formats.masks import Mask
from prep.preview.objects import Objects, find_objects

MASKS = drawn.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 255])
)
Told = list[tuple[int, int, int, int, bool]]


def told(found: Objects) -> Told:
    columns = (found.classes, found.pixels, found.widths, found.heights, found.at_edge)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def by_opencv(mask: Mask, num_classes: int) -> Told:
    objects = []
    for class_id in range(1, num_classes):
        _, _, boxes, _ = cv2.connectedComponentsWithStats((mask == class_id).astype(np.uint8), connectivity=8)
        for x, y, width, height, pixels in boxes[1:].tolist():
            at_edge = 0 in (x, y) or x + width == mask.shape[1] or y + height == mask.shape[0]
            objects.append((class_id, pixels, width, height, at_edge))
    return sorted(objects)


@given(MASKS)
def test_they_are_those_that_opencv_finds(mask: Mask) -> None:
    assert told(find_objects(mask, 3)) == by_opencv(mask, 3)


def spiral(side: int) -> Mask:
    """One object whose first and last runs meet only by a long way round."""
    mask = np.zeros((side, side), np.uint8)
    for ring in range(0, side // 2, 2):
        mask[ring, max(0, ring - 2) : side - ring] = 1
        mask[ring : side - ring, side - ring - 1] = 1
        mask[side - ring - 1, ring : side - ring] = 1
        mask[ring + 2 : side - ring, ring] = 1
    return mask


@pytest.mark.parametrize("mask", [spiral(41), np.eye(50, dtype=np.uint8), np.indices((40, 61)).sum(axis=0) % 2])
def test_long_and_thin_ones_are_one(mask: Mask) -> None:
    mask = mask.astype(np.uint8)
    assert told(find_objects(mask, 2)) == by_opencv(mask, 2)


def test_100000_objects_of_an_image_are_counted() -> None:
    mask = np.zeros((640, 640), np.uint8)
    mask[::2, ::2] = 1
    found = find_objects(mask, 2)
    assert len(found.pixels) == 320**2 > 100_000
    assert set(found.pixels.tolist()) == {1}


@pytest.mark.parametrize("value", [0, 3, 255])
def test_background_ignore_and_unknown_ids_are_no_objects(value: int) -> None:
    assert told(find_objects(np.full((4, 5), value, np.uint8), 3)) == []
