"""Which way up labels lie over an image that EXIF turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError, for_all
from formats.images import ImageHeader, read_header, turn_upright
from formats.masks import Mask
from formats.texts.wording import name_first
from prep.options import STORED, UPRIGHT
from prep.readers.labelled_image import LabelledImage, MaskSource, Polygon

PLAIN = 1
"""The EXIF orientation of an image whose pixels are stored as they are to be seen."""


@dataclass(frozen=True, slots=True)
class TurnedMask:
    """A mask that was drawn on an image's pixels as they are stored, turned as the image is."""

    stored: MaskSource
    orientation: int

    @property
    def path(self) -> Path:
        return self.stored.path

    def read(self) -> Mask:
        return turn_upright(self.stored.read(), self.orientation)


@dataclass(frozen=True)
class _Found:
    """An image's EXIF orientation, and the ways in which its mask's size says that the mask may lie."""

    orientation: int
    ways: tuple[str, ...] = ()


_AS_STORED = _Found(PLAIN)


def fitting_ways(header: ImageHeader, size: tuple[int, int]) -> tuple[str, ...]:
    """The ways in which labels drawn at a (width, height) may lie over an image, UPRIGHT first. Both may
    fit: a half turn, a mirror and a square keep the size."""
    sizes = {UPRIGHT: header.size, STORED: header.stored_size}
    return tuple(way for way, own in sizes.items() if own == size)


def check_drawn_size(path: Path, size: tuple[int, int], image: Path) -> None:
    """Raise SagesegError unless an image may have been labelled at a (width, height), as the file `path` says: before
    anything is drawn at that size."""
    header = read_header(image)
    if not fitting_ways(header, size):
        raise SagesegError(_other_size(path, size, image, header))


def _other_size(path: Path, size: tuple[int, int], image: Path, header: ImageHeader) -> str:
    return (
        f"{path}: {image.name} was labelled at {_text(size)} pixels, but {image} has {_text(header.size)}; put the "
        "image back that was labelled"
    )


def turn_points(points: Polygon, orientation: int, size: tuple[int, int]) -> Polygon:
    """Points (x, y) of an upright image for those of its pixels as they are stored, (width, height) `size`."""
    width, height = size
    sideways = orientation >= 5
    last_x, last_y = (height - 1, width - 1) if sideways else (width - 1, height - 1)
    turned = ((y, x) if sideways else (x, y) for x, y in points)
    across, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    return tuple((last_x - x if across else x, last_y - y if down else y) for x, y in turned)


def settle_orientations(images: Sequence[LabelledImage], asked: str | None) -> Sequence[LabelledImage]:
    """The images with masks that lie as `read_image` gives the image.

    A quarter turn shows in the size of the mask. Where the size fits both ways, `asked` decides: UPRIGHT or
    STORED. A mask whose own EXIF turns it lies upright. Raises SagesegError, naming the files, where nobody
    said, and where the size fits neither way.
    """
    found = for_all(_look, images)  # an eighth of a millisecond each
    unsure = [image for image, own in zip(images, found, strict=True) if len(own.ways) > 1]
    if unsure and asked is None:
        raise _unsure(unsure, Counter(own.ways[0] for own in found if len(own.ways) == 1))
    ways = [asked if len(own.ways) > 1 else next(iter(own.ways), None) for own in found]
    _tell(Counter(ways))
    if STORED not in ways:
        return images
    return tuple(
        _turned(image, own.orientation) if way == STORED else image
        for image, own, way in zip(images, found, ways, strict=True)
    )


def _look(image: LabelledImage) -> _Found:
    if image.oriented or image.embedded:
        return _AS_STORED
    try:
        header = read_header(image.image)
    except SagesegError:  # the worker that reads the image says what is wrong; those before it get done
        return _AS_STORED
    if header.orientation == PLAIN:
        if image.drawn_size and image.drawn_size != header.size:
            raise SagesegError(_other_size(image.mask.path, image.drawn_size, image.image, header))
        return _AS_STORED
    mask = ImageHeader(image.drawn_size, PLAIN) if image.drawn_size else read_header(image.mask.path)
    ways = fitting_ways(header, mask.size)
    if not ways:
        raise SagesegError(
            f"{image.mask.path}: {_text(mask.size)} pixels, but {image.image.name} has {_text(header.size)} upright "
            f"(EXIF orientation {header.orientation}) and {_text(header.stored_size)} as stored; expected one of them"
        )
    return _Found(header.orientation, ways if mask.orientation == PLAIN or UPRIGHT not in ways else (UPRIGHT,))


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _turned(image: LabelledImage, orientation: int) -> LabelledImage:
    size = image.drawn_size
    regions = tuple(turn_points(region, orientation, size) for region in image.regions) if size else image.regions
    return replace(image, mask=TurnedMask(image.mask, orientation), mask_is_final=False, regions=regions)


def _unsure(images: Sequence[LabelledImage], sure: Counter[str]) -> SagesegError:
    evidence = "".join(f"; {count} turned image(s) here were labelled {way}" for way, count in sure.items())
    return SagesegError(
        f"{images[0].image}: EXIF turns it, and the size of {images[0].mask.path.name} does not say whether it was "
        f"drawn on the image upright or on its pixels as stored ({len(images)} such image(s): "
        f"{name_first([image.source for image in images])}{evidence}); "
        f"pass --orientation {UPRIGHT}, as most programs show images, or --orientation {STORED}"
    )


def _tell(ways: Counter[str | None]) -> None:
    upright, stored = ways[UPRIGHT], ways[STORED]
    if upright or stored:
        say(
            f"note: {upright + stored} image(s) are turned by EXIF; {upright} of their masks were drawn upright, "
            f"{stored} on the pixels as stored, which are turned too"
        )
