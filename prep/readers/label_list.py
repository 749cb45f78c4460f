"""The class names of a source, as people and annotation tools write them down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from formats.classes import BACKGROUND, IGNORE, IGNORE_NAME, ClassTable, voc_palette
from formats.errors import SagesegError
from prep.readers.colour_masks import Colour
from prep.readers.labelled_image import REGION

_BACKGROUND_NAMES = (BACKGROUND, "background")
# fmt: off
VOC_2012 = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on


@dataclass(frozen=True)
class ColourLabels:
    """The classes of a labelmap.txt and the id of each colour, ignore's too."""

    classes: ClassTable
    ids: dict[Colour, int]


def read_label_list(path: Path) -> ClassTable:
    """One label per line, as in labelme's labels.txt: `__ignore__` is mask value 255 and no class,
    and the background comes first whether or not it is written."""
    names = [name for name in _lines(path) if name not in (IGNORE_NAME, REGION, *_BACKGROUND_NAMES)]
    return _table(names, path)


def read_label_map(path: Path) -> ColourLabels:
    """labelmap.txt as CVAT and Datumaro write it: lines `name:red,green,blue:parts:actions`, and `#`
    before comments. VOC's border colour is ignore, and black the background, unless it says else."""
    colours = dict(_label_of_line(line, path) for line in _lines(path) if not line.startswith("#"))
    background = next((colours.pop(name) for name in _BACKGROUND_NAMES if name in colours), (0, 0, 0))
    classes = _table(list(colours), path)
    border: Colour = tuple(voc_palette()[IGNORE].tolist())
    ids: dict[Colour, int] = {border: IGNORE, background: 0}
    for class_id, (name, colour) in enumerate(colours.items(), start=1):
        if ids.get(colour, IGNORE) != IGNORE:
            raise SagesegError(f"{path}: {name} has the colour of another label; give each label a colour of its own")
        ids[colour] = class_id
    return ColourLabels(classes, ids)


def _label_of_line(line: str, path: Path) -> tuple[str, Colour]:
    name, _, rest = line.partition(":")
    try:
        red, green, blue = (int(part) for part in rest.split(":")[0].split(","))
    except ValueError as e:
        raise SagesegError(f"{path}: {line!r}: expected name:red,green,blue:parts:actions, as CVAT writes it") from e
    return name, (red, green, blue)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected one label per line") from e
    except UnicodeDecodeError as e:
        raise SagesegError(f"{path}: not UTF-8 text; expected one label per line") from e
    return [line.strip() for line in text.splitlines() if line.strip()]


def _table(names: list[str], path: Path) -> ClassTable:
    try:
        return ClassTable((BACKGROUND, *names))
    except SagesegError as e:
        raise SagesegError(f"{path}: {e}") from e
