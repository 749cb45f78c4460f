"""YOLO's text files: what shows them, and the folder that says which images and classes they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prep.readers.classes.label_list import CLASS_LISTS
from prep.readers.splits import split_of_word
from prep.readers.yolo.layout import YAMLS
from prep.recognise.images_beside import NO_IMAGES, told_missing
from prep.recognise.recognised import Recognised, found, one_of
from prep.recognise.survey import Survey, beginning

_LINE = re.compile(r"\s*\d+(?:\s+-?\d[\d.eE+-]*){4,}\s*")
_NUMBERS_OF_BOX = 5


def yolo(survey: Survey) -> list[Recognised]:
    """A folder with its data.yaml; without one the folder of `labels`, of which there may be several."""
    files = {path: rows for path, rows in _label_files(survey) if not _is_of_boxes(rows)}
    roots = {_root(path, survey.root): path for path in reversed(files)}
    return [
        _recognised(root, path, one_of(number, len(roots)), any(root in image.parents for image in survey.images))
        for number, (root, path) in enumerate(sorted(roots.items()), start=1)
    ]


def boxes(survey: Survey) -> str:
    """What text files of boxes alone are; '' where there are none."""
    files = [path for path, rows in _label_files(survey) if _is_of_boxes(rows)]
    if not files:
        return ""
    return (
        f"{files[0]}: YOLO's boxes, which have no outline (five numbers a row); expected polygons: export the "
        "segmentation, or draw it"
    )


def _label_files(survey: Survey) -> Iterator[tuple[Path, list[str]]]:
    for path, text in survey.beginnings(".txt"):
        rows = [row for row in (text.rpartition("\n")[0] or text).splitlines() if row.strip()]
        if rows and all(map(_LINE.fullmatch, rows)):
            yield path, rows


def _is_of_boxes(rows: list[str]) -> bool:
    return all(len(row.split()) == _NUMBERS_OF_BOX for row in rows)


def _root(path: Path, top: Path) -> Path:
    above = [folder for folder in path.parents if folder == top or top in folder.parents] or [path.parent]
    for folder in above:
        if any((folder / name).is_file() for name in YAMLS) or _other_yaml(folder):
            return folder
    root = next((folder.parent for folder in above if folder.name == "labels"), path.parent)
    # train/labels and valid/labels are read together from the folder above them
    return root.parent if split_of_word(root.name) and root.parent in above else root


def _other_yaml(folder: Path) -> Path | None:
    """A file that says what data.yaml says, under another name."""
    return next((path for path in sorted(folder.glob("*.y*ml")) if re.search(r"^names:", beginning(path), re.M)), None)


def _recognised(root: Path, path: Path, of_several: str, has_images: bool) -> Recognised:
    why = f"rows of numbers in {path.name}{of_several}"
    elsewhere = [] if has_images else ["--images", NO_IMAGES]
    options, missing = [], ""
    if not any((root / name).is_file() for name in YAMLS):
        yaml = _other_yaml(root)
        if yaml:
            missing = f"copy {yaml} to {root / YAMLS[0]}, the name that is read"
        elif not any((root / name).is_file() for name in CLASS_LISTS):
            options = ["--labels", "labels.txt"]
            missing = "write labels.txt: the class of each number, one per line from 0 on"
    missing = "; ".join(filter(None, (told_missing(NO_IMAGES) if elsewhere else "", missing)))
    return found("yolo", "YOLO's text files", why, root, *elsewhere, *options, missing=missing)
