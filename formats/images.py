"""Images on disk: files to RGB arrays and back to JPEG, and the cutting of crops."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, UnidentifiedImageError

from formats import limits
from formats.crops import Box
from formats.errors import OF_LIBRARIES, TOLD, SagesegError, cannot_use, raised_by_library
from formats.limits import read_within
from formats.prepared.deep_images import deep_to_rgb, is_deep
from formats.prepared.eight_bits import DepthError
from formats.prepared.value_range import ValueRange

Rgb = npt.NDArray[np.uint8]
"""An image, shape (height, width, 3), dtype uint8, red first."""
Luma = npt.NDArray[np.uint8]
"""An image's brightness, shape (height, width), dtype uint8."""

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
IMAGE_SUFFIXES = JPEG_SUFFIXES | {".jfif", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
"""How the names of files end that `read_image` decodes."""
JPEG_QUALITY = 95
JPEG_SUBSAMPLING = "420"
Pixels = npt.NDArray[np.uint8]
"""A mask or an image, shape (height, width) or (height, width, 3), dtype uint8."""
TOO_LARGE = (
    f"over {limits.MOST_PIXELS:,} pixels; cut it into smaller images, or a raster into tiles with sageseg prep geotiff"
)
_JPEG_FORMATS = ("JPEG", "MPO")  # MPO: a JPEG with further images behind it, as phones write them
_TAKEN = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "TIFF", "WEBP", "AVIF", "JPEG2000")
"""By their content, whatever their names. Pillow knows more, of which EPS is a program that it has Ghostscript run."""
_ORIENTATION = 0x0112
_UPRIGHT, _FIRST_SIDEWAYS, _LAST = 1, 5, 8


def read_image(path: Path, values: ValueRange | None = None) -> Rgb:
    """Decode a JPEG, or an image of another kind that is taken, to RGB, upright; one over 8 bits a channel by `values`.

    Raises SagesegError when the file is missing, truncated, animated, over 8 bits a channel without `values` or of 8
    with them, too large to be an image (over 179 million pixels) or no image.
    """
    with image_errors(path):
        return decode_image(read_encoded(path), values)


def decode_image(content: bytes, values: ValueRange | None = None, *, turned: bool = True) -> Rgb:
    """Decode an encoded image to RGB, turned as its EXIF orientation says, or with its pixels as they are
    stored. `values` says how an image over 8 bits a channel comes to 8, and none of 8 may have it.

    Raises ValueError or OSError when it is broken or of other bits.
    """
    with open_header(content) as image:
        orientation = orientation_of(image) if turned else _UPRIGHT
        jpeg = image.format in _JPEG_FORMATS
        if getattr(image, "n_frames", 1) > 1 and not jpeg:
            raise ValueError(f"animated, {image.n_frames} frames; expected one image")  # type: ignore[attr-defined]
        if not jpeg and is_deep(image, content):
            return turn_upright(deep_to_rgb(image, content, values), orientation)
        if values is not None:
            raise DepthError(
                f"8 bits a channel, and --range {values} is for images of more; leave it out of prep, and say --range "
                "none to predict with a model that was trained with it"
            )
        if jpeg:
            return turn_upright(np.asarray(simplejpeg.decode_jpeg(content, colorspace="RGB")), orientation)
        return turn_upright(np.asarray(image.convert("RGB")), orientation)


def read_image_reduced(path: Path, size: tuple[int, int]) -> Rgb:
    """What `read_image` reads, or that made smaller, but not below (width, height): a JPEG is decoded at a half, a
    quarter or an eighth, which takes a third of the time."""
    with image_errors(path):
        content = read_encoded(path)
        if not is_plain_jpeg(content):
            return decode_image(content)
        return np.asarray(
            simplejpeg.decode_jpeg(content, colorspace="RGB", min_width=size[0], min_height=size[1], min_factor=1)
        )


def read_luma(path: Path) -> Luma:
    """The brightness of what `read_image` reads, (height, width) uint8: of a JPEG without decoding its
    colours, which takes a quarter less time."""
    with image_errors(path):
        content = read_encoded(path)
        with open_header(content) as image:
            if image.format in _JPEG_FORMATS:
                luma = np.asarray(simplejpeg.decode_jpeg(content, colorspace="GRAY"))[..., 0]
                return turn_upright(luma, orientation_of(image))
        return np.asarray(Image.fromarray(decode_image(content)).convert("L"))


