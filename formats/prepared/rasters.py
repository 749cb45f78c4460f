"""Rasters on earth, opened by rasterio (extra `geo`), which is imported nowhere else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.crops import Box
from formats.errors import SagesegError

RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".vrt", ".jp2", ".img"})
"""How the names of rasters end that are looked for in a folder; a file that is named may be any that GDAL reads."""
_SETTINGS = {
    # GDAL's own default is a twentieth of the machine's memory, for each process
    "GDAL_CACHEMAX": 64,
    # a raster may name others anywhere, whatever its own name ends in: nothing is fetched that a file asks for
    "GDAL_SKIP": "WMS,WMTS,WCS,HTTP,EEDA,EEDAI,DAAS,PLMOSAIC,STACIT,STACTA,NGW,Zarr",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "",
}
"""The first to be set in a process decide which formats GDAL knows (seen with 3.10)."""
_SHOWN = 80
"""Letters of a coordinate reference system that a message shows."""


def load_rasterio(doing: str) -> Any:
    """The library; SagesegError, which begins with `doing`, where it is missing."""
    try:
        import rasterio
        import rasterio.features
        import rasterio.warp
        import rasterio.windows
    except ImportError as e:
        raise SagesegError(
            f"{doing}: needs rasterio, which cannot be imported ({e}); run pip install -e '.[geo]' in the checkout"
        ) from e
    return rasterio


@contextmanager
def open_raster(path: Path, mode: str = "r", **profile: Any) -> Iterator[Any]:
    """A raster to read, or with `mode` w and its profile to write. What goes wrong with it raises SagesegError that
    names it."""
    rasterio = load_rasterio(str(path))
    from rasterio._err import CPLE_BaseError  # what GDAL says of single tags has no other name
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with rasterio.Env(**_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # who needs a place on earth asks for it
        try:
            with rasterio.open(path, mode, **profile) as raster:
                yield raster
        except (RasterioError, CPLE_BaseError, OSError) as e:
            what = "read" if mode == "r" else "written"
            raise SagesegError(
                f"{path}: cannot be {what} as a raster ({e.__cause__ or e}); expected a GeoTIFF or its like"
            ) from e


def window_of(box: Box) -> Any:
    """A box of pixels as rasterio's window."""
    from rasterio.windows import Window

    return Window(box.left, box.top, box.width, box.height)


def parse_crs(text: str, where: str) -> Any:
    """A coordinate reference system from WKT, `EPSG:25832` or a URN of OGC. Raises SagesegError that begins with
    `where`."""
    rasterio = load_rasterio(where)
    from rasterio.errors import CRSError

    try:
        with rasterio.Env(**_SETTINGS):
            return rasterio.crs.CRS.from_user_input(text)
    except (CRSError, TypeError, ValueError, AttributeError, KeyError) as e:  # rasterio's, of JSON and PROJ's words
        raise SagesegError(
            f"{where}: {text[:_SHOWN]} is no coordinate reference system that GDAL knows ({e}); write it as EPSG:32633"
        ) from e


def transform_points(points: npt.NDArray[np.float64], source: Any, target: Any) -> npt.NDArray[np.float64]:
    """Points x, y, shape (n, 2), of one coordinate reference system in another, easting or longitude first; infinite
    where that has no place for them."""
    rasterio = load_rasterio("points")
    from rasterio._err import CPLE_BaseError  # what PROJ says of points far away has no other name

    with rasterio.Env(**_SETTINGS):
        try:
            return np.column_stack(rasterio.warp.transform(source, target, points[:, 0], points[:, 1]))
        except CPLE_BaseError:
            if len(points) == 1:
                return np.full((1, 2), np.inf)
    half = len(points) // 2
    return np.concatenate([transform_points(part, source, target) for part in (points[:half], points[half:])])
