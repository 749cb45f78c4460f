"""Give a parser one damaged input after the other, and see that it reads each or refuses it in one line.

Input `number` of a target is the same on every machine: `python -m trust.damage TARGET NUMBER` shows what it does.
"""

from __future__ import annotations

import io
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from ctypes import c_longlong
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from time import process_time
from types import FrameType
from typing import Any

from formats.errors import FaultsError, SagesegError, shown
from trust.damage.looks import Seed
from trust.damage.mutations import KINDS, damage

SECONDS, MEGABYTES = 1.0, 200
"""What reading one small input may take: processor time, and growth of the process."""
LONGEST = 610
"""Letters of a refusal, of each fault where it tells several."""
_ROOT = Path(__file__).parents[2]
CORPORA = _ROOT / "tests" / "data" / "damaged"
"""By target, whole files and inputs that a parser of ours once failed at."""
_FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Target:
    """A parser. `kind` is one of KINDS; `seeds` are whole files beside those of the corpora, which are its own and
    `others`. `says` is what a refusal must name, `refusals` what may be raised."""

    name: str
    kind: str
    parse: Callable[[bytes], object]
    says: str = ""
    seeds: tuple[bytes, ...] = ()
    others: tuple[str, ...] = ()
    refusals: tuple[type[Exception], ...] = (SagesegError,)
    seconds: float = SECONDS
    megabytes: int = MEGABYTES

    @cached_property
    def corpus(self) -> tuple[bytes, ...]:
        folders = (CORPORA / name for name in (self.name, *self.others))
        return (*self.seeds, *(path.read_bytes() for folder in folders for path in sorted(folder.glob("*"))))

    @cached_property
    def _looked_at(self) -> list[Seed]:
        return [KINDS[self.kind].look(content) for content in self.corpus]

    def damaged(self, number: int) -> bytes:
        """Input `number`."""
        return damage(KINDS[self.kind], self._looked_at, Random(number))  # noqa: S311  # repeatable


Builder = Callable[[Path], Target]
"""Makes a target; what its parser wants beside the damaged file is written into the folder."""


def of_file(folder: Path, name: str, file: str, kind: str, read: Callable[[Path], object], **more: Any) -> Target:
    """The target of a parser that takes a path: the input is written to `file`, which its refusals must name. `more`
    are further fields of Target."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)

    def parse(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return Target(name, kind, parse, **{"says": path.name, **more})


class TooLongError(BaseException):
    """No parser catches it: an input took more than its processor time."""


@dataclass
class Tally:
    """Of one target: inputs tried, processor seconds, the longest that one took, refusals, and by its kind the first
    input and words of each fault."""

    name: str
    tried: int = 0
    refused: int = 0
    seconds: float = 0.0
    worst: float = 0.0
    faults: dict[str, str] = field(default_factory=dict)


def fault_of(target: Target, content: bytes) -> str | None:
    """What is wrong with how an input is taken, None where it is read or well refused."""
    return _outcome(target, content)[0]


def _outcome(target: Target, content: bytes) -> tuple[str | None, bool]:
    """The fault, and whether the input was refused."""
    try:
        signal.setitimer(signal.ITIMER_PROF, target.seconds)
        try:
            target.parse(content)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except target.refusals as e:
        return _fault_in_words(e, target.says), True
    except TooLongError:
        return f"over {target.seconds:g} s of processor time", False
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # noqa: BLE001  # whatever it is, it is the finding
        return _told(e), False
    return None, False


def _fault_in_words(error: Exception, says: str) -> str | None:
    text = shown(error)
    if not text.isprintable():  # a line break is not either
        return f"a refusal that is not one line of text: {text[:200]!r}"
    if len(text) > LONGEST * (len(error.kinds) if isinstance(error, FaultsError) else 1):
        return f"a refusal of {len(text)} letters: {text[:200]!r}"
    if says not in text:
        return f"a refusal that does not name {says}: {text[:200]!r}"
    return None


def _told(error: BaseException) -> str:
    """Type and words of what was raised, and the last place of ours."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if str(_ROOT) in frame.filename]
    ours = [frame for frame in ours if "/trust/" not in frame.filename] or ours
    place = f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}" if ours else "outside"
    return f"{place}: {type(error).__name__}: {str(error)[:160]!r}"


@contextmanager
def _watched() -> Iterator[None]:
    """Inputs may be tried: an alarm ends one that takes too long, and notes go nowhere."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, late)
    try:
        with redirect_stderr(io.StringIO()) as told, redirect_stdout(told):
            _forget(told)
            yield
    finally:
        signal.signal(signal.SIGPROF, before)


def _forget(told: io.StringIO) -> None:
    told.seek(0)
    told.truncate()


def _grown(before: int) -> tuple[int, int]:
    """The most memory that this process ever took, in kB, and how much more that is than before."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak, peak - before


def replay(target: Target) -> Tally:
    """Try all of the corpus as it is."""
    return _try_all(target, enumerate(target.corpus), Tally(target.name), lambda _: True)


def search(target: Target, *, count: int, seconds: float, first: int = 0, at: c_longlong | None = None) -> Tally:
    """Try inputs from number `first` on: `count` of them, but no longer than `seconds` of processor time. `at` is told
    the number before each."""
    tally, start = Tally(target.name), process_time()

    def inputs() -> Iterator[tuple[int, bytes]]:
        for number in range(first, first + count):
            if at is not None:
                at.value = number
            yield number, target.damaged(number)

    return _try_all(target, inputs(), tally, lambda _: process_time() - start < seconds)


def _try_all(
    target: Target, inputs: Iterator[tuple[int, bytes]], tally: Tally, goes_on: Callable[[Tally], bool]
) -> Tally:
    start = before = process_time()
    peak, _ = _grown(0)
    with _watched():
        for number, content in inputs:
            fault, refused = _outcome(target, content)
            peak, grown = _grown(peak)
            if fault is None and grown > target.megabytes * 1024:
                fault = f"{grown // 1024} MB more memory"
            now = process_time()
            tally.worst, before = max(tally.worst, now - before), now
            tally.tried += 1
            tally.refused += refused
            if fault and len(tally.faults) < _FAULTS_SHOWN:
                kind = fault.partition(": ")[0] + fault.partition(": ")[2].partition(":")[0]
                tally.faults.setdefault(kind, f"{target.name} {number}: {fault}")
            if tally.tried % 64 == 0:
                _forget(sys.stderr)  # type: ignore[arg-type]  # it is what `_watched` put there
            if not goes_on(tally):
                break
    tally.seconds = process_time() - start
    return tally


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A new folder, where there is such a place in memory."""
    shared = Path("/dev/shm")  # noqa: S108  # a new folder of its own in it
    with tempfile.TemporaryDirectory(prefix="damage-", dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def show(target: Target, number: int) -> int:
    """Do with one input what a command would, and print the input and the traceback. Returns 1 for a fault."""
    content = target.damaged(number)
    sys.stdout.write(f"{content[:2000]!r}\n")
    with _watched():
        fault = fault_of(target, content)
    try:
        target.parse(content)
        sys.stdout.write("read\n")
    except target.refusals as e:
        sys.stdout.write(f"refused: {shown(e)}\n")
    except Exception:  # noqa: BLE001  # it is shown
        traceback.print_exc(file=sys.stdout)
    sys.stdout.write(f"{fault or 'as it should be'}\n")
    return 1 if fault else 0