def read_encoded(path: Path) -> bytes:
    """The bytes of an image's or a mask's file. Raises SagesegError for more than either has, and OSError."""
    return read_within(path, limits.MOST_IMAGE, "expected an image")


@contextmanager
def image_errors(path: Path, what: str = "an image") -> Iterator[None]:
    """What goes wrong while the image at `path` is read, as a SagesegError that names it, and `what` it should be."""
    try:
        yield
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected {what}") from e
    except DepthError as e:
        raise SagesegError(f"{path}: {e}") from e
    except Image.DecompressionBombError as e:
        raise SagesegError(f"{path}: {TOO_LARGE}") from e
    except (ValueError, OSError, SyntaxError) as e:
        if isinstance(e, OSError) and e.errno in TOLD:
            raise cannot_use(e) from e
        raise SagesegError(f"{path}: cannot be read as {what} ({e}); replace the file") from e
    except OF_LIBRARIES as e:  # Pillow's decoders trip over what they did not expect
        if not raised_by_library(e):
            raise
        raise SagesegError(f"{path}: cannot be read as {what} ({type(e).__name__}: {e}); replace the file") from e


@contextmanager
def open_header(content: bytes) -> Iterator[Image.Image]:
    """An encoded image whose header is read and whose pixels are not."""
    if not content:
        raise ValueError("the file is empty")
    with open_stored(BytesIO(content)) as image:
        yield image


@contextmanager
def open_stored(file: BinaryIO) -> Iterator[Image.Image]:
    """An image in a file, of which nothing but the header is read before its pixels are asked for."""
    with warnings.catch_warnings():
        # Pillow warns from half the size on that it refuses
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(file, formats=_TAKEN)
        except UnidentifiedImageError as e:  # whose text names an address in memory
            raise ValueError("no image of a kind that is taken") from e
        with image:
            yield image


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation 1..8 by which the pixels that Pillow gives are still to be turned: those of a
    TIFF it turns itself (seen with 13.0)."""
    return _UPRIGHT if image.format == "TIFF" else _stated_orientation(image)


def _stated_orientation(image: Image.Image) -> int:
    """The orientation in an image's EXIF or XMP. Of a PNG only EXIF before the pixels counts: Pillow decodes
    them all to look behind."""
    if image.format == "PNG" and "exif" not in image.info:
        return _UPRIGHT
    orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
    return orientation if orientation in range(_UPRIGHT, _LAST + 1) else _UPRIGHT


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror pixels, shape (height, width) or (height, width, 3), as EXIF 2.32, tag Orientation,
    says."""
    if orientation >= _FIRST_SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(pixels[::rows, ::columns])


def is_plain_jpeg(content: bytes) -> bool:
    """Whether these bytes may stand in a dataset as they are: a colour JPEG whose pixels lie as
    they are to be seen. Every other image is encoded once."""
    with open_header(content) as image:
        return image.format in _JPEG_FORMATS and image.mode == "RGB" and orientation_of(image) == _UPRIGHT


@dataclass(frozen=True)
class ImageHeader:
    """What an image's header says: the (width, height) of its pixels as they are stored, and its
    EXIF orientation, 1 for upright."""

    stored_size: tuple[int, int]
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """The (width, height) of the upright image."""
        return _swapped(self.stored_size) if self.orientation >= _FIRST_SIDEWAYS else self.stored_size


def read_header(path: Path) -> ImageHeader:
    """An image's header, read without decoding its pixels."""
    with image_errors(path), path.open("rb") as file, open_stored(file) as image:
        orientation = _stated_orientation(image)
        turned_already = orientation >= _FIRST_SIDEWAYS and orientation_of(image) == _UPRIGHT
        return ImageHeader(_swapped(image.size) if turned_already else image.size, orientation)


def _swapped(size: tuple[int, int]) -> tuple[int, int]:
    return size[1], size[0]


def encode_image(image: Rgb) -> bytes:
    """Encode RGB as JPEG at the project's quality (95, 4:2:0)."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image), JPEG_QUALITY, "RGB", JPEG_SUBSAMPLING))


def cut_image(image: Rgb, crop: Box) -> Rgb:
    """A crop of an image; beyond the edge its last pixels are repeated."""
    inside = image[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    below, right = crop.height - inside.shape[0], crop.width - inside.shape[1]
    return np.pad(inside, [(0, below), (0, right), (0, 0)], mode="edge") if below or right else inside
