"""What mask files hold: one channel of values, with or without a palette, or colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.errors import AlikeError, SagesegError
from formats.images import (
    image_errors,
    open_header,
    read_encoded,
)
from formats.masks import Mask, count_values, read_mask
from formats.prepared.deep_images import tiff_bits
from prep.readers.colour_masks import Colour
from prep.readers.two_colour import ONE_CHANNEL, Rgba, used_colours

_PNG_START, _DEPTH, _COLOUR_TYPE, _GREY = b"\x89PNG\r\n\x1a\n", 24, 25, 0
"""Places in a PNG's header, and a colour type (PNG specification, IHDR)."""
_COLOURED = ("RGB", "RGBA", "LA", "PA")


@dataclass(frozen=True)
class MaskFacts:
    """A mask's mode; of one channel (mode 1, L, P) the values that it uses, in order, and their colours, none where the
    value of a class lies beyond the palette. Of a palette also its `first` two colours, and whether the colour of 255
    is only what it is `filled` up with: another value has it too, or it ends before. `kind` is what the file is,
    whatever its name: `PNG`, `GIF`."""

    path: Path
    mode: str
    values: tuple[int, ...] = ()
    colours: tuple[Rgba, ...] = ()
    first: tuple[Colour, ...] = ()
    filled: bool = False
    kind: str = "PNG"

    @property
    def one_channel(self) -> bool:
        return self.mode in ONE_CHANNEL

    @property
    def has_palette(self) -> bool:
        """Whether its colours are others than the grey levels that the values are."""
        return any(colour[:3] != (value,) * 3 for value, colour in zip(self.values, self.colours, strict=False))

    @property
    def says_one_colour(self) -> bool:
        """Whether a palette has two colours or more, and the first two are one: it tells no value from another."""
        return len(self.first) > 1 and len(set(self.first)) == 1


def survey_mask(path: Path) -> MaskFacts:
    """Read a mask, of colours the header alone. Raises SagesegError for a file that is broken, animated, over 8 bits a
    channel, or grey of 2 or 4 bits: Pillow spreads its values to 0..255 (13.0: 1 of 2 bits reads as 85)."""
    content = _content(path)
    with image_errors(path), open_header(content) as image:
        check_levels(image, content, path)
        if image.mode in _COLOURED:
            return MaskFacts(path, image.mode)
        if image.mode not in ONE_CHANNEL or getattr(image, "n_frames", 1) > 1:
            frames = getattr(image, "n_frames", 1)
            wide = ", or give values of 16 bits names with --map of sageseg prep pairs"
            raise SagesegError(
                f"{path}: mode {image.mode}, {frames} frame(s); expected a mask of 8 bits a channel: export it again"
                + (wide if image.mode.startswith("I") else "")
            )
        image.load()
        values = tuple(value for value, count in enumerate(image.histogram()) if count)
        palette = _palette(image)
        filled = IGNORE in values and bool(palette) and (len(palette) <= IGNORE or palette.count(palette[IGNORE]) > 1)
        colours = _colours(image, len(palette))
        return MaskFacts(path, image.mode, values, colours, tuple(palette[:2]), filled, image.format or "")


def renumbered(kind: str, values: Sequence[int], colours: Sequence[Rgba]) -> bool:
    """Whether the values of a mask may be others than those that were saved: a GIF keeps colours, and programs number
    those that are used anew (Pillow 13.0 writes the ids 0 and 2 as 0 and 1). Grey levels equal to the values, and VOC's
    colours of them, say that they are not."""
    own = [{(value,) * 3, tuple(voc_palette()[value].tolist())} for value in values]
    return kind == "GIF" and not all(colour[:3] in of for colour, of in zip(colours, own, strict=False))


def check_levels(image: Image.Image, content: bytes, path: Path) -> None:
    """Raise SagesegError for grey of 2 or 4 bits, whose values Pillow spreads to 0..255 (13.0: 1 of 2 bits reads as
    85)."""
    bits = content[_DEPTH] if content.startswith(_PNG_START) and content[_COLOUR_TYPE] == _GREY else 8
    if image.format == "TIFF" and image.mode == "L":
        bits = tiff_bits(image)[0]
    if bits in (2, 4):
        raise SagesegError(
            f"{path}: grey of {bits} bits, whose values are levels; expected class ids in 8 bits: export it again"
        )


def _palette(image: Image.Image) -> list[Colour]:
    """The colours of a palette; none without one."""
    levels = (image.getpalette() or []) if image.mode == "P" else []
    return list(zip(levels[::3], levels[1::3], levels[2::3], strict=False))


def _colours(image: Image.Image, length: int) -> tuple[Rgba, ...]:
    """The colours of the values used; 255 beyond a palette of this length is black, as Pillow shows it."""
    short = image.mode == "P" and length <= IGNORE and bool(image.histogram()[IGNORE])
    try:
        colours = used_colours(image, without=IGNORE if short else None)
    except ValueError:
        return ()
    return (*colours.values(), *([(0, 0, 0, 255)] if short else []))


def _content(path: Path) -> bytes:
    with image_errors(path):
        return read_encoded(path)


@dataclass(frozen=True, slots=True)
class IdMask:
    """A PNG of one channel: value n means `ids[n]`, and 255 is ignore."""

    path: Path
    ids: tuple[int, ...]

    def read(self) -> Mask:
        mask = read_mask(self.path)
        highest = max((value for value, count in enumerate(count_values(mask)) if count and value != IGNORE), default=0)
        if highest >= len(self.ids):
            what = f"value {highest}"
            expected = f"expected 0 to {len(self.ids) - 1}, or {IGNORE}"
            raise AlikeError(str(self.path), what, f"{what} is no class; {expected}")
        if self.ids == tuple(range(len(self.ids))):
            return mask
        table = np.full(256, IGNORE, np.uint8)
        table[: len(self.ids)] = self.ids
        read: Mask = table[mask]
        return read


@dataclass(frozen=True, slots=True)
class TableMask:
    """A mask of one channel whose values mean what this file's own palette says: the id of each."""

    path: Path
    ids: Mapping[int, int]

    def read(self) -> Mask:
        mask = read_mask(self.path)
        strange = [value for value, count in enumerate(count_values(mask)) if count and value not in self.ids]
        if strange:
            raise SagesegError(f"{self.path}: value {strange[0]} was not in it before; run the command anew")
        table = np.full(256, IGNORE, np.uint8)
        table[list(self.ids)] = list(self.ids.values())
        read: Mask = table[mask]
        return read
