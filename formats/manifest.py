"""manifest.csv: one row per crop, or per image that is not cropped."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from formats.crops import Box
from formats.errors import SagesegError, for_all
from formats.prepared.source_names import source_name
from formats.safe_names import check_inside, check_name
from formats.staging import write_text
from formats.texts.csv_text import format_csv
from formats.texts.given_files import read_text


@dataclass(frozen=True)
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


_KINDS = {f.name: str(f.type) for f in fields(ManifestRow) if f.name != "attributes"}
"""The type of each fixed column, by its name."""
_CELLS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "str": ("text", lambda cell: cell),
    "int": ("a whole number", int),
    "bool": ("a whole number", lambda cell: bool(int(cell))),
    "float | None": ("a share from 0 to 1", lambda cell: float(cell) if cell else None),
}
"""What a cell of a type is called, and how it is read."""


def format_manifest(rows: Iterable[ManifestRow]) -> str:
    """The text of manifest.csv; attributes follow the fixed columns in order of first appearance."""
    rows = list(rows)
    return "".join(manifest_lines(rows, attribute_names(row.attributes for row in rows)))


def attribute_names(attributes: Iterable[Mapping[str, str]]) -> list[str]:
    """All names, in order of first appearance."""
    return list(dict.fromkeys(name for each in attributes for name in each))


def manifest_lines(rows: Iterable[ManifestRow], names: Sequence[str]) -> Iterator[str]:
    """The lines of manifest.csv with the attributes `names`, one by one."""
    yield format_csv([[*_KINDS, *names]])
    for row in rows:
        fixed = (_to_cell(getattr(row, column)) for column in _KINDS)
        yield format_csv([[*fixed, *(row.attributes.get(name, "") for name in names)]])


def _to_cell(value: str | int | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6f}"
    return str(value)


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    write_text(path, format_manifest(rows))


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read manifest.csv. Raises SagesegError naming the line and column of a bad value."""
    text = read_text(path, "the manifest that prep or predict writes")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in _KINDS if name not in (reader.fieldnames or ())]
    if missing:
        raise SagesegError(f"{path}: column {missing[0]} is missing; expected {','.join(_KINDS)}, with commas between")
    return for_all(lambda row: _parse_row(row[1], f"{path}: line {row[0]}"), enumerate(reader, start=2))


def _parse_row(cells: dict[str, str], where: str) -> ManifestRow:
    fixed = {name: _parse_cell(name, kind, cells[name], where) for name, kind in _KINDS.items()}
    check_name(fixed["id"], where, "id")
    check_inside(fixed["source"], where, "source")
    attributes = {name: value for name, value in cells.items() if name not in _KINDS and value}
    return ManifestRow(**fixed, attributes=attributes)


def _parse_cell(name: str, kind: str, cell: str, where: str) -> Any:
    expected, parse = _CELLS[kind]
    try:
        return parse(cell)
    except (TypeError, ValueError) as e:
        raise SagesegError(f"{where}: {name} is {cell!r}; expected {expected}") from e
