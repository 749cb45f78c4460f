"""The colours of masks and of their difference where the page lays them over an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.drawing.colours import AgreementColours, Colour
from analysis.masks.agreement import Agreement
from formats.classes import IGNORE, voc_palette

Rgba = npt.NDArray[np.uint8]
"""Red, green, blue and opacity of each id, shape (n, 4), n at most 256."""
SINGLE_CLASS: Colour = (178, 76, 245)
"""Violet for the only foreground class: VOC's dark red would read as a mistake beside the
difference, and no scheme of `analysis.drawing.colours` has it."""
_IGNORED: Colour = (128, 134, 145)
_OPACITY_MASK, _OPACITY_CORRECT, _OPACITY_ERROR = 0.6, 0.42, 0.95


def class_colours(num_classes: int) -> tuple[Colour, ...]:
    """The colour of each class on the page, by id: VOC's, and violet for a single foreground class."""
    colours = [(red, green, blue) for red, green, blue in voc_palette()[:num_classes].tolist()]
    if num_classes == 2:
        colours[1] = SINGLE_CLASS
    return tuple(colours)


def tint_palette(num_classes: int) -> Rgba:
    """Class ids as tints: the background is clear."""
    palette = np.zeros((256, 4), np.uint8)
    palette[:num_classes, :3] = class_colours(num_classes)
    palette[1:num_classes, 3] = round(255 * _OPACITY_MASK)
    palette[IGNORE] = (*_IGNORED, round(255 * _OPACITY_MASK))
    return palette


def difference_palette(colours: AgreementColours) -> Rgba:
    """`Agreement` codes as tints: where nothing is true or predicted it is clear."""
    palette = np.zeros((256, 4), np.uint8)
    palette[Agreement.CORRECT] = (*colours.correct, round(255 * _OPACITY_CORRECT))
    palette[Agreement.WRONG] = (*colours.wrong, round(255 * _OPACITY_ERROR))
    palette[Agreement.MISSED] = (*colours.missed, round(255 * _OPACITY_ERROR))
    return palette
