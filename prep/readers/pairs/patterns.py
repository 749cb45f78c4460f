"""Patterns of file names, such as `{stem}_mask`: what of a name is its image's, and what says the class or split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from prep.readers.splits import split_of_word

STEM, FILE, CLASS, SPLIT = "stem", "file", "class", "split"
_FIELDS = {
    STEM: "the image's name",
    FILE: "the image's name with its suffix",
    CLASS: "a class",
    SPLIT: "train, val, test",
}
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name says: the `key` that an image and its masks have in common, and the class of a mask that is
    of one class alone."""

    key: str
    class_name: str | None = None


@dataclass(frozen=True)
class NamePattern:
    """A pattern as it was written: `literals` stand around its `fields`, of which one is the stem or the file.

    A pattern without `/` is of a file's name without suffix; one with n of them is of the last n folders too.
    """

    text: str
    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def has_class(self) -> bool:
        return CLASS in self.fields

    def readings(self, path: str) -> list[Named]:
        """The ways to read a path (in its folder, with `/`, without suffix) by this pattern, that with the longest
        stem first; none for a name that does not fit. Folders that the pattern does not name are part of the key."""
        parts = path.split("/")
        depth = self.text.count("/") + 1
        if len(parts) < depth:
            return []
        folders, tail = parts[:-depth], "/".join(parts[-depth:])
        found = [named for values in _values(tail, self.literals) if (named := self._named(folders, values))]
        return sorted(found, key=lambda named: -len(named.key))

    def _named(self, folders: list[str], values: tuple[str, ...]) -> Named | None:
        told = dict(zip(self.fields, values, strict=True))
        stem = told.get(STEM) or _without_suffix(told[FILE])
        split = told.get(SPLIT)
        if not stem or (split and not split_of_word(split)):
            return None
        return Named("/".join([*([split] if split else []), *folders, stem]), told.get(CLASS))


def _values(text: str, literals: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The ways to fill the gaps between literals, none of them empty or over a `/`, so that they make up a text."""
    first, second, *others = literals
    if not text.startswith(first):
        return
    text = text[len(first) :]
    if not others:
        value = text[: len(text) - len(second)]
        if text.endswith(second) and value and "/" not in value:
            yield (value,)
        return
    for end in range(1, len(text)):
        if text.startswith(second, end) and "/" not in text[:end]:
            for more in _values(text[end:], literals[1:]):
                yield (text[:end], *more)


def _without_suffix(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else ""


def parse_pattern(text: str, option: str, allowed: tuple[str, ...]) -> NamePattern:
    """A pattern that an option gives. Raises SagesegError for a field that is none of those allowed, and for one
    without stem."""
    pieces = _FIELD.split(text.strip("/"))
    literals, fields = tuple(pieces[::2]), tuple(pieces[1::2])
    known = ", ".join(f"{{{name}}} ({_FIELDS[name]})" for name in allowed)
    if set(fields) - set(allowed) or any("{" in literal or "}" in literal for literal in literals):
        raise SagesegError(f"{option} {text!r}: expected none but the fields {known}")
    if len(set(fields) & {STEM, FILE}) != 1 or len(set(fields)) < len(fields):
        raise SagesegError(
            f"{option} {text!r}: expected {{{STEM}}} in it once, such as '{{{STEM}}}_mask'; fields: {known}"
        )
    if "" in literals[1:-1]:
        raise SagesegError(f"{option} {text!r}: expected something between its fields, such as _ or /")
    return NamePattern(text.strip("/"), literals, fields)


WHOLE = NamePattern(f"{{{STEM}}}", ("", ""), (STEM,))
"""Every file, by its whole name."""
