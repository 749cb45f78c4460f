"""Tiles of a raster: where they lie, and how their pixels are read, window by window, so that memory holds one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.crops import Box
from formats.errors import SagesegError
from formats.images import Rgb
from formats.prepared.eight_bits import DepthError, to_8_bits
from formats.prepared.rasters import open_raster, window_of
from formats.prepared.value_range import ValueRange

Valid = npt.NDArray[np.bool_]
"""Whether a pixel has data, shape (height, width)."""


def tile_grid(width: int, height: int, side: int, least: int) -> list[list[Box]]:
    """Rows of tiles, `side` × `side`, which do not overlap and cover a raster. What is left over at its right and lower
    edge is a tile of its own, or where it is narrower than `least` a part of the tile before it."""
    columns, rows = _cut(width, side, least), _cut(height, side, least)
    return [[Box(left, top, wide, high) for left, wide in columns] for top, high in rows]


def _cut(length: int, side: int, least: int) -> list[tuple[int, int]]:
    """Where tiles begin, and how long they are."""
    count = max(1, length // side + (length % side >= least))
    begins = [side * number for number in range(count)]
    return [(begin, end - begin) for begin, end in zip(begins, [*begins[1:], length], strict=True)]


@dataclass(frozen=True)
class RasterTile:
    """A tile as an image of 8 bits: bands (three, or one as grey), and how their values come to 8 bits, None where they
    have them. Pixels without data are black. It is given to the writer as an encoded image; BMP costs no time."""

    path: Path
    box: Box
    bands: tuple[int, ...]
    values: ValueRange | None

    def read(self) -> bytes:
        buffer = BytesIO()
        Image.fromarray(self.read_rgb()).save(buffer, "BMP")
        return buffer.getvalue()

    def read_rgb(self) -> Rgb:
        """Shape (height, width, 3)."""
        pixels, valid = read_window(self.path, self.box, self.bands)
        filled = np.where(valid[..., None], pixels, np.zeros((), pixels.dtype))
        if self.values is not None:
            try:
                filled = to_8_bits(filled, self.values)
            except DepthError as e:
                raise SagesegError(f"{self.path}: {e}") from e
            filled[~valid] = 0
        return np.ascontiguousarray(np.broadcast_to(filled, (*valid.shape, 3)))

    def read_valid(self) -> Valid:
        return read_window(self.path, self.box, self.bands)[1]


@lru_cache(maxsize=1)  # a tile is read for its image, and then for its mask
def read_window(path: Path, box: Box, bands: tuple[int, ...]) -> tuple[npt.NDArray[Any], Valid]:
    """The pixels of a window, shape (height, width, bands), and which of them have data: those that the raster's mask,
    alpha or no-data value leaves in any of the bands, and whose values are finite in all."""
    with open_raster(path) as raster:
        window = window_of(box)
        pixels = np.moveaxis(raster.read(list(bands), window=window), 0, 2)
        valid = raster.read_masks(list(bands), window=window).any(axis=0)
    if pixels.dtype.kind == "f":
        valid &= np.isfinite(pixels).all(axis=2)
    return pixels, valid
