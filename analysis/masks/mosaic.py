"""Predicted tiles of rasters put back together: the mask of each whole raster as GeoTIFF, written window by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from analysis.masks.sources import Source
from formats.classes import IGNORE, ClassTable, voc_palette
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import Predictions
from formats.prepared.georeference import FILE, Georeference, Raster, read_georeference
from formats.prepared.rasters import load_rasterio, open_raster, window_of

NOT_PREDICTED = IGNORE
"""The no-data value of these GeoTIFFs: where no tile, or no crop of it, was predicted."""
_BLOCK = 256


def find_georeference(predictions: Predictions, dataset: Dataset | None) -> Georeference | None:
    """Where the predicted images lie on earth, from the dataset or the predictions themselves."""
    return (dataset and read_georeference(dataset.root)) or read_georeference(predictions.root)


def need_georeference(predictions: Predictions, dataset: Dataset | None) -> Georeference:
    """`find_georeference`; SagesegError where nobody tells."""
    found = find_georeference(predictions, dataset)
    if found is None:
        raise SagesegError(
            f"{predictions.root / FILE}: not found, so these images have no place on earth; expected predictions of "
            "what sageseg prep geotiff or prep tiles made"
        )
    return found


def predicted_rasters(georeference: Georeference, sources: Sequence[Source]) -> dict[Raster, dict[str, Source]]:
    """The rasters of which a tile was predicted, with these tiles by their `source`. Raises SagesegError for an image
    that is no tile, and for a tile of another size."""
    by_source = {source.row.source: source for source in sources}
    found: dict[Raster, dict[str, Source]] = {}
    for raster in georeference.rasters:
        own = {tile.source: by_source.pop(tile.source) for tile in raster.tiles if tile.source in by_source}
        for tile in raster.tiles:
            source = own.get(tile.source)
            if source and (source.width, source.height) != (tile.box.width, tile.box.height):
                raise SagesegError(
                    f"{tile.source}: predicted at {source.width}×{source.height}, but the tile has "
                    f"{tile.box.width}×{tile.box.height}; predict the tiles as prep made them"
                )
        if own:
            found[raster] = own
    if by_source:
        raise SagesegError(
            f"{min(by_source)}: predicted, but {FILE} knows no such tile ({len(by_source)} such images); stitch the "
            "tiles of rasters apart from other images"
        )
    return found


def write_mosaic(
    path: Path, raster: Raster, tiles: dict[str, Source], read: Callable[[Source], Mask], classes: ClassTable | None
) -> None:
    """Write the class ids of a raster, 8 bits, with its system, place and the classes' colours. `read` gives a tile's
    mask at full size. What was not predicted is NOT_PREDICTED, which is the file's no-data value."""
    rasterio = load_rasterio("--geotiff")
    profile = {
        "driver": "GTiff",
        "width": raster.width,
        "height": raster.height,
        "count": 1,
        "dtype": "uint8",
        "crs": raster.crs or None,
        "transform": rasterio.Affine(*raster.transform),
        "nodata": NOT_PREDICTED,
        "compress": "deflate",
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "bigtiff": "if_safer",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_raster(path, "w", **profile) as opened:
        opened.write_colormap(1, {value: (*colour, 255) for value, colour in enumerate(voc_palette().tolist())})
        if classes:
            opened.update_tags(classes=",".join(classes.names))
        for tile in raster.tiles:
            source = tiles.get(tile.source)
            if source is None:
                mask = np.full((tile.box.height, tile.box.width), NOT_PREDICTED, np.uint8)
            else:
                mask = read(source).copy()
                for box in source.unpredicted:
                    mask[box.top : box.top + box.height, box.left : box.left + box.width] = NOT_PREDICTED
            opened.write(mask, 1, window=window_of(tile.box))


def mosaic_name(raster: Raster) -> str:
    """The path of a raster's mask in a folder of masks."""
    return PurePosixPath(raster.name).with_suffix(".tif").as_posix()
