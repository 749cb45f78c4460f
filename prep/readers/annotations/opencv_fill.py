"""Polygons as OpenCV fills them, for formats whose own tools draw so: whole pixels, the outline included."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from prep.readers.annotations.canvas import Region

Points = npt.NDArray[np.int32]
"""x and y of each point, shape (n, 2)."""


def filled_region(outline: Points, holes: Sequence[Points], class_id: int, size: tuple[int, int]) -> Region:
    """A polygon, without what lies in its holes or on their outlines, on an image of (width, height)."""
    points = np.concatenate([outline, *holes])
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    if min(left, top) < 0 or right >= size[0] or bottom >= size[1]:
        # OpenCV cuts edges where they leave the canvas, and what is left of them takes other pixels
        left, top, right, bottom = 0, 0, size[0] - 1, size[1] - 1
    canvas = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    moved = np.array([left, top], np.int32)
    cv2.fillPoly(canvas, [outline - moved], 1)
    if holes:
        cv2.fillPoly(canvas, [hole - moved for hole in holes], 0)
    return Region(class_id, left, top, canvas.view(np.bool_))
