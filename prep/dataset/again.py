"""What dataset.json tells beside the options, so that a dataset can be made again: the words that were typed, and
checksums of what was read. Folders and files stand by their names alone: where they lay on somebody's machine is
nobody's business, and changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from formats.limits import MOST_TEXT

_WITHOUT = ("--out", "--workers", "--shard")
"""Options that decide nothing of the content."""
_BARE = "--overwrite"


@dataclass(frozen=True)
class Typed:
    """`command` are the words after `sageseg prep`; `files` the sha256, by name, of each file among them: a class list,
    a split, regions, annotations."""

    command: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


UNTYPED = Typed()
"""Of a dataset that a program made."""


def typed(words: Sequence[str]) -> Typed:
    """What there is to tell of the words of a verb."""
    kept = tuple(_kept(words))
    paths = [path for path in map(_path_of, kept) if path and path.is_file() and path.stat().st_size <= MOST_TEXT]
    return Typed(tuple(map(_named, kept)), {path.name: _digest(path) for path in paths})


def _kept(words: Sequence[str]) -> Iterator[str]:
    """The words but for those that decide nothing."""
    rest = iter(words)
    for word in rest:
        if word in _WITHOUT:
            next(rest, None)
        elif word != _BARE and not word.startswith(tuple(f"{name}=" for name in _WITHOUT)):
            yield word


def _path_of(word: str) -> Path | None:
    """The path in a word, `labels.txt` or `--labels=labels.txt`; None where there is none."""
    value = word.partition("=")[2] if word.startswith("--") else word
    try:
        return Path(value).resolve() if value and Path(value).exists() else None
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return None


def _named(word: str) -> str:
    path = _path_of(word)
    option = word.partition("=")[0] + "=" if word.startswith("--") else ""
    return word if path is None else option + path.name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inputs_digest(digests: Iterable[tuple[str, str]]) -> str:
    """One sha256 of the sources, in their order, and of the pixels that each was read as."""
    total = hashlib.sha256()
    for source, digest in digests:
        total.update(f"{digest}  {source}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()
