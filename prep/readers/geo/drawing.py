"""Polygons on earth drawn as masks, window by window, each pixel as GDAL burns it into the whole raster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE
from formats.crops import Box
from formats.errors import SagesegError
from formats.masks import Mask
from formats.prepared.rasters import load_rasterio, parse_crs, transform_points
from prep.readers.geo.features import FeatureFile, Polygons, Ring
from prep.readers.geo.raster import RasterFacts
from prep.readers.geo.tiles import RasterTile

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Polygons in pixels of the whole raster, from its upper left corner, that become `class_id`."""

    class_id: int
    polygons: Polygons


@dataclass(frozen=True)
class PolygonMask:
    """The mask of a tile: background, and the polygons that touch it, later ones over earlier ones. Pixels without data
    are ignore."""

    path: Path
    tile: RasterTile
    has_gaps: bool
    drawn: tuple[Drawn, ...]

    def read(self) -> Mask:
        mask = burn(self.drawn, self.tile.box)
        if self.has_gaps:
            mask[~self.tile.read_valid()] = IGNORE
        return mask


def burn(drawn: Iterable[Drawn], box: Box) -> Mask:
    """Draw polygons into a window: a pixel belongs to that in which its centre lies, by GDAL's rule."""
    rasterio = load_rasterio("polygons")
    shapes = [({"type": "MultiPolygon", "coordinates": each.polygons}, each.class_id) for each in drawn]
    if not shapes:
        return np.zeros((box.height, box.width), np.uint8)
    place = rasterio.Affine.translation(box.left, box.top)
    burnt = rasterio.features.rasterize(shapes, out_shape=(box.height, box.width), transform=place, dtype="uint8")
    return np.asarray(burnt, np.uint8)


def place_features(file: FeatureFile, raster: RasterFacts, ids: Mapping[str, int]) -> list[Drawn]:
    """The polygons of a file on a raster. Raises SagesegError for a raster without coordinate reference system, and for
    coordinates that its system has no place for."""
    if not raster.crs:
        raise SagesegError(
            f"{raster.path}: no coordinate reference system, so {file.path.name} has no place on it; give it one with "
            "gdal_edit.py -a_srs EPSG:…, or rectify it with gdalwarp where it has ground control points"
        )
    every = [point for feature in file.features for rings in feature.polygons for ring in rings for point in ring]
    moved = to_pixels(_transformed(np.array(every), file, raster), raster.transform)
    rows = iter(map(tuple, moved.tolist()))

    def taken(ring: Ring) -> Ring:
        return tuple((x, y) for x, y in (next(rows) for _ in ring))

    return [
        Drawn(ids[feature.name], tuple(tuple(map(taken, rings)) for rings in feature.polygons))
        for feature in file.features
    ]


def _transformed(points: Points, file: FeatureFile, raster: RasterFacts) -> Points:
    source, target = parse_crs(file.crs, f"{file.path}: crs"), parse_crs(raster.crs, str(raster.path))
    if source == target:
        return points
    moved = transform_points(points, source, target)
    if not np.isfinite(moved).all():
        x, y = points[int(np.argmin(np.isfinite(moved).all(axis=1)))].tolist()
        raise SagesegError(
            f"{file.path}: the point {x:g}, {y:g} has no place in the system of {raster.path.name}; the file's is "
            f"{file.crs}: expected longitude before latitude, or a crs that says what they are"
        )
    return moved


def to_pixels(points: Points, transform: Sequence[float]) -> Points:
    """Points on earth as pixels, in the steps of GDALInvGeoTransform and GDALApplyGeoTransform, so that they are GDAL's
    to the last bit: `transform` as in `formats.prepared.georeference`."""
    a, b, c, d, e, f = transform
    if b == 0 and d == 0:
        inverse = (-c / a, 1 / a, 0.0, -f / e, 0.0, 1 / e)
    else:
        over = 1 / (a * e - b * d)
        inverse = ((b * f - c * e) * over, e * over, -b * over, (-a * f + c * d) * over, -d * over, a * over)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([inverse[0] + x * inverse[1] + y * inverse[2], inverse[3] + x * inverse[4] + y * inverse[5]])


def on_tiles(drawn: Sequence[Drawn], boxes: Sequence[Box]) -> tuple[list[tuple[Drawn, ...]], npt.NDArray[np.bool_]]:
    """Of each tile the polygons whose bounds touch it, in their order; and which polygons touch any."""
    left, top, right, bottom = np.array([_bounds(each) for each in drawn]).reshape(-1, 4).T
    touched = np.zeros(len(drawn), bool)
    found = []
    for box in boxes:
        inside = (left <= box.left + box.width) & (right >= box.left)
        inside &= (top <= box.top + box.height) & (bottom >= box.top)
        touched |= inside
        found.append(tuple(drawn[place] for place in np.flatnonzero(inside).tolist()))
    return found, touched


def hold_no_centre(drawn: Sequence[Drawn]) -> npt.NDArray[np.bool_]:
    """Of which polygons nothing is drawn, because no pixel's centre lies within their bounds."""
    left, top, right, bottom = np.array([_bounds(each) for each in drawn]).reshape(-1, 4).T - 0.5
    return np.asarray((np.ceil(left) > right) | (np.ceil(top) > bottom))


def _bounds(drawn: Drawn) -> tuple[float, float, float, float]:
    points = np.array([point for rings in drawn.polygons for ring in rings for point in ring])
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
