"""georeference.json: where the images of a dataset, of a folder or of predictions lie in the rasters that they are
tiles of, so that masks go back to their place on earth."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypedDict

from formats.crops import Box
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.prepared.value_range import NONE
from formats.safe_names import check_inside
from formats.texts.given_files import read_json
from formats.texts.typed_json import check_type

FILE = "georeference.json"
_LARGEST = 2**31 - 1
"""Pixels of a side that GDAL counts."""


@dataclass(frozen=True)
class Tile:
    """A part of a raster that is an image: the image's `source`, as manifest.csv says it, and its place in pixels."""

    source: str
    box: Box


@dataclass(frozen=True)
class Raster:
    """A raster and its tiles, which do not overlap and need not cover it. `name` is its path in the folder that was
    read, `crs` its coordinate reference system as WKT, empty where it has none; `transform` are the six numbers a to f
    of x = a * column + b * row + c, y = d * column + e * row + f, of a pixel's upper left corner."""

    name: str
    width: int
    height: int
    crs: str
    transform: tuple[float, ...]
    bands: tuple[int, ...]
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Georeference:
    """The rasters; `range` is that of --range which brought them to 8 bits, or none."""

    rasters: tuple[Raster, ...]
    range: str = NONE


class _RasterTold(TypedDict):
    name: str
    width: int
    height: int
    crs: str
    transform: list[float]
    bands: list[int]
    tiles: dict[str, list[int]]


class _Told(TypedDict):
    range: str
    rasters: list[_RasterTold]


def write_georeference(root: Path, georeference: Georeference) -> None:
    write_text(root / FILE, format_georeference(georeference))


def format_georeference(georeference: Georeference) -> str:
    """The text of georeference.json."""
    rasters = [
        {
            **{name: getattr(raster, name) for name in ("name", "width", "height", "crs", "transform", "bands")},
            "tiles": {tile.source: astuple(tile.box) for tile in raster.tiles},
        }
        for raster in georeference.rasters
    ]
    return json.dumps({"range": georeference.range, "rasters": rasters}, ensure_ascii=False) + "\n"


def read_georeference(root: Path) -> Georeference | None:
    """What a folder tells; None where its images are no tiles. Raises SagesegError that names the file."""
    try:
        told = read_json(root / FILE, "JSON that prep wrote")
        check_type(told, _Told)
        return Georeference(tuple(_raster(each, root / FILE) for each in told["rasters"]), told["range"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, OverflowError) as e:
        raise SagesegError(f"{root / FILE}: not what sageseg writes ({e}); bring the file back that it wrote") from e


def _raster(told: _RasterTold, where: Path) -> Raster:
    if len(told["transform"]) != 6 or any(len(box) != 4 for box in told["tiles"].values()):
        raise ValueError("a transform of 6 numbers and tiles of 4 were written")
    name = check_inside(told["name"], where, "a raster's name")
    width, height = (_within(side, 1) for side in (told["width"], told["height"]))
    tiles = tuple(Tile(source, _tile(box, width, height)) for source, box in told["tiles"].items())
    a, b, c, d, e, f = map(float, told["transform"])
    if not all(map(math.isfinite, (a, b, c, d, e, f))) or a * e == b * d:
        raise ValueError(f"the transform {told['transform']} is no place on earth")
    bands = tuple(_within(band, 1) for band in told["bands"])
    return Raster(name, width, height, told["crs"], (a, b, c, d, e, f), bands, tiles)


def _tile(box: Sequence[int], width: int, height: int) -> Box:
    left, top, wide, high = (_within(value, least) for value, least in zip(box, (0, 0, 1, 1), strict=True))
    if left + wide > width or top + high > height:
        raise ValueError(f"the tile {box} leaves its raster of {width}×{height}")
    return Box(left, top, wide, high)


def _within(value: int, least: int) -> int:
    if not least <= value <= _LARGEST:
        raise ValueError(f"{value} is no whole number from {least} to {_LARGEST:,}")
    return value
