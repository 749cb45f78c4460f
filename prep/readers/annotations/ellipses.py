"""Ellipses of formats whose own tools draw none: the pixels whose centres lie inside."""

from __future__ import annotations

import math

import numpy as np

from prep.readers.annotations.canvas import Region

Pair = tuple[float, float]
"""x and y in pixels."""


def ellipse_region(centre: Pair, radii: Pair, turn: float, class_id: int, size: tuple[int, int]) -> Region:
    """What an ellipse covers of an image of (width, height). `turn` is that of the first radius, in radians, from the x
    axis to the y axis, which is clockwise. Without a radius there is nothing."""
    (x, y), (along, across) = centre, radii
    cos, sin = math.cos(turn), math.sin(turn)
    reach = math.hypot(along * cos, across * sin), math.hypot(along * sin, across * cos)
    left, right = max(0, math.floor(x - reach[0])), min(size[0], math.ceil(x + reach[0]) + 1)
    top, bottom = max(0, math.floor(y - reach[1])), min(size[1], math.ceil(y + reach[1]) + 1)
    if left >= right or top >= bottom or not along or not across:
        return Region(class_id, 0, 0, np.zeros((0, 0), np.bool_))
    columns, rows = np.arange(left, right)[None] + 0.5 - x, np.arange(top, bottom)[:, None] + 0.5 - y
    inside = ((columns * cos + rows * sin) / along) ** 2 + ((rows * cos - columns * sin) / across) ** 2 <= 1
    return Region(class_id, left, top, inside)
