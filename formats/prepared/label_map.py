"""The `label_map` channel: how the values of masks become classes.

`{"scale": "3"}` divides each value; `{"map": {"0": 5, "1": 0}}` names for each class trained on the
value in the PNG, which is easily written the other way round (developer guide, Semantic Segmentation).
A job that trains by a map has another truth than its dataset's masks show: whatever looks at masks
for that job, before or after it, applies the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.masks import Mask, count_values
from formats.texts.given_files import read_json

CHANNELS_WITH_MAP = ("train", "validation")
_SUFFIX = "_label_map.json"
NAMES = tuple(f"{channel}{_SUFFIX}" for channel in CHANNELS_WITH_MAP)
_SCALES = {str(number) for number in range(1, 256)}
_UNKNOWN = 254
"""No class has this id: there are 254 at most."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """The class of each value that a mask may hold, (256,) uint8; `source` names where it is from."""

    classes: Mask
    source: str

    @property
    def makes_a_class_of_ignore(self) -> bool:
        return bool(self.classes[IGNORE] != IGNORE)

    def apply(self, mask: Mask, path: Path) -> Mask:
        """The mask in class ids. Raises SagesegError for a value that the map does not name."""
        unknown = self.unknown(count_values(mask))
        if unknown is not None:
            raise SagesegError(f"{path}: value {unknown} has no class in {self.source}; add it there or mend the mask")
        mapped: Mask = self.classes[mask]
        return mapped

    def unknown(self, counts: list[int]) -> int | None:
        """The first value without a class, of a mask with so many pixels of each of 256 values."""
        return next((value for value in range(256) if counts[value] and self.classes[value] == _UNKNOWN), None)


@dataclass(frozen=True)
class LabelMaps:
    """A job's label maps as they were given, by channel: `train`, `validation`, either or both. `source`
    is the folder or file that holds them."""

    given: Mapping[str, Any]
    source: str

    def of_split(self, split: str, num_classes: int) -> LabelMap | None:
        """The map for the masks of a dataset's split, None where they are read as they are: validation's
        holds for test too, which is looked at in the same way."""
        channel = "train" if split == "train" else "validation"
        if channel not in self.given:
            return None
        return make_label_map(self.given[channel], num_classes, f"{self.source}: {channel}")


def read_label_maps(folder: Path, num_classes: int) -> LabelMaps:
    """The label maps in a folder. Raises SagesegError unless it holds at least one, each of the service's form."""
    found = {name.removesuffix(_SUFFIX): folder / name for name in NAMES if (folder / name).is_file()}
    if not found:
        raise SagesegError(f"--label-map {folder}: expected a folder with {' or '.join(NAMES)}")
    given = {channel: _load(path) for channel, path in found.items()}
    for channel, path in found.items():
        make_label_map(given[channel], num_classes, str(path))
    return LabelMaps(given, str(folder))


def recorded_label_maps(info: Mapping[str, Any], where: Path) -> LabelMaps | None:
    """The label maps that predictions.json or job.json tells, None where there was none."""
    given = info.get("label_map")
    if not given:
        return None
    if not isinstance(given, dict) or not set(given) <= set(CHANNELS_WITH_MAP):
        raise SagesegError(f"{where}: label_map is {given!r}; expected label maps by train and validation")
    return LabelMaps(given, str(where))


def load_label_map(path: Path, num_classes: int) -> LabelMap:
    """A file's label map. Raises SagesegError that names the file where it is none."""
    return make_label_map(_load(path), num_classes, str(path))


def _load(path: Path) -> Any:
    try:
        return read_json(path, "a label map")
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); expected a label map") from e


def make_label_map(given: Any, num_classes: int, source: str) -> LabelMap:
    """What a label map's JSON says, value by value; 255 stays ignore unless the map makes a class of it.

    Raises SagesegError, naming `source`, for what is no label map of `num_classes` classes.
    """
    try:
        check_label_map(given, num_classes)
        return LabelMap(_scaled(given, num_classes) if "scale" in given else _named(given["map"]), source)
    except SagesegError as e:
        raise SagesegError(f"{source}: {e}") from e


def _no_class() -> Mask:
    classes = np.full(256, _UNKNOWN, np.uint8)
    classes[IGNORE] = IGNORE
    return classes


def _scaled(given: Mapping[str, Any], num_classes: int) -> Mask:
    classes = _no_class()
    values = np.arange(0, 256, int(given["scale"]))[:num_classes]
    classes[values] = np.arange(len(values))
    return classes


def _named(mapping: Mapping[str, int]) -> Mask:
    classes, named = _no_class(), dict[int, str]()
    for key, value in mapping.items():
        if value in named:
            raise SagesegError(f"value {value} is both class {named[value]} and class {key}; give it one")
        named[value] = key
        classes[value] = int(key)
    return classes


def check_label_map(label_map: Any, num_classes: int) -> None:
    """Raise SagesegError unless this is a scale, or a map from class to the value in the PNG."""
    if not isinstance(label_map, dict) or len(label_map) != 1 or next(iter(label_map)) not in ("scale", "map"):
        raise SagesegError('expected {"scale": "3"} or {"map": {"0": 5, "1": 0}}')
    if "scale" in label_map:
        if str(label_map["scale"]) not in _SCALES:
            raise SagesegError(f'scale is {label_map["scale"]!r}; expected a whole number from 1 to 255, such as "3"')
        return
    _check_map(label_map["map"], num_classes)


def _check_map(mapping: Any, num_classes: int) -> None:
    if not isinstance(mapping, dict) or not mapping:
        raise SagesegError('map: expected values of the PNG by class, such as {"0": 5, "1": 0}')
    classes = {str(number) for number in range(num_classes)}  # "00" would be class 0 a second time
    for key, value in mapping.items():
        if key not in classes:
            raise SagesegError(
                f"map: {key!r} is no class (0 to {num_classes - 1}); keys are classes, values what PNGs hold"
            )
        if type(value) is not int or not 0 <= value <= 255:  # true is an int to Python
            raise SagesegError(
                f"map: class {key} has value {value!r}; expected a whole number, what the PNG holds, 0 to 255"
            )
