"""The one record that every reader yields; nothing after it knows where the labels came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from formats.classes import ClassTable
from formats.images import (
    image_errors,
    read_encoded,
)
from formats.masks import Mask
from formats.prepared.frame_names import parse_frame_name
from formats.prepared.georeference import Georeference
from prep.remote.awaited import NOTHING_AWAITED, Awaited

REGION = "__region__"
"""The label of a shape that is no object but says where to look: --focus region keeps the crops
that it touches. A reader of polygons puts such shapes into `LabelledImage.regions`, not into the
mask."""

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) in pixels of the image, at least three."""


class MaskSource(Protocol):
    """Truth that can be read, once, in whichever process has the turn (so it must be picklable)."""

    @property
    def path(self) -> Path:
        """The file that messages name."""

    def read(self) -> Mask:
        """Class ids and ignore (255), shape (height, width). Raises SagesegError naming the file
        when it is broken or holds what is no class."""


@runtime_checkable
class OfSeveralFiles(Protocol):
    """What a MaskSource is beside that, where it reads more files than the one that messages name."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""


def mask_files(mask: MaskSource) -> tuple[Path, ...]:
    """The files that a mask is read from."""
    return mask.paths if isinstance(mask, OfSeveralFiles) else (mask.path,)


def files_of(image: LabelledImage) -> tuple[Path, ...]:
    """The files that an image and its mask are read from."""
    return image.image, *mask_files(image.mask)


class EmbeddedImage(Protocol):
    """An image that lies inside another file, such as labelme's imageData; picklable, read when
    its turn comes."""

    def read(self) -> bytes:
        """The bytes of the encoded image. Raises SagesegError naming the file."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image with its truth. `source` is the image's path inside the folder that was read,
    with `/`; `group` is what a split must not divide.

    `image` is the image's file; where the image is `embedded`, the file that it is in. `regions`
    are the polygons drawn with the label `__region__`, in pixels of the image as `read_image`
    gives it. `mask_is_final` says that `mask.path` is a mode-P PNG of what `mask.read()` gives,
    which is copied where nothing is cut or resized. `oriented` says that the reader saw to it that mask
    and regions lie as `read_image` gives the image; else `settle_orientations` does. `own_group` is
    the group as the reader knows it (a car, a sequence), where --group-by may have replaced it. `drawn_size` is the
    (width, height) on which shapes were drawn, where `mask.path` is no image that tells it. `in_8_bits` says that the
    reader has done what --range says.
    """

    source: str
    image: Path
    mask: MaskSource
    group: str
    attributes: dict[str, str] = field(default_factory=dict)
    regions: tuple[Polygon, ...] = ()
    embedded: EmbeddedImage | None = None
    mask_is_final: bool = False
    oriented: bool = False
    own_group: str | None = None
    drawn_size: tuple[int, int] | None = None
    in_8_bits: bool = False

    @property
    def family(self) -> str:
        """What belongs together whatever --group-by says: the reader's own group, else the video and block in a
        frame's name, else the group."""
        frame = parse_frame_name(PurePosixPath(self.source).stem)
        return self.own_group or (frame.group if frame else self.group)


@dataclass(frozen=True)
class LeftOut:
    """What a reader left out for one reason, such as `images that are not in the folder`; `example` is the place of
    one."""

    reason: str
    count: int
    example: str

    def note(self) -> str:
        """The line that tells it."""
        return f"note: {self.count} left out: {self.reason}, such as {self.example}"


def leave_out(reason: str, places: Iterable[object]) -> tuple[LeftOut, ...]:
    """What is left out for one reason, with its places; nothing where there are none."""
    return count_left_out((reason, place) for place in places)


def count_left_out(found: Iterable[tuple[str, object]]) -> tuple[LeftOut, ...]:
    """What is left out, counted by reason; each comes with its reason and its place."""
    places: dict[str, list[object]] = {}
    for reason, place in found:
        places.setdefault(reason, []).append(place)
    return tuple(LeftOut(reason, len(own), str(own[0])) for reason, own in places.items())


@dataclass(frozen=True)
class Source:
    """What a reader found, images in order of `source`. `splits` is the assignment group → split
    that the source brings along (VOC's image sets); it holds as --split-file does. `undecided` tells
    why the lists that it brings are no split: then none is drawn unless it is asked for. `no_foreground` tells why
    its masks hold none, where they do not: then all empty crops must be wanted. `unit` is the word
    for what the reader's own groups are. `left_out` is told, and counted in dataset.json. `georeference` says where
    on earth images lie that are tiles of rasters. `awaited` fetches the files of images and masks that lie in S3."""

    format: str
    classes: ClassTable
    images: tuple[LabelledImage, ...]
    splits: dict[str, str] = field(default_factory=dict)
    undecided: str = ""
    no_foreground: str = ""
    unit: str = "folder or block of a video"
    left_out: tuple[LeftOut, ...] = ()
    georeference: Georeference | None = None
    awaited: Awaited = NOTHING_AWAITED


def read_content(image: LabelledImage) -> bytes:
    """The encoded image as it lies on disk, or inside the file that embeds it."""
    if image.embedded:
        return image.embedded.read()
    with image_errors(image.image):
        return read_encoded(image.image)
