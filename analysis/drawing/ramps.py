"""Ramps of one hue, from almost the page's paper to a strong tone, for maps that people read as more and less."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.drawing.colours import Colour

# Björn Ottosson, A perceptual color space for image processing, 2020 (bottosson.github.io/posts/oklab): linear sRGB to
# the cones' answers, and their cube roots to lightness, green to red, blue to yellow.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_STEP = 0.005


@dataclass(frozen=True)
class Ramp:
    """Its ends as CSS has them, on white paper and on dark."""

    low: str
    high: str
    dark_low: str
    dark_high: str


def ramp_of(colour: Colour) -> Ramp:
    """The ramp of a colour's hue. Lightness and chroma are those of all ramps, so that none looks like more than
    another, but for hues of which screens show no such chroma."""
    hue = hue_of(colour)
    ends = ((0.96, 0.02), (0.42, 0.17), (0.26, 0.04), (0.86, 0.12))
    return Ramp(*(_css(lightness, min(chroma, most_chroma(lightness, hue)), hue) for lightness, chroma in ends))


def hue_of(colour: Colour) -> float:
    """The angle of a colour's hue in OKLCH, 0 to 360."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    _, red, yellow = _TO_LAB @ np.cbrt(_TO_CONES @ linear)
    return math.degrees(math.atan2(yellow, red)) % 360


def most_chroma(lightness: float, hue: float) -> float:
    """The largest chroma of a lightness (0 to 1) and hue that sRGB holds, in steps."""
    chroma = 0.0
    while _is_shown(lightness, chroma + _STEP, hue):
        chroma += _STEP
    return chroma


def _is_shown(lightness: float, chroma: float, hue: float) -> bool:
    angle = math.radians(hue)
    lab = np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    linear = np.linalg.solve(_TO_CONES, np.linalg.solve(_TO_LAB, lab) ** 3)
    return bool(np.all((linear >= 0) & (linear <= 1)))


def _css(lightness: float, chroma: float, hue: float) -> str:
    return f"oklch({100 * lightness:.0f}% {chroma:.3f} {hue:.0f})"
