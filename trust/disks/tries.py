"""One try: a verb on a disk that fails, what it says and leaves, and the same command once more."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.disk.whole_files import MARK
from tests.support.typed_commands import typed
from trust.disks.faults import Disk, jump_clock
from trust.disks.verbs import UPLOADED, Desk, client
from trust.kills.tries import alike_digest

_BESIDE = ("out.partial", "out.yaml", "out.crops")
"""What is no result: the user's own, and the crops with which predict --stitch goes on."""

_PLAN = ("out/plan.json", "out/sources.csv")
"""What a shard writes before its work, whole; it is no result."""


@dataclass(frozen=True)
class Ended:
    """How a verb ended: its code, what it said, and how many changes of the disk it made."""

    code: int
    said: str
    changes: int


@dataclass(frozen=True)
class Try:
    """`kind` at the `at`-th change; of `clock`, `at` are the seconds of each jump."""

    verb: str
    kind: str = ""
    at: int = 0

    def __str__(self) -> str:
        return f"{self.verb}, {self.kind} at {self.at}"


def undisturbed(desk: Desk, verb: str, place: Path) -> tuple[int, dict[str, str]]:
    """How many changes the verb makes, and what it leaves, where nothing goes wrong."""
    desk.lay_out(verb, place)
    ended = _run(desk, Try(verb), place)
    if ended.code:
        raise RuntimeError(f"{verb}: {ended.said}")
    left = results(place)
    _clear(place)
    return ended.changes, left


def faults_of(desk: Desk, one: Try, place: Path, expected: dict[str, str]) -> list[str]:
    """What is wrong after a try, and after the same command once more; the place is removed."""
    desk.lay_out(one.verb, place)
    before, found = results(place), list[str]()
    ended = _run(desk, one, place)
    lines = [line for line in ended.said.splitlines() if line.startswith("error: ")]
    if "Traceback" in ended.said or ended.code not in (0, 1) or len(lines) != ended.code:
        found.append(f"ended with {ended.code}: {ended.said[-600:]}")
    left = results(place)
    if ended.code == 0 and left != expected:
        found.append(f"ended well with another result: {_differ(left, expected)}")
    planned = {name for name in _PLAN if left.get(name) == expected.get(name)}
    finished = {name: digest for name, digest in left.items() if name not in planned}
    if ended.code and one.verb != "run" and finished not in ({}, before) and left != expected:
        found.append(f"left what looks finished: {_differ(left, expected)}")
    if left != expected:
        again = _run(desk, Try(one.verb), place)
        if again.code:
            found.append(f"the same command then: {again.said[-600:]}")
        elif results(place) != expected:
            found.append(f"the same command gave another result: {_differ(results(place), expected)}")
        elif litter := [path.name for path in place.rglob("*") if MARK in path.name or path.name == "out.crops"]:
            found.append(f"left behind: {litter}")
    if not (place / "out.partial" / "mine.txt").is_file():
        found.append("removed the user's own out.partial")
    _clear(place)
    return [f"{one}: {fault}" for fault in found]


def _clear(place: Path) -> None:
    for key in _objects(place.name):
        s3: Any = client()
        s3.delete_object(Bucket="trial", Key=f"{place.name}/{key}")
    shutil.rmtree(place)


def results(place: Path) -> dict[str, str]:
    """What a person, or a later verb, finds: digests by path, and the objects of an upload."""
    files = (path for path in place.rglob("*") if path.is_file())
    named = {path.relative_to(place): path for path in files}
    told = {
        str(name): alike_digest(path, path.read_bytes())
        for name, path in named.items()
        if not (
            name.parts[0].startswith(_BESIDE) or name.parts[0] == "home" or any(MARK in part for part in name.parts)
        )
    }
    return told | _objects(place.name)


def _objects(name: str) -> dict[str, str]:
    if name != UPLOADED:
        return {}
    s3: Any = client()
    listed = s3.list_objects_v2(Bucket="trial", Prefix=f"{name}/")
    return {found["Key"].partition("/")[2]: found["ETag"] for found in listed.get("Contents", ())}


def _differ(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))[:300]


def _run(desk: Desk, one: Try, place: Path) -> Ended:
    """The verb in a process of its own, which has all modules loaded."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.close(reads)
        _be_child(desk, one, place, writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return Ended(**json.loads(told)) if told else Ended(99, "Traceback: the process died", 0)


def _be_child(desk: Desk, one: Try, place: Path, writes: int) -> None:
    os.environ["SAGESEG_HOME"] = str(place / "home")
    words = desk.words(one.verb, place)
    disk = None
    try:
        if one.kind == "clock":
            jump_clock(one.at)
        disk = Disk(place, "" if one.kind == "clock" else one.kind, 0 if one.kind == "clock" else one.at)
        ran = typed(words, desk.materials.parent)
        code, said = ran.returncode, ran.stderr
    except BaseException:  # noqa: BLE001 - whatever it is, it is a fault to be told
        code, said = 99, traceback.format_exc()
    changes = disk.changes if disk else 0
    os.write(writes, json.dumps({"code": code, "said": said[-4000:], "changes": changes}).encode())
    sys.stdout.flush()
    os._exit(0)
