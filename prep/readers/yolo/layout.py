"""Where a YOLO dataset has its images and text files, by its data.yaml or by its folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from formats.dataset import SPLITS
from formats.errors import SagesegError
from prep.readers.classes.label_list import find_class_list
from prep.readers.source_files import read_text


@dataclass(frozen=True)
class Layout:
    """Class names in the order of their numbers, where they stand, and the folders of images with their splits; ''
    where nothing tells one."""

    names: tuple[str, ...]
    where: str
    folders: tuple[tuple[str, Path], ...]


def find_layout(root: Path) -> Layout:
    """Read data.yaml; without one there are `images` and `labels`, and a list of classes or --labels."""
    if not root.is_dir():
        raise SagesegError(f"{root}: no such folder; expected one with data.yaml, or with images and labels")
    files = [path for name in ("data.yaml", "data.yml", "dataset.yaml") if (path := root / name).is_file()]
    if files:
        return _of_yaml(files[0], root)
    if not (root / "images").is_dir():
        raise SagesegError(f"{root}: neither data.yaml nor a folder images in it; expected YOLO's layout")
    listed = find_class_list(root)
    names = tuple(line.name for line in listed.lines) if listed else ()
    return Layout(names, listed.where if listed else f"{root}, which has no data.yaml", (("", root / "images"),))


def _of_yaml(path: Path, root: Path) -> Layout:
    try:
        content = yaml.safe_load(read_text(path, "YAML with names and train"))
    except yaml.YAMLError as e:
        raise SagesegError(f"{path}: not YAML ({' '.join(str(e).split())}); expected names and train") from e
    if not isinstance(content, dict):
        raise SagesegError(f"{path}: no keys in it; expected names and train")
    folders = tuple((split, folder) for split in SPLITS for folder in _folders(content, split, path, root))
    if not folders:
        raise SagesegError(f"{path}: neither train, val nor test; expected the folders of the images")
    return Layout(_names(content.get("names"), path), str(path), folders)


def _folders(content: dict[str, Any], split: str, path: Path, root: Path) -> Iterator[Path]:
    given = content.get(split) or []
    for part in [given] if isinstance(given, str) else given:
        below = str(content.get("path") or ".")
        # Roboflow writes ../train/images, below the folder and not beside it
        places = [base / part.removeprefix("../") for base in (root / below, root)]
        found = next((place for place in places if place.is_dir()), None)
        if found:
            yield found
        elif split != "test":  # exports often name a test folder that they do not have
            raise SagesegError(f"{path}: {split}: {part} is no folder in {root}; expected the folder of its images")


def _names(names: Any, path: Path) -> tuple[str, ...]:
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise SagesegError(f"{path}: names: expected a list, or numbers from 0 on with their names")
    return tuple(map(str, names))


def text_file(image: Path) -> Path:
    """The text file of an image: in `labels` where it is in `images`, else beside it."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")
