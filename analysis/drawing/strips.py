"""An image, its truth, its prediction and their difference side by side: one file to show."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from analysis.drawing.colours import AgreementColours
from analysis.drawing.legend import BAND, caption_band, legend_band, text_size
from analysis.drawing.shrink import shrink
from analysis.drawing.tints import class_colours
from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask

PANEL = 960
"""The widest a panel gets; the four of a wide image then fill a 4K screen."""
CAPTIONS = ("Image", "Truth", "Prediction", "Difference")
_MASK_BACKGROUND, _MASK_IGNORED, _MASK_SINGLE = (40, 44, 50), (110, 116, 126), (240, 242, 245)
_GAP = 1 / 60


def draw_strip(
    image: Rgb, truth: Mask, prediction: Mask, difference: Rgb, colours: AgreementColours, names: Sequence[str]
) -> Rgb:
    """Four panels in a row with their captions and a legend below, (height, width, 3) uint8.

    Panels are at most PANEL pixels wide, in the image's own proportions. `names` are the classes',
    by id; a single foreground class is white and needs no name.
    """
    height, width = truth.shape
    scale = min(1.0, PANEL / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    table = _table(len(names))
    panels = [image, _paint(truth, table), _paint(prediction, table), difference]
    gap = max(2, round(size[0] * _GAP))
    framed = [cv2.copyMakeBorder(shrink(p, size), 0, 0, 0, gap, cv2.BORDER_CONSTANT, value=BAND) for p in panels]
    row = np.ascontiguousarray(cv2.hconcat(framed)[:, :-gap])
    total, em = row.shape[1], text_size(2 * size[0])
    classes = tuple(zip(names, class_colours(len(names)), strict=True))[1:] if len(names) > 2 else ()
    legend = legend_band(total, (*colours.legend(), *classes), em)
    return np.asarray(cv2.vconcat([row, caption_band(total, CAPTIONS, em), legend]), np.uint8)


def _table(num_classes: int) -> Rgb:
    """The colour of each mask value, shape (256, 3)."""
    table = np.zeros((256, 3), np.uint8)
    table[:num_classes] = class_colours(num_classes)
    table[0], table[IGNORE] = _MASK_BACKGROUND, _MASK_IGNORED
    if num_classes == 2:
        table[1] = _MASK_SINGLE
    return table


def _paint(mask: Mask, table: Rgb) -> Rgb:
    return np.asarray(cv2.merge([cv2.LUT(mask, np.ascontiguousarray(channel)) for channel in table.T]), np.uint8)
