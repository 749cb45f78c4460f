"""Failures that a user can mend: one, or all that are found in many files, told at once.

faults = Faults()
for shape in shapes:
    with faults:
        check(shape)
faults.check()
"""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from formats.state_home import home

Item = TypeVar("Item")
Result = TypeVar("Result")


class SagesegError(Exception):
    """An expected failure: its message is one line that names the file or value, what was
    expected and the next step.

    The command turns it into that line on stderr and exit code 1. Anything else that is raised
    is a bug and keeps its traceback.
    """


_LONGEST, _BEGINNING = 600, 400
"""Letters of a line, and how many of them are its beginning, where it is cut: what it names stands there, and the next
step at its end. Faults that were collected may take as many for each kind."""
_LONG_WORD = re.compile(r"(\S{100})\S{100,}(\S{20})")
"""A value that nobody reads to its end; paths that are so long are rare."""


def shown(error: BaseException) -> str:
    """What an expected failure says, as one line of text: values that came from a file may hold anything."""
    text = " ".join(str(error).split())
    if not text.isprintable():
        text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    longest = _LONGEST * (len(error.kinds) if isinstance(error, FaultsError) else 1)
    if len(text) > longest:
        text = _LONG_WORD.sub(r"\1…\2", text)
    return text if len(text) <= longest else f"{text[:_BEGINNING]} … {text[_BEGINNING - longest :]}"


_OURS = ("formats", "aws", "prep", "jobs", "analysis", "sageseg")
OF_LIBRARIES = (
    ArithmeticError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    struct.error,
)
"""What libraries raise, beside ValueError and OSError, of files that they cannot read; in our own code it is a bug."""


def raised_by_library(error: BaseException) -> bool:
    """Whether an error was raised in Python code that is not of this project."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return frame is not None and str(frame.tb_frame.f_globals.get("__name__")).partition(".")[0] not in _OURS


class CannotWriteError(SagesegError):
    """What was made cannot be written: all further work would meet the same."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk, a quota, or the largest file that a file system or a limit allows."""
