"""What dataset.json tells beside the options, so that a dataset can be made again: the words that were typed, and
checksums of what was read. Folders and files stand by their names alone: where they lay on somebody's machine is
nobody's business, and changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from formats.limits import MOST_TEXT
from formats.shards.checksums import file_checksum
from formats.verbs.kept_words import kept_words, named, path_of


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
    kept = tuple(kept_words(words))
    paths = [path for path in map(path_of, kept) if path and path.is_file() and path.stat().st_size <= MOST_TEXT]
    return Typed(tuple(map(named, kept)), {path.name: file_checksum(path) for path in paths})


class InputsDigest:
    """One sha256 of the sources, in their order, and of the pixels that each was read as."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()

    def add(self, source: str, digest: str) -> None:
        self._total.update(f"{digest}  {source}\n".encode("utf-8", "surrogateescape"))

    def hexdigest(self) -> str:
        return self._total.hexdigest()
