"""Which shards lie whole in a job's output: a folder of this machine, or a place in S3.

An output that goes out as it appears may have a marker before its files: a shard counts when they are all there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from aws.s3 import S3Prefix, copy_object
from formats.console import say, show_as
from formats.disk.whole_files import MARK, write_text
from formats.errors import SagesegError
from formats.shards.markers import BYTES, JOURNAL, LINE, MARKER, read_marker
from formats.shards.shard import Shard, parse_folder
from formats.shards.work_plan import PLAN, parse_plan
from formats.texts.given_files import read_text
from formats.texts.wording import name_first


class Output(Protocol):
    """Where the shards go; names are relative, with slashes."""

    @property
    def uri(self) -> str: ...

    @property
    def shown(self) -> str:
        """As people name it."""

    def sizes(self) -> Mapping[str, int]:
        """Of all files, by name."""

    def bring(self, name: str, to: Path) -> None:
        """A file, as one of this machine."""

    def put(self, name: str, text: str) -> None:
        """Write a file there."""


@dataclass(frozen=True)
class FolderOutput:
    """A folder of this machine, for the emulator."""

    folder: Path

    @property
    def uri(self) -> str:
        return self.folder.resolve().as_uri()

    @property
    def shown(self) -> str:
        return str(self.folder)

    def sizes(self) -> dict[str, int]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in files}

    def bring(self, name: str, to: Path) -> None:
        to.symlink_to((self.folder / name).resolve())

    def put(self, name: str, text: str) -> None:
        write_text(self.folder / name, text)


@dataclass(frozen=True)
class S3Output:
    """A place in S3."""

    place: S3Prefix
    s3: Any
    kms_key: str | None = None

    @property
    def uri(self) -> str:
        return self.place.uri().rstrip("/")

    @property
    def shown(self) -> str:
        return self.uri

    def sizes(self) -> dict[str, int]:
        found = {each["Key"].removeprefix(self.place.prefix): each["Size"] for each in self.place.objects(self.s3)}
        return {name: size for name, size in found.items() if name and not name.endswith("/")}  # folders of the console

    def bring(self, name: str, to: Path) -> None:
        with to.open("wb") as file:
            copy_object(self.s3, self.place.bucket, self.place.prefix + name, file)

    def put(self, name: str, text: str) -> None:
        self.place.put(self.s3, name, text.encode(), kms_key=self.kms_key)


@dataclass(frozen=True)
class There:
    """`shards` are whole; `beside` are the names of the plan's files, and `command` its words, where there is a plan;
    `line` is what had a job make shards there, empty where nobody tells."""

    shards: frozenset[Shard] = frozenset()
    beside: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    line: str = ""

    def missing(self, of: int) -> list[Shard]:
        return [shard for shard in (Shard(number, of) for number in range(1, of + 1)) if shard not in self.shards]


def look(output: Output, of: int) -> There:
    """What lies in an output that is to be of so many shards. Raises SagesegError where something else does: files
    that are no plan's, shards of another plan, or of another number."""
    with TemporaryDirectory() as scratch:
        show_as(scratch, output.shown)
        return _look(output, of, Path(scratch))


def _look(output: Output, of: int, scratch: Path) -> There:
    sizes = {name: size for name, size in output.sizes().items() if MARK not in name}
    line = _line(output, scratch) if sizes.pop(LINE, None) is not None else ""
    if not sizes:
        return There(line=line)
    beside = tuple(sorted(name for name in sizes if "/" not in name))
    if PLAN not in beside:
        other = next(iter(sorted(sizes)))
        raise SagesegError(
            f"{output.shown}: holds {other} and no {PLAN}; choose another --out or --shards, or remove what lies there"
        )
    folders = (name.removesuffix(f"/{MARKER}") for name in sizes if name.endswith(f"/{MARKER}"))
    found = set(filter(None, map(parse_folder, folders)))
    cuts = sorted({shard.of for shard in found if shard.of != of})
    if cuts:
        raise SagesegError(
            f"{output.shown}: cut into {cuts[0]} shards, and --instances says {of}; say --instances {cuts[0]}, or "
            "choose another --out or --shards"
        )
    output.bring(PLAN, scratch / PLAN)
    plan, plan_sha256 = parse_plan((scratch / PLAN).read_bytes(), scratch / PLAN), _digest(scratch / PLAN)
    whole = {shard for shard in found if _is_whole(output, sizes, shard, plan_sha256, scratch)}
    partly = sorted(map(str, found - whole))
    if partly:
        say(f"note: {output.shown}: of shard {name_first(partly)} not all files are there; it is made again")
    return There(frozenset(whole), beside, tuple(plan.command), line)


def _line(output: Output, scratch: Path) -> str:
    output.bring(LINE, scratch / LINE)
    return read_text(scratch / LINE, "a command line").partition("\n")[0]


def _is_whole(output: Output, sizes: Mapping[str, int], shard: Shard, plan_sha256: str, scratch: Path) -> bool:
    folder = scratch / shard.folder
    folder.mkdir()
    output.bring(f"{shard.folder}/{MARKER}", folder / MARKER)
    marker = read_marker(folder)
    if marker.plan_sha256 != plan_sha256:
        raise SagesegError(
            f"{output.shown}/{shard.folder}: a shard of another plan than the one beside it; remove it and run the "
            "same command again, or choose another --out or --shards"
        )
    journal = f"{shard.folder}/{JOURNAL}"
    if journal not in sizes:
        return False
    output.bring(journal, folder / JOURNAL)
    own = (JOURNAL, MARKER)
    files = (name for name in sizes if name.startswith(f"{shard.folder}/") and name.split("/", 1)[1] not in own)
    return _digest(folder / JOURNAL) == marker.journal_sha256 and sum(
        sizes[name] for name in files
    ) == marker.counts.get(BYTES)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
