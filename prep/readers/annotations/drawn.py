"""Masks that are drawn from annotations when their turn comes, and the record of their images."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.limits import check_pixels
from formats.masks import Mask
from formats.prepared.groups import group_of_path, shared_group
from prep.readers.annotations.canvas import OVERLAP, Region, count_overlap, is_seen, paint
from prep.readers.labelled_image import LabelledImage


@dataclass(frozen=True)
class DrawnMask(ABC):
    """Truth in an annotation file, drawn at a (width, height). What a subclass adds is small and picklable: its shapes
    stay in the file until they are drawn."""

    path: Path
    size: tuple[int, int]

    def __post_init__(self) -> None:
        check_pixels(*self.size, f"{self.path}: what it says of an image's size", "correct it")

    @abstractmethod
    def regions(self) -> list[Region]:
        """What is drawn, in its order. Raises SagesegError naming the file and shape."""

    def read(self) -> Mask:
        return paint(self.regions(), self.size)

    def overlap(self) -> int:
        """The pixels that regions of more than one class cover."""
        return count_overlap(self.regions(), self.size)


UNSEEN = "shapes that cover no pixel of their image"
"""Why shapes are left out that are too thin, or lie outside."""


def drawn_image(
    mask: DrawnMask, image: Path, source: str, group_by: re.Pattern[str] | None
) -> tuple[LabelledImage, int]:
    """The record of an image, with its groups by its path and its overlaps counted, and how many of its shapes cover no
    pixel: all are drawn once, so that what is wrong with them is known before anything is written."""
    key = PurePosixPath(source).with_suffix("")
    regions = mask.regions()
    record = LabelledImage(
        source,
        image,
        mask,
        group_of_path(key, group_by),
        attributes={OVERLAP: str(count_overlap(regions, mask.size))},
        own_group=shared_group(key),
        drawn_size=mask.size,
    )
    return record, sum(not is_seen(region, mask.size) for region in regions)
