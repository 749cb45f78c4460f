"""What shards leave for a merge, as targets of the trial: they come from other machines."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from formats.shards.markers import FORMAT_VERSION, Marker, read_marker
from formats.shards.shard import shard_of_host
from formats.shards.work_plan import parse_plan
from formats.shards.working import found_in_order
from jobs.prediction.shards import parse_made, settled_of
from prep.dataset.merge import read_entries
from prep.dataset.planned import plan_of
from trust.damage.engine import CORPORA, Builder, Target, of_file

_IMAGES = 3
"""Of the plan in the corpora."""


def _plan(folder: Path) -> Target:
    (folder / "sources.csv").write_bytes((CORPORA / "shard-sources" / "seed.csv").read_bytes())
    return of_file(
        folder, "shard-plan", "plan.json", "json", lambda path: plan_of(folder, parse_plan(path.read_bytes(), path))
    )


def _sources(folder: Path) -> Target:
    content = (CORPORA / "shard-plan" / "seed.json").read_bytes()
    plan = parse_plan(content, folder / "plan.json")
    return of_file(folder, "shard-sources", "sources.csv", "text", lambda _: plan_of(folder, plan))


def _marker(folder: Path) -> Target:
    return of_file(folder, "shard-marker", "shard.json", "json", lambda _: read_marker(folder))


def _journal(folder: Path) -> Target:
    read = partial(read_entries, [folder], _IMAGES)
    return of_file(folder, "shard-journal", "journal.jsonl", "json", lambda _: list(read()))


def _predict_plan(folder: Path) -> Target:
    def read(path: Path) -> object:
        return settled_of(folder, parse_plan(path.read_bytes(), path))

    return of_file(folder, "shard-predict-plan", "plan.json", "json", read, others=("shard-plan",))


def _predict_journal(folder: Path) -> Target:
    marker = Marker(FORMAT_VERSION, 1, 1, "", {"images": _IMAGES}, "")
    sources = [(name, ()) for name in ("a.jpg", "b.jpg", "c.jpg")]

    def read(_: Path) -> object:
        return list(found_in_order({folder: marker}, sources, _IMAGES, folder, parse_made))

    return of_file(folder, "shard-predict-journal", "journal.jsonl", "json", read)


def _hosts(folder: Path) -> Target:
    return of_file(folder, "shard-hosts", "resourceconfig.json", "json", shard_of_host)


TARGETS: dict[str, Builder] = {
    "shard-plan": _plan,
    "shard-sources": _sources,
    "shard-marker": _marker,
    "shard-journal": _journal,
    "shard-predict-plan": _predict_plan,
    "shard-predict-journal": _predict_journal,
    "shard-hosts": _hosts,
}
