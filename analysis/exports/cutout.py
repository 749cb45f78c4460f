"""What was predicted, cut out of its image: on nothing, on a colour, or on another image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from analysis.exports.options import Background
from analysis.masks.cleaning import NO_CHANGES, Changes, read_clean
from analysis.masks.reading import read_bands
from analysis.masks.sources import Source
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import IGNORE, ClassTable
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.masks import Mask
from formats.objects.labelled import label

Alpha = npt.NDArray[np.uint8]
"""How much of a pixel is foreground, shape (height, width), 0 to 255."""

CLEAR, SOLID = 0.1, 0.9
"""The probabilities of the foreground between which a soft edge fades: networks are seldom surer
of anything, and a haze of a few per cent over the whole background would show."""
MIDDLE = 128
"""What is softer was background."""
_QUALITY = 95
_COMPRESSION = 3


@dataclass(frozen=True)
class Cutout:
    """Cuts predicted foreground out: RGBA PNG without a background, JPEG with one. `cleaned` masks, which their
    probabilities do not follow, decide what soft edges may be around."""

    classes: ClassTable | None
    background: Background | None = None
    soft: bool = False
    cleaning: Cleaning = AS_PREDICTED
    cleaned: bool = False

    @property
    def suffix(self) -> str:
        return ".jpg" if self.background else ".png"

    def __call__(self, predictions: Path, source: Source, image: Rgb) -> tuple[bytes, Changes]:
        alpha, changes = self._alpha(predictions, source)
        if self.background is None:
            return encode_rgba(image, alpha), changes
        height, width = alpha.shape
        drawn = blend(image, backdrop(self.background, width, height), alpha)
        return bytes(simplejpeg.encode_jpeg(drawn, _QUALITY, "RGB", "444")), changes

    def _alpha(self, predictions: Path, source: Source) -> tuple[Alpha, Changes]:
        num_values = len(self.classes) if self.classes else IGNORE
        if not self.soft:
            mask, changes = read_clean(predictions, source, num_values, self.cleaning)
            return np.asarray((mask != 0) * np.uint8(255), np.uint8), changes
        if not source.probabilities or self.classes is None:
            lacking = "labels.txt" if source.probabilities else "probabilities"
            raise SagesegError(f"{predictions}: no {lacking} for --soft; predict with --probabilities")
        alpha = np.empty((source.height, source.width), np.uint8)
        for band in read_bands(predictions, source, len(self.classes), probabilities=True):
            if band.probabilities is not None:
                alpha[band.top : band.top + band.labels.shape[0]] = soft_alpha(band.probabilities[0])
        if self.cleaning or self.cleaned:
            mask, changes = read_clean(predictions, source, num_values, self.cleaning)
            return around(alpha, mask), changes
        return alpha, NO_CHANGES


def around(alpha: Alpha, mask: Mask) -> Alpha:
    """A soft alpha without what a mask has not: what is opaque beside its foreground, and haze that does not reach it;
    solid in its foreground where the alpha was clear."""
    soft = label((alpha > 0).view(np.uint8))
    held = soft.count_in((mask != 0).view(np.uint8)) > 0
    kept = np.where(np.concatenate(([False], held))[soft.labels], alpha, 0)
    kept[(mask == 0) & (alpha >= MIDDLE)] = 0
    kept[(mask != 0) & (alpha < MIDDLE)] = 255
    return np.asarray(kept, np.uint8)


def soft_alpha(background: npt.NDArray[Any]) -> Alpha:
    """From the background's probabilities, shape (h, w), 0 to 1: clear up to CLEAR foreground, solid
    from SOLID on, straight between."""
    foreground = 1 - background.astype(np.float32)
    return np.asarray((255 * np.clip((foreground - CLEAR) / (SOLID - CLEAR), 0, 1)).round(), np.uint8)


def encode_rgba(image: Rgb, alpha: Alpha) -> bytes:
    """PNG with straight alpha; where that is 0 the image's colours are gone too."""
    red, green, blue = (cv2.bitwise_and(channel, channel, mask=alpha) for channel in cv2.split(image))
    _, content = cv2.imencode(".png", cv2.merge([blue, green, red, alpha]), [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION])
    return bytes(content)


def blend(image: Rgb, behind: Rgb, alpha: Alpha) -> Rgb:
    """`image` over `behind`, both (height, width, 3), each pixel by its alpha."""
    share = alpha[:, :, None].astype(np.uint16)
    return np.asarray((image * share + behind * (255 - share) + 127) // 255, np.uint8)


@cache
def backdrop(background: Background, width: int, height: int) -> Rgb:
    """A background at a size: a colour everywhere, or the middle of an image that is scaled, its
    proportions kept, until it covers everything. Made once for all images of a size."""
    if not isinstance(background, Path):
        return np.full((height, width, 3), background, np.uint8)
    image = read_image(background)
    scale = max(width / image.shape[1], height / image.shape[0])
    size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)
