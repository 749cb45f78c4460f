"""Where the parts of a large JSON file lie, so that each is parsed when its turn comes, by whichever process has it.

The file is read once, in pieces, and never held: brackets and strings are all that is looked at. What stands between a
part's first and last byte is for `json` to read.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from formats.errors import SagesegError
from formats.texts.given_files import conversion
from formats.texts.json_text import parse_json, refuse_constant
from prep.readers.source_files import check_first_bytes

Span = tuple[int, int]
"""The first byte of a part, and the one after its last."""
_PIECE = 2**24
_STRING = rb'("[^"\\]*(?:\\.[^"\\]*)*")'
_BETWEEN = rb'[^"\[\]{}]*'
_TOKEN = re.compile(
    _STRING + rb"(?:" + _BETWEEN + _STRING + rb")*"  # keys and values up to a bracket
    rb"|\[" + _BETWEEN + rb"\]"  # an array of numbers, such as a polygon's
    rb'|["\[\]{}]',
    re.DOTALL,
)
_QUOTE, _SQUARE, _SQUARE_END, _CURLY, _CURLY_END = b'"[]{}'
_INSIDE = 2
"""How many brackets are open around what lies in a member of an object."""
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_BATCH = 2**21
"""Bytes that are parsed at once: Python's objects take some ten times as much."""


@dataclass
class Items:
    """The objects in an array, by their places: `spans` holds first and last of each, one after the other."""

    spans: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.spans) // 2

    def __getitem__(self, number: int) -> Span:
        return self.spans[2 * number], self.spans[2 * number + 1]


@dataclass(frozen=True)
class JsonParts:
    """A JSON file by its parts. Of an object `members` are its values that are objects or arrays, by their keys, and
    `items` the objects in those values that are arrays; a file that is an array is one member of the key ''."""

    path: Path
    is_array: bool
    members: dict[str, Span]
    items: dict[str, Items]

    def read(self, span: Span, what: str) -> Any:
        """A part, parsed."""
        with self.path.open("rb") as file:
            return parse_span(file, self.path, span, what)

    def each(self, key: str, what: str, start: int = 0, stop: int | None = None) -> Iterator[Any]:
        """The items of an array from number `start` to before `stop`, parsed one by one. Messages call them `what`
        and their number."""
        items = self.items.get(key, Items())
        with self.path.open("rb") as file:
            for number in range(start, len(items) if stop is None else stop):
                yield parse_span(file, self.path, items[number], f"{what}[{number}]")

    def batches(self, key: str) -> list[Batch]:
        """The items of an array in batches that are parsed at once, whichever process does it. A batch reaches to the
        next, so that nothing in the array is left out: what is no object is found too."""
        if key not in self.members or key not in self.items:
            return []
        start, end = self.members[key][0] + 1, self.members[key][1] - 1
        items = self.items[key]
        ends = np.frombuffer(items.spans, np.int64)[1::2] // _BATCH
        lasts = (np.flatnonzero(np.diff(ends)) + 1).tolist()
        bounds = [0, *lasts, len(items)]
        places = [start, *(items[number - 1][1] for number in lasts), end]
        return [
            Batch(self.path, key, place, first, stop - first)
            for place, first, stop in zip(pairwise(places), bounds, bounds[1:], strict=False)
        ]


@dataclass(frozen=True)
class Batch:
    """Items of an array from number `first` on: `span` begins after the item before, and ends after the last."""

    path: Path
    key: str
    span: Span
    first: int
    count: int

    def read(self) -> list[dict[str, Any]]:
        """The items. Raises SagesegError naming the item that is no object, and what is not JSON."""
        with self.path.open("rb") as file:
            file.seek(self.span[0])
            content = file.read(self.span[1] - self.span[0])
        text = content.lstrip(_SPACE)
        text = text[1:] if self.first and text.startswith(b",") else text
        try:
            items: list[Any] = parse_json(b"[" + text + b"]", flat=True)
        except ValueError as e:
            raise SagesegError(
                f"{self.path}: {self.key}[{self.first}] or one of the {self.count - 1} after it, from byte "
                f"{self.span[0]} on: not JSON ({e}); export it again{conversion(content)}"
            ) from e
        for number, item in enumerate(items, start=self.first):
            if not isinstance(item, dict):
                raise SagesegError(f"{self.path}: {self.key}[{number}]: {str(item)[:40]}; expected an object")
        return list(items)


def parse_span(file: BinaryIO, path: Path, span: Span, what: str) -> Any:
    """The value in the bytes of a span. Raises SagesegError naming the file and `what`."""
    file.seek(span[0])
    content = file.read(span[1] - span[0])
    try:
        return parse_json(content, flat=True)
    except ValueError as e:
        raise SagesegError(
            f"{path}: {what}, from byte {span[0]} on: not JSON ({e}); export it again{conversion(content)}"
        ) from e


def find_parts(path: Path, expected: str, within: Span | None = None) -> JsonParts:
    """Look through a JSON file, or through one of its parts. Raises SagesegError for what is no JSON object or array,
    and for what is cut short; `expected` is what messages say that the file should be."""
    try:
        with path.open("rb") as file:
            return _Scan(file, path, expected, within or (0, path.stat().st_size)).parts()
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected {expected}") from e


