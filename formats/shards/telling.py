"""What is looked at and said before a shard's or a merge's work, and after it."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from formats.console import result, say
from formats.disk.whole_files import check_can_be_made, refuse_uri
from formats.disk.whole_folders import refuse_existing
from formats.safe_names import refuse_links_out
from formats.shards.markers import Marker, all_shards, done_shards, marked_folders
from formats.shards.shard import Shard
from formats.shards.work_plan import WorkPlan, check_place, read_plan, refuse_another_cut


def check_shard_place(out: Path, shard: Shard, beside: Collection[str] = ()) -> None:
    """Raise SagesegError where a shard cannot be made in a folder, before anything is read; `beside`: `check_place`."""
    check_place(out, beside)
    refuse_another_cut(out, shard)
    check_can_be_made(out)


def check_merge_place(shards: Path, out: Path, *, overwrite: bool) -> None:
    """Raise SagesegError where what a merge makes has no place: `refuse_existing`. The shards stay."""
    refuse_uri(shards)
    refuse_existing(out, overwrite=overwrite, reads=[shards, *marked_folders(shards)])


def open_shards(shards: Path, kind: str, out: Path, *, overwrite: bool) -> tuple[WorkPlan, dict[Path, Marker]]:
    """The plan of a folder and all its shards, by their folders in order, of which something is made in `out`.

    Raises SagesegError where that has no place, where the plan is of another kind, where a link leads out of the
    folder, and where the shards are not all there, whole, and of this plan.
    """
    check_merge_place(shards, out, overwrite=overwrite)
    plan, plan_sha256 = read_plan(shards, kind)
    refuse_links_out(shards)
    return plan, all_shards(shards, plan, plan_sha256)


def tell_shard(out: Path, shard: Shard, marker: Marker, merge: str) -> None:
    """What the shard holds, its place, and the next step where it was the last one."""
    result(f"shard {shard}: {marker.counts['images']} images")
    result(str(out / shard.folder))
    done = len(done_shards(out))
    if done == shard.of:
        say(f"all {done} shards are there; next: {merge} {shlex.quote(str(out))} --out OUT")
