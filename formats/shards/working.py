"""A shard's work, one item after another: what is found in each is a line of its journal, and what it wrote lies beside
it; killed, the same command goes on behind the last line.

Its lines tell the item's `source`, the sizes of its files, and what was `found`, as JSON of the verb's own make.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Generic, TypeVar

from formats.console import say
from formats.disk.journals import add_whole, cut_to_whole_lines
from formats.disk.whole_files import link_file, write_errors
from formats.disk.whole_folders import Stage, open_stage
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.shards.markers import BYTES, JOURNAL, Marker, finished, journal_lines, write_marker
from formats.shards.shard import Shard
from formats.texts.json_text import parse_json
from formats.texts.typed_json import check_type

Item = TypeVar("Item")
Found = TypeVar("Found")
MOST_OF_LINE = 2**26
"""Bytes: what is found in an image of 255 classes is a tenth of it."""


@dataclass(frozen=True)
class Part(Generic[Item, Found]):
    """What a shard has to do: its items, what each is called and which files, below the shard's folder, it leaves; and
    how what is found in it is told. `begin` makes the folders and gives what works on an item."""

    items: Sequence[Item]
    name: Callable[[Item], str]
    files: Callable[[Item], Sequence[str]]
    begin: Callable[[Path], Callable[[Item], Found]]
    told: Callable[[Found], Any]
    label: str


def do_part(
    out: Path,
    shard: Shard,
    plan_sha256: str,
    part: Part[Item, Found],
    *,
    overwrite: bool = False,
    workers: int | None = None,
) -> Marker:
    """Do the shard of the plan in `out`; one that is done already stays. Returns its marker."""
    done = None if overwrite else finished(out, shard, plan_sha256)
    if done:
        return done
    with open_stage(out / shard.folder, overwrite=overwrite) as stage:
        return _work(stage, shard, plan_sha256, part, workers)


def _work(stage: Stage, shard: Shard, plan_sha256: str, part: Part[Item, Found], workers: int | None) -> Marker:
    header = {"plan": plan_sha256, "shard": str(shard)}
    goes_on = stage.begun() == header
    if not goes_on:
        stage.empty()
        stage.begin(header)
    work, path = part.begin(stage.content), stage.content / JOURNAL
    with write_errors(path):
        file = path.open("a+b", buffering=0)
    with file:
        begun = _lines_done(file, stage.content, part)
        if goes_on:
            say(f"{stage.folder}: goes on where it stopped; images done: {begun}")
        done = begun
        try:
            items = part.items[begun:]
            for item, found in zip(items, map_all(work, items, workers=workers, label=part.label), strict=True):
                add_whole(file, path, _line(stage.content, part, item, found))
                done += 1
        except BaseException:
            if done:
                say(f"{stage.folder}: images done: {done}; the same command goes on from there")
            else:
                stage.remove()
            raise
    marker = write_marker(stage.content, shard, plan_sha256, {"images": done, BYTES: _bytes(path)})
    stage.finish()
    return marker


def _bytes(journal: Path) -> int:
    """Of all files that a journal tells of."""
    with journal.open("rb") as lines:
        return sum(sum(_parse(line)["bytes"]) for line in lines)


def _line(root: Path, part: Part[Item, Found], item: Item, found: Found) -> bytes:
    sizes = [(root / name).stat().st_size for name in part.files(item)]
    return line_of(part.name(item), sizes, part.told(found))


def line_of(name: str, sizes: Sequence[int], found: Any) -> bytes:
    """A line of a journal: what was found in a source, as JSON's own kinds, and the sizes of the files that it left."""
    told = {"source": name, "bytes": sizes, "found": found}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8") + b"\n"


def _lines_done(file: FileIO, root: Path, part: Part[Item, Found]) -> int:
    """How many items have their line, and all files that it tells of; what lies behind is cut off."""
    cut_to_whole_lines(file)
    count = end = 0
    with Path(file.name).open("rb") as lines:
        for line, item in zip(lines, part.items, strict=False):
            try:
                told = _parse(line)
                whole = told["source"] == part.name(item) and told["bytes"] == _sizes(root, part.files(item))
            except (ValueError, OSError):
                break
            if not whole:
                break
            count, end = count + 1, end + len(line)
    file.truncate(end)
    file.seek(end)
    return count


def _sizes(root: Path, names: Iterable[str]) -> list[int]:
    return [(root / name).stat().st_size for name in names]


@dataclass(frozen=True)
class _Line:
    source: str
    bytes: list[int]
    found: Any


def _parse(line: bytes) -> Mapping[str, Any]:
    if len(line) > MOST_OF_LINE:
        raise ValueError(f"a line of {len(line)} bytes")
    told: Mapping[str, Any] = parse_json(line)
    check_type(told, _Line)
    return told


def found_in_order(
    markers: Mapping[Path, Marker],
    sources: Iterable[tuple[str, Sequence[str]]],
    count: int,
    stage: Path,
    parse: Callable[[Any, int], Found],
) -> Iterator[Found]:
    """What was found in each of the plan's sources, as `parse` makes it of what was told and the source's place. The
    files that each has left are linked into `stage`, whose folders are there. `sources` are names, with their files.

    Raises SagesegError that names the file where a journal is damaged or of other sources, or a file is missing or not
    as large as it was.
    """
    done = Counter[Path]()
    lines = journal_lines(list(markers), count)
    for place, ((name, files), (journal, line)) in enumerate(zip(sources, lines, strict=True)):
        folder = journal.parent
        try:
            told = _parse(line)
            _check_line(told, name, files)
            found = parse(told["found"], place)
        except ValueError as e:
            raise SagesegError(f"{journal}: {name}: damaged ({e}); remove {folder} and make it again") from e
        for file, size in zip(files, told["bytes"], strict=True):
            _link(folder, file, size, stage)
        done[folder] += 1
        yield found
    for folder, marker in markers.items():
        if marker.counts.get("images") != done[folder]:
            raise SagesegError(f"{folder}: its marker counts other images; remove {folder} and make it again")


def _check_line(told: Mapping[str, Any], name: str, files: Sequence[str]) -> None:
    if told["source"] != name or len(told["bytes"]) != len(files):
        raise ValueError(f"{told['source']!r} with {len(told['bytes'])} files, where {name!r} has its place")


def _link(folder: Path, name: str, size: int, stage: Path) -> None:
    path = folder / name
    known = path.stat().st_size if path.is_file() and not path.is_symlink() else None
    if known != size:
        what = "missing" if known is None else f"{known} bytes, where the shard wrote {size}"
        raise SagesegError(f"{path}: {what}; remove {folder} and make it again")
    link_file(path, stage / name)
