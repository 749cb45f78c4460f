"""What lies in a folder: its files by kind, and what the annotation files among them hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from os.path import commonpath
from pathlib import Path

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import walk
from prep.readers.annotations.json_spans import JsonParts, Span, find_parts

_OF_A_FOLDER, _OF_ALL = 20, 100
"""Files of one kind that are opened, of one folder and of all, and members of a JSON object: they are alike."""
_BEGINNING = 64 * 1024
"""The bytes of a text file's beginning that tell what it is."""
_WHOLE = 2**20
"""Bytes of an object in a JSON file that are parsed to see its keys."""
_MADE = ("dataset.json", "predictions.json")
"""What stands beside manifest.csv in a folder that prep or jobs made."""
_SCALARS = ("imagePath", "version", "imageHeight", "dm_format_version", "item_id")


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
        made = self.made
        return [path for path in self._walked if made.isdisjoint(path.parents)]

    @cached_property
    def made(self) -> frozenset[Path]:
        """Folders below that hold datasets or predictions of this project: no labels that are still to be read."""
        tables = {path.parent for path in self._walked if path.name == "manifest.csv" and path.parent != self.root}
        return frozenset(path.parent for path in self._walked if path.name in _MADE and path.parent in tables)

    @cached_property
    def _walked(self) -> list[Path]:
        if self.root.is_file():
            return [self.root]
        return [path for path in walk(self.root, frozenset(), deep=True) if not path.name.startswith(".")]

    def of(self, *suffixes: str) -> list[Path]:
        """The files whose names end so, in small letters."""
        return [path for path in self.files if path.name.lower().endswith(suffixes)]

    @cached_property
    def images(self) -> list[Path]:
        return self.of(*IMAGE_SUFFIXES)

    @cached_property
    def jsons(self) -> list[JsonFacts]:
        """Some JSON files of each folder that can be read."""
        return [facts for facts in map(_json_facts, _some(self.of(".json"))) if isinstance(facts, JsonFacts)]

    @cached_property
    def damaged(self) -> list[SagesegError]:
        """What is wrong with the JSON files that cannot be read."""
        return [wrong for wrong in map(_json_facts, self.of(".json")[:_OF_ALL]) if isinstance(wrong, SagesegError)]

    def beginnings(self, *suffixes: str) -> Iterator[tuple[Path, str]]:
        """The first text of some files of each folder whose names end so."""
        for path in _some(self.of(*suffixes)):
            yield path, beginning(path)


def beginning(path: Path, size: int = _BEGINNING) -> str:
    """The first text of a file; nothing of one that may not be read, of which its reader says so."""
    try:
        with path.open("rb") as file:
            return file.read(size).decode("utf-8", "replace")
    except OSError:
        return ""


def common_folder(paths: Iterable[Path]) -> Path:
    """The folder that holds all these files."""
    return Path(commonpath([path.parent for path in paths]))


def _some(paths: Iterable[Path]) -> list[Path]:
    """The files to be opened, in order of their paths: of every folder some that are not empty, the upper folders
    first."""
    taken: Counter[Path] = Counter()
    chosen: list[Path] = []
    for path in sorted(paths, key=lambda path: len(path.parts)):
        if len(chosen) == _OF_ALL:
            break
        if taken[path.parent] < _OF_A_FOLDER and path.stat().st_size:
            taken[path.parent] += 1
            chosen.append(path)
    return sorted(chosen)


def _json_facts(path: Path) -> JsonFacts | SagesegError:
    try:
        parts = find_parts(path, "JSON")
        inner = {key: _keys(parts, key) for key in islice(parts.members, _OF_A_FOLDER)}
        first = _keys(parts, "") if parts.is_array else frozenset(parts.members) | _scalars(path)
    except SagesegError as e:  # the reader that it is meant for says so
        return e
    return JsonFacts(path, parts.is_array, first, inner)


def _keys(parts: JsonParts, key: str) -> frozenset[str]:
    """The keys of the first object in an array, or of an object and of the first object in it."""
    items = parts.items.get(key)
    if items:
        found = parts.read(items[0], key)
    elif key in parts.members and key not in parts.items:
        return _keys_of_object(parts, parts.members[key], key)
    else:
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _keys_of_object(parts: JsonParts, span: Span, key: str) -> frozenset[str]:
    """The keys of an object and of the first object in it. One that is large is not parsed whole; what it holds is
    objects of one kind, such as the images of a project of VIA."""
    if span[1] - span[0] <= _WHOLE:
        member = parts.read(span, key)
        first = next((value for value in member.values() if isinstance(value, dict)), {})
        return frozenset(member) | frozenset(first)
    inside = find_parts(parts.path, "JSON", span)
    objects = (own for name, own in inside.members.items() if name not in inside.items)
    return frozenset(inside.members).union(*(parts.read(own, key) for own in islice(objects, 1)))


def _scalars(path: Path) -> frozenset[str]:
    """The keys of values that are no object or array are not looked for, but for those that tell a format."""
    text = beginning(path)
    return frozenset(key for key in _SCALARS if f'"{key}"' in text)
