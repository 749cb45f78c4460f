"""What readers of shapes tell of all their images together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from formats.console import say
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.labelled_image import LabelledImage


def tell_overlaps(counts: Iterable[int], decided_by: str, what: str = "shapes") -> None:
    """Say in how many pixels shapes of different classes overlap, by their count in each image, and what decided
    there."""
    decided = [count for count in counts if count]
    if decided:
        say(
            f"note: {what} of different classes overlap in {sum(decided)} pixels of {len(decided)} image(s); "
            f"{decided_by} decided there (column {OVERLAP} of manifest.csv)"
        )


def overlaps_in(images: Iterable[LabelledImage]) -> list[int]:
    """The pixels of each image that `count_overlap` found."""
    return [int(image.attributes[OVERLAP]) for image in images]


def tell_lone_groups(images: Sequence[LabelledImage], group_by: re.Pattern[str] | None) -> None:
    """Say where nothing groups the images: frames of a video would stand on both sides of a split."""
    if group_by is None and all(
        PurePosixPath(image.source).stem == PurePosixPath(image.group).name for image in images
    ):
        such = ", such as '^(.+)_'" if all("_" in PurePosixPath(image.source).stem for image in images) else ""
        say(f"note: each image is a group of its own; for frames of a video pass --group-by REGEX{such}")
