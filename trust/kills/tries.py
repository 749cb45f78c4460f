"""One command line, killed at many points and typed again: what must hold between and afterwards."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trust.kills.process import NOWHERE, Ended, Kill, forked

Tree = dict[str, str]
SIZES = (0, 1, 40, 150, 400, 900, 2000, 5000, 20000)
"""How large a file may grow before its writer is killed; 0 stands for none."""
_OWN = re.compile(
    rb'"(?:\w*[Ss]econds|\w*usd|started|ended|created|made|learning_rate)": [^,}\n\]]*'  # how long, and what is drawn
    rb"|\d{4}-\d\d-\d\d(?:[T ][\d:]{5,8}(?:\.\d+)?(?:Z|[+]00:00)?)?"  # times
    rb"|(?<=-batch-)\d{8}-\d{6}-[0-9a-f]{4}|(?<=search-00\d-)[0-9a-f]{8}"  # names with times, and drawn ones
    rb"|<dt>(?:Training time|Cost)</dt><dd>[^<]*</dd>|\b\d{19}\b"  # how long, and what it cost; when a file was written
)
"""What two undisturbed runs do not have in common."""


@dataclass(frozen=True)
class Try:
    """A command line to kill, and of which `kind` it is. `makes` is what it writes on the desk; with `old`, something
    stands there before."""

    kind: str
    line: str
    makes: str
    kills: int
    old: bool = False
    workers: int = 1


@dataclass
class Desk:
    """A folder in which lines are typed, with what stands in it from the start."""

    folder: Path
    environment: Mapping[str, str]
    type_line: Callable[[str, int], Callable[[], object]]
    stands: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.stands = frozenset(path.name for path in self.folder.iterdir())

    def clear(self) -> None:
        """Take away all that was not there from the start."""
        for path in self.folder.iterdir():
            if path.name not in self.stands:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def made(self) -> Tree:
        """What is there that was not from the start."""
        return {
            name: found
            for path in sorted(self.folder.iterdir())
            if path.name not in self.stands
            for name, found in tree(path, self.folder).items()
        }

    def types(self, line: str, kill: Kill = NOWHERE, workers: int = 1) -> Ended:
        return forked(self.type_line(line, workers), self.folder, self.environment, kill)


def tree(place: Path, root: Path) -> Tree:
    """Each file below with a digest of its content, without the times in it, and each folder."""
    if not place.exists():
        return {}
    paths = [place, *sorted(place.rglob("*"))] if place.is_dir() else [place]
    return {
        str(path.relative_to(root)): "" if path.is_dir() else alike_digest(path, path.read_bytes()) for path in paths
    }


def alike_digest(path: Path, content: bytes) -> str:
    """A digest of a file's content, without times, and names that were drawn, in it."""
    if path.suffix in {".json", ".jsonl", ".html", ".xml", ".yaml"}:
        content = _OWN.sub(b"", content)
    if path.suffix == ".jsonl":  # journals, whose lines come as threads end
        content = b"".join(sorted(content.splitlines(keepends=True)))
    return hashlib.sha256(content).hexdigest()


def faults_of(desk: Desk, tried: Try, seed: int) -> Iterator[str | None]:
    """For each kill, what was wrong after it, or None."""
    desk.clear()
    _lay(desk, tried)
    undisturbed = desk.types(tried.line)
    if undisturbed.code:
        yield f"{tried.line}: cannot be tried, undisturbed it ends with {undisturbed.code}: {undisturbed.said[-300:]}"
        return
    whole = desk.made()
    for kill in points(tried, undisturbed, random.Random(f"{seed} {tried.line}")):  # noqa: S311 (repeatable)
        desk.clear()
        _lay(desk, tried)
        old = tree(desk.folder / tried.makes, desk.folder)
        ended = desk.types(tried.line, kill, tried.workers)
        if ended.code == 0 and kill.seconds:
            continue  # it was quicker
        wrong = "; ".join(_wrong(desk, tried, old, whole, ended))
        yield f"{tried.line}: {kill}: {wrong}" if wrong else None


def points(tried: Try, undisturbed: Ended, chance: random.Random) -> Iterator[Kill]:
    """Kills spread over a run: most by events, the half of them among the last six, where names change hands; some by
    size and time."""
    if tried.workers > 1:
        for _ in range(tried.kills):
            yield Kill(seconds=chance.uniform(0.05, 4 * undisturbed.seconds + 1))
        return
    by_event, last = max(2, tried.kills * 3 // 4), undisturbed.changes
    late = min(6, by_event // 2)
    early = [round(1 + number * (last - late) / (by_event - late)) for number in range(by_event - late)]
    for number, event in enumerate(
        sorted({*early, *chance.sample(range(max(1, last - 6), last + 1), k=min(late, last))})
    ):
        yield Kill(event=event, number=(signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[number % 4])
    for size in chance.sample(SIZES[1:], k=max(1, tried.kills // 8)):
        yield Kill(size=size)
    for _ in range(max(1, tried.kills - by_event - tried.kills // 8)):
        yield Kill(seconds=chance.uniform(0, undisturbed.seconds))


def _lay(desk: Desk, tried: Try) -> None:
    if tried.old:
        place = desk.folder / tried.makes
        if place.suffix:
            place.write_text("old")
        else:
            (place / "within").mkdir(parents=True)
            (place / "within" / "old").write_text("old")


def _wrong(desk: Desk, tried: Try, old: Tree, whole: Tree, ended: Ended) -> Iterator[str]:
    new = {name: found for name, found in whole.items() if Path(name).is_relative_to(tried.makes)}
    between = tree(desk.folder / tried.makes, desk.folder)
    if "Traceback" in ended.said:
        yield f"the killed one ended in a traceback: {ended.said[-400:]}"
    if between not in (old, new):
        yield f"under {tried.makes} stood {unlike(between, new)}"
    again = desk.types(tried.line)
    complete = between == new and "exists already" in again.said
    if again.code and not complete:
        yield f"typed again it ended with {again.code}: {again.said[-300:]}"
    made = desk.made()
    if made != whole:
        yield f"afterwards {unlike(made, whole)}"


def alike_name(name: str) -> str:
    """A name without what was drawn in it."""
    return _OWN.sub(b"", name.encode()).decode()


def unlike(found: Tree, wanted: Tree) -> str:
    """In which names two trees differ."""
    more, less = sorted(found.keys() - wanted.keys()), sorted(wanted.keys() - found.keys())
    other = sorted(name for name in found.keys() & wanted.keys() if found[name] != wanted[name])
    named = (("left behind", more), ("missing", less), ("different", other))
    return ", ".join(f"{what}: {' '.join(names[:4])} ({len(names)})" for what, names in named if names) or "nothing"
