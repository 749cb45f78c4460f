"""Predictions of rasters as polygons on earth (GeoJSON), to open in a GIS, to correct and to train on."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.exports.ceiling import few_enough, most_of, too_many
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.mosaic import NOT_PREDICTED, need_georeference, predicted_rasters, write_mosaic
from analysis.masks.reading import BACKGROUND_ID, read_prediction
from analysis.masks.sources import plan_sources
from formats.classes import ClassTable
from formats.disk.whole_files import staged_file
from formats.errors import SagesegError
from formats.predictions import Predictions, need_classes
from formats.prepared.georeference import FILE, Raster
from formats.prepared.rasters import load_rasterio, open_raster, parse_crs, transform_points

WGS84 = "OGC:CRS84"
_AT_A_TIME = 1000
Points = npt.NDArray[np.float64]
Rings = list[Points]
"""The closed rings of a polygon, x, y of each point: its outline, then its holes."""


class Crs(StrEnum):
    """In which coordinates polygons are written: longitude and latitude (RFC 7946), or the raster's."""

    WGS84 = "wgs84"
    RASTER = "raster"


@dataclass(frozen=True)
class Exported:
    """`left_out` regions were smaller than asked for."""

    rasters: int
    polygons: int
    left_out: int


@dataclass(frozen=True)
class Region:
    """A region of one class, of four neighbours, along the edges of its pixels, in the raster's coordinates."""

    class_id: int
    pixels: int
    rings: Rings


def export_geojson(
    predictions: Predictions,
    out: Path,
    *,
    crs: Crs = Crs.WGS84,
    listed: Path | None = None,
    least_pixels: int = 1,
    most_objects: int | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write one FeatureCollection of all rasters, or of the tiles that are `listed`: each region of a class that is not
    the background is a feature with the properties class, pixels and raster. Regions of fewer than `least_pixels` are
    left out; across tiles a region is one.

    Raises SagesegError for predictions of what is no raster, a raster of more regions than `most_of` says, rasters
    without coordinate reference system, and rasters of several where theirs is asked for.
    """
    load_rasterio("analysis geojson")
    classes = need_classes(predictions, "GeoJSON")
    sources = choose_sources(plan_sources(predictions, None), listed)
    rasters = predicted_rasters(need_georeference(predictions, None), sources)
    told = _crs_member(list(rasters), crs, predictions.root)
    polygons = left_out = 0
    with staged_file(out, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.write('{"type": "FeatureCollection", ' + told + '"features": [')
        for raster, tiles in rasters.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "mask.tif"
                read = partial(read_prediction, predictions.root, num_classes=len(classes))
                write_mosaic(path, raster, tiles, read, classes)
                every = regions(path)
                most, before = most_of(raster.width * raster.height, most_objects), polygons
                while some := list(islice(every, _AT_A_TIME)):
                    kept = [region for region in some if region.pixels >= least_pixels]
                    left_out += len(some) - len(kept)
                    if polygons - before + len(kept) > most:
                        raise _too_many(path, raster, least_pixels, most)
                    for feature in _features(kept, raster, classes, crs):
                        file.write((",\n" if polygons else "\n") + json.dumps(feature, ensure_ascii=False))
                        polygons += 1
        file.write("\n]}\n")
    tell_unpredicted(sources)
    return Exported(len(rasters), polygons, left_out)


def _too_many(path: Path, raster: Raster, least_pixels: int, most: int) -> SagesegError:
    sizes = [region.pixels for region in regions(path) if region.pixels >= least_pixels]
    return too_many(raster.name, f"{len(sizes):,} regions", len(sizes), most, few_enough(sizes, most))


def _crs_member(rasters: list[Raster], crs: Crs, root: Path) -> str:
    """The text of GeoJSON 2008's `crs`, nothing for RFC 7946's coordinates."""
    without = next((raster for raster in rasters if not raster.crs), None)
    if without:
        raise SagesegError(f"{root / FILE}: {without.name} has no coordinate reference system; GeoJSON needs one")
    if crs is Crs.WGS84:
        return ""
    systems = {raster.crs: raster for raster in rasters}
    if len(systems) > 1:
        names = " and ".join(raster.name for raster in list(systems.values())[:2])
        raise SagesegError(f"--crs raster: {names} have different ones; expected --crs wgs84")
    code = parse_crs(rasters[0].crs, rasters[0].name).to_epsg()
    name = f"urn:ogc:def:crs:EPSG::{code}" if code else rasters[0].crs
    return f'"crs": {json.dumps({"type": "name", "properties": {"name": name}})}, '


def regions(path: Path) -> Iterator[Region]:
    """The regions of a GeoTIFF of class ids, read line by line."""
    rasterio = load_rasterio("analysis geojson")
    with open_raster(path) as raster:
        size = abs(raster.transform.determinant)
        band = rasterio.band(
            raster, 1
        )  # its own mask, too: nobody wants the background, a region with a thousand holes
        told = rasterio.features.shapes(band, mask=band, connectivity=4, transform=raster.transform)
        for geometry, value in told:
            if value not in (BACKGROUND_ID, NOT_PREDICTED):
                rings = [np.array(ring, np.float64) for ring in geometry["coordinates"]]
                outer, *holes = (abs(signed_area(ring)) for ring in rings)
                yield Region(int(value), round((outer - sum(holes)) / size), rings)


def signed_area(ring: Points) -> float:
    """That of a closed ring (the shoelace formula), positive where it runs counterclockwise."""
    x, y = (ring - ring[0]).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _features(some: list[Region], raster: Raster, classes: ClassTable, crs: Crs) -> Iterable[dict[str, Any]]:
    moved = [region.rings for region in some]
    if crs is Crs.WGS84 and some:
        moved = _to_wgs84(moved, raster)
    for region, rings in zip(some, moved, strict=True):
        yield {
            "type": "Feature",
            "properties": {"class": classes.names[region.class_id], "pixels": region.pixels, "raster": raster.name},
            "geometry": {"type": "Polygon", "coordinates": [_wound(ring, place) for place, ring in enumerate(rings)]},
        }


def _to_wgs84(polygons: list[Rings], raster: Raster) -> list[Rings]:
    every = np.concatenate([ring for rings in polygons for ring in rings])
    moved = transform_points(every, parse_crs(raster.crs, raster.name), parse_crs(WGS84, "analysis geojson"))
    lengths = np.cumsum([len(ring) for rings in polygons for ring in rings])
    parts = iter(np.split(moved, lengths[:-1]))
    return [[next(parts) for _ in rings] for rings in polygons]


def _wound(ring: Points, place: int) -> list[list[float]]:
    """A ring as RFC 7946 has it: outlines counterclockwise, holes clockwise."""
    right = (signed_area(ring) > 0) == (place == 0)
    return (ring if right else ring[::-1]).tolist()  # type: ignore[no-any-return]
