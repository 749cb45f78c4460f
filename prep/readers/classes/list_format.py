"""Class lists in another format than a name per line, or a label map: refused, for their lines are no names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from formats.classes import BACKGROUND
from formats.errors import SagesegError

_BACKGROUND_WORDS = {BACKGROUND, "background"}
_EXPECTED = "expected one name per line and nothing else, in the order of the ids"
_BRACKETS = re.compile(r"[\[\](){},;\s]+|.+[\[{]")
"""A line of brackets alone, or one that opens one."""
_WHOLE = re.compile(r"[\[{].*[\]}],?|\(.*,.*\)")
_KEY_OF_LIST = re.compile(r"[\w-]+\s*[:=]\s*[\[{].*|[\w-]+:")
"""YAML's `names: [a, b]`, and a key whose values stand on the next lines."""
_MARKUP = re.compile(r"</|<\?xml")
_ITEM = re.compile(r"[-*]\s+\S.*")
_QUOTED = re.compile(r"(\"[^\"]*\"|'[^']*'),?")
_QUOTED_IN_ITEM = re.compile(r".*[:=]\s*(\"[^\"]*\"|'[^']*'),?")
_BEGINS = re.compile(r"-?\d+[\s:,;=.)\]]+\S.*")
_ENDS = re.compile(r"\S.*[\s:,;=]-?\d+,?")
_CELLS = re.compile(r"\s*[,;|]\s*")


def check_format(lines: Sequence[str], path: Path) -> None:
    """Raise SagesegError where the lines (stripped, none empty) are JSON, YAML, markup, quoted, or a table."""
    first = lines[0]
    if any(map(_MARKUP.search, lines)):
        raise _refused(path, first, "looks like XML or HTML")
    brackets = next((line for line in lines if _BRACKETS.fullmatch(line)), None)
    if brackets or _WHOLE.fullmatch(first):
        raise _refused(path, brackets or first, "looks like JSON or another notation with brackets")
    items = lines[1:] if _KEY_OF_LIST.fullmatch(first) or first == "---" else lines
    if (items is not lines and (not items or first == "---" or first.endswith(":"))) or all(
        map(_ITEM.fullmatch, items)
    ):
        raise _refused(path, first, "looks like YAML")
    if all(map(_QUOTED.fullmatch, lines)) or all(map(_QUOTED_IN_ITEM.fullmatch, lines)):
        raise _refused(path, first, "is quoted")
    if all(line.endswith((",", ";")) for line in lines[:-1]) and (len(lines) > 1 or "," in first or ";" in first):
        raise _refused(path, first, "looks like names between commas")
    if len(lines) == 1 and _BACKGROUND_WORDS & set(words := re.split(r"[\s,;|/]+", first)) and len(words) > 1:
        raise _refused(path, first, "looks like several names")
    _check_table(lines, path)


def _check_table(lines: Sequence[str], path: Path) -> None:
    """Refuse tabs, and lines of several cells that have, but for a head, a number each."""
    tabbed = next((line for line in lines if "\t" in line), None)
    if tabbed:
        raise _refused(path, tabbed, "looks like a row of a table")
    rows = [_CELLS.split(line) for line in lines]
    cells = {len(row) for row in rows}
    if cells == {1} or len(cells) > 1 or len(rows) < 2:
        return
    if all(any(cell.lstrip("-").isdigit() for cell in row) for row in rows[1:]):
        raise _refused(path, lines[1], "looks like a row of a table")


def check_names(names: Sequence[str], where: str) -> None:
    """Raise SagesegError for a list beside masks of which each name begins, or each ends, with a number: those may be
    ids, and other ones than the numbers of the lines."""
    for pattern, verb in ((_BEGINS, "begins"), (_ENDS, "ends")):
        if names and all(map(pattern.fullmatch, names)):
            raise SagesegError(
                f"{where}: {names[0]!r}: each line {verb} with a number; expected names alone, in the order of their "
                "ids: remove the numbers, or write a name that has one with _ or without its space"
            )


def _refused(path: Path, line: str, what: str) -> SagesegError:
    return SagesegError(f"{path}: the line {line!r} {what}; {_EXPECTED}, such as {'background'!r} on the first")
