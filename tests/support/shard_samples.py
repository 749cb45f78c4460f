"""Datasets made by shards, for the tests of plans and merges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from formats.shards.shard import Shard
from prep.dataset.again import UNTYPED, Typed
from prep.dataset.merge import merge_shards
from prep.dataset.shards import write_shard
from prep.options import PrepOptions
from prep.readers.labelled_image import Source

GROUPS = {"a": 3, "b": 2, "c": 2}


def write_shards(
    source: Source,
    out: Path,
    of: int,
    options: PrepOptions,
    numbers: Iterable[int] | None = None,
    told: Typed = UNTYPED,
) -> Path:
    """The shards of these numbers, by default all; returns their folder."""
    for number in numbers or range(1, of + 1):
        shard = Shard(number, of)
        write_shard(source, out, replace(options, shard=shard), shard, told)
    return out


def by_shards(source: Source, folder: Path, of: int, options: PrepOptions) -> Path:
    """The dataset that is merged of so many shards."""
    merge_shards(write_shards(source, folder / f"by-{of}", of, options), folder / f"of-{of}")
    return folder / f"of-{of}"
