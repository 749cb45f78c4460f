"""What a person may choose of several verbs of analysis, and of how predictions are scored."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from formats.errors import SagesegError
from formats.shards.shard import Shard, parse_shard
from formats.texts.told_numbers import parse_number, parse_whole
from formats.verbs.command_options import option

PredictionsFolder = Annotated[
    Path, typer.Argument(help="Predictions, of crops or stitched, or a plain folder of masks.")
]
TrueMasks = Annotated[
    Path | None, typer.Option("--truth", help="A folder of true masks at full size, where there is no dataset.")
]
ListFile = Annotated[
    Path | None,
    typer.Option("--list", help="Only the images that this file names, one a line: select's, or the report page's."),
]
MostObjects = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Refuse an image with more objects and holes.  [default: 10000, or one per 1000 pixels if that is more]",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")]
ShardOption = Annotated[
    Shard | None,
    typer.Option(
        parser=parse_shard,
        metavar="I/N|auto",
        help="Do this part alone, beside the plan in --out, and merge puts all together; auto is SageMaker's host.",
        show_default=False,
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes.  [default: one per core]", show_default=False)]


_LEAST_SIDE, _MOST_SIDE = 1e-12, 1e12
"""Beyond, an area is 0 or no number at all."""


@dataclass(frozen=True)
class Scale:
    """The side of a pixel in a unit of the user's: `0.0012m/px`."""

    per_pixel: float
    unit: str


def parse_scale(text: str) -> Scale:
    """`0.0012m/px`, `0.5mm` or `1.2 cm/px`: the side of a pixel, then the unit."""
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*([^\W\d_]+)\s*(?:/\s*(?:px|pixels?))?\s*", text)
    per_pixel = parse_number(match[1]) if match else 0.0
    if match is None or not match[2].isalpha() or not _LEAST_SIDE <= per_pixel <= _MOST_SIDE:
        raise SagesegError(f"--scale {text}: expected the side of a pixel with its unit, such as 0.0012m/px")
    return Scale(per_pixel, match[2])


def area(scale: Scale | None, pixels: int) -> float | None:
    """Pixels in the user's unit squared; None without a scale."""
    return pixels * scale.per_pixel**2 if scale else None


def _parse_holes(text: str) -> float:
    """`all`, or the most pixels of a hole."""
    return math.inf if text == "all" else _whole("--fill-holes", text, "the most pixels of a hole, all")


def _parse_largest(text: str) -> int:
    return _whole("--largest", text, "how many objects of each class to keep")


def _whole(name: str, text: str, what: str) -> int:
    number = parse_whole(text)
    if not number:
        raise SagesegError(f"{name} {text}: expected {what}, or nothing before the next option")
    return number


@dataclass(frozen=True)
class Cleaning:
    """What is mended in predicted masks first, in this order.

    `analysis.masks.cleaning` does it.
    """

    least_pixels: int = option(1, "Objects of fewer pixels become background.")
    largest: int | None = option(
        None, "Of each class in an image keep the N largest objects, 1 without N.", parser=_parse_largest, metavar="[N]"
    )
    fill_holes: float | None = option(
        None,
        "Fill holes of background inside an object: those of at most N pixels, or all without N.",
        parser=_parse_holes,
        metavar="[N|all]",
    )

    def __post_init__(self) -> None:
        if self.least_pixels < 1:
            raise SagesegError(f"--least-pixels {self.least_pixels}: expected 1 pixel or more")

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self != AS_PREDICTED

    def to_json(self) -> dict[str, Any]:
        """As predictions.json says it."""
        holes = "all" if self.fill_holes == math.inf else self.fill_holes
        return {"least_pixels": self.least_pixels, "largest": self.largest, "fill_holes": holes}


AS_PREDICTED = Cleaning()
"""Nothing is cleaned."""
BARE = {"--largest": "1", "--fill-holes": "all"}
"""Options that may stand without a value, and the one that they then have."""


def with_values(words: Iterable[str]) -> Iterator[str]:
    """The words of a command line, in which each of BARE has its value."""
    for word, following in pairwise([*words, "-"]):
        yield word
        if word in BARE and following.startswith("-"):
            yield BARE[word]


@dataclass(frozen=True)
class ScoringOptions:
    """Options of `analysis report`. `boundary_share` is a share of the image's diagonal."""

    scale: Scale | None = option(
        None, "Side of a pixel, such as 0.0012m/px: areas are then told in it too.", parser=parse_scale, metavar="SIDE"
    )
    boundary_share: float = option(0.02, "Boundary IoU's band, as a share of the image's diagonal.")
    boundary_pixels: int | None = option(None, "Boundary IoU's band in pixels, instead of the share.")
    tolerance: int = option(3, "Boundary F: how far apart outlines may lie, in pixels.")
    halo: int = option(10, "A wrong region within so many pixels of its class is the halo of an object that was found.")
    partial: bool = option(False, "Score what was predicted, though other images of its split were not.")
    draws: int = option(1000, "Bootstrap draws of the groups, for the intervals; 0 for none.")
    seed: int = option(0, "Seed of the draws.")

    def __post_init__(self) -> None:
        low = {"--boundary-pixels": (self.boundary_pixels, 1), "--tolerance": (self.tolerance, 0)}
        low |= {"--halo": (self.halo, 0), "--draws": (self.draws, 0), "--seed": (self.seed, 0)}
        for name, (value, least) in low.items():
            if value is not None and value < least:
                raise SagesegError(f"{name} {value}: expected {least} or more")
        if not 0 < self.boundary_share <= 1:
            raise SagesegError(f"--boundary-share {self.boundary_share}: expected a share above 0, up to 1")


class How(StrEnum):
    """How overlapping crops become one mask."""

    BLEND = "blend"
    INNER = "inner"


class Rule(StrEnum):
    """How several predictions become one."""

    MEAN = "mean"
    MAJORITY = "majority"
