"""Rasters on earth as prep geotiff reads them, put together again from their tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from formats.images import decode_image
from prep.readers.geo.labels import LabelChoice
from prep.readers.geo.reader import TileOptions, read_geotiff
from prep.readers.labelled_image import Source, read_content

WIDTH, HEIGHT = 150, 110
SQUARE = [(10, 10), (60, 10), (60, 70), (10, 70)]


def read_tiles(path: Path, beside: Path, *, tiles: TileOptions | None = None, **choice: Any) -> Source:
    choice = {"class_field": "class", **choice} if beside.suffix == ".geojson" else choice
    return read_geotiff(path, LabelChoice(beside, **choice), tiles or TileOptions(side=64, least=32), workers=1)


def put_together(source: Source, *, name: str = "") -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The raster's image and mask, put together from its tiles; where there is none, 99."""
    assert source.georeference
    raster = next(each for each in source.georeference.rasters if each.name.startswith(name))
    image = np.full((raster.height, raster.width, 3), 99, np.uint8)
    mask = np.full((raster.height, raster.width), 99, np.uint8)
    by_source = {each.source: each for each in source.images}
    for tile in raster.tiles:
        place = np.s_[tile.box.top : tile.box.top + tile.box.height, tile.box.left : tile.box.left + tile.box.width]
        image[place] = decode_image(read_content(by_source[tile.source]))
        mask[place] = by_source[tile.source].mask.read()
    return image, mask
