"""The one record that every reader yields; nothing after it knows where the labels came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from formats.classes import ClassTable
from formats.masks import Mask


class MaskSource(Protocol):
    """Truth that can be read, once, in whichever process has the turn (so it must be picklable)."""

    @property
    def path(self) -> Path:
        """The file that messages name."""

    def read(self) -> Mask:
        """Class ids and ignore (255), shape (height, width). Raises SagesegError naming the file
        when it is broken or holds what is no class."""


@dataclass(frozen=True)
class LabelledImage:
    """One image with its truth. `source` is the image's path inside the folder that was read,
    with `/`; `group` is what a split must not divide."""

    source: str
    image: Path
    mask: MaskSource
    group: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """What a reader found, images in order of `source`."""

    format: str
    classes: ClassTable
    images: tuple[LabelledImage, ...]
