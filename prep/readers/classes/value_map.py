"""Masks of numbers beside a map from number to name: Cityscapes' `*_labelIds.png`, ADE20K, and whatever has more
numbers than classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.classes import IGNORE, IGNORE_NAME
from formats.console import say
from formats.errors import AlikeError, SagesegError, for_all
from formats.images import (
    image_errors,
    open_header,
    orientation_of,
    read_encoded,
    turn_upright,
)
from formats.masks import Mask
from formats.parallel import map_all
from formats.texts.given_files import read_text
from prep.readers.classes.class_masks import ClassMasks
from prep.readers.classes.label_list import BACKGROUND_NAMES, ClassList, Line, find_background, number_lines
from prep.readers.classes.mask_values import check_levels

ADE20K = "ade20k"
"""The word of --coding for ADE20K's `_seg.png`: red / 10 × 256 + green is the number of the class (its own
`loadAde20K`); blue counts instances."""
REST = "*"
"""Stands in a map for every number that it does not name."""
_IGNORES = ("ignore", IGNORE_NAME)
_VALUE_HEADS = ("value", "pixel value", "pixel_value", "id", "index")
_HIGHEST = 0xFFFF
_NOTHING = -1
_EXPECTED = "expected value,name in each line, such as 7,road"
_CELLS = re.compile(r"\s*[,;\t]\s*")
_ROW = re.compile(r"(?P<value>\*|-?\d{1,9})\s*[,;\t]\s*(?P<name>.+)")
_ROW_OF_NAME = re.compile(r"(?P<name>.+?)\s*[,;\t]\s*(?P<value>\*|-?\d{1,9})")
_WIDE = ("I", "I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class ValueMap:
    """What each number means by name, and what all others do (None where a map does not say); names in the order of
    the file."""

    where: str
    names: dict[int, str]
    rest: str | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """Each name once."""
        named = dict.fromkeys([*self.names.values(), *([self.rest] if self.rest else [])])
        return tuple(Line(name, ignored=name in _IGNORES) for name in named)


@dataclass(frozen=True, slots=True)
class MappedMask:
    """A mask of numbers: the id of each, and that of all others. `coding` says how colours are numbers."""

    path: Path
    ids: tuple[tuple[int, int], ...]
    rest: int | None
    where: str
    coding: str | None = None

    def read(self) -> Mask:
        table = np.full(_HIGHEST + 1, _NOTHING if self.rest is None else self.rest, np.int16)
        table[[value for value, _ in self.ids]] = [class_id for _, class_id in self.ids]
        values = read_values(self.path, self.where, self.coding)
        if values.dtype == np.uint8 and IGNORE not in dict(self.ids):
            table[IGNORE] = IGNORE if self.rest is None else _NOTHING
        found = table[values]
        if (found == _NOTHING).any():
            raise self._strange(values, found)
        return found.astype(np.uint8)

    def _strange(self, values: npt.NDArray[np.generic], found: npt.NDArray[np.int16]) -> SagesegError:
        row, column = np.unravel_index(int(np.argmax(found == _NOTHING)), found.shape)
        value = int(values[row, column])
        if value == IGNORE and self.rest is not None:
            return SagesegError(
                f"{self.path}: value {IGNORE} at ({column}, {row}) is ignore in most masks, and {REST} in {self.where} "
                f"is of all others; write a line {IGNORE},ignore or {IGNORE},NAME"
            )
        return AlikeError(
            str(self.path),
            f"value {value}",
            f"value {value} at ({column}, {row}) is not in {self.where}; add a line {value},NAME, or one "
            f"{REST},NAME for all others",
        )


def read_value_map(path: Path) -> ValueMap:
    """A file of `value,name` lines (commas, semicolons or tabs), with a header or without one; several values may have
    one name, `*` is all others. -1 is what 8 bits hold as 255. Raises SagesegError naming the line."""
    texts = [text.strip() for text in read_text(path, "value,name in each line").splitlines()]
    rows = [(number, text) for number, text in enumerate(texts, start=1) if text]
    row = _ROW
    if rows and (head := [cell.casefold() for cell in _CELLS.split(rows[0][1])]) and _is_head(head):
        row = _ROW if head[0] in _VALUE_HEADS else _ROW_OF_NAME
        del rows[0]
    names: dict[int | None, str] = {}

    def note(numbered: tuple[int, str]) -> None:
        number, text = numbered
        value, name = _parse_row(row.fullmatch(text), f"{path}: line {number}: {text!r}")
        if names.setdefault(value, name) != name:
            raise SagesegError(f"{path}: line {number}: {text!r}: the value is {names[value]} already; remove one line")

    for_all(note, rows)
    rest = names.pop(None, None)
    if not names:
        raise SagesegError(f"{path}: no value in it; {_EXPECTED}")
    return ValueMap(str(path), {value: name for value, name in names.items() if value is not None}, rest)


def _is_head(cells: Sequence[str]) -> bool:
    return len(cells) == 2 and len(set(cells) & set(_VALUE_HEADS)) == 1


def _parse_row(match: re.Match[str] | None, where: str) -> tuple[int | None, str]:
    """A value, None for all others, and its name."""
    name = match["name"].strip("\"' ") if match else ""
    if match is None or not name:
        raise SagesegError(f"{where}: {_EXPECTED}")
    if match["value"] == REST:
        return None, name
    value = IGNORE if int(match["value"]) == -1 else int(match["value"])
    if not 0 <= value <= _HIGHEST:
        raise SagesegError(f"{where}: expected a value from -1 to {_HIGHEST}")
    return value, name


def settle_values(
    found: ValueMap,
    paths: Sequence[Path],
    *,
    background: str | None = None,
    coding: str | None = None,
    workers: int | None = None,
) -> ClassMasks:
    """How masks of numbers are read: the classes are the map's names in their order, the background first.

    Every mask is read once, so that a number which the map lacks is told before anything is made. Raises SagesegError
    for such a number, and for masks that are none of numbers.
    """
    listed = ClassList(found.where, found.lines)
    number = find_background(listed, background)
    numbering = number_lines(listed, number)
    if number is None and background not in BACKGROUND_NAMES:
        say(f"note: {found.where}: no name is background, so every name is a class, and class 0 has no pixels")
    of_name = numbering.of_name | dict.fromkeys(_IGNORES, IGNORE)
    ids = tuple((value, of_name[name]) for value, name in found.names.items())
    rest = None if found.rest is None else of_name[found.rest]
    masks = {path: MappedMask(path, ids, rest, found.where, coding) for path in paths}
    for _ in map_all(_check, list(masks.values()), workers=workers, label="masks"):
        pass
    return ClassMasks(numbering.classes, dict(masks))


def _check(mask: MappedMask) -> None:
    mask.read()


def read_values(path: Path, where: str, coding: str | None) -> npt.NDArray[np.uint8 | np.uint16]:
    """The numbers of a mask, (height, width), uint8 or of 16 bits: those of one channel, or with `coding` ADE20K those
    that its colours mean. Raises SagesegError for other files."""
    with image_errors(path):
        content = read_encoded(path)
        with open_header(content) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise SagesegError(f"{path}: animated; expected one mask")
            check_levels(image, content, path)
            return turn_upright(_numbers(image, path, where, coding), orientation_of(image))  # type: ignore[arg-type]


def _numbers(image: Image.Image, path: Path, where: str, coding: str | None) -> npt.NDArray[np.uint8 | np.uint16]:
    if coding:
        if image.mode != "RGB":
            raise SagesegError(f"{path}: mode {image.mode}; --coding {coding} is for masks of colours: leave it out")
        colours = np.asarray(image, np.uint16)
        return np.asarray(colours[..., 0] // 10 * 256 + colours[..., 1], np.uint16)
    if image.mode == "P" and image.format == "GIF":
        raise SagesegError(f"{path}: a GIF keeps colours and not values; expected PNG: export it again")
    if image.mode in ("1", "L", "P"):
        return np.asarray(image, np.uint8)
    if image.mode in _WIDE:
        wide = np.asarray(image)
        if wide.size and not 0 <= int(wide.min()) <= int(wide.max()) <= _HIGHEST:
            raise SagesegError(f"{path}: values {wide.min()} to {wide.max()}; expected 0 to {_HIGHEST}")
        return wide.astype(np.uint16)
    raise SagesegError(
        f"{path}: mode {image.mode} holds colours, and {where} is of numbers; pass a table of colours with --colors, "
        f"or --coding {ADE20K} if the colours are ADE20K's numbers"
    )
