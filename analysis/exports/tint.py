"""A prediction drawn on its image: classes as tints with outlines, and a legend below."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from analysis.drawing.legend import Entries, legend_band, text_size
from analysis.masks.cleaning import Changes, read_clean
from analysis.masks.sources import Source
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import IGNORE, ClassTable, voc_palette
from formats.images import Rgb
from formats.masks import Mask

OPACITY = 0.55
_PIXELS_PER_LINE = 640
"""An outline is one pixel wide for each such stretch of the image's width, and at least two."""
_QUALITY = 92


@dataclass(frozen=True)
class Tint:
    """Draws predictions of these classes; without their names the legend says numbers."""

    classes: ClassTable | None
    cleaning: Cleaning = AS_PREDICTED
    suffix: str = ".jpg"

    def __call__(self, predictions: Path, source: Source, image: Rgb) -> tuple[bytes, Changes]:
        num_values = len(self.classes) if self.classes else IGNORE
        mask, changes = read_clean(predictions, source, num_values, self.cleaning)
        width = image.shape[1]
        band = legend_band(width, self._legend(mask), text_size(width))
        drawn = np.asarray(cv2.vconcat([draw_tint(image, mask), band]), np.uint8)
        return bytes(simplejpeg.encode_jpeg(drawn, _QUALITY, "RGB", "444")), changes

    def _legend(self, mask: Mask) -> Entries:
        """The foreground classes that occur, and their tints."""
        present = [class_id for class_id in np.unique(mask).tolist() if class_id]
        names = [self.classes.names[each] if self.classes else f"class {each}" for each in present]
        colours = [(red, green, blue) for red, green, blue in voc_palette()[present].tolist()]
        return tuple(zip(names, colours, strict=True))


def draw_tint(image: Rgb, mask: Mask) -> Rgb:
    """The image (height, width, 3) with each foreground class of the mask (height, width) tinted in
    VOC's colour and outlined, inside its edge, in a lighter one."""
    keep = np.full(256, 255, np.uint8)
    keep[1:] = round(255 * (1 - OPACITY))
    paint = (voc_palette() * OPACITY).round().astype(np.uint8)
    paint[0] = 0
    kept = cv2.LUT(mask, keep)
    channels = [
        cv2.add(cv2.multiply(channel, kept, scale=1 / 255), cv2.LUT(mask, np.ascontiguousarray(paint[:, index])))
        for index, channel in enumerate(cv2.split(image))
    ]
    drawn = np.asarray(cv2.merge(channels), np.uint8)
    line = outline(mask, max(2, round(mask.shape[1] / _PIXELS_PER_LINE)))
    drawn[line] = light_palette()[mask[line]]
    return drawn


def outline(mask: Mask, thickness: int) -> npt.NDArray[np.bool_]:
    """Where foreground lies within `thickness` pixels of another class, shape (height, width)."""
    reach = np.ones((2 * thickness + 1,) * 2, np.uint8)
    return np.asarray((cv2.dilate(mask, reach) != cv2.erode(mask, reach)) & (mask != 0))


def light_palette() -> Rgb:
    """VOC's colours halfway to white, shape (256, 3): seen on dark and on bright images, and as
    different from one another as they are."""
    return np.asarray(voc_palette() // 2 + 127, np.uint8)
