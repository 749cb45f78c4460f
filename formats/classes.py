"""The class table: names and ids, and the VOC palette that colours them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.texts.given_files import read_text

BACKGROUND = "_background_"
IGNORE = 255
"""The mask value of a pixel that neither trains nor scores."""
IGNORE_NAME = "__ignore__"
_MAP_BACKGROUND = "background"
"""What CVAT calls class 0 in the label maps that it writes."""
_MAP_IDS = {_MAP_BACKGROUND: 0, BACKGROUND: 0, IGNORE_NAME: IGNORE}
_MAP_LINE = re.compile(r"([^:]+?)\s*:\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*(?::.*)?")
MIN_CLASSES, MAX_CLASSES = 2, 254
"""The built-in algorithm's range of num_classes."""


@cache
def voc_palette() -> npt.NDArray[np.uint8]:
    """Pascal VOC's colours, shape (256, 3): the bits of the id dealt to red, green and blue in
    turn, most significant colour bit first (VOC development kit, `VOClabelcolormap`)."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= ((ids >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    palette.setflags(write=False)
    return palette


@dataclass(frozen=True)
class ClassTable:
    """Class names in id order; id 0 is the background."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        problem = _problem(self.names)
        if problem:
            raise SagesegError(f"classes: {problem}")

    def __len__(self) -> int:
        return len(self.names)

    def colour(self, class_id: int) -> tuple[int, int, int]:
        """The palette's (red, green, blue) of a class id, each 0..255."""
        red, green, blue = voc_palette()[class_id].tolist()
        return red, green, blue


def _problem(names: tuple[str, ...]) -> str | None:
    if not names or names[0] != BACKGROUND:
        first = repr(names[0]) if names else "nothing"
        return f"the first class must be {BACKGROUND}, not {first}; put it first"
    if not MIN_CLASSES <= len(names) <= MAX_CLASSES:
        counted = f"{len(names)} classes" if len(names) > 1 else "no class but the background"
        return f"{counted}; the built-in takes {MIN_CLASSES} to {MAX_CLASSES}, the background among them"
    if IGNORE_NAME in names:
        return f"{IGNORE_NAME} is mask value {IGNORE}, not a class; remove it"
    unwritable = next((name for name in names if name.splitlines() != [name] or not name.strip()), None)
    if unwritable is not None:
        return f"{unwritable!r} cannot stand in labels.txt, which has one name a line; rename it where it was drawn"
    names = tuple(map(str.strip, names))  # as they are read again
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        names_told = ", ".join(map(repr, twice))
        return f"{names_told} {'stands' if len(twice) == 1 else 'stand'} twice; each class needs a name of its own"
    return None


def read_labels(path: Path) -> ClassTable:
    """Read a dataset's labels.txt: one class per line in id order, the background first."""
    text = read_text(path, "one class name per line")
    return class_table((line.strip() for line in text.splitlines() if line.strip()), path)


def class_table(names: Iterable[str], path: Path) -> ClassTable:
    """The table of the names that a file holds. Raises SagesegError that names the file."""
    try:
        return ClassTable(tuple(names))
    except SagesegError as e:
        raise SagesegError(f"{path}: {e}") from e


def write_labels(path: Path, classes: ClassTable) -> None:
    """Write labels.txt, the counterpart of `read_labels`."""
    write_text(path, "".join(f"{name}\n" for name in classes.names))


def labelmap(classes: ClassTable) -> str | None:
    """The text of labelmap.txt, by which CVAT and Datumaro read the classes of the masks beside it: the colour in
    which `voc_palette` shows each. None where a name cannot stand in it, because a colon divides its lines.

    Datumaro 1.13 refuses masks with a colour that the map lacks, so ignore has a line too.
    """
    background = BACKGROUND if _MAP_BACKGROUND in classes.names else _MAP_BACKGROUND
    names = {0: background} | dict(enumerate(classes.names[1:], start=1)) | {IGNORE: IGNORE_NAME}
    if any(":" in name or name.startswith("#") for name in names.values()):
        return None
    lines = (f"{name}:{','.join(map(str, classes.colour(class_id)))}::\n" for class_id, name in names.items())
    return "# label:color_rgb:parts:actions\n" + "".join(lines)


def read_labelmap(path: Path) -> tuple[ClassTable, dict[tuple[int, int, int], int]]:
    """The classes of a labelmap.txt as `label_map`, CVAT and Datumaro write it, and the class id of each colour; the
    background is 0, the other lines follow in their order, ignore is 255. Raises SagesegError that names the line."""
    lines = [line.strip() for line in read_text(path, "name:red,green,blue:: in each line").splitlines()]
    names, ids = [BACKGROUND], dict[tuple[int, int, int], int]()
    for line in lines:
        if line and not line.startswith("#"):
            match = _MAP_LINE.fullmatch(line)
            if match is None or max(colour := (int(match[2]), int(match[3]), int(match[4]))) > 255:
                raise SagesegError(f"{path}: {line!r}: expected name:red,green,blue::, levels from 0 to 255")
            class_id = _MAP_IDS.get(match[1], len(names))
            names += [match[1]] if class_id == len(names) else []
            if ids.setdefault(colour, class_id) != class_id:
                raise SagesegError(f"{path}: {line!r}: the colour of another line; give each class a colour of its own")
    return class_table(names, path), {(0, 0, 0): 0} | ids
