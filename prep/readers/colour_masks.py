"""Masks that hold colours instead of class ids: each colour of a table becomes an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats.errors import AlikeError, SagesegError
from formats.images import Rgb, image_errors, open_stored, read_image
from formats.masks import Mask
from formats.texts.wording import name_first

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""


@dataclass(frozen=True, slots=True)
class ColourMask:
    """A lossless file of colours, and what each colour means."""

    path: Path
    ids: Mapping[Colour, int]

    def read(self) -> Mask:
        if self.path.suffix.lower() in (".jpg", ".jpeg"):
            raise SagesegError(f"{self.path}: JPEG changes colours; expected a mask as PNG")
        return mask_of_colours(read_image(self.path), self.ids, self.path)


def mask_of_colours(pixels: Rgb, ids: Mapping[Colour, int], path: Path) -> Mask:
    """Class ids for colours, (height, width, 3) → (height, width). Raises SagesegError naming the
    first colour, and its place, that the table lacks."""
    packed = _pack(pixels)
    colours = _pack(np.array(list(ids), np.uint8))
    order = np.argsort(colours)
    slot = np.minimum(np.searchsorted(colours[order], packed), len(order) - 1)
    known = colours[order][slot] == packed
    if not known.all():
        row, column = np.unravel_index(int(np.argmin(known)), known.shape)
        what = "colour " + ",".join(str(value) for value in pixels[row, column])
        expected = name_first([",".join(map(str, colour)) for colour in ids], 6)
        raise AlikeError(str(path), what, f"{what} at ({column}, {row}) means nothing; expected {expected}")
    return np.array(list(ids.values()), np.uint8)[order][slot]


def _pack(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Three bytes as one number, over the last axis."""
    wide = rgb.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])


def mask_mode(path: Path) -> str:
    """The mode of a mask's file: P and L hold class ids, all others colours."""
    with image_errors(path), path.open("rb") as file, open_stored(file) as image:
        return image.mode
