"""Which files of a folder are COCO's annotations, of which split each is, and where its images lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from prep.readers.source_files import find_files, list_files
from prep.readers.splits import split_of_word

_PREFIX = "instances_"
_KNOWN_NAMES = (f"{_PREFIX}*.json", "*.coco.json")
"""What COCO itself, CVAT and Datumaro call files with outlines, and what Roboflow does; beside them lie others."""


@dataclass(frozen=True)
class CocoFile:
    """An annotation file, the folder below which its images are, and its split; None where nothing tells it."""

    path: Path
    images: Path
    split: str | None


def is_known_name(path: Path) -> bool:
    """Whether a file is called as those with outlines are, beside which others lie."""
    return any(fnmatch(path.name, pattern) for pattern in _KNOWN_NAMES)


def find_coco_files(annotations: Path, images: Path | None) -> tuple[CocoFile, ...]:
    """One file; or those of a folder and the folders below it, whose names, or folders' names, say their splits.

    Without `images` they lie beside each file or below its folder, else below `annotations`; a subset that has a folder
    of its own there, as CVAT and COCO make them, has its images in that. Raises SagesegError where
    there is no file or no image, and where some files tell their split and others do not.
    """
    if not annotations.is_dir():
        return (CocoFile(annotations, images or annotations.parent, None),)
    paths = _chosen(list_files(annotations, frozenset({".json"}), "<name>.json of COCO", deep=True), annotations)
    splits = [_split_of(path, annotations) for path in paths] if len(paths) > 1 else [None]
    if any(splits) and not all(splits):
        told, untold = paths[[bool(split) for split in splits].index(True)], paths[splits.index(None)]
        raise SagesegError(
            f"{untold}: neither its name nor its folder says train, val or test, as {told} does; rename it, or move it "
            "out of the folder"
        )
    pairs = zip(paths, splits, strict=True)
    return tuple(CocoFile(path, _images_of(path, annotations, images), split) for path, split in pairs)


def _chosen(paths: Sequence[Path], folder: Path) -> list[Path]:
    known = [path for path in paths if is_known_name(path)]
    others = [path for path in paths if known and path not in known]
    if others:
        say(
            f"note: of the JSON files in {folder} those called {' or '.join(_KNOWN_NAMES)} are read; {len(others)} "
            f"left out, such as {others[0]}"
        )
    return known or list(paths)


def _split_of(path: Path, root: Path) -> str | None:
    """The split that a file's name tells, else the nearest of its folders."""
    for name in (path.stem, *reversed(path.parent.relative_to(root).parts)):
        found = set(map(split_of_word, re.findall("[a-z]+", name.casefold()))) - {""}
        if len(found) == 1:
            return found.pop()
    return None


def _images_of(path: Path, root: Path, images: Path | None) -> Path:
    """The folder of a file's images: that of its subset, whose name is in the file's, because subsets may have images
    of the same names; else the one that was given; else where the file is, or the first folder."""
    subset = path.stem.removeprefix(_PREFIX)
    own = [folder for folder in ((images or root) / "images" / subset, (images or root) / subset) if folder.is_dir()]
    if own and subset != path.stem:
        return own[0]
    if images:
        return images
    if find_files(path.parent, IMAGE_SUFFIXES, deep=True):
        return path.parent
    if not find_files(root, IMAGE_SUFFIXES, deep=True):
        raise SagesegError(f"{root}: no image in it; name the folder of the images after that of the annotations")
    return root
