"""What a training finds in `/opt/ml/input/data`."""

from __future__ import annotations

import logging
from pathlib import Path

from formats.errors import SagesegError
from formats.prepared.label_map import NAMES, LabelMap, load_label_map
from jobs.contract.channels import CONTENT_TYPES, PRETRAINED

REQUIRED = tuple(sorted(CONTENT_TYPES))
OPTIONAL = ("label_map", "model", PRETRAINED)


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


def read_label_map(data: Path, channel: str, num_classes: int) -> LabelMap | None:
    """The map for the masks of `train` or `validation`; None where the job gives none. Raises
    SagesegError for a file that is no label map."""
    path = data / "label_map" / f"{channel}_label_map.json"
    if not path.is_file():
        return None
    return load_label_map(path, num_classes)