class _Scan:
    """One pass over a file: `depth` counts the brackets that are open."""

    def __init__(self, file: BinaryIO, path: Path, expected: str, within: Span) -> None:
        self._file, self._path, self._expected = file, path, expected
        self._begin, self._end = within
        self._depth = 0
        self._start = 0
        self._key = ""
        self._last_string: bytes | None = None
        self._is_closed = False
        self._parts = JsonParts(path, False, {}, {})
        self._item_start = 0

    def parts(self) -> JsonParts:
        self._file.seek(self._begin)
        first = self._file.read(len(_BOM) + 1)
        offset = self._begin + (len(_BOM) if first.startswith(_BOM) else 0)
        check_first_bytes(first, self._path, self._expected)
        self._file.seek(offset)
        carried, open_end = b"", offset
        while piece := self._file.read(min(_PIECE, self._end - self._file.tell())):
            buffer = carried + piece
            done = self._take(buffer, open_end)
            carried, open_end = buffer[done:], open_end + done
        if self._depth or carried.strip(_SPACE) or not self._is_closed:
            raise self._not_json(f"cut short at byte {open_end + len(carried)}")
        if not self._parts.is_array:
            self._check_skeleton(offset)
        return self._parts

    def _check_skeleton(self, start: int) -> None:
        """Parse what stands around the members, each an empty array in its place."""
        gaps = []
        for member, end in self._parts.members.values():
            self._file.seek(start)
            gaps.append(self._file.read(member - start))
            opening = self._file.read(1)
            self._file.seek(end - 1)
            if opening + self._file.read(1) not in (b"[]", b"{}"):
                raise self._not_json(f"the bracket at byte {member} is closed by another kind at byte {end - 1}")
            start = end
        self._file.seek(start)
        text = b"[]".join((*gaps, self._file.read(self._end - start)))
        try:
            pairs = json.loads(text.decode("utf-8"), object_pairs_hook=list, parse_constant=refuse_constant)
        except ValueError as e:
            raise self._not_json(f"around its members: {getattr(e, 'msg', e)}", conversion(text)) from e
        if [key for key, value in pairs if value == []] != list(self._parts.members):
            raise self._not_json("a value without key")

    @property
    def _depth_of_items(self) -> int:
        return 1 if self._parts.is_array else _INSIDE

    def _not_json(self, why: str, how: str = "") -> SagesegError:
        return SagesegError(f"{self._path}: not JSON ({why}); expected {self._expected}{how}")

    def _take(self, buffer: bytes, offset: int) -> int:
        """Look through a buffer that begins at byte `offset` of the file; give how much of it is done with."""
        done = 0
        for found in _TOKEN.finditer(buffer):
            start, end = found.span()
            first = buffer[start]
            if first == _QUOTE:
                if end == start + 1:
                    return start  # the string goes on in the next piece
                if self._depth == 1:
                    self._last_string = found[2] or found[1]
            elif end > start + 1:
                if self._depth < _INSIDE:
                    self._open(first, offset + start, buffer[done:start])
                    self._close(_SQUARE_END, offset + end)
            elif first in b"[{":
                self._open(first, offset + start, buffer[done:start] if self._depth == 0 else b"")
            else:
                self._close(first, offset + end)
            done = end
        return done if self._depth else self._rest(buffer, done, offset)

    def _rest(self, buffer: bytes, done: int, offset: int) -> int:
        if buffer[done:].strip(_SPACE):
            raise self._not_json(f"text outside of brackets at byte {offset + done}")
        return len(buffer)

    def _open(self, bracket: int, place: int, before: bytes) -> None:
        if self._depth == 0:
            if self._is_closed or before.strip(_SPACE):
                raise self._not_json(f"text outside of brackets at byte {place}")
            self._parts = JsonParts(self._path, bracket == _SQUARE, {}, {})
            if self._parts.is_array:
                self._start = place
                self._parts.items[""] = Items()
        elif self._depth == 1:
            self._open_member(bracket, place)
        if self._depth == self._depth_of_items and bracket == _CURLY:
            self._item_start = place
        self._depth += 1

    def _open_member(self, bracket: int, place: int) -> None:
        if self._parts.is_array:
            return
        self._start = place
        if self._last_string is None:
            raise self._not_json(f"a value without key at byte {place}")
        try:
            self._key = str(json.loads(self._last_string.decode("utf-8", "replace"), strict=False))
        except ValueError as e:
            raise self._not_json(f"a key that is no text, before byte {place}") from e
        if self._key in self._parts.members:
            raise self._not_json(f"the key {self._key!r} stands twice, again at byte {place}")
        if bracket == _SQUARE:
            self._parts.items[self._key] = Items()

    def _close(self, bracket: int, end: int) -> None:
        self._depth -= 1
        if self._depth < 0:
            raise self._not_json(f"a bracket too many at byte {end - 1}")
        if self._depth == self._depth_of_items and bracket == _CURLY_END:
            key = "" if self._parts.is_array else self._key
            if key in self._parts.items:
                self._parts.items[key].spans.extend((self._item_start, end))
        if self._depth == 1 and not self._parts.is_array:
            self._parts.members[self._key] = (self._start, end)
            self._last_string = None
        if self._depth == 0:
            self._is_closed = True
            if self._parts.is_array:
                self._parts.members[""] = (self._start, end)
