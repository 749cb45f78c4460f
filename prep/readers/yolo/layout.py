"""Where a YOLO dataset has its images, by its data.yaml or by its folders, and what its classes are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from formats.texts.given_files import read_text
from formats.texts.typed_json import short
from formats.texts.yaml_text import parse_yaml
from prep.readers.classes.label_list import BACKGROUND_NAMES, find_class_list, read_class_list
from prep.readers.source_files import check_folder, is_there
from prep.readers.splits import split_of_word

_EXPECTED = "one with data.yaml, or with images and labels"
_LABELS = "labels"
YAMLS = ("data.yaml", "data.yml", "dataset.yaml")


@dataclass(frozen=True)
class Place:
    """What a split is: a folder of images, or a list of them, a text file of one path a line. `split` is '' where
    nothing tells one; `where` is for messages."""

    split: str
    path: Path
    where: str


@dataclass(frozen=True)
class Layout:
    """Class names in the order of their numbers, where they stand, and the places of the images."""

    names: tuple[str, ...]
    where: str
    places: tuple[Place, ...]


def find_layout(root: Path, labels: Path | None = None, *, apart: bool = False) -> Layout:
    """Read data.yaml; without one the folders say where images are, and a list of classes, or `labels`, what their
    numbers mean. With `apart` the images lie elsewhere, and their folders need not be there."""
    check_folder(root, _EXPECTED)
    files = [path for name in YAMLS if (path := root / name).is_file()]
    if files:
        return _of_yaml(files[0], root, apart=apart)
    places = _by_folders(root, _LABELS if apart else "images")
    listed = find_class_list(root) or (read_class_list(labels) if labels else None)
    if listed is None:
        raise SagesegError(
            f"{root}: neither data.yaml nor a list of classes in it, so no number has a name; add classes.txt, or pass "
            "--labels"
        )
    names = tuple(line.name for line in listed.lines)
    background = next((name for name in names if name in BACKGROUND_NAMES), None)
    if background:
        raise SagesegError(
            f"{listed.where}: {background} is in it, and nobody can tell whether YOLO's numbers count it; take the "
            "line away if they do not (a dataset has a background in any case), or write data.yaml with names"
        )
    return Layout(names, listed.where, places)


def _by_folders(root: Path, kind: str) -> tuple[Place, ...]:
    """The folder of a `kind`, images or labels, whose folders are the split where all are called so; or folders called
    so that have one."""
    images = root / kind
    if images.is_dir():
        inside = sorted(path for path in images.iterdir() if not path.name.startswith("."))
        split = [path for path in inside if path.is_dir() and split_of_word(path.name)]
        if not split or len(split) < len(inside):
            return (Place("", images, str(images)),)
    else:
        split = [path / kind for path in sorted(root.iterdir()) if split_of_word(path.name)]
        split = [path for path in split if path.is_dir()]
    if not split:
        raise SagesegError(
            f"{root}: neither data.yaml nor a folder {kind} in it; expected YOLO's layout"
            + ("" if kind == _LABELS else ", or the folder of the images with --images")
        )
    told = ", ".join(path.relative_to(root).as_posix() for path in split)
    say(f"note: {root}: no data.yaml in it; its folders are the split: {told}")
    return tuple(Place(split_of_word(path.name) or split_of_word(path.parent.name), path, str(path)) for path in split)


def _of_yaml(path: Path, root: Path, *, apart: bool) -> Layout:
    try:
        content = parse_yaml(read_text(path, "YAML with names and train"))
    except ValueError as e:
        raise SagesegError(f"{path}: not YAML ({e}); expected names and train") from e
    if not isinstance(content, dict):
        raise SagesegError(f"{path}: no keys in it; expected names and train")
    splits = {key: split for key in content if isinstance(key, str) and (split := split_of_word(key))}
    places = tuple(place for key, split in splits.items() for place in _places(content, key, split, path, root, apart))
    if not places:
        raise SagesegError(f"{path}: neither train, val nor test; expected the folders of the images")
    return Layout(_names(content.get("names"), path), str(path), places)


def _places(content: dict[str, Any], key: str, split: str, path: Path, root: Path, apart: bool) -> Iterator[Place]:
    given, below = content.get(key) or [], str(content.get("path") or ".")
    if not isinstance(given, str | list) or not all(isinstance(part, str) for part in given):
        raise SagesegError(f"{path}: {key} is {short(given)}; expected a folder of images, or a list of such")
    for part in [given] if isinstance(given, str) else given:
        # Roboflow writes ../train/images, below the folder and not beside it
        candidates = [base / part.removeprefix("../") for base in (root / below, root)]
        found = next((place for place in candidates if is_there(place)), candidates[-1] if apart else None)
        where = f"{path}: {key}: {part}"
        if found and path_below(found, root) is None:
            raise SagesegError(
                f"{where} is {found}, which is not in {root}; copy {path.name} into the folder that holds images and "
                "labels, and give that folder"
            )
        if found:
            yield Place(split, found, where)
        elif split != "test":  # exports often name a test folder that they do not have
            raise SagesegError(
                f"{where} is not in {root}; expected the folder of its images, or a list of them; where the images lie "
                "elsewhere, name their folder with --images"
            )


def path_below(path: Path, root: Path) -> str | None:
    """A path from a folder on, with `/`; None where it is not in it. Links are the user's own and are not resolved;
    `..` is."""
    relative = os.path.relpath(path, root)
    return None if relative.partition(os.sep)[0] == ".." else Path(relative).as_posix()


def _names(names: Any, path: Path) -> tuple[str, ...]:
    if isinstance(names, dict) and sorted(names, key=repr) == sorted(range(len(names)), key=repr):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise SagesegError(f"{path}: names: expected a list, or numbers from 0 on with their names")
    for number, name in enumerate(names):
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise SagesegError(f"{path}: names: what is called {number} is {name!r} to YAML; write the name in quotes")
    return tuple(map(str, names))
