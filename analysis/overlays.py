"""Images with what was predicted rightly, wrongly and not at all drawn over them."""

from __future__ import annotations

from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from analysis.colours import AgreementColours
from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask

BRIGHTNESS = 0.55
"""What is left of the image's brightness beneath the colours."""
OPACITY_CORRECT, OPACITY_ERROR = 0.38, 0.9
LEGEND_BACKGROUND, LEGEND_TEXT = (20, 22, 26), (235, 237, 240)


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
    predicted, same = prediction != 0, truth == prediction
    codes = np.zeros(truth.shape, np.uint8)
    codes[predicted & same] = Agreement.CORRECT
    codes[predicted & ~same] = Agreement.WRONG
    codes[(truth != 0) & ~predicted] = Agreement.MISSED
    codes[truth == IGNORE] = Agreement.NEITHER
    return codes


def draw_difference(image: Rgb, codes: Mask, colours: AgreementColours) -> Rgb:
    """The image in dimmed grey with `agreement`'s codes in colour over it."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    ramp = np.arange(256, dtype=np.float64) * BRIGHTNESS
    looks = np.empty((len(Agreement), 256, 3), np.uint8)
    looks[Agreement.NEITHER] = ramp[:, None]
    looks[Agreement.CORRECT] = _tint(ramp, colours.correct, OPACITY_CORRECT)
    looks[Agreement.WRONG] = _tint(ramp, colours.wrong, OPACITY_ERROR)
    looks[Agreement.MISSED] = _tint(ramp, colours.missed, OPACITY_ERROR)
    look_up = looks.reshape(-1, 3)
    return np.asarray(look_up[codes.astype(np.uint16) << 8 | grey])


def _tint(ramp: npt.NDArray[np.float64], colour: tuple[int, int, int], opacity: float) -> Rgb:
    return ((1 - opacity) * ramp[:, None] + opacity * np.array(colour)).round().astype(np.uint8)


def with_legend(overlay: Rgb, colours: AgreementColours) -> Rgb:
    """The overlay with a band below that says what the colours mean; no pixel of it is covered."""
    width = overlay.shape[1]
    em = max(12, width // 70)
    band = Image.new("RGB", (width, 2 * em), LEGEND_BACKGROUND)
    _draw_legend(ImageDraw.Draw(band), colours, em)
    return np.concatenate([overlay, np.asarray(band)], axis=0)


def _draw_legend(draw: ImageDraw.ImageDraw, colours: AgreementColours, em: int) -> None:
    font = ImageFont.load_default(em)
    left = em
    for text, colour in colours.legend():
        draw.rectangle((left, em // 2, left + em, em // 2 + em), fill=colour)
        draw.text((left + em * 1.5, em), text, LEGEND_TEXT, font, anchor="lm")
        left += int(em * 3 + draw.textlength(text, font))
