"""What a training finds in `/opt/ml/input/data`, and how its label maps turn masks into classes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.masks import Mask, count_values
from jobs.contract.channels import CONTENT_TYPES, PRETRAINED
from jobs.contract.label_map import NAMES, load_label_map

REQUIRED = tuple(sorted(CONTENT_TYPES))
OPTIONAL = ("label_map", "model", PRETRAINED)
_UNKNOWN = 254
"""No class has this id: there are 254 at most."""


def check_channels(data: Path) -> None:
    """Raise SagesegError for a channel that is missing, or that would have no effect."""
    known = REQUIRED + OPTIONAL
    for folder in sorted(path for path in data.glob("*") if path.is_dir() and path.name not in known):
        raise SagesegError(f"channel {folder.name}: not known; expected {', '.join(known)}")
    missing = [name for name in REQUIRED if not (data / name).is_dir()]
    if missing:
        raise SagesegError(f"{data / missing[0]}: not found; expected channels {', '.join(REQUIRED)}")
    _check_label_maps(data / "label_map")


def _check_label_maps(folder: Path) -> None:
    """Raise SagesegError for a folder whose maps would not be read, and warn of masks without one."""
    log = logging.getLogger(__name__)
    if not folder.is_dir():
        log.warning("label maps not provided, using defaults.")  # the built-in's words
        return
    missing = [name for name in NAMES if not (folder / name).is_file()]
    if len(missing) == len(NAMES):
        raise SagesegError(
            f"{folder}: holds neither {' nor '.join(NAMES)}; name the label maps so, or leave the channel out"
        )
    for name in missing:
        channel = name.removesuffix("_label_map.json")
        log.warning("channel label_map: no %s; the masks of %s are read as they are", name, channel)


@dataclass(frozen=True)
class LabelMap:
    """The class of each value that a mask may hold, (256,); `source` names its file."""

    classes: Mask
    source: Path

    def apply(self, mask: Mask, path: Path) -> Mask:
        """The mask in class ids. Raises SagesegError for a value that the map does not name."""
        counts = count_values(mask)
        unknown = [value for value in range(256) if counts[value] and self.classes[value] == _UNKNOWN]
        if unknown:
            raise SagesegError(
                f"{path}: value {unknown[0]} has no class in {self.source}; add it there or mend the mask"
            )
        mapped: Mask = self.classes[mask]
        return mapped


def read_label_map(data: Path, channel: str, num_classes: int) -> LabelMap | None:
    """The map for the masks of `train` or `validation`; None where the job gives none. Raises
    SagesegError for a file that is no label map."""
    path = data / "label_map" / f"{channel}_label_map.json"
    if not path.is_file():
        return None
    return LabelMap(_classes_by_value(load_label_map(path, num_classes), num_classes, path), path)


def _classes_by_value(given: dict[str, Any], num_classes: int, path: Path) -> Mask:
    """255 stays ignore unless the map makes a class of it."""
    classes = np.full(256, _UNKNOWN, np.uint8)
    classes[IGNORE] = IGNORE
    if "scale" in given:
        values = np.arange(0, 256, int(given["scale"]))[:num_classes]
        classes[values] = np.arange(len(values))
        return classes
    named: dict[int, str] = {}
    for key, value in given["map"].items():
        if value in named:
            raise SagesegError(f"{path}: value {value} is both class {named[value]} and class {key}; give it one")
        named[value] = key
        classes[value] = int(key)
    return classes
