"""One mask as other programs write it: ids, grey levels or colours, in a file that keeps what it was given.

What a pixel says is a value 0..255: an id or a grey level as it stands in the file, or the place of its colour in VOC's
palette.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError
from formats.images import (
    IMAGE_SUFFIXES,
    image_errors,
    open_header,
    orientation_of,
    read_encoded,
    turn_upright,
)
from formats.masks import Mask

SUFFIXES = frozenset({".png", ".gif", ".bmp", ".tif", ".tiff"})
LOSSY = IMAGE_SUFFIXES - SUFFIXES
"""What changes values, or may."""
BLACK_AND_WHITE = frozenset({0x000000, 0xFFFFFF})
MOST_COLOURS = 256
_ONE_CHANNEL = ("1", "L", "P")
_DEEP = ("I;16", "I", "F")
_WHITE_OF_16_BITS = 0xFFFF

Keys = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
"""Shape (height, width): what the file stores in one channel (uint8), or its colours (uint32, red·2¹⁶ + green·2⁸ +
blue)."""


@dataclass(frozen=True)
class MaskLook:
    """What a file holds: its upright (width, height), and the colour of each key that it uses. `palette` tells that
    keys are places in a palette, and `by_colour` that only the colours mean anything."""

    path: Path
    size: tuple[int, int]
    colours: Mapping[int, int]
    palette: bool
    by_colour: bool

    @property
    def black_and_white(self) -> bool:
        """Whether a palette has black and white for what is used, each for one value: then the colour counts, for
        programs give either the value 0."""
        used = list(self.colours.values())
        return self.palette and set(used) <= BLACK_AND_WHITE and len(set(used)) == len(used)


def look_at(path: Path) -> MaskLook:
    """What a mask's file holds. Raises SagesegError for files that are broken, animated, transparent, or hold more
    colours or other values than a mask."""
    keys, palette, kind = _read(path)
    by_colour = kind == "GIF" and palette is not None  # a writer of GIF numbers the colours anew
    if keys.dtype == np.uint32:
        used = np.unique(keys).tolist()
        if len(used) > MOST_COLOURS:
            raise SagesegError(
                f"{path}: {len(used)} colours; expected a mask, class ids in one channel: give a folder of masks "
                "alone, without images"
            )
        colours, by_colour = {colour: colour for colour in used}, True
    else:
        found = np.flatnonzero(np.bincount(keys.reshape(-1), minlength=256)).tolist()
        colours = {key: (palette or {}).get(key, key * 0x010101) for key in found}
    return MaskLook(path, (keys.shape[1], keys.shape[0]), colours, palette is not None, by_colour)


def read_plain(path: Path, ids: Mapping[int, int]) -> Mask:
    """A mask with the id of each of its keys, shape (height, width)."""
    keys, _, _ = _read(path)
    if keys.dtype == np.uint8:
        table = np.zeros(256, np.uint8)
        table[list(ids)] = list(ids.values())
        mask: Mask = table[keys]
        return mask
    mask = np.zeros(keys.shape, np.uint8)
    for key, value in ids.items():
        mask[keys == key] = value
    return mask


def _read(path: Path) -> tuple[Keys, dict[int, int] | None, str]:
    """The keys, the palette of a file that has one, and the kind of file."""
    with image_errors(path), open_header(read_encoded(path)) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise SagesegError(f"{path}: animated, or of several pages; expected one mask")
        if image.format in ("JPEG", "MPO", "WEBP"):
            raise SagesegError(f"{path}: a {image.format} under another name, which changes values; save PNG")
        orientation, kind = orientation_of(image), image.format or ""
        image.load()
        palette = _palette(image) if image.mode == "P" else None
        keys = _keys(image, path)
        return turn_upright(keys, orientation), palette, kind  # type: ignore[arg-type]  # it turns any array


def _keys(image: Image.Image, path: Path) -> Keys:
    if image.mode in _ONE_CHANNEL:
        return np.asarray(image.convert("L") if image.mode == "1" else image, np.uint8)
    if image.mode in _DEEP:
        deep = np.asarray(image)
        if np.isin(deep, (0, _WHITE_OF_16_BITS)).all():
            return np.asarray((deep > 0) * np.uint8(255))
        if not np.isin(deep, np.arange(256)).all():
            raise SagesegError(
                f"{path}: mode {image.mode}, values of {deep.min()} to {deep.max()}; expected class ids, whole numbers "
                "from 0 to 255"
            )
        return deep.astype(np.uint8)
    if image.mode not in ("LA", "PA", "RGB", "RGBA"):
        raise SagesegError(f"{path}: mode {image.mode}; expected a mask, class ids in one channel of 8 bits")
    rgb = np.asarray(image.convert("RGB"), np.uint32)
    colours = np.asarray(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2], np.uint32)
    if image.mode != "RGB" and colours[np.asarray(image.convert("RGBA").getchannel("A")) < 255].any():
        raise SagesegError(f"{path}: transparent where it is not black; expected a mask, each pixel of one class")
    return colours


def _palette(image: Image.Image) -> dict[int, int]:
    """The colour of each place in a palette."""
    levels = image.getpalette("RGB") or []
    return {
        place: levels[3 * place] << 16 | levels[3 * place + 1] << 8 | levels[3 * place + 2]
        for place in range(len(levels) // 3)
    }
