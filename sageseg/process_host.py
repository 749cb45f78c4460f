"""What an instance of `sageseg jobs process` runs: its shards of a verb, made aside and put whole where the job's
output is taken from. A file goes out as soon as it is there, so that a half-made shard must not be.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from formats.console import say, show_as
from formats.disk.whole_files import MARK
from formats.errors import SagesegError
from formats.shards.markers import MARKER
from formats.shards.shard import AUTO, OPT_ML, Shard, parse_shard, parse_shards
from formats.shards.work_plan import PLAN as PLAN_FILE
from formats.texts.redaction import redact

_TREE = Path("processing")
PLAN, MAKING, OUTPUT, HOME = _TREE / "plan", _TREE / "making", _TREE / "output", _TREE / "home"
"""Below the container's tree: files of a plan that is there already, one a folder; where shards are made; the job's
output; what is fetched from S3."""
_MOST_MESSAGE = 1000
"""Bytes of a message, of which SageMaker keeps 1 KB."""


def own_shard(shards: str) -> Shard:
    """Of a job's shards, `2,4/4`, the one of this instance, by its place among the hosts; of `auto` as many as there
    are hosts."""
    if shards == AUTO:
        return parse_shard(AUTO)
    parsed = parse_shards(shards)
    host = parse_shard(AUTO)
    if host.of != len(parsed):
        raise SagesegError(f"--shard {shards}: {len(parsed)} shards, and {host.of} hosts; give each host its own")
    return parsed[host.number - 1]


def process_host(root: Any, shards: str, words: Sequence[str]) -> None:
    """Make this instance's shard by a verb, whose words lack --out and --shard, and put it in the output."""
    shard, tree = own_shard(shards), Path(os.environ.get(OPT_ML, "/opt/ml"))
    making = tree / MAKING
    making.mkdir(parents=True, exist_ok=True)
    for path in sorted((tree / PLAN).glob("*/*")):
        shutil.copyfile(path, making / path.name)
    os.environ.setdefault("SAGESEG_HOME", str(tree / HOME))  # on the job's own disk, which is as large as was asked for
    show_as(str(making), "the shards")
    say(f"shard {shard} begins")
    try:
        run_line(root, [*words, "--out", str(making), "--shard", str(shard)])
        _put(making, tree / OUTPUT, shard)
    except SagesegError as e:
        leave_message(tree, f"shard {shard}: {e}\n".replace(str(making), "the shards"))
        raise
    say(f"shard {shard} is done")


def run_line(root: Any, line: Sequence[str]) -> None:
    """Run a command line of this project. Raises SagesegError where it did not end well, as an interrupt ends it."""
    if code := root.main(list(line), "sageseg", standalone_mode=False):
        raise SagesegError(f"sageseg {line[0]} {line[1]}: ended with exit code {code}; its log says why")


def leave_message(tree: Path, text: str) -> None:
    """A line of what the job's description tells as its ExitMessage; a disk that is full has no room for it."""
    path = tree / "output" / "message"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(redact(text).encode("utf-8")[:_MOST_MESSAGE].decode("utf-8", "ignore").encode("utf-8"))


def _put(making: Path, output: Path, shard: Shard) -> None:
    """Move the plan and the shard into the output: files without a plan nobody could go on with, and who sees the
    shard's marker sees all."""
    folder = making / shard.folder
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MARKER)
    beside = [path for path in making.iterdir() if path.is_file() and MARK not in path.name]
    beside.sort(key=lambda path: (path.name == PLAN_FILE, path))  # a plan whose sources are missing is none
    for path in [*beside, *files, folder / MARKER]:
        to = output / path.relative_to(making)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, to)
