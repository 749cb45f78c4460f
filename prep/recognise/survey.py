"""What lies in a folder: its files by kind, and what the annotation files among them hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import walk
from prep.readers.annotations.json_spans import JsonParts, find_parts

_LOOKED_AT = 20
"""Files of one kind that are opened: those of one export are alike."""
_BESIDE = 64
"""The bytes of a text file's beginning that tell what it is, in thousands."""


@dataclass(frozen=True)
class JsonFacts:
    """A JSON file: whether it is an array, its keys or those of its first object, and the keys of the first object in
    each of its members."""

    path: Path
    is_array: bool
    keys: frozenset[str]
    inner: dict[str, frozenset[str]]


class Survey:
    """A folder, or one file of it, looked at as far as is needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> list[Path]:
        """All files that are not hidden, in order of their paths; links that lead nowhere are passed over."""
        return [self.root] if self.root.is_file() else walk(self.root, frozenset(), deep=True)

    def of(self, *suffixes: str) -> list[Path]:
        """The files whose names end so, in small letters."""
        return [path for path in self.files if path.name.lower().endswith(suffixes)]

    @cached_property
    def images(self) -> list[Path]:
        return self.of(*IMAGE_SUFFIXES)

    @cached_property
    def jsons(self) -> list[JsonFacts]:
        """The first JSON files that can be read."""
        return list(islice(filter(None, map(_json_facts, self.of(".json"))), _LOOKED_AT))

    def beginnings(self, *suffixes: str) -> Iterator[tuple[Path, str]]:
        """The first text of the first files whose names end so."""
        for path in self.of(*suffixes)[:_LOOKED_AT]:
            with path.open("rb") as file:
                yield path, file.read(_BESIDE * 1024).decode("utf-8", "replace")


def _json_facts(path: Path) -> JsonFacts | None:
    try:
        parts = find_parts(path, "JSON")
        inner = {key: _keys(parts, key) for key in parts.members}
        first = _keys(parts, "") if parts.is_array else frozenset(parts.members) | _scalars(path)
    except SagesegError:  # the reader that it is meant for says what is wrong with it
        return None
    return JsonFacts(path, parts.is_array, first, inner)


def _keys(parts: JsonParts, key: str) -> frozenset[str]:
    """The keys of the first object in an array, or of an object and of the first object in it."""
    items = parts.items.get(key)
    if items:
        found = parts.read(items[0], key)
    elif key in parts.members and key not in parts.items:
        member = parts.read(parts.members[key], key)
        first = next((value for value in member.values() if isinstance(value, dict)), {})
        return frozenset(member) | frozenset(first)
    else:
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _scalars(path: Path) -> frozenset[str]:
    """The keys of values that are no object or array are not looked for, but for those that tell a format."""
    with path.open("rb") as file:
        text = file.read(_BESIDE * 1024).decode("utf-8", "replace")
    return frozenset(key for key in ("imagePath", "version", "imageHeight") if f'"{key}"' in text)
