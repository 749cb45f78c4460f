"""Class lists that are tables: a colour beside each name, or Roboflow's `_classes.csv` with a value beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from formats.errors import SagesegError, for_all
from prep.readers.colour_masks import Colour

_LEVEL = r"(\d{1,9})"
_SEP = r"\s*[\s,;]\s*"
_COLOUR_LAST = re.compile(rf"(.*[^\s,;])\s*[\s,;]\s*{_LEVEL}{_SEP}{_LEVEL}{_SEP}{_LEVEL}")
_COLOUR_FIRST = re.compile(rf"{_LEVEL}{_SEP}{_LEVEL}{_SEP}{_LEVEL}{_SEP}([^\s,;].*)")
_CELLS = re.compile(r"\s*[,;\t]\s*")
_LEVELS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
_ROBOFLOW = re.compile(r"pixel[\s_]*value\s*[,;]\s*class", re.IGNORECASE)
_VALUE = re.compile(r"(\d{1,9})\s*[,;]\s*(\S.*)")
EXPECTED_COLOURS = "expected name,red,green,blue in each line, such as car,0,0,142"


def colour_rows(lines: Sequence[str], path: Path) -> list[tuple[str, Colour]] | None:
    """The name and colour of each line (stripped, none empty) of a colour table, `name,r,g,b` or `r,g,b,name` with
    commas, semicolons, tabs or spaces, with a header or without one; None for a file that is none.

    Raises SagesegError for a table with a line that does not fit it.
    """
    head = [cell.strip("\"' ").casefold() for cell in _CELLS.split(lines[0])]
    if len([cell for cell in head if cell in _LEVELS]) == len(head) - 1 == 3:
        kind = _COLOUR_FIRST if head[0] in _LEVELS else _COLOUR_LAST
        if (
            len(lines) == 1
            or [_LEVELS[cell] for cell in head if cell in _LEVELS] != [0, 1, 2]
            or head[1] not in _LEVELS
        ):
            raise SagesegError(f"{path}: {lines[0]!r}: {EXPECTED_COLOURS}, or the colour before the name")
        return _rows(lines[1:], kind, path)
    if {"r", "g", "b"} <= set(head) or {"red", "green", "blue"} <= set(head):
        raise SagesegError(f"{path}: columns {lines[0]!r}: {EXPECTED_COLOURS}, and no other columns")
    for kind in (_COLOUR_LAST, _COLOUR_FIRST):
        fit = [line for line in lines if kind.fullmatch(line)]
        if len(fit) == len(lines) or any(len(_CELLS.split(line)) == 4 for line in fit):
            return _rows(lines, kind, path)
    return None


def _rows(lines: Sequence[str], kind: re.Pattern[str], path: Path) -> list[tuple[str, Colour]]:
    return for_all(lambda line: _row(line, kind, path), lines)


def _row(line: str, kind: re.Pattern[str], path: Path) -> tuple[str, Colour]:
    match = kind.fullmatch(line)
    if match is None:
        raise SagesegError(f"{path}: {line!r}: {EXPECTED_COLOURS}")
    groups = list(match.groups())
    name = groups.pop(3 if kind is _COLOUR_FIRST else 0).strip("\"' ")
    red, green, blue = map(int, groups)
    if max(red, green, blue) > 255:
        raise SagesegError(f"{path}: {line!r}: expected red, green and blue from 0 to 255")
    if not name or name.isdigit():
        raise SagesegError(f"{path}: {line!r}: a number in the place of the name; {EXPECTED_COLOURS}")
    return name, (red, green, blue)


def roboflow_rows(lines: Sequence[str], path: Path) -> list[str] | None:
    """The names of Roboflow's `_classes.csv`, `Pixel Value, Class`, in the order of the values; None for other files.

    Raises SagesegError where the values are not 0, 1, 2 …, once each.
    """
    if not _ROBOFLOW.fullmatch(lines[0]):
        return None
    rows: dict[int, str] = {}
    for line in lines[1:]:
        match = _VALUE.fullmatch(line)
        if match is None or int(match[1]) in rows:
            raise SagesegError(f"{path}: {line!r}: expected a value and its class, each value once, such as 1, car")
        rows[int(match[1])] = match[2].strip("\"' ")
    if sorted(rows) != list(range(len(rows))) or not rows:
        raise SagesegError(
            f"{path}: its values are {', '.join(map(str, sorted(rows))) or 'none'}; expected 0, 1, 2 and so on: "
            "sageseg prep pairs reads such masks with the file as --map"
        )
    return [rows[value] for value in sorted(rows)]