_LOCKED = (errno.EROFS, errno.EACCES, errno.EPERM)
"""A place that may not be written to."""
_ODD = {
    errno.EISDIR: "a folder; expected a file: move it away",
    errno.ENOTDIR: "not a folder, nor in one; expected a folder: move what stands there away",
    errno.ELOOP: "a link that leads back to itself; remove it",
    errno.EIO: "cannot be used (its disk fails); copy what can be read to another disk",
}
"""What stands in the place of something else, or lies on a damaged disk."""
TOLD = (*_FULL, *_LOCKED, *_ODD, errno.ENAMETOOLONG)
"""What any call of the system may answer where a user can mend it."""
_NEXT_STEPS = {
    **dict.fromkeys(_FULL, "free space or choose another place"),
    **dict.fromkeys(_LOCKED, "choose a place that you may write to"),
    errno.EISDIR: "move away the folder that stands there",
    errno.ENOTDIR: "move away the file that stands in a folder's place",
    errno.ENOENT: "its folder is gone; run the same command again",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_NEXT_STEPS_AT_HOME = {
    **dict.fromkeys(_FULL, "free space, or set SAGESEG_HOME to a folder elsewhere"),
    **dict.fromkeys(_LOCKED, "set SAGESEG_HOME to a folder that you may write to"),
}


def cannot_write(place: Path, error: OSError) -> CannotWriteError:
    """The line for what went wrong while `place` was written, with the next step that fits its kind."""
    return CannotWriteError(f"{place}: cannot be written ({error.strerror or error}); {next_step(place, error)}")


def next_step(place: Path, error: OSError) -> str:
    """What cures an error in writing there."""
    number = error.errno or 0
    at_home = _NEXT_STEPS_AT_HOME.get(number) if place.absolute().is_relative_to(home()) else None
    return at_home or _NEXT_STEPS.get(number, "choose another place")


def cannot_use(error: OSError) -> SagesegError:
    """The line for an error of TOLD that nobody has met nearer to its place, which may have been read or written."""
    place = Path(os.fsdecode(error.filename2 or error.filename or "what is written"))
    if odd := _ODD.get(error.errno or 0):
        return SagesegError(f"{place}: {odd}")
    if error.errno in (errno.EACCES, errno.EPERM) and not place.absolute().is_relative_to(home()):
        return SagesegError(
            f"{place}: cannot be used ({error.strerror}); change its permissions or choose another place"
        )
    return cannot_write(place, error)


SHOWN = 10
"""So many kinds of faults are named; all are counted."""


class AlikeError(SagesegError):
    """A fault that many places share, such as one unknown label: `what` it is is told once, with its first place."""

    def __init__(self, place: str, what: str, said: str) -> None:
        super().__init__(place, what, said)
        self.place, self.what, self.said = place, what, said

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"


@dataclass(frozen=True)
class Kind:
    """Faults that are told together: the first of them in full, what they have in common, and how many they are."""

    message: str
    what: str
    place: str
    count: int = 1

    @property
    def head(self) -> str:
        """The complaint without its next step."""
        return self.message.partition("; ")[0]

    @property
    def text(self) -> str:
        if self.count == 1:
            return self.head
        if self.what:
            return f"{self.what} {self.count} times, first in {self.place}"
        return f"{self.head} ({self.count} times)"


class FaultsError(SagesegError):
    """Two faults or more: those that are named, by kind, and the count of all."""

    def __init__(self, kinds: tuple[Kind, ...], count: int) -> None:
        super().__init__(kinds, count)
        self.kinds, self.count = kinds, count

    def __str__(self) -> str:
        first = self.kinds[0]
        told = [first.text] * (first.count > 1) + [kind.text for kind in self.kinds[1:]]
        more = "; …" if sum(kind.count for kind in self.kinds) < self.count else ""
        return f"{first.message} (1 of {self.count} faults: {'; '.join(told)}{more})"


class Faults:
    """Collects what is raised in its `with` blocks. The memory that it takes does not grow with the count."""

    def __init__(self) -> None:
        self.count = 0
        self._first: SagesegError | None = None
        self._kinds: dict[str, Kind] = {}

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if not isinstance(error, SagesegError) or isinstance(error, CannotWriteError):
            return False
        self.add(error)
        return True

    def add(self, error: SagesegError) -> None:
        self._first = self._first or error
        if isinstance(error, FaultsError):
            self.count += error.count
            kinds = error.kinds
        else:
            self.count += 1
            what, place = (error.what, error.place) if isinstance(error, AlikeError) else ("", "")
            kinds = (Kind(str(error), what, place),)
        for kind in kinds:
            key = kind.what or kind.head
            known = self._kinds.get(key)
            if known:
                self._kinds[key] = replace(known, count=known.count + kind.count)
            elif len(self._kinds) < SHOWN:
                self._kinds[key] = kind

    def check(self) -> None:
        """Raise what was collected, if anything was: the only fault as it is."""
        if self._first and self.count == 1:
            raise self._first
        if self._first:
            raise FaultsError(tuple(self._kinds.values()), self.count)


def for_all(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The results of `function`; what it raises is raised together."""
    faults, results = Faults(), list[Result]()
    for item in items:
        with faults:
            results.append(function(item))
    faults.check()
    return results


def raise_all(errors: Iterable[SagesegError]) -> None:
    """Raise what is found, together."""
    faults = Faults()
    for error in errors:
        faults.add(error)
    faults.check()


@contextmanager
def from_extra(extra: str, doing: str) -> Iterator[None]:
    """Where what is imported here comes with an extra: a failing import becomes a line that names it."""
    try:
        yield
    except ImportError as e:
        raise SagesegError(f"{doing}: {e}; run pip install -e '.[{extra}]' in the checkout") from e
