"""Parts of a report's images enlarged: where an object is wrong or a label doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from analysis.drawing.colours import AgreementColours
from analysis.drawing.overlays import difference_of
from analysis.drawing.shrink import encode_small, shrink
from formats.crops import Box
from formats.images import Rgb

SHOWN = 12
"""How many of each kind the page shows."""
WIDTH, HEIGHT = 320, 240
_AROUND = 1.6
"""How much wider than the object the close-up is."""
_QUALITY = 75
_OUTLINE = (255, 255, 255)


def close_ups(
    report: Path,
    places: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, tuple[int, int]],
    colours: AgreementColours,
) -> list[str]:
    """An image as a data: URI for each of the first SHOWN places (stem, x, y, width, height in the
    image's pixels); `sizes` are the images' (width, height) by stem."""
    return [_close_up(report, place, sizes[place["stem"]], colours) for place in places[:SHOWN]]


def _close_up(report: Path, place: Mapping[str, Any], size: tuple[int, int], colours: AgreementColours) -> str:
    box = Box(place["x"], place["y"], place["width"], place["height"])
    view = view_around(box, *size)
    drawn = _enlarge(difference_of(report, place["stem"], colours, view))
    return encode_small(_frame(drawn, box, view), _QUALITY)


def view_around(box: Box, width: int, height: int) -> Box:
    """The part of a width × height image to show around a box: of the close-up's proportions where
    the image is large enough, never smaller than a quarter of the close-up's pixels."""
    wide = max(box.width * _AROUND, box.height * _AROUND * WIDTH / HEIGHT, WIDTH / 2)
    across, down = min(width, round(wide)), min(height, round(wide * HEIGHT / WIDTH))
    left = min(max(box.left + box.width // 2 - across // 2, 0), width - across)
    top = min(max(box.top + box.height // 2 - down // 2, 0), height - down)
    return Box(left, top, across, down)


def _enlarge(part: Rgb) -> Rgb:
    height, width = part.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        return shrink(part, size)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _frame(drawn: Rgb, box: Box, view: Box) -> Rgb:
    """A copy with a line around the box, a few pixels away from it."""
    scale = drawn.shape[1] / view.width
    left, top = round((box.left - view.left) * scale) - 3, round((box.top - view.top) * scale) - 3
    right, bottom = (
        round((box.left + box.width - view.left) * scale) + 2,
        round((box.top + box.height - view.top) * scale) + 2,
    )
    return np.asarray(cv2.rectangle(drawn.copy(), (left, top), (right, bottom), _OUTLINE, 2), np.uint8)
