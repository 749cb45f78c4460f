"""What mask files hold: one channel of values, with or without a palette, or colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.images import image_errors, open_header
from formats.masks import Mask, count_values, read_mask
from prep.readers.two_colour import ONE_CHANNEL, Rgba, used_colours

_PNG_START, _DEPTH, _COLOUR_TYPE, _GREY = b"\x89PNG\r\n\x1a\n", 24, 25, 0
"""Places in a PNG's header, and a colour type (PNG specification, IHDR)."""
_COLOURED = ("RGB", "RGBA", "LA", "PA")


@dataclass(frozen=True)
class MaskFacts:
    """A mask's mode; of one channel (mode 1, L, P) the values that it uses, in order, and their colours, none where a
    value lies beyond the palette."""

    path: Path
    mode: str
    values: tuple[int, ...] = ()
    colours: tuple[Rgba, ...] = ()

    @property
    def one_channel(self) -> bool:
        return self.mode in ONE_CHANNEL

    @property
    def has_palette(self) -> bool:
        """Whether its colours are others than the grey levels that the values are."""
        return any(colour[:3] != (value,) * 3 for value, colour in zip(self.values, self.colours, strict=False))


def survey_mask(path: Path) -> MaskFacts:
    """Read a mask, of colours the header alone. Raises SagesegError for a file that is broken, animated, over 8 bits a
    channel, or grey of 2 or 4 bits: Pillow spreads its values to 0..255 (13.0: 1 of 2 bits reads as 85)."""
    content = _content(path)
    with image_errors(path), open_header(content) as image:
        if content.startswith(_PNG_START) and content[_DEPTH] in (2, 4) and content[_COLOUR_TYPE] == _GREY:
            raise SagesegError(
                f"{path}: grey of {content[_DEPTH]} bits, whose values are levels; expected class ids in 8 bits: "
                "export it again"
            )
        if image.mode in _COLOURED:
            return MaskFacts(path, image.mode)
        if image.mode not in ONE_CHANNEL or getattr(image, "n_frames", 1) > 1:
            frames = getattr(image, "n_frames", 1)
            raise SagesegError(
                f"{path}: mode {image.mode}, {frames} frame(s); expected a mask of 8 bits a channel: export it again"
            )
        image.load()
        values = tuple(value for value, count in enumerate(image.histogram()) if count)
        try:
            colours = tuple(used_colours(image).values())
        except ValueError:
            colours = ()
        return MaskFacts(path, image.mode, values, colours)


def _content(path: Path) -> bytes:
    with image_errors(path):
        return path.read_bytes()


@dataclass(frozen=True)
class IdMask:
    """A PNG of one channel: value n means `ids[n]`, and 255 is ignore."""

    path: Path
    ids: tuple[int, ...]

    def read(self) -> Mask:
        mask = read_mask(self.path)
        highest = max((value for value, count in enumerate(count_values(mask)) if count and value != IGNORE), default=0)
        if highest >= len(self.ids):
            raise SagesegError(
                f"{self.path}: value {highest} is no class; expected 0 to {len(self.ids) - 1}, or {IGNORE}"
            )
        if self.ids == tuple(range(len(self.ids))):
            return mask
        table = np.full(256, IGNORE, np.uint8)
        table[: len(self.ids)] = self.ids
        read: Mask = table[mask]
        return read
