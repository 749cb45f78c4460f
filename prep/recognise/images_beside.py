"""Where the images of an annotation file lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os.path import commonpath
from pathlib import Path, PurePosixPath

from prep.recognise.survey import Survey, beginning, common_folder

NO_IMAGES = "IMAGES"
"""Stands in a command for a folder of images that was not found."""
_LOOKED_THROUGH = 2**22
"""Bytes of a file's beginning in which names of images are looked for."""
_SUFFIX = re.compile(r"\.(?:jpe?g|jfif|jpe|png|bmp|tiff?|webp|gif)\b", re.IGNORECASE)
_BEFORE_NAME = re.compile(r"[\"?=<>:,\n]")
_LONGEST = 300
"""Characters of a name, with its folders."""


def folder_of_images(survey: Survey, *files: Path) -> Path | str:
    """The folder below which annotation files name their images, as far as they are there; else that of the images
    which lie nearest to the first file; NO_IMAGES where there are none."""
    if survey.root.is_file():
        survey = Survey(files[0].parent)
    bases = [base for file in files if (base := _named_base(survey, file))]
    if bases:
        return Path(commonpath(bases))
    for folder in (files[0].parent, *files[0].parent.parents):
        near = [path for path in survey.images if folder in path.parents]
        if near:
            return common_folder(near)
        if folder == survey.root:
            break
    return NO_IMAGES


def told_missing(images: Path | str) -> str:
    """What must be known before a command can run that names the folder of the images."""
    return f"{NO_IMAGES} is the folder of the images, which are not here" if images == NO_IMAGES else ""


def _named_base(survey: Survey, file: Path) -> Path | None:
    """The folder in which the names that stand in a file are paths of images: of those of one name, of the nearest."""
    tails = {PurePosixPath(name).name: PurePosixPath(name).parts for name in _names_in(file)}
    named = [path for path in survey.images if path.name in tails]
    for folder in (file.parent, *file.parent.parents):
        near = [path for path in named if folder in path.parents]
        if near:
            return Path(commonpath([_base(path, tails[path.name]) for path in near]))
    return None


def _base(path: Path, named: tuple[str, ...]) -> Path:
    """A path without the end that it has in common with a name."""
    pairs = zip(reversed(path.parts), reversed(named), strict=False)
    shared = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(path.parts), len(named)))
    return Path(*path.parts[: len(path.parts) - shared])


def _names_in(file: Path) -> Iterator[str]:
    """What looks like names of images in a file, with `/`."""
    text = beginning(file, _LOOKED_THROUGH)
    for match in _SUFFIX.finditer(text):
        name = _BEFORE_NAME.split(text[max(0, match.start() - _LONGEST) : match.end()])[-1]
        yield name.replace("\\/", "/").replace("\\\\", "/")
