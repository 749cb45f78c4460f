"""The class names of a source, as people and annotation tools write them down."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from formats.classes import BACKGROUND, IGNORE, IGNORE_NAME, ClassTable, class_table, voc_palette
from formats.errors import SagesegError
from prep.readers.colour_masks import Colour
from prep.readers.labelled_image import REGION
from prep.readers.source_files import read_text

_BACKGROUND_NAMES = (BACKGROUND, "background")
# fmt: off
VOC_2012 = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)
# fmt: on


@dataclass(frozen=True)
class Labels:
    """The classes, and the id of each colour, ignore's too; none where masks hold ids."""

    classes: ClassTable
    colours: dict[Colour, int] = field(default_factory=dict)


def read_label_list(path: Path) -> ClassTable:
    """One label per line, as in labelme's labels.txt: `__ignore__` is mask value 255 and no class,
    and the background comes first whether or not it is written."""
    names = [name for name in _lines(path) if name not in (IGNORE_NAME, REGION, *_BACKGROUND_NAMES)]
    return class_table((BACKGROUND, *names), path)


def read_label_map(path: Path) -> Labels:
    """labelmap.txt as CVAT and Datumaro write it: lines `name:red,green,blue:parts:actions`, and `#`
    before comments. VOC's border colour is ignore, and black the background, unless it says else."""
    colours = dict(_label_of_line(line, path) for line in _lines(path) if not line.startswith("#"))
    background = next((colours.pop(name) for name in _BACKGROUND_NAMES if name in colours), (0, 0, 0))
    classes = class_table((BACKGROUND, *colours), path)
    border: Colour = tuple(voc_palette()[IGNORE].tolist())
    ids: dict[Colour, int] = {border: IGNORE, background: 0}
    for class_id, (name, colour) in enumerate(colours.items(), start=1):
        if ids.get(colour, IGNORE) != IGNORE:
            raise SagesegError(f"{path}: {name} has the colour of another label; give each label a colour of its own")
        ids[colour] = class_id
    return Labels(classes, ids)


def _label_of_line(line: str, path: Path) -> tuple[str, Colour]:
    name, _, rest = line.partition(":")
    try:
        red, green, blue = (int(part) for part in rest.split(":")[0].split(","))
    except ValueError as e:
        raise SagesegError(f"{path}: {line!r}: expected name:red,green,blue:parts:actions, as CVAT writes it") from e
    return name, (red, green, blue)


def _lines(path: Path) -> list[str]:
    text = read_text(path, "one label per line")
    return [line.strip() for line in text.splitlines() if line.strip()]
