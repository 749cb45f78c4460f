"""plan.json and sources.csv in the folder of a sharded verb: what is to be done, the same from whichever shard.

What decides the content stands in plan.json, each source with its checksums in sources.csv, and the plan's sha256 in
every shard's marker. A shard that finds another plan is refused; nothing of two plans is mixed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from formats.disk.whole_files import MARK, check_can_be_made, refuse_uri, written_beside
from formats.errors import SagesegError
from formats.limits import MOST_TEXT
from formats.shards.shard import Shard, parse_folder
from formats.texts.csv_text import format_csv
from formats.texts.json_text import format_json
from formats.texts.typed_json import parse_as, short
from formats.version import tool_version

PLAN, SOURCES = "plan.json", "sources.csv"
FORMAT_VERSION = 1
_ANOTHER = "choose another --out, or give what the plan was made of"
_NOTHING = "nothing"
_MEND = "bring back the folder that the shards wrote"


@dataclass(frozen=True)
class WorkPlan:
    """What plan.json tells. `command` are the words after `sageseg` without --shard and what decides nothing;
    `settled` is what decides the content; `files` are the sha256, by name, of what else lies beside the plan."""

    format_version: int
    kind: str
    tool_version: str
    command: list[str]
    settled: dict[str, Any]
    sources: int
    sources_sha256: str
    files: dict[str, str]


@dataclass(frozen=True)
class Draft:
    """A plan as one shard knows it. `rows` are the sources in order, a cell for each of `columns`, the first of which
    is `source`; `checksums` gives for a part of the sources the cells of the columns `checked`, which cost a reading
    of the files. `files` are texts to lie beside the plan, by name."""

    kind: str
    command: Sequence[str]
    settled: Mapping[str, Any]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    checked: Sequence[str]
    checksums: Callable[[slice], Sequence[Sequence[str]]]
    files: Mapping[str, str] = field(default_factory=dict)


def check_place(out: Path, beside: Collection[str] = ()) -> None:
    """Raise SagesegError where a folder is no place for a plan, because it cannot be written to or other things lie
    there; `beside` are names of files that a shard which was killed may have left before it wrote plan.json."""
    refuse_uri(out)
    if out.is_file():
        raise SagesegError(f"{out}: a file; expected the folder of a plan and its shards: choose another --out")
    check_can_be_made(out / PLAN)
    if not out.exists() or (out / PLAN).exists():
        return
    ours = (SOURCES, *beside)
    others = sorted(path.name for path in out.iterdir() if path.name not in ours and not path.name.endswith(MARK))
    if others:
        raise SagesegError(f"{out}: holds {others[0]} and no {PLAN}; choose a folder of its own for the shards")


def settle_plan(out: Path, draft: Draft, shard: Shard) -> str:
    """Write the plan where there is none, else compare: the whole of it, and the checksums of the shard's own part.
    Returns the plan's sha256. Raises SagesegError that names the first difference."""
    with written_beside(out / PLAN, durable=True) as beside:  # one shard at a time
        if (out / PLAN).exists():
            content = (out / PLAN).read_bytes()
            _compare(out, parse_plan(content, out / PLAN), draft, shard)
        else:
            content = _written(out, draft)
        beside.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _written(out: Path, draft: Draft) -> bytes:
    """The content of plan.json, when all beside it is written."""
    checksums = draft.checksums(slice(None))
    rows = ((*row, *sums) for row, sums in zip(draft.rows, checksums, strict=True))
    texts = {SOURCES: _lines([[*draft.columns, *draft.checked]], rows)}
    texts |= {name: iter([text]) for name, text in draft.files.items()}
    digests = {name: _write(out / name, lines) for name, lines in texts.items()}
    sources_sha256 = digests.pop(SOURCES)
    plan = WorkPlan(
        FORMAT_VERSION,
        draft.kind,
        tool_version(),
        list(draft.command),
        dict(draft.settled),
        len(draft.rows),
        sources_sha256,
        digests,
    )
    return (format_json(vars(plan)) + "\n").encode("utf-8")


def _lines(*parts: Iterable[Sequence[str]]) -> Iterator[str]:
    return (format_csv([row]) for part in parts for row in part)


def _write(path: Path, lines: Iterator[str]) -> str:
    """Write a text and give its sha256."""
    digest = hashlib.sha256()
    with written_beside(path, durable=True) as beside, beside.open("wb") as file:
        for line in lines:
            content = line.encode("utf-8")
            digest.update(content)
            file.write(content)
    return digest.hexdigest()


def parse_plan(content: bytes, path: Path) -> WorkPlan:
    """The counterpart of what is written. Raises SagesegError for a damaged plan and one of another format."""
    plan = parse_as(content, WorkPlan, path, _MEND)
    if plan.format_version != FORMAT_VERSION:
        raise SagesegError(f"{path}: format_version is {plan.format_version}; this sageseg reads {FORMAT_VERSION}")
    return plan


def kind_of(out: Path) -> str:
    """What the plan of a folder is of, empty where there is none; `read_plan` says more."""
    path = out / PLAN
    return parse_plan(path.read_bytes(), path).kind if path.is_file() else ""


