"""Images with what was predicted rightly, wrongly and not at all drawn over them; a report's from its layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.drawing.colours import AgreementColours
from analysis.drawing.jpeg_planes import (
    CENTRE,
    Plane,
    Planes,
    colour_differences,
    encode_planes,
    halve,
    stack,
    to_planes,
    without_colour,
)
from analysis.drawing.legend import legend_band, text_size
from analysis.masks.agreement import Agreement, bands_of
from analysis.masks.pairs import read_layers
from analysis.report_files import layer_name, overlay_name
from formats.arrays import Floats
from formats.crops import Box
from formats.disk.whole_files import write_unfinished
from formats.images import Luma, Rgb, read_image, read_luma
from formats.masks import Mask

BRIGHTNESS = 0.55
"""What is left of the image's brightness beneath the colours."""
OPACITY_CORRECT, OPACITY_ERROR = 0.38, 0.9
_QUALITY = 90


def draw_difference(image: Rgb, codes: Mask, colours: AgreementColours) -> Rgb:
    """The image in dimmed grey with `agreement`'s codes in colour over it."""
    drawn = np.empty_like(image)
    share, paint = _paints(colours)
    for rows in bands_of(codes.shape[0]):
        # A pixel is share × grey + colour, both by its code. Channel by channel in cv2 that takes a
        # fifth of the time of one table look-up per pixel in numpy.
        grey = _dimmed(cv2.cvtColor(image[rows], cv2.COLOR_RGB2GRAY), codes[rows], share)
        cv2.merge([cv2.add(grey, _look_up(codes[rows], channel)) for channel in paint.T], drawn[rows])
    return drawn


def draw_overlay(luma: Luma, codes: Mask, colours: AgreementColours) -> Planes:
    """What `draw_difference` shows, from the image's brightness (height, width) uint8 alone, with a
    band below that says what the colours mean; no pixel is covered."""
    height, width = codes.shape
    drawn = without_colour(np.asarray(cv2.convertScaleAbs(luma, alpha=BRIGHTNESS), np.uint8))
    _paint(drawn, luma, codes, colours)
    return stack(drawn, _legend(width, colours, height % 2))


def _paint(drawn: Planes, luma: Luma, codes: Mask, colours: AgreementColours) -> None:
    """Lay the colours on, inside the box around them alone, of whole pairs of rows and of columns."""
    left, top, width, height = cv2.boundingRect(codes)
    if not width:
        return
    rows, columns = _in_pairs(top, top + height), _in_pairs(left, left + width)
    share, paint = _paints(colours)
    bright, *tones = colour_differences(paint).T
    coded = np.ascontiguousarray(codes[rows, columns])
    drawn.brightness[rows, columns] = cv2.add(_dimmed(luma[rows, columns], coded, share), _look_up(coded, bright))
    for plane, tone in zip((drawn.blue, drawn.red), tones, strict=True):
        half = halve(_look_up(coded, CENTRE + tone))
        at = rows.start // 2, columns.start // 2
        plane[at[0] : at[0] + half.shape[0], at[1] : at[1] + half.shape[1]] = half


def _in_pairs(first: int, end: int) -> slice:
    return slice(first - first % 2, end + end % 2)


@lru_cache(maxsize=16)
def _legend(width: int, colours: AgreementColours, first: int) -> Planes:
    """The band, its colour from row `first` on; drawn once, for many images of one size."""
    return to_planes(legend_band(width, colours.legend(), text_size(width)), first)


def _dimmed(grey: npt.NDArray[Any], codes: Mask, share: Floats) -> Plane:
    return np.asarray(cv2.multiply(grey, _look_up(codes, 255 * share), scale=1 / 255), np.uint8)


def _look_up(codes: Mask, values: Floats) -> Plane:
    """The value of each code, rounded."""
    table = np.zeros(256, np.uint8)
    table[: len(values)] = values.round()
    return np.asarray(cv2.LUT(codes, table), np.uint8)


def _paints(colours: AgreementColours) -> tuple[Floats, Floats]:
    """By code: what is left of the grey, shape (4,), and the colour on it, (4, 3)."""
    share, paint = np.empty(len(Agreement)), np.zeros((len(Agreement), 3))
    share[Agreement.NEITHER] = BRIGHTNESS
    for code, colour, opacity in (
        (Agreement.CORRECT, colours.correct, OPACITY_CORRECT),
        (Agreement.WRONG, colours.wrong, OPACITY_ERROR),
        (Agreement.MISSED, colours.missed, OPACITY_ERROR),
    ):
        share[code] = (1 - opacity) * BRIGHTNESS
        paint[code] = np.array(colour) * opacity
    return share, paint


def difference_of(report: Path, stem: str, colours: AgreementColours, view: Box | None = None) -> Rgb:
    """The image in grey with what is right, wrong and missed over it, or the part in `view`, (height, width, 3)
    uint8."""
    layers = read_layers(report / layer_name("pairs", stem))
    seen = view or Box(0, 0, *layers.size)
    part = slice(seen.top, seen.top + seen.height), slice(seen.left, seen.left + seen.width)
    image = read_image(report / layer_name("image", stem))[part]
    return draw_difference(np.ascontiguousarray(image), np.ascontiguousarray(layers.agreement()[part]), colours)


@dataclass(frozen=True)
class OverlayWriter:
    """Writes the full-size overlay of an image, by stem. Pickles, to work in another process."""

    report: Path
    colours: AgreementColours

    def __call__(self, stem: str) -> None:
        codes = read_layers(self.report / layer_name("pairs", stem)).agreement()
        overlay = draw_overlay(read_luma(self.report / layer_name("image", stem)), codes, self.colours)
        write_unfinished(self.report / overlay_name(stem), encode_planes(overlay, _QUALITY))
