"""Whether the shards of a place, or the job that makes them now, are of the line that is typed: what another line made
is never put together as this one's.

The words of a plan tell options, and places by their names alone; the line that lies beside it tells these whole.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError
from formats.verbs.kept_words import kept_words
from jobs.processing.given import is_place, name_of
from jobs.processing.request import INPUT

_NOTHING = "nothing"


@dataclass(frozen=True)
class Line:
    """A verb with its room and the words behind it, which of these are mere texts, and as which it was typed."""

    words: Sequence[str]
    texts: Collection[str] = ()


def check_same(what: str, typed: Line, made_by: Sequence[str], line: str, mend: str) -> None:
    """Raise SagesegError that names the first word in which `typed` is not what `what` was made by: `made_by`, the
    words of its plan or its container, and `line`, which had it made, empty where nobody knows."""
    ours = list(kept_words(typed.words))
    theirs = [_as_planned(word) for word in kept_words(made_by)]
    whole = _last(line, len(theirs))
    for place, (own, other) in enumerate(zip_longest(ours, theirs)):
        if own is None or other is None or not _is_same(own, other, typed.texts):
            found = other
        elif whole and _is_elsewhere(own, whole[place], typed.texts):
            found = whole[place]
        else:
            continue
        before = ours[place - 1] if place and ours[place - 1].startswith("--") and "=" not in ours[place - 1] else ""
        shown = (" ".join(filter(None, (before, word or _NOTHING))) for word in (found, own))
        raise SagesegError(
            f"{what} by another line, with {next(shown)} where {next(shown)} is typed; {mend}, or type that line: "
            f"{line or shlex.join(['sageseg', *made_by])}"
        )


def _as_planned(word: str) -> str:
    """A word of a container, whose inputs a plan knows by their names."""
    option, equals, value = _parts(word)
    return f"{option}{equals}{PurePosixPath(value).name}" if value.startswith(f"{INPUT}/") else word


def _parts(word: str) -> tuple[str, str, str]:
    return word.partition("=") if word.startswith("--") else ("", "", word)


def _is_same(own: str, other: str, texts: Collection[str]) -> bool:
    """Whether a word that is typed is one of a plan's, where a place may stand by its name."""
    (option, _, value), (of, _, name) = _parts(own), _parts(other)
    return own == other or (option == of and value not in texts and "/" not in name and name_of(value) == name)


def _last(line: str, count: int) -> list[str]:
    """The words at the end of a line which its plan tells, so many."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    kept = list(kept_words(words))
    return kept[len(kept) - count :] if len(kept) >= count else []


def _is_elsewhere(own: str, other: str, texts: Collection[str]) -> bool:
    """Whether a place of the same name is another one. What lies on another machine nobody can compare."""
    (_, _, value), (_, _, there) = _parts(own), _parts(other)
    if value in texts or not is_place(value) or name_of(value) != name_of(there):
        return False
    if "s3://" in (value[:5], there[:5]):
        return value.rstrip("/") != there.rstrip("/")
    return Path(there).exists() and not Path(value).samefile(there)
