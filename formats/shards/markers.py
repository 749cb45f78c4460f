"""shard.json: what a shard is when it is done, written last; and the shards of a folder, told apart before a merge.

Beside its marker a shard has a journal, `journal.jsonl`: a line for each source of its part, in the plan's order.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from formats.console import say
from formats.disk.whole_files import write_text
from formats.disk.whole_folders import settle_killed
from formats.errors import SagesegError
from formats.shards.checksums import file_checksum
from formats.shards.shard import MOST_SHARDS, Shard, parse_folder
from formats.shards.work_plan import WorkPlan
from formats.texts.given_files import read_text
from formats.texts.json_text import format_json
from formats.texts.typed_json import parse_as
from formats.texts.wording import name_first

MARKER, JOURNAL = "shard.json", "journal.jsonl"
LINE = "line.txt"
"""Beside a plan: the line that had its shards made by many machines, and makes those that are missing."""
FORMAT_VERSION = 1
BYTES = "bytes"
"""Among a marker's counts: of all the files that its shard has made, beside journal and marker."""


@dataclass(frozen=True)
class Marker:
    """`counts` are numbers that its verb tells of it."""

    format_version: int
    shard: int
    of: int
    plan_sha256: str
    counts: dict[str, int]
    journal_sha256: str


def write_marker(folder: Path, shard: Shard, plan_sha256: str, counts: Mapping[str, int]) -> Marker:
    """Say that the shard in a folder, its journal too, is done."""
    marker = Marker(FORMAT_VERSION, shard.number, shard.of, plan_sha256, dict(counts), file_checksum(folder / JOURNAL))
    write_text(folder / MARKER, format_json(vars(marker)) + "\n", durable=True)
    return marker


def read_marker(folder: Path) -> Marker:
    """The counterpart of `write_marker`. Raises SagesegError that names the file."""
    path = folder / MARKER
    marker = parse_as(read_text(path, "the marker of a shard"), Marker, path, f"remove {folder} and make it again")
    if marker.format_version != FORMAT_VERSION:
        raise SagesegError(f"{path}: format_version is {marker.format_version}; this sageseg reads {FORMAT_VERSION}")
    return marker


def finished(out: Path, shard: Shard, plan_sha256: str) -> Marker | None:
    """The marker of a shard that is done already, which is said; None where it is not. Raises SagesegError where it is
    of another plan or another shard, and where its folder is there without it."""
    folder = out / shard.folder
    if not (folder / MARKER).is_file():
        if _is_torn(folder):
            raise SagesegError(f"{folder}: {_TORN}")
        return None
    marker = read_marker(folder)
    _check_own(folder, marker, plan_sha256)
    if (marker.shard, marker.of) != (shard.number, shard.of):
        raise SagesegError(f"{folder}: holds shard {marker.shard}/{marker.of}; remove it and make it again")
    settle_killed(folder)  # between the name of the whole and the removal of what it was made in
    say(f"note: {folder}: is there already, of this plan and these sources; nothing is left to do")
    return marker


_TORN = f"without {MARKER}, which is there only when all else is; copy it whole, or remove it and make it again"


def _is_torn(folder: Path) -> bool:
    """Whether something stands in a shard's place that has no marker: a shard that is made gets its name at the end,
    so one that was copied by half."""
    return folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file())


def marked_folders(out: Path) -> list[Path]:
    """The folders in a folder that have a marker, whatever they are called."""
    return [path.parent for path in sorted(out.glob(f"*/{MARKER}"))]


def done_shards(out: Path) -> list[Shard]:
    """The shards of a folder that have a marker, in order of their numbers."""
    found = (parse_folder(folder.name) for folder in marked_folders(out))
    return sorted(filter(None, found), key=lambda shard: (shard.of, shard.number))


def all_shards(out: Path, plan: WorkPlan, plan_sha256: str) -> dict[Path, Marker]:
    """The folders of all shards of a plan in order of their numbers. Raises SagesegError that names a shard which is
    missing, with the command that makes it, which is there twice or of another plan or cut, or whose journal is not
    the one that it was marked with."""
    torn = [path for path in sorted(out.iterdir()) if parse_folder(path.name) and _is_torn(path)]
    if torn:
        raise SagesegError(f"{torn[0]}: {_TORN}")
    markers = {folder: read_marker(folder) for folder in marked_folders(out)}
    if not markers:
        raise SagesegError(f"{out}: no shard is done; run {_command(plan, out, '1/4', ', then 2/4 and so on')}")
    for folder, marker in markers.items():
        _check_own(folder, marker, plan_sha256)
    _check_cut(out, markers)
    by_number = _by_number(markers)
    of = next(iter(markers.values())).of
    missing = [Shard(number, of) for number in range(1, of + 1) if number not in by_number]
    if missing:
        others = f" (and {name_first([str(shard) for shard in missing[1:]])})" if missing[1:] else ""
        raise SagesegError(f"{out}: shard {missing[0]} is missing{others}; run {_command(plan, out, str(missing[0]))}")
    return {by_number[number]: markers[by_number[number]] for number in range(1, of + 1)}


def _check_own(folder: Path, marker: Marker, plan_sha256: str) -> None:
    if marker.plan_sha256 != plan_sha256:
        raise SagesegError(f"{folder}: a shard of another plan than the one beside it; remove it and make it again")
    journal = folder / JOURNAL
    if not journal.is_file() or file_checksum(journal) != marker.journal_sha256:
        raise SagesegError(
            f"{journal}: not the journal that the shard was marked with; remove {folder} and make it again"
        )


def _check_cut(out: Path, markers: Mapping[Path, Marker]) -> None:
    for folder, marker in markers.items():
        if not 1 <= marker.shard <= marker.of <= MOST_SHARDS:
            raise SagesegError(f"{folder / MARKER}: shard {marker.shard} of {marker.of}; remove it and make it again")
    cuts = sorted({marker.of for marker in markers.values()})
    if len(cuts) > 1:
        raise SagesegError(f"{out}: holds shards of {cuts[0]} and of {cuts[1]} in all; remove those of one of them")


def _by_number(markers: Mapping[Path, Marker]) -> dict[int, Path]:
    by_number: dict[int, Path] = {}
    for folder, marker in markers.items():
        other = by_number.setdefault(marker.shard, folder)
        if other is not folder:
            raise SagesegError(
                f"{folder}: shard {marker.shard} of {marker.of}, and so is {other}; remove the one that is a copy"
            )
    return by_number


def _command(plan: WorkPlan, out: Path, shard: str, more: str = "") -> str:
    if (out / LINE).is_file():
        return read_text(out / LINE, "a command line").partition("\n")[0]
    return f"sageseg {shlex.join(plan.command)} --out {shlex.quote(str(out))} --shard {shard}{more}"


def journal_lines(folders: Sequence[Path], count: int) -> Iterator[tuple[Path, bytes]]:
    """The lines of all shards' journals in the plan's order, each with its journal; `folders` are of all shards in
    order of their numbers, `count` is how many sources the plan has. Raises SagesegError for a journal that has fewer
    or more lines than its part has sources."""
    paths = [folder / JOURNAL for folder in folders]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in paths]
        for place in range(count):
            line = files[place % len(files)].readline()
            if not line.endswith(b"\n"):
                raise _of_others(paths[place % len(paths)])
            yield paths[place % len(paths)], line
        for path, file in zip(paths, files, strict=True):
            if file.readline():
                raise _of_others(path)


def _of_others(journal: Path) -> SagesegError:
    return SagesegError(f"{journal}: not a line for each source of its part; remove {journal.parent} and make it again")
