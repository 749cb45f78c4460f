"""Small rasters on earth, and polygons on them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio

UTM = "EPSG:25832"
LEFT, TOP, PIXEL = 500123.5, 5540017.25, 0.4
PLACE = rasterio.Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP)
TURNED = PLACE @ rasterio.Affine.rotation(17)


def write_raster(path: Path, bands: npt.NDArray[Any], *, transform: Any = PLACE, **profile: Any) -> Path:
    """A GeoTIFF of bands, shape (bands, height, width) or (height, width); in UTM unless `crs` says else."""
    bands = bands if bands.ndim == 3 else bands[None]
    count, height, width = bands.shape
    told = {"crs": UTM, "tiled": True, "blockxsize": 32, "blockysize": 32, **profile}
    colours, alpha = told.pop("colours", None), told.pop("alpha", False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some lie nowhere on earth
        size = {"width": width, "height": height, "count": count, "dtype": bands.dtype, "transform": transform}
        with rasterio.open(path, "w", driver="GTiff", **size, **told) as raster:
            if colours or alpha:
                names = colours or ["red", "green", "blue", "alpha"]
                raster.colorinterp = [getattr(rasterio.enums.ColorInterp, name) for name in names]
            raster.write(bands)
    return path


def read_raster(path: Path) -> npt.NDArray[Any]:
    """All bands, shape (bands, height, width)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as raster:
            return np.asarray(raster.read())


def noise_bands(width: int, height: int, count: int = 3, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 256, (count, height, width), np.uint8)


def on_earth(points: Iterable[Sequence[float]], transform: Any = PLACE) -> list[tuple[float, float]]:
    """Points in pixels as places on earth."""
    return [transform @ tuple(point) for point in points]


def polygon(points: Sequence[Sequence[float]], name: str | None = "road", **more: Any) -> dict[str, Any]:
    """A feature: a polygon by its corners on earth."""
    ring = [list(point) for point in [*points, points[0]]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {} if name is None else {"class": name}, "geometry": geometry, **more}


def write_geojson(path: Path, features: Sequence[Any], crs: str | None = UTM) -> Path:
    content: dict[str, Any] = {"type": "FeatureCollection", "features": list(features)}
    if crs:
        content["crs"] = {"type": "name", "properties": {"name": crs}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def random_features(width: int, height: int, count: int, seed: int, names: Sequence[str] = ("road",)) -> list[Any]:
    """Stars of random corners on a raster of so many pixels, some over its edge, with holes; on earth."""
    rng = np.random.default_rng(seed)
    features = []
    for number in range(count):
        middle, size = rng.uniform((0, 0), (width, height)), rng.uniform(2, max(width, height) / 3)
        turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        star = np.column_stack([np.cos(turns), np.sin(turns)]) * rng.uniform(0.3, 1, (len(turns), 1)) * size
        feature = polygon(on_earth(middle + star), names[number % len(names)])
        if number % 3 == 0:
            hole = on_earth(middle + star * 0.4)
            feature["geometry"]["coordinates"].append([*hole, hole[0]])
        features.append(feature)
    return features
