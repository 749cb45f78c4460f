"""The words of a command that decide what it makes: where it lay on somebody's machine is nobody's business."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from formats.state_home import stands
from formats.verbs.mounting import typed_words

_WITHOUT = ("--out", "--workers", "--shard")
"""Options that decide nothing of the content."""
_BARE = ("--overwrite", "--json")


def kept_words(words: Sequence[str]) -> Iterator[str]:
    """The words but for those that decide nothing."""
    rest = iter(words)
    for word in rest:
        if word in _WITHOUT:
            next(rest, None)
        elif word not in _BARE and not word.startswith(tuple(f"{name}=" for name in _WITHOUT)):
            yield word


def path_of(word: str) -> Path | None:
    """The path in a word, `labels.txt` or `--labels=labels.txt`; None where there is none."""
    value = word.partition("=")[2] if word.startswith("--") else word
    try:
        return Path(value).resolve() if value and Path(value).exists() else None
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return None


def named(word: str) -> str:
    """A word in which a path stands by its name alone."""
    path = path_of(word)
    option = word.partition("=")[0] + "=" if word.startswith("--") else ""
    return word if path is None else option + path.name


def kept_command(room: str, verb: str) -> list[str]:
    """What of the words that were typed after `sageseg` decides what a verb of a room makes, paths by their names; the
    verb alone where a program asks for it."""
    words = typed_words()
    return [room, *(map(named, kept_words(words)) if words else [verb])]


def typed_beside(word: str) -> str:
    """A word as it can be typed in the current folder, where an experiment's file lies whose user stands elsewhere:
    a place below the folder is told from there."""
    here, path = Path.cwd(), Path(word)
    return str(path.relative_to(here)) if stands() != here and path.is_relative_to(here) else word
