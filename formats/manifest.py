"""manifest.csv: one row per crop, or per image that is not cropped."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import Any

from formats.crops import Box
from formats.disk.whole_files import write_text
from formats.errors import SagesegError, for_all, raise_all
from formats.limits import MOST_PIXELS, MOST_TEXT, check_pixels
from formats.prepared.source_names import source_name
from formats.safe_names import check_inside, check_name
from formats.texts.csv_text import format_csv, text_lines
from formats.texts.given_files import read_text


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One crop: its place in its source image, its split and group, and its files' checksums.

    `x, y` is the crop's upper left pixel in the source; `width, height` are the file's, padding
    included; `source` is the image's path inside the folder that was read. A row with `kept`
    False has no files. `truth_sha256` is that of the source's own mask, where the crops that were kept do
    not give it back. `foreground` is the share (0..1) of pixels that are neither background
    nor ignore, None where there is no truth.
    """

    id: str
    split: str
    group: str
    source: str
    x: int
    y: int
    width: int
    height: int
    source_width: int
    source_height: int
    kept: bool = True
    foreground: float | None = None
    image_sha256: str = ""
    mask_sha256: str = ""
    truth_sha256: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def source_stem(self) -> str:
        """The name of the source image: its stem, with its folders where stems repeat."""
        return source_name(self.id, self.source, self.x, self.y)

    @property
    def box(self) -> Box:
        return Box(self.x, self.y, self.width, self.height)


_CELL = Callable[[str], Any]
"""Reads a cell. Raises ValueError for one that is not as it should be."""


def _text(cell: str) -> str:
    return cell


def _whole_number(least: int) -> _CELL:
    def parse(cell: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", cell) or not least <= int(cell) <= MOST_PIXELS:
            raise ValueError(cell)
        return int(cell)

    return parse


def _pattern(pattern: str) -> _CELL:
    def parse(cell: str) -> str:
        if not re.fullmatch(pattern, cell):
            raise ValueError(cell)
        return cell

    return parse


def _share(cell: str) -> float | None:
    if not cell:
        return None
    share = float(cell)
    if not 0 <= share <= 1:  # nan is in no range
        raise ValueError(cell)
    return share


_NO_ATTRIBUTES: dict[str, str] = {}
"""Held once for all rows that have none."""
_AT_ONCE = 1000
"""So many lines are made together, which halves the time that they take."""
_TOLD = 80
"""So many characters of a bad value are told."""
_PLACE = (f"a whole number from 0 to {MOST_PIXELS:,}", _whole_number(0))
_SIDE = (f"a whole number from 1 to {MOST_PIXELS:,}", _whole_number(1))
_CHECKSUM = ("a sha256, or nothing", _pattern("[0-9a-f]{64}|"))
_COLUMNS: dict[str, tuple[str, _CELL]] = {
    **dict.fromkeys(("id", "split"), ("text", _text)),
    "group": ("the name of a group: an image that shares nothing with others has its own name", _pattern(r"(?s).+")),
    "source": ("text", _text),
    **dict.fromkeys(("x", "y"), _PLACE),
    **dict.fromkeys(("width", "height", "source_width", "source_height"), _SIDE),
    "kept": ("1, or 0 for a row without files", lambda cell: bool(("0", "1").index(cell))),
    "foreground": ("a share from 0 to 1", _share),
    **dict.fromkeys(("image_sha256", "mask_sha256", "truth_sha256"), _CHECKSUM),
}
"""The fixed columns in their order: what a cell of each is called, and how it is read."""


def format_manifest(rows: Iterable[ManifestRow]) -> str:
    """The text of manifest.csv; attributes follow the fixed columns in order of first appearance."""
    rows = list(rows)
    return "".join(manifest_lines(rows, attribute_names(row.attributes for row in rows)))


def attribute_names(attributes: Iterable[Mapping[str, str]]) -> list[str]:
    """All names, in order of first appearance."""
    return list(dict.fromkeys(name for each in attributes for name in each))


def manifest_lines(rows: Iterable[ManifestRow], names: Sequence[str]) -> Iterator[str]:
    """The lines of manifest.csv with the attributes `names`, some at once."""
    yield format_csv([[*_COLUMNS, *names]])
    rows = iter(rows)
    while some := list(islice(rows, _AT_ONCE)):
        yield format_csv([*_cells(row), *(row.attributes.get(name, "") for name in names)] for row in some)


_fixed = attrgetter(*_COLUMNS)
_KEPT, _FOREGROUND = (list(_COLUMNS).index(name) for name in ("kept", "foreground"))


def _cells(row: ManifestRow) -> list[Any]:
    """The fixed columns as csv writes them: a text or whole number as it is, None as nothing."""
    cells = [*_fixed(row)]
    cells[_KEPT] = int(row.kept)
    if row.foreground is not None:
        cells[_FOREGROUND] = f"{row.foreground:.6f}"
    return cells


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    write_text(path, format_manifest(rows))


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read manifest.csv. Raises SagesegError naming the line and column of a bad value, and an id that stands twice."""
    text = read_text(path, "the manifest that prep or predict writes")
    lines = _lines(text, path)
    header = next(lines, [])
    _check_header(header, path)
    rows = for_all(lambda row: _parse_row(row[1], header, f"{path}: line {row[0]}"), enumerate(lines, start=2))
    _check_once(rows, path)
    return rows


def _lines(text: str, path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(MOST_TEXT)
    lines = csv.reader(text_lines(text))
    try:
        yield from filter(None, lines)
    except csv.Error as e:
        raise SagesegError(f"{path}: line {lines.line_num}: no CSV ({e}); bring the file back that was written") from e


def _check_header(header: Sequence[str], path: Path) -> None:
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise SagesegError(
            f"{path}: column {missing[0]} is missing; expected {','.join(_COLUMNS)}, with commas between"
        )
    wrong = [name for name, count in Counter(header).items() if count > 1 or not name]
    if wrong:
        told = f"column {wrong[0]} stands twice" if wrong[0] else "a column without a name"
        raise SagesegError(f"{path}: {told}; expected each column once, by its name")


def _check_once(rows: Sequence[ManifestRow], path: Path) -> None:
    twice = [name for name, count in Counter(row.id for row in rows).items() if count > 1]
    raise_all(
        SagesegError(f"{path}: id {name} stands twice; expected one row for each crop or image") for name in twice
    )


def _parse_row(cells: Sequence[str], header: Sequence[str], where: str) -> ManifestRow:
    if len(cells) != len(header):
        raise SagesegError(f"{where}: {len(cells)} cells; expected {len(header)}, one for each column")
    by_name = dict(zip(header, cells, strict=True))
    fixed = {name: _parse_cell(name, by_name[name], where) for name in _COLUMNS}
    fixed |= {name: intern(fixed[name]) for name in ("split", "group")}  # texts that repeat are held once
    check_name(fixed["id"], where, "id")
    check_inside(fixed["source"], where, "source")
    attributes = {name: cell for name, cell in by_name.items() if name not in _COLUMNS and cell}
    row = ManifestRow(**fixed, attributes=attributes or _NO_ATTRIBUTES)
    for size in ((row.width, row.height), (row.source_width, row.source_height)):
        check_pixels(*size, f"{where}: {row.id}", "bring the file back that was written")
    return row


def _parse_cell(name: str, cell: str, where: str) -> Any:
    expected, parse = _COLUMNS[name]
    try:
        return parse(cell)
    except ValueError as e:
        raise SagesegError(f"{where}: {name} is {cell[:_TOLD]!r}; expected {expected}") from e
