"""Images with what was predicted rightly, wrongly and not at all drawn over them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from analysis.colours import AgreementColours
from analysis.legend import legend_band, text_size
from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask

BRIGHTNESS = 0.55
"""What is left of the image's brightness beneath the colours."""
OPACITY_CORRECT, OPACITY_ERROR = 0.38, 0.9
_ROWS = 64


class Agreement(IntEnum):
    NEITHER = 0
    CORRECT = 1
    WRONG = 2
    MISSED = 3


def agreement(truth: Mask, prediction: Mask) -> Mask:
    """Where two masks agree, as `Agreement` codes, (height, width) uint8.

    Only foreground is coloured: correct is the right foreground class, wrong a foreground class
    that is not the true one, missed foreground that was predicted as background. Ignored pixels
    (255 in the truth) are neither.
    """
    codes = np.empty(truth.shape, np.uint8)
    for rows in _bands(truth.shape[0]):
        codes[rows] = _agree(truth[rows], prediction[rows])
    return codes


def _agree(truth: Mask, prediction: Mask) -> Mask:
    predicted = prediction != 0
    codes: Mask = predicted.view(np.uint8) + (predicted & (truth != prediction))
    codes += np.uint8(Agreement.MISSED) * ((truth != 0) & ~predicted).view(np.uint8)
    codes *= truth != IGNORE
    return codes


def _bands(height: int) -> Iterator[slice]:
    """Some rows after another: what is computed of them on the way stays in the processor's cache."""
    return (slice(top, top + _ROWS) for top in range(0, height, _ROWS))


def draw_difference(image: Rgb, codes: Mask, colours: AgreementColours) -> Rgb:
    """The image in dimmed grey with `agreement`'s codes in colour over it."""
    drawn = np.empty_like(image)
    _draw(image, codes, colours, drawn)
    return drawn


def draw_overlay(image: Rgb, codes: Mask, colours: AgreementColours) -> Rgb:
    """`draw_difference` with a band below that says what the colours mean; no pixel is covered."""
    height, width = codes.shape
    band = legend_band(width, colours.legend(), text_size(width))
    drawn = np.empty((height + band.shape[0], width, 3), np.uint8)
    _draw(image, codes, colours, drawn[:height])
    drawn[height:] = band
    return drawn


def _draw(image: Rgb, codes: Mask, colours: AgreementColours, drawn: Rgb) -> None:
    share, colour = _paints(colours)
    for rows in _bands(codes.shape[0]):
        # A pixel is share × grey + colour, both by its code. Channel by channel in cv2 that takes a
        # fifth of the time of one table look-up per pixel in numpy.
        part = codes[rows]
        grey = cv2.multiply(cv2.cvtColor(image[rows], cv2.COLOR_RGB2GRAY), cv2.LUT(part, share), scale=1 / 255)
        cv2.merge([cv2.add(grey, cv2.LUT(part, channel)) for channel in colour], drawn[rows])


def _paints(colours: AgreementColours) -> tuple[Rgb, npt.NDArray[np.uint8]]:
    """For each code what is left of the grey, (256,) in 255ths, and the colour on it, (3, 256)."""
    share, colour = np.zeros(256), np.zeros((3, 256))
    share[Agreement.NEITHER] = BRIGHTNESS
    for code, paint, opacity in (
        (Agreement.CORRECT, colours.correct, OPACITY_CORRECT),
        (Agreement.WRONG, colours.wrong, OPACITY_ERROR),
        (Agreement.MISSED, colours.missed, OPACITY_ERROR),
    ):
        share[code] = (1 - opacity) * BRIGHTNESS
        colour[:, code] = np.array(paint) * opacity
    return (255 * share).round().astype(np.uint8), colour.round().astype(np.uint8)
