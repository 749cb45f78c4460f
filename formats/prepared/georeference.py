"""georeference.json: where the images of a dataset, of a folder or of predictions lie in the rasters that they are
tiles of, so that masks go back to their place on earth."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from formats.crops import Box
from formats.errors import SagesegError
from formats.prepared.value_range import NONE
from formats.safe_names import check_inside
from formats.staging import write_text
from formats.texts.given_files import read_json

FILE = "georeference.json"


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


def write_georeference(root: Path, georeference: Georeference) -> None:
    rasters = [
        {
            **{name: getattr(raster, name) for name in ("name", "width", "height", "crs", "transform", "bands")},
            "tiles": {tile.source: astuple(tile.box) for tile in raster.tiles},
        }
        for raster in georeference.rasters
    ]
    write_text(root / FILE, json.dumps({"range": georeference.range, "rasters": rasters}, ensure_ascii=False) + "\n")


def read_georeference(root: Path) -> Georeference | None:
    """What a folder tells; None where its images are no tiles. Raises SagesegError that names the file."""
    try:
        told = read_json(root / FILE, "JSON that prep wrote")
        return Georeference(tuple(_raster(each, root / FILE) for each in told["rasters"]), str(told["range"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        raise SagesegError(f"{root / FILE}: not what sageseg writes ({e!r}); bring the file back that it wrote") from e


def _raster(told: dict[str, Any], where: Path) -> Raster:
    name = check_inside(told["name"], where, "a raster's name")
    tiles = tuple(Tile(source, Box(*map(int, box))) for source, box in told["tiles"].items())
    a, b, c, d, e, f = map(float, told["transform"])
    bands = tuple(map(int, told["bands"]))
    return Raster(name, int(told["width"]), int(told["height"]), told["crs"], (a, b, c, d, e, f), bands, tiles)
