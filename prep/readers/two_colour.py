"""Masks of two colours, such as black and white: the colour decides what is foreground, and not the index that
a palette happens to give it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.errors import SagesegError
from formats.images import (
    image_errors,
    open_header,
    orientation_of,
    read_encoded,
    turn_upright,
)
from formats.masks import Mask

Rgba = tuple[int, int, int, int]
"""Red, green, blue and opacity, each 0..255."""

_BLACK = (0, 0, 0)
_KNOWN = tuple(
    {_BLACK: 0, foreground: 1} for foreground in ((255, 255, 255), (1, 1, 1), tuple(voc_palette()[1].tolist()))
)
"""Pairs that need no measure: black and white, grey levels 0 and 1, the first two colours of VOC's palette."""
_CLEARLY = 128
"""A lighter grey is at least so light, and at least by so much lighter than the darker one."""
_LIKE_IDS = range(1, 16)
"""A dark grey among these is more likely a class id beside 255 than a colour."""
ONE_CHANNEL = ("1", "L", "P")
_MODES = ("1", "L", "P", "LA", "PA", "RGB", "RGBA")
_SHOWN = 4
_EXPECTED = "expected two colours, black for the background and white for the foreground"


@dataclass(frozen=True, slots=True)
class TwoColourMask:
    """A lossless file of two colours: the darker is background (0), the lighter the one class (1)."""

    path: Path

    def read(self) -> Mask:
        return read_two_colours(self.path)


def read_two_colours(path: Path) -> Mask:
    """Background (0) and foreground (1) of a GIF or PNG, as `order_colours` tells them, shape (height, width).

    Raises SagesegError that names the colours found where they cannot be told, and for files that are broken or
    animated.
    """
    with image_errors(path), open_header(read_encoded(path)) as image:
        if getattr(image, "n_frames", 1) > 1 or image.mode not in _MODES:
            raise SagesegError(f"{path}: mode {image.mode}, {getattr(image, 'n_frames', 1)} frame(s); {_EXPECTED}")
        orientation = orientation_of(image)
        image.load()
        if image.mode not in ONE_CHANNEL:
            return turn_upright(_by_pixel(image.convert("RGBA"), path), orientation)
        colours = used_colours(image)
        _check_palette(colours, path)
        ids = _told(set(colours.values()), image, path)
        table = np.zeros(256, np.uint8)
        table[list(colours)] = [ids[colour] for colour in colours.values()]
        mask: Mask = table[np.asarray(image.convert("L") if image.mode == "1" else image)]
        return turn_upright(mask, orientation)


def _check_palette(colours: Mapping[int, Rgba], path: Path) -> None:
    """Raise SagesegError where one colour hides what values tell apart: all of them, or 255, ignore where masks hold
    ids, and another."""
    values = ", ".join(map(str, list(colours)[:_SHOWN]))
    if len(colours) > 1 and len(set(colours.values())) == 1:
        raise SagesegError(f"{path}: its palette gives the values {values} one colour; {_EXPECTED}")
    if IGNORE in colours and list(colours.values()).count(colours[IGNORE]) > 1:
        raise SagesegError(
            f"{path}: its palette gives {IGNORE} the colour of another of the values {values}, and {IGNORE} is ignore "
            f"where masks hold ids; {_EXPECTED}, and no other value"
        )


def order_colours(found: Collection[Rgba]) -> dict[Rgba, int] | None:
    """Which of a mask's colours is background (0) and which foreground (1); None where that is not clear.

    Clear are black and white; greys of which one is dark and the other light; grey levels 0 and 1; black and dark red,
    which are VOC's. A colour that stands alone is one of those, or white. Transparent pixels are background if black.
    """
    plain = {colour: colour[:3] for colour in sorted(found)}
    told_by_opacity = len(set(plain.values())) < len(plain)
    if told_by_opacity or any(colour[3] < 255 and rgb != _BLACK for colour, rgb in plain.items()):
        return None
    for known in _KNOWN:
        if set(plain.values()) <= known.keys():
            return {colour: known[rgb] for colour, rgb in plain.items()}
    if len(plain) != 2 or any(len(set(rgb)) > 1 for rgb in plain.values()):
        return None
    dark, light = (rgb[0] for rgb in plain.values())
    if light < _CLEARLY or light - dark < _CLEARLY or dark in _LIKE_IDS:
        return None
    return dict(zip(plain, (0, 1), strict=True))


def used_colours(image: Image.Image, *, without: int | None = None) -> dict[int, Rgba]:
    """The colour of each value that a loaded image of one channel (mode 1, L or P) uses, `without` one. Raises
    ValueError for a value beyond its palette."""
    values = [value for value, count in enumerate(image.histogram()) if count and value != without]
    ramp = Image.frombytes("L" if image.mode == "1" else image.mode, (256, 1), bytes(range(256)))
    if image.mode == "P":
        palette = image.getpalette() or []
        if values and 3 * values[-1] >= len(palette):
            raise ValueError(f"value {values[-1]} is beyond its palette of {len(palette) // 3} colours")
        ramp.putpalette(palette)
    ramp.info = image.info  # what is transparent
    colours = ramp.convert("RGBA")
    return {value: colours.getpixel((value, 0)) for value in values}  # type: ignore[misc]


def _by_pixel(image: Image.Image, path: Path) -> Mask:
    counted = image.getcolors(image.width * image.height) or []
    ids = _told({colour for _, colour in counted}, image, path)  # type: ignore[misc]
    lightest = max(ids)
    if not ids[lightest]:
        return np.zeros((image.height, image.width), np.uint8)
    return np.asarray(np.all(np.asarray(image) == lightest, axis=-1), np.uint8)


def _told(found: set[Rgba], image: Image.Image, path: Path) -> dict[Rgba, int]:
    ids = order_colours(found)
    if ids is None:
        shown = ", ".join(f"({_text(colour)})" for colour in sorted(found)[:_SHOWN])
        more = f", … {len(found)} in all" if len(found) > _SHOWN else ""
        where = "its palette gives the colours" if image.mode == "P" else "it has the colours"
        raise SagesegError(f"{path}: {where} {shown}{more}; {_EXPECTED}")
    return ids


def _text(colour: Rgba) -> str:
    return ",".join(map(str, colour if colour[3] < 255 else colour[:3]))