def read_plan(out: Path, kind: str) -> tuple[WorkPlan, str]:
    """The plan of a folder, and its sha256. Raises SagesegError where there is none, or none of this kind, or one of
    another version, and where what lies beside it is not what it names."""
    path = out / PLAN
    if not path.is_file():
        raise SagesegError(f"{out}: no {PLAN} here; expected the --out of a verb with --shard")
    content = path.read_bytes()
    plan = parse_plan(content, path)
    if plan.kind != kind:
        merge = f"sageseg {' '.join(plan.command[:1])} merge"
        raise SagesegError(f"{path}: a plan of {plan.kind}; expected one of {kind}: merge it by {merge}")
    _check_version(out, plan)
    for name, digest in {SOURCES: plan.sources_sha256, **plan.files}.items():
        _check_digest(out / name, digest)
    return plan, hashlib.sha256(content).hexdigest()


def _check_version(out: Path, plan: WorkPlan) -> None:
    if plan.tool_version != tool_version():
        raise SagesegError(
            f"{out}: planned by sageseg {plan.tool_version}, and this is {tool_version()}; take that version for all "
            "shards and the merge, or choose another --out"
        )


def _check_digest(path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: missing; {_MEND}") from e
    if found != digest:
        raise SagesegError(f"{path}: not the file that {PLAN} names, its sha256 differs; {_MEND}")


def read_sources(out: Path) -> Iterator[dict[str, str]]:
    """The rows of sources.csv by column, one by one; `read_plan` has checked the file."""
    path = out / SOURCES
    csv.field_size_limit(MOST_TEXT)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            for row in rows:
                yield dict(zip(header, row, strict=True))
        except (ValueError, csv.Error) as e:
            raise SagesegError(f"{path}: line {rows.line_num}: damaged ({e}); {_MEND}") from e


def _compare(out: Path, plan: WorkPlan, draft: Draft, shard: Shard) -> None:
    """Raise SagesegError that names the first thing in which the folder's plan is not this shard's."""
    _check_version(out, plan)
    kept = {"kind": plan.kind, "": plan.settled}
    ours = {"kind": draft.kind, "": dict(draft.settled)}
    found = _difference(json.loads(format_json(ours)), kept)
    if found:
        place, own, other = found
        raise SagesegError(f"{out}: another plan: {place} is {short(own)}, and there {short(other)}; {_ANOTHER}")
    if list(draft.command) != plan.command:  # which the dataset records, with the words in their order
        raise SagesegError(
            f"{out}: another plan: that of the line sageseg {shlex.join(plan.command)}; type it as it stands, with "
            "--out and --shard, or choose another --out"
        )
    for name, digest in {SOURCES: plan.sources_sha256, **plan.files}.items():
        _check_digest(out / name, digest)
    _compare_sources(out, draft, shard)
    texts = {name: hashlib.sha256(text.encode("utf-8")).hexdigest() for name, text in draft.files.items()}
    if texts != plan.files:
        name = next(name for name in {**texts, **plan.files} if texts.get(name) != plan.files.get(name))
        raise SagesegError(f"{out}: another plan: {name} would be another; {_ANOTHER}")


def _difference(ours: Any, theirs: Any, place: str = "") -> tuple[str, Any, Any] | None:
    """The first place, by the names that lead there, with the two values."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in dict.fromkeys((*ours, *theirs)):
            at = ".".join(filter(None, (place, name)))
            found = _difference(ours.get(name, _NOTHING), theirs.get(name, _NOTHING), at)
            if found:
                return found
        return None
    if isinstance(ours, list) and isinstance(theirs, list):
        pairs = enumerate(zip_longest(ours, theirs, fillvalue=_NOTHING))
        return next(filter(None, (_difference(a, b, f"{place}[{i}]") for i, (a, b) in pairs)), None)
    return None if ours == theirs else (place, ours, theirs)


def _compare_sources(out: Path, draft: Draft, shard: Shard) -> None:
    own = dict(zip(range(len(draft.rows))[shard.own], draft.checksums(shard.own), strict=True))
    for place, (row, kept) in enumerate(zip_longest(draft.rows, read_sources(out))):
        if row is None or kept is None or row[0] != kept["source"]:
            raise _other_sources(out, draft)
        cells = zip(draft.columns, row, strict=True)
        sums = zip(draft.checked, own.get(place, ()), strict=place in own)
        for name, cell in (*cells, *sums):
            if kept.get(name) != cell:
                raise SagesegError(
                    f"{out}: another plan: {row[0]} has changed since: its {name.replace('_', ' ')} is {short(cell)}, "
                    f"and there {short(kept.get(name))}; {_ANOTHER}"
                )


def _other_sources(out: Path, draft: Draft) -> SagesegError:
    """Which source is new, or gone."""
    ours, theirs = {row[0] for row in draft.rows}, {row["source"] for row in read_sources(out)}
    new, gone = sorted(ours - theirs), sorted(theirs - ours)
    told = f"{new[0]} is new" if new else f"{gone[0]} is gone" if gone else "its sources are in another order"
    return SagesegError(f"{out}: another plan: of its {len(theirs)} sources, and {len(ours)} now, {told}; {_ANOTHER}")


def refuse_another_cut(out: Path, shard: Shard) -> None:
    """Raise SagesegError where a folder has shards of another number in all."""
    names = (path.name.removesuffix(MARK) for path in out.iterdir()) if out.exists() else ()
    others = sorted({found.of for found in map(parse_folder, names) if found and found.of != shard.of})
    if others:
        raise SagesegError(
            f"{out}: cut into {others[0]} shards, and --shard says {shard}; say --shard I/{others[0]}, or choose "
            "another --out"
        )
