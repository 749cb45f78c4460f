"""A shard: which part of a plan a machine works on, as it is typed, told by SageMaker, and named on disk.

shard = parse_shard("2/4")
shard.own                       # slice(1, None, 4): the second source, the sixth …
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypedDict

from formats.errors import SagesegError
from formats.texts.given_files import read_text
from formats.texts.typed_json import parse_told

AUTO = "auto"
OPT_ML = "SAGESEG_OPT_ML"
"""Where the emulator says that a container's tree lies which SageMaker has at /opt/ml."""
MOST_SHARDS = 500
"""A merge reads the journals of all at once, and a process may open some 1,000 files."""
_TYPED = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_FOLDER = re.compile(r"shard-([1-9][0-9]{0,8})-of-([1-9][0-9]{0,8})")
_EXPECTED = f"expected such as 2/4, the second of four, {MOST_SHARDS} at most, or {AUTO}"


@dataclass(frozen=True)
class Shard:
    """Of a plan's sources those at the positions p, from 0, with p % of == number - 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def own(self) -> slice:
        """Its part of a sequence in the plan's order."""
        return slice(self.number - 1, None, self.of)

    @property
    def folder(self) -> str:
        """The name of the folder that it makes."""
        return f"shard-{self.number}-of-{self.of}"


def parse_folder(name: str) -> Shard | None:
    """The counterpart of `Shard.folder`; None for any other name."""
    found = _FOLDER.fullmatch(name)
    return Shard(int(found[1]), int(found[2])) if found else None


def parse_shard(text: str) -> Shard:
    """`2/4`; or `auto`, or the path of a resourceconfig.json, which says which of its hosts this machine is."""
    if text == AUTO or text.endswith(".json"):
        return shard_of_host(_resources() if text == AUTO else Path(text))
    found = _TYPED.fullmatch(text)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= MOST_SHARDS:
        raise SagesegError(f"--shard {text}: {_EXPECTED}")
    return Shard(number, of)


def name_shards(shards: Sequence[Shard]) -> str:
    """Shards of one number of machines in few letters, `1-3,5/7`: a word of a container has room for 256."""
    numbers = [shard.number for shard in shards]
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), key=lambda at: at[1] - at[0])]
    told = (f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{','.join(told)}/{shards[0].of}"


def parse_shards(text: str) -> list[Shard]:
    """The counterpart of `name_shards`. Raises SagesegError for what is none."""
    numbers, _, of = text.rpartition("/")
    shards: list[Shard] = []
    for run in numbers.split(","):
        first, _, last = run.partition("-")
        ends = [parse_shard(f"{number}/{of}") for number in (first, last or first)]
        shards += [Shard(number, ends[0].of) for number in range(ends[0].number, ends[1].number + 1)]
    return shards


def _resources() -> Path:
    """Where a container of SageMaker finds which of its job's hosts it is."""
    return Path(os.environ.get(OPT_ML, "/opt/ml"), "config", "resourceconfig.json")


class _Resources(TypedDict):
    """What SageMaker tells of a job's hosts; hosts of several instance groups stand in one list."""

    current_host: str
    hosts: list[str]


def shard_of_host(path: Path) -> Shard:
    """The shard of this machine: its place among the sorted names of its job's hosts."""
    if not path.exists():
        raise SagesegError(
            f"{path}: no such file, which a job of SageMaker has; on other machines say --shard 1/4, 2/4 and so on"
        )
    mend = "say --shard 1/4, 2/4 and so on"
    told = parse_told(read_text(path, "SageMaker's JSON of hosts"), _Resources, path, mend)
    hosts = sorted(set(told["hosts"]))
    if told["current_host"] not in hosts:
        raise SagesegError(f"{path}: current_host {told['current_host']} is none of the hosts; {mend}")
    if len(hosts) > MOST_SHARDS:
        raise SagesegError(f"{path}: {len(hosts)} hosts; {MOST_SHARDS} shards at most: start fewer instances")
    return Shard(hosts.index(told["current_host"]) + 1, len(hosts))
