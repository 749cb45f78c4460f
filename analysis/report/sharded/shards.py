"""A report by shards: each examines the images of its part and draws them at full size, and the merge makes the report
that one machine would have made: the same numbers, added up in the same order, the same tables and the same page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.masks.source_plan import command_of, draft_of, read_facts, read_settled
from analysis.masks.sources import Source
from analysis.report.report import write_report
from analysis.report.sharded.planned import Planned, Settled
from analysis.report.sharded.records import findings_to_json, parse_findings
from analysis.report_files import LAYERS, layer_name, strip_name
from analysis.scoring.image_report import Findings, as_examined
from analysis.scoring.patterns.places import frame_of
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.shards.markers import Marker
from formats.shards.shard import Shard
from formats.shards.telling import open_shards
from formats.shards.work_plan import PLAN, refuse_another_cut, settle_plan
from formats.shards.working import Part, do_part, found_in_order

KIND = "report"


def report_shard(
    planned: Planned, out: Path, shard: Shard, *, overwrite: bool = False, workers: int | None = None
) -> Marker:
    """Do the shard of a report in `out`, beside the plan, which is written where there is none. Raises SagesegError
    where the plan in `out` is another, where it is cut otherwise, and for what is wrong with an image."""
    refuse_another_cut(out, shard)
    draft = draft_of(KIND, planned.sources, planned.predictions, planned.dataset, planned.settled)
    plan_sha256 = settle_plan(out, draft, shard)
    part: Part[Source, Findings] = Part(
        planned.sources[shard.own],
        lambda source: source.row.source,
        lambda source: files_of(source.stem, strips=planned.settled.options.strips),
        planned.examiner,
        findings_to_json,
        "scoring",
    )
    return do_part(out, shard, plan_sha256, part, overwrite=overwrite, workers=workers)


def files_of(stem: str, *, strips: bool) -> Sequence[str]:
    """What is drawn of an image at full size, by names inside the report."""
    return [*(layer_name(layer, stem) for layer in LAYERS), *([strip_name(stem)] if strips else [])]


def merge_report(shards: Path, out: Path, *, overwrite: bool = False, workers: int | None = None) -> dict[str, Any]:
    """Make the report of the plan and the shards in a folder, which stay, and return what its scores.json holds.

    Raises SagesegError, and makes nothing, where the shards are not all there, whole, and of this plan.
    """
    plan, markers = open_shards(shards, KIND, out, overwrite=overwrite)
    settled = read_settled(shards, plan, Settled)
    facts = list(read_facts(shards))
    if settled.frame != frame_of([(of.width, of.height) for of in facts]):
        raise SagesegError(f"{shards / PLAN}: damaged (frame is not of the sources); bring back the shards' folder")
    strips = settled.options.strips
    sources = ((of.source, files_of(of.stem, strips=strips)) for of in facts)
    with staged_folder(out, overwrite=overwrite) as stage:
        for name in files_of("x", strips=strips):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)

        def parse(told: Any, place: int) -> Findings:
            return parse_findings(told, facts[place], len(settled.classes), settled.frame)

        found = found_in_order(markers, sources, len(facts), stage, parse)
        examined = (as_examined(of, each) for each, of in zip(found, facts, strict=True))
        return write_report(stage, settled, examined, command_of(plan, out), workers)
