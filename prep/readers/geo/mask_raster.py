"""Labels that are a raster themselves, on the grid of the image: ids, black and white, or colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE
from formats.console import say
from formats.crops import Box
from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask
from formats.prepared.rasters import open_raster, parse_crs, window_of
from prep.readers.colour_masks import Colour, mask_of_colours
from prep.readers.geo.raster import RasterFacts
from prep.readers.geo.tiles import RasterTile

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_CLOSE = 1e-3
"""So far, as a share of a pixel, may corners lie apart that are one."""
WHITE = 255
_MOST_VALUES = 256


@dataclass(frozen=True)
class MaskRaster:
    """A raster of labels. `ids` gives each value its class; with `colours` its three bands do. `nodata` is its value
    for pixels without a label, which are ignore, None where it has none or a class has that value."""

    path: Path
    ids: Mapping[int, int]
    colours: Mapping[Colour, int]
    nodata: int | None


@dataclass(frozen=True)
class MaskTile:
    """The mask of a tile from a raster of labels. Pixels where the image has no data are ignore."""

    path: Path
    tile: RasterTile
    has_gaps: bool
    labels: MaskRaster

    def read(self) -> Mask:
        mask = self._labels()
        if self.has_gaps:
            mask[~self.tile.read_valid()] = IGNORE
        return mask

    def _labels(self) -> Mask:
        if self.labels.colours:
            return mask_of_colours(read_colours(self.path, self.tile.box), self.labels.colours, self.path)
        values = read_values(self.path, self.tile.box)
        known = dict(self.labels.ids)
        if self.labels.nodata is not None:
            known[self.labels.nodata] = IGNORE
        used, places = np.unique(values, return_inverse=True)
        strange = [value for value in used.tolist() if value not in known]
        if strange:
            raise SagesegError(f"{self.path}: value {strange[0]} was not in it before; run the command anew")
        table = np.array([known[value] for value in used.tolist()], np.uint8)
        return np.asarray(table[places.reshape(values.shape)])


def read_values(path: Path, box: Box) -> npt.NDArray[Any]:
    """The first band of a window, shape (height, width)."""
    with open_raster(path) as raster:
        return np.asarray(raster.read(1, window=window_of(box)))


def read_colours(path: Path, box: Box) -> Rgb:
    """The first three bands of a window, shape (height, width, 3)."""
    with open_raster(path) as raster:
        return np.ascontiguousarray(np.moveaxis(raster.read([1, 2, 3], window=window_of(box)), 0, 2))


def values_of_tile(path: Path, box: Box) -> tuple[int, ...]:
    """The values in a window, in order. Raises SagesegError where they are too many to be classes."""
    used = np.unique(read_values(path, box))
    if len(used) > _MOST_VALUES:
        raise SagesegError(
            f"{path}: over {_MOST_VALUES} values, from {used[0]} to {used[-1]}, in one place; expected class ids"
        )
    return tuple(map(int, used.tolist()))


def check_grid(labels: RasterFacts, image: RasterFacts) -> None:
    """Raise SagesegError where a raster of labels does not lie on the pixels of the image. One that lies nowhere on
    earth, and has the image's size, is taken to lie on them, and that is said."""
    if (labels.width, labels.height) != (image.width, image.height):
        raise SagesegError(f"{labels.path}: {_size(labels)} pixels, but {image.path.name} has {_size(image)}; {_ALIGN}")
    if not labels.crs and labels.transform == _IDENTITY:
        if image.crs or image.transform != _IDENTITY:
            say(f"note: {labels.path}: lies nowhere on earth; it is taken to lie on the pixels of {image.path.name}")
        return
    both = [parse_crs(raster.crs, str(raster.path)) for raster in (labels, image) if raster.crs]
    if len(both) == 2 and both[0] != both[1]:
        raise SagesegError(f"{labels.path}: in another coordinate reference system than {image.path.name}; {_ALIGN}")
    apart = _farthest_corner(labels, image)
    if apart > _CLOSE:
        raise SagesegError(
            f"{labels.path}: its corners lie up to {apart:.3g} pixels from those of {image.path.name}; {_ALIGN}"
        )


_ALIGN = "expected one grid: align it with gdalwarp -r near -te … -ts …"


def _size(raster: RasterFacts) -> str:
    return f"{raster.width}×{raster.height}"


def _farthest_corner(one: RasterFacts, other: RasterFacts) -> float:
    """How far corners of two rasters of one size lie apart, in pixels of the second."""
    corners = np.array([(x, y, 1) for x in (0, one.width) for y in (0, one.height)], float).T
    first, second = (np.reshape(raster.transform, (2, 3)) for raster in (one, other))
    apart = np.linalg.solve(second[:, :2], (first - second) @ corners)
    return float(np.abs(apart).max())


def check_labels(labels: RasterFacts, *, has_colours: bool) -> bool:
    """Whether a raster's bands are colours. Raises SagesegError for what is neither ids nor colours."""
    coloured = labels.count >= 3 and {"red", "green", "blue"} <= set(labels.colours)
    if coloured and not has_colours:
        raise SagesegError(
            f"{labels.path}: holds colours; expected the list of its classes with name:red,green,blue:: in its lines, "
            "as --labels"
        )
    kind = labels.dtypes[0]
    if (not coloured and labels.count != 1) or np.dtype(kind).kind not in "ui" or (coloured and kind != "uint8"):
        raise SagesegError(
            f"{labels.path}: {labels.count} band(s) of {kind}; expected one band of class ids, or red, green and blue"
        )
    return coloured
