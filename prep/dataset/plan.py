"""What a dataset is made from, settled before an image is decoded, and what its tables tell of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.prepared.georeference import Georeference
from formats.prepared.resize import parse_resize
from formats.prepared.value_range import parse_range
from formats.texts.typed_json import check_type
from prep.dataset.again import UNTYPED, Typed
from prep.options import PrepOptions, parse_focus
from prep.readers.labelled_image import LabelledImage, LeftOut

_DECIDE_NOTHING = ("workers", "overwrite", "split_file", "shard")
_AS_TEXT: Mapping[str, Callable[[str], Any]] = {
    "group_by": re.compile,
    "resize": parse_resize,
    "range": parse_range,
    "focus": parse_focus,
}
"""Options that are recorded as text, and how they are read."""


class Recorded(TypedDict):
    """What `recorded_options` gives, as JSON has it."""

    crop: int | None
    overlap: int
    resize: str | None
    range: str | None
    focus: str | None
    focus_share: float | None
    keep_empty: float
    keep_empty_val: float
    val: float | None
    test: float
    stratify: bool
    group_by: str | None
    orientation: str | None
    also: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class Listed:
    """What tables tell of an image: `LabelledImage` without its files."""

    source: str
    group: str
    family: str
    attributes: dict[str, str]


_NO_ATTRIBUTES: dict[str, str] = {}


def listed(image: LabelledImage) -> Listed:
    return Listed(image.source, image.group, image.family, image.attributes or _NO_ATTRIBUTES)


@dataclass(frozen=True)
class Plan:
    """What the dataset is made from. `groups` maps group to split; `images` are in the manifest's order; `unit` is what
    the reader's own groups are; `left_out` counts by reason; `georeference` is of tiles of rasters."""

    format: str
    classes: ClassTable
    images: Sequence[Listed]
    groups: Mapping[str, str]
    options: PrepOptions
    unit: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    georeference: Georeference | None = None
    typed: Typed = UNTYPED


def recorded_options(options: PrepOptions) -> dict[str, Any]:
    """The options that decide the content; the number of workers and where a file lay do not."""
    recorded = vars(options) | {
        "group_by": options.group_by.pattern if options.group_by else None,
        "resize": str(options.resize) if options.resize else None,
        "range": str(options.range) if options.range else None,
        "focus": options.focus.name if isinstance(options.focus, Path) else options.focus,
    }
    return {name: value for name, value in recorded.items() if name not in _DECIDE_NOTHING}


def parse_options(recorded: Mapping[str, Any]) -> PrepOptions:
    """The counterpart of `recorded_options`, which gives the same for what this returns. Raises ValueError for
    anything else."""
    check_type(recorded, Recorded, "options")
    try:
        texts = {name: read(recorded[name]) for name, read in _AS_TEXT.items() if recorded[name] is not None}
    except (SagesegError, re.error) as e:
        raise ValueError(f"{e}") from e
    return PrepOptions(**{**{name: recorded[name] for name in Recorded.__annotations__}, **texts})


def counted_left_out(found: Iterable[LeftOut]) -> dict[str, int]:
    """How many were left out for each reason, which several files of one source may give."""
    counts: dict[str, int] = {}
    for each in found:
        counts[each.reason] = counts.get(each.reason, 0) + each.count
    return counts
