"""All that reads images, masks and rasters, as targets of the trial: whatever Pillow, simplejpeg and GDAL raise of a
damaged file is a refusal that names it.

Damage is done to small files of each format, made here; a size that they state falsely may be as large as the largest
image that is read, so these targets may take more time and memory than others.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image

from formats.classes import voc_palette
from formats.crops import Box
from formats.errors import SagesegError
from formats.images import is_plain_jpeg, read_header, read_image, read_luma
from formats.masks import read_mask
from formats.prepared.rasters import load_rasterio
from formats.prepared.value_range import parse_range
from prep.readers.classes.mask_values import survey_mask
from prep.readers.classes.value_map import read_values
from prep.readers.colour_masks import ColourMask
from prep.readers.geo.raster import look_at_raster
from prep.readers.geo.tiles import read_window
from prep.readers.two_colour import read_two_colours
from trust.damage.engine import Builder, Target, of_file

WIDTH, HEIGHT = 12, 9
_LARGE: dict[str, Any] = {"seconds": 10.0, "megabytes": 3000}
"""What 179 million pixels may take, the most that an image may have."""


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _colours() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))


def _ids() -> Image.Image:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 3, (HEIGHT, WIDTH), np.uint8))
    image.putpalette(voc_palette().tobytes())
    return image


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"
    return exif


def _pngs() -> tuple[bytes, ...]:
    sixteen = Image.fromarray(np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 600)
    modes = (_colours(), _ids(), _colours().convert("L"), _colours().convert("RGBA"), _colours().convert("1"), sixteen)
    return (*(_encoded(image, "PNG") for image in modes), _encoded(_colours(), "PNG", exif=_turned()))


def _jpegs() -> tuple[bytes, ...]:
    grey = _encoded(_colours().convert("L"), "JPEG")
    return _encoded(_colours(), "JPEG", exif=_turned()), _encoded(_colours(), "JPEG", progressive=True), grey


def _tiffs() -> tuple[bytes, ...]:
    packed = (_encoded(_colours(), "TIFF", compression=kind) for kind in ("raw", "tiff_lzw", "tiff_adobe_deflate"))
    return (*packed, _encoded(_ids(), "TIFF"), _encoded(Image.new("I;16", (WIDTH, HEIGHT), 999), "TIFF"))


def _readers(path: Path) -> list[Callable[[], object]]:
    values = parse_range("0:3000")
    return [
        lambda: read_header(path),
        lambda: read_image(path),
        lambda: read_image(path, values),
        lambda: read_luma(path),
        lambda: read_mask(path),
        lambda: survey_mask(path),
        lambda: read_two_colours(path),
        lambda: read_values(path, "map.csv", None),
        lambda: ColourMask(path, {(0, 0, 0): 0}).read(),
    ]


def _read_in_one_way(path: Path) -> None:
    readers = _readers(path)
    readers[crc32(path.read_bytes()) % len(readers)]()


def _images(name: str, suffix: str, kind: str, seeds: Callable[[], tuple[bytes, ...]]) -> Builder:
    return lambda folder: of_file(folder, name, f"a{suffix}", kind, _read_in_one_way, seeds=seeds(), **_LARGE)


def _copied_jpeg(_: Path) -> Target:
    """Whether a JPEG may be copied as it is, of bytes that were read as an image before."""
    refusals = (SagesegError, ValueError, OSError, SyntaxError, Image.DecompressionBombError)
    return Target("copied-jpeg", "jpeg", is_plain_jpeg, seeds=_jpegs(), refusals=refusals)


def _raster(folder: Path) -> Target:
    rasterio = load_rasterio("the trial")
    whole = folder / "whole.tif"
    place = rasterio.Affine(0.4, 0, 500123.5, 0, -0.4, 5540017.25)
    profile = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 3, "dtype": "uint8", "nodata": 0}
    with rasterio.open(whole, "w", crs="EPSG:25832", transform=place, **profile) as written:
        written.write(np.random.default_rng(2).integers(0, 256, (3, HEIGHT, WIDTH), np.uint8))

    def read(path: Path) -> None:
        facts = look_at_raster(path, path.name)
        box = Box(0, 0, min(facts.width, WIDTH), min(facts.height, HEIGHT))
        read_window(path, box, tuple(range(1, 1 + min(facts.count, 3))))

    return of_file(folder, "raster", "a.tif", "bytes", read, seeds=(whole.read_bytes(),), **_LARGE)


TARGETS: dict[str, Builder] = {
    "png": _images("png", ".png", "png", _pngs),
    "jpeg": _images("jpeg", ".jpg", "jpeg", _jpegs),
    "tiff": _images("tiff", ".tif", "bytes", _tiffs),
    "gif": _images("gif", ".gif", "bytes", lambda: (_encoded(_ids(), "GIF"),)),
    "bmp": _images("bmp", ".bmp", "bytes", lambda: (_encoded(_colours(), "BMP"), _encoded(_ids(), "BMP"))),
    "webp": _images(
        "webp", ".webp", "bytes", lambda: (_encoded(_colours(), "WEBP"), _encoded(_colours(), "WEBP", lossless=True))
    ),
    "copied-jpeg": _copied_jpeg,
    "raster": _raster,
}
