"""Masks in the colours of a map: PNG with a palette, RGB or RGBA.

Lookout for Vision's own sample masks are drawn with a soft brush: the colour of the class at every opacity from 0 to
255, on nothing at all, and no BACKGROUND in the map. So opacity says where a class ends; colours between two classes
are in no map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError
from formats.images import (
    image_errors,
    open_header,
    orientation_of,
    read_encoded,
    read_header,
    turn_upright,
)
from formats.masks import Mask
from formats.texts.wording import name_first
from prep.readers.colour_masks import Colour
from prep.readers.two_colour import ONE_CHANNEL, used_colours

Rgba = npt.NDArray[np.uint8]
_OPAQUE = 255
_HALF = 128
"""The least opacity of a pixel that is of its colour's class; what is fainter is background."""
_SHOWN = 6
_MODES = (*ONE_CHANNEL, "LA", "PA", "RGB", "RGBA")


@dataclass(frozen=True)
class HexMask:
    """A mask file, the id of each colour, and the line of the manifest that names it."""

    path: Path
    ids: Mapping[Colour, int]
    where: str

    def read(self) -> Mask:
        return self.read_with_faint()[0]

    def read_with_faint(self) -> tuple[Mask, int]:
        """The mask, and how many of its pixels are partly transparent. Raises SagesegError, naming file and place, for
        a colour that is not in the map."""
        with image_errors(self.path), open_header(read_encoded(self.path)) as image:
            if image.format == "JPEG":
                raise SagesegError(f"{self.where}: {self.path}: JPEG changes colours; expected a mask as PNG")
            if image.mode not in _MODES or getattr(image, "n_frames", 1) > 1:
                raise SagesegError(
                    f"{self.where}: {self.path}: mode {image.mode}, {getattr(image, 'n_frames', 1)} frame(s); expected "
                    "a PNG of 8 bits with a palette, RGB or RGBA"
                )
            image.load()
            drawn, faint = self._by_value(image) if image.mode in ONE_CHANNEL else self._by_pixel(image)
            return turn_upright(drawn, orientation_of(image)), faint

    def _by_value(self, image: Image.Image) -> tuple[Mask, int]:
        """A mask of one channel, by the colours of the values that it uses."""
        colours = used_colours(image)
        values = np.asarray(image.convert("L") if image.mode == "1" else image)
        table = np.zeros(256, np.uint8)
        for value, (*rgb, opacity) in colours.items():
            colour: Colour = (rgb[0], rgb[1], rgb[2])
            if opacity >= _HALF and colour not in self.ids:
                raise self._strange(colour, values == value)
            table[value] = self.ids[colour] if opacity >= _HALF else 0
        counts = image.histogram()
        mask: Mask = table[values]
        return mask, sum(counts[value] for value, colour in colours.items() if 0 < colour[3] < _OPAQUE)

    def _by_pixel(self, image: Image.Image) -> tuple[Mask, int]:
        pixels: Rgba = np.asarray(image.convert("RGBA"))
        packed = pixels[..., :3].astype(np.uint32) @ np.array((2**16, 2**8, 1), np.uint32)
        opacity = pixels[..., 3]
        known = opacity < _HALF
        mask: Mask = np.zeros(packed.shape, np.uint8)
        for (red, green, blue), class_id in self.ids.items():
            here = (packed == (red << 16 | green << 8 | blue)) & (opacity >= _HALF)
            mask[here] = class_id
            known |= here
        if not known.all():
            row, column = np.argwhere(~known)[0]
            red, green, blue = pixels[row, column, :3].tolist()
            raise self._strange((red, green, blue), ~known)
        return mask, int(np.count_nonzero((opacity > 0) & (opacity < _OPAQUE)))

    def _strange(self, colour: Colour, places: npt.NDArray[np.bool_]) -> SagesegError:
        row, column = np.argwhere(places)[0]
        there = name_first([hex_of(known) for known in self.ids], _SHOWN)
        return SagesegError(
            f"{self.where}: {self.path}: colour {hex_of(colour)} at ({column}, {row}) is not in the map of this line, "
            f"which has {there}; expected those alone, without smoothed edges"
        )


@dataclass(frozen=True)
class EmptyMask:
    """The mask of an image in which nothing is: background at the image's own size. A `stand_in` is a mask file of
    nothing but background, which images of any size may share."""

    image: Path
    stand_in: HexMask | None = None

    @property
    def path(self) -> Path:
        return self.stand_in.path if self.stand_in else self.image

    def read(self) -> Mask:
        if self.stand_in:
            self.stand_in.read()
        return np.zeros(read_header(self.image).size[::-1], np.uint8)


def hex_of(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
