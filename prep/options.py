"""What every reader's command accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.prepared.groups import parse_group_by
from formats.prepared.resize import Resize, parse_resize
from formats.prepared.value_range import ValueRange, parse_range
from formats.shards.shard import Shard, parse_shard
from formats.texts.told_numbers import parse_number
from formats.verbs.command_options import option, parse_crop

OBJECTS, REGION_LABEL = "objects", "region"
"""The words that --focus takes beside a path."""
ULTRALYTICS = "ultralytics"
"""The word of --also, and the folder of that layout in the dataset."""
DEFAULT_VAL = 0.2
"""The share of groups to validate on where neither the source nor the user says another."""

UPRIGHT, STORED = "upright", "stored"
"""The words of --orientation: labels were drawn on the image as EXIF turns it, or on its pixels as they are
stored."""


def parse_part(text: str) -> float:
    """A share (0.2) or a whole number of groups (3)."""
    value = parse_number(text)
    if not (0 <= value < 1 or (value.is_integer() and value >= 1)):
        raise SagesegError(f"{text!r}: expected a share from 0 to below 1, or a whole number of groups")
    return value


def parse_share(text: str) -> float:
    """A share from 0 to 1."""
    value = parse_number(text)
    if not 0 <= value <= 1:
        raise SagesegError(f"{text!r}: expected a share from 0 to 1")
    return value


def parse_focus(text: str) -> str | Path:
    """`objects`, `region`, or the path of regions as JSON."""
    return text if text in (OBJECTS, REGION_LABEL) else Path(text)


def parse_orientation(text: str) -> str:
    """`upright` or `stored`."""
    if text not in (UPRIGHT, STORED):
        raise SagesegError(f"--orientation {text}: expected {UPRIGHT} or {STORED}")
    return text


def parse_also(text: str) -> str:
    """`ultralytics`."""
    if text != ULTRALYTICS:
        raise SagesegError(f"--also {text}: expected {ULTRALYTICS}")
    return text


@dataclass(frozen=True)
class PrepOptions:
    """How a dataset is made. `val` and `test` below 1 are shares of groups, from 1 on counts; `val` is None where
    nobody said it."""

    crop: int | None = option(512, "Side of the square crops in pixels, or none.", parser=parse_crop, metavar="N|none")
    overlap: int = option(0, "Pixels that neighbouring crops share.")
    resize: Resize | None = option(
        None,
        "Resize images first: to WIDTHxHEIGHT, or to a long side with the aspect kept.",
        parser=parse_resize,
        metavar="WxH|LONG_SIDE",
    )
    range: ValueRange | None = option(
        None,
        "Of images over 8 bits a channel, the values that become black and white; or a pair for each channel.",
        parser=parse_range,
        metavar="LOW:HIGH",
    )
    focus: str | Path | None = option(
        None,
        "Keep only crops with an object; or that touch a region: labelled __region__, or drawn in a JSON file "
        "(or a folder of <group>.json).",
        parser=parse_focus,
        metavar="objects|region|JSON",
    )
    focus_share: float | None = option(
        None,
        "Share of the crops out of focus to keep; by default 0.1 with objects, 0 with regions.",
        parser=parse_share,
        metavar="SHARE",
    )
    keep_empty: float = option(
        0.0, "Share of training crops without foreground to keep.", parser=parse_share, metavar="SHARE"
    )
    keep_empty_val: float = option(
        1.0, "The same for validation and test, where false positives live.", parser=parse_share, metavar="SHARE"
    )
    val: float | None = option(
        None,
        f"Share, or whole number, of groups to validate on; by default {DEFAULT_VAL}, where no lists are the split.",
        parser=parse_part,
        metavar="PART",
    )
    test: float = option(0.0, "Share, or whole number, of groups to test on.", parser=parse_part, metavar="PART")
    stratify: bool = option(False, "Deal groups by their foreground, so that the splits have like shares of it.")
    split_file: Path | None = option(None, "A split.json whose assignment is kept; only new groups are drawn.")
    group_by: re.Pattern[str] | None = option(
        None, "Group = first capture in the image's stem.", parser=parse_group_by, metavar="REGEX"
    )
    orientation: str | None = option(
        None,
        "How labels of images that EXIF turns were drawn, where their size cannot tell.",
        parser=parse_orientation,
        metavar=f"{UPRIGHT}|{STORED}",
    )
    also: str | None = option(
        None, "A second layout of the same files, in the dataset.", parser=parse_also, metavar=ULTRALYTICS
    )
    seed: int = option(0, "Seed of the split and of the empty crops that are kept.")
    shard: Shard | None = option(
        None,
        "Do this part alone, beside the plan in --out, and prep merge puts all together; auto is SageMaker's host.",
        parser=parse_shard,
        metavar="I/N|auto",
    )
    workers: int | None = option(None, "Processes; by default one per core.")
    overwrite: bool = option(False, "Replace what is at --out.")

    def idle(self) -> list[str]:
        """A sentence for each given option that another makes idle."""
        told = []
        if self.crop is None and self.overlap:
            told.append("--overlap has no effect: --crop is none, so there are no neighbours")
        if self.focus_share is not None and self.focus is None:
            told.append("--focus-share has no effect without --focus")
        if self.focus == OBJECTS and (self.keep_empty, self.keep_empty_val) != (0.0, 1.0):
            told.append(
                "--keep-empty and --keep-empty-val have no effect: of --focus objects --focus-share is the share"
            )
        return told
