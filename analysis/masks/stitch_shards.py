"""Stitching by shards: each puts the images of its part together, and the merge makes the folder that one machine would
have made, byte for byte, without decoding a mask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from analysis.masks.source_plan import SourceFacts, draft_of, read_facts, read_settled
from analysis.masks.sources import Source
from analysis.masks.stitch import PlannedStitch, Put, Settled, Stitched, write_tables
from formats.disk.whole_folders import staged_folder
from formats.predictions import mask_path, probabilities_path
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.prepared.georeference import format_georeference, read_georeference
from formats.shards.markers import Marker
from formats.shards.shard import Shard
from formats.shards.telling import open_shards
from formats.shards.work_plan import refuse_another_cut, settle_plan
from formats.shards.working import Part, do_part, found_in_order
from formats.texts.typed_values import from_json, to_json

KIND = "stitch"


def stitch_shard(
    planned: PlannedStitch, out: Path, shard: Shard, *, overwrite: bool = False, workers: int | None = None
) -> Marker:
    """Do the shard of a stitching in `out`, beside the plan, which is written where there is none. Raises SagesegError
    where the plan in `out` is another, where it is cut otherwise, and for what is wrong with an image."""
    refuse_another_cut(out, shard)
    beside = {GEOREFERENCE: format_georeference(planned.georeference)} if planned.georeference else {}
    draft = draft_of(KIND, planned.sources, planned.predictions, None, planned.settled, beside)
    plan_sha256 = settle_plan(out, draft, shard)
    part: Part[Source, Put] = Part(
        planned.sources[shard.own],
        lambda source: source.row.source,
        lambda source: files_of(source.stem, planned.settled),
        planned.worker,
        to_json,
        "stitching",
    )
    return do_part(out, shard, plan_sha256, part, overwrite=overwrite, workers=workers)


def files_of(stem: str, settled: Settled) -> Sequence[str]:
    """What is made of an image, by names inside the folder."""
    places = [mask_path, *([probabilities_path] if settled.probabilities else [])]
    return [place(Path(), stem).as_posix() for place in places]


def merge_stitch(shards: Path, out: Path, *, overwrite: bool = False) -> tuple[Stitched, Settled]:
    """Make the folder of the plan and the shards in a folder, which stay, and tell what was put together.

    Raises SagesegError, and makes nothing, where the shards are not all there, whole, and of this plan.
    """
    plan, markers = open_shards(shards, KIND, out, overwrite=overwrite)
    settled = read_settled(shards, plan, Settled)
    facts = list(read_facts(shards))
    sources = ((of.source, files_of(of.stem, settled)) for of in facts)
    with staged_folder(out, overwrite=overwrite) as stage:
        settled.make_folders(stage)
        found = found_in_order(markers, sources, len(facts), stage, partial(_parse, facts))
        return write_tables(stage, settled, facts, list(found), read_georeference(shards)), settled


def _parse(facts: Sequence[SourceFacts], told: Any, place: int) -> Put:
    put, of = from_json(told, Put), facts[place]
    for box in put.unpredicted:
        if not (0 <= box.left < of.width and 0 <= box.top < of.height):
            raise ValueError(f"a box at {box.left},{box.top}; expected one inside {of.width}×{of.height}")
    return put
