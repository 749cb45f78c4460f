"""The `label_map` channel: how the values of masks become classes.

`{"scale": "3"}` divides each value; `{"map": {"0": 5, "1": 0}}` names for each class trained on the
value in the PNG, which is easily written the other way round (developer guide, Semantic Segmentation).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from formats.errors import SagesegError

NAMES = ("train_label_map.json", "validation_label_map.json")
_SCALES = {str(number) for number in range(1, 256)}


def check_label_maps(folder: Path, num_classes: int) -> None:
    """Raise SagesegError unless the folder holds at least one label map, each of the service's form."""
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if not found:
        raise SagesegError(f"--label-map {folder}: expected a folder with {' or '.join(NAMES)}")
    for path in found:
        load_label_map(path, num_classes)


def load_label_map(path: Path, num_classes: int) -> dict[str, Any]:
    """A file's label map, checked. Raises SagesegError that names the file."""
    try:
        label_map: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as e:  # the latter for thousands of brackets
        raise SagesegError(f"{path}: not JSON ({e}); expected a label map") from e
    try:
        check_label_map(label_map, num_classes)
    except SagesegError as e:
        raise SagesegError(f"{path}: {e}") from e
    return label_map


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
            raise SagesegError(f"map: class {key} has value {value!r}; expected what the PNG holds, 0 to 255")
