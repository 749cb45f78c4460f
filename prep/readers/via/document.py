"""The entries of a file of VIA's: each by its place, parsed when its turn comes, so that memory stays flat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from formats.errors import SagesegError, for_all, raise_all
from formats.parallel import map_all
from formats.texts.typed_json import short
from prep.readers.annotations.json_spans import Span, find_parts, parse_span
from prep.readers.via.shapes import SHAPES

EXPECTED = "a project or an annotation file of VGG Image Annotator 2, as JSON"
_ENTRIES = "_via_img_metadata"
_OF_VIA_3 = {"project", "view", "metadata"}
_AT_ONCE = 64
"""Entries that are looked at together: a task for another process costs more than a small entry."""


@dataclass(frozen=True)
class Entry:
    """An image's entry by its bytes: its name, how many of its regions there are by kind, and of those that are drawn
    how many have an attribute, by its name."""

    name: str
    span: Span
    kinds: Counter[str]
    attributes: Counter[str]


def read_entries(file: Path, workers: int | None) -> list[Entry]:
    """Raises SagesegError for another file, and for an image that stands twice."""
    parts = find_parts(file, EXPECTED)
    if parts.members.keys() >= _OF_VIA_3:
        raise SagesegError(f"{file}: a project of VIA 3, whose format is another; expected {EXPECTED}")
    if _ENTRIES in parts.members:
        parts = find_parts(file, EXPECTED, parts.members[_ENTRIES])
    if parts.is_array or not parts.members:
        raise SagesegError(f"{file}: no entries with filename and regions; expected {EXPECTED}")
    keyed = list(parts.members.items())
    tasks = [keyed[first : first + _AT_ONCE] for first in range(0, len(keyed), _AT_ONCE)]
    look = map_all(partial(_look, file), tasks, workers=workers, label="entries")
    entries = [entry for some in look for entry in some]
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    raise_all(SagesegError(f"{file}: {name} stands twice; give each image one entry") for name in twice)
    return entries


def _look(file: Path, keyed: Sequence[tuple[str, Span]]) -> list[Entry]:
    with file.open("rb") as opened:
        return for_all(lambda own: _entry(opened, file, *own), keyed)


def _entry(opened: BinaryIO, file: Path, key: str, span: Span) -> Entry:
    content = parse_span(opened, file, span, key)
    name = content.get("filename") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise _no_entry(file, key)
    regions = _regions(content, file, key)
    drawn = [region for region in regions if kind_of(region) in SHAPES]
    attributes = Counter(name for region in drawn for name in region.get("region_attributes") or {})
    return Entry(name, span, Counter(map(kind_of, regions)), attributes)


def regions_of(file: Path, entry: Entry) -> list[dict[str, Any]]:
    """An entry's regions, parsed again."""
    with file.open("rb") as opened:
        return _regions(parse_span(opened, file, entry.span, entry.name), file, entry.name)


def _regions(content: dict[str, Any], file: Path, key: str) -> list[dict[str, Any]]:
    regions = content.get("regions")
    # VIA 1 wrote an object of numbers for a list
    listed = list(regions.values()) if isinstance(regions, dict) else regions
    if not isinstance(listed, list):
        raise _no_entry(file, key)
    for region in listed:
        if not isinstance(region, dict) or not isinstance(region.get("shape_attributes"), dict):
            raise _no_entry(file, key)
        if not isinstance(region.get("region_attributes"), dict | None):
            told = short(region["region_attributes"])
            raise SagesegError(f"{file}: {key}: region_attributes is {told}; expected an object of names and values")
    return listed


def _no_entry(file: Path, key: str) -> SagesegError:
    return SagesegError(f"{file}: {key}: no filename and regions in it; expected {EXPECTED}")


def kind_of(region: Mapping[str, Any]) -> str:
    return str(region["shape_attributes"].get("name"))


def class_of(region: Mapping[str, Any], attribute: str, place: str) -> str:
    """A region's class: text, or the one choice of a list that is set."""
    value = (region.get("region_attributes") or {}).get(attribute)
    chosen = [name for name, is_set in value.items() if is_set] if isinstance(value, dict) else [value]
    if len(chosen) != 1 or not isinstance(chosen[0], str) or not chosen[0]:
        raise SagesegError(f"{place}: {attribute} is {value!r}; expected the name of one class")
    return chosen[0]
