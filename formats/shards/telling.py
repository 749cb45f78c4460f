"""What is looked at and said before a shard's or a merge's work, and after it."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from formats.console import result, say
from formats.disk.whole_files import check_can_be_made, refuse_uri
from formats.disk.whole_folders import refuse_existing
from formats.shards.markers import Marker, done_shards, marked_folders
from formats.shards.shard import Shard
from formats.shards.work_plan import check_place, refuse_another_cut


def check_shard_place(out: Path, shard: Shard, beside: Collection[str] = ()) -> None:
    """Raise SagesegError where a shard cannot be made in a folder, before anything is read; `beside`: `check_place`."""
    check_place(out, beside)
    refuse_another_cut(out, shard)
    check_can_be_made(out)


def check_merge_place(shards: Path, out: Path, *, overwrite: bool) -> None:
    """Raise SagesegError where what a merge makes has no place: `refuse_existing`. The shards stay."""
    refuse_uri(shards)
    refuse_existing(out, overwrite=overwrite, reads=[shards, *marked_folders(shards)])


def tell_shard(out: Path, shard: Shard, marker: Marker, merge: str) -> None:
    """What the shard holds, its place, and the next step where it was the last one."""
    result(f"shard {shard}: {marker.counts['images']} images")
    result(str(out / shard.folder))
    done = len(done_shards(out))
    if done == shard.of:
        say(f"all {done} shards are there; next: {merge} {shlex.quote(str(out))} --out OUT")
