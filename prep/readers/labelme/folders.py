"""The folders that labelme's files lie in, and what images are called by where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LabelledImage
from prep.readers.source_files import find_files, list_files

_EXPECTED = "<image>.json of labelme, which writes one for each image that is saved there"
_OF_LABELME_ITSELF = "_json"
"""How labelme_json_to_dataset ends the names of the folders that it makes, with an image and masks."""


@dataclass(frozen=True)
class AnnotationFile:
    """A JSON file in a folder that was named; `inside` is what that folder is called beside others, '' alone."""

    path: Path
    folder: Path
    inside: str

    @property
    def key(self) -> str:
        """Its path below the folder of all, without suffix, in one spelling."""
        return composed((PurePosixPath(self.inside) / below(self.path, self.folder)).with_suffix("").as_posix())


def find_annotations(folders: Sequence[Path]) -> list[AnnotationFile]:
    """The JSON files in folders and those below them. Raises SagesegError for a folder without, and where one folder
    holds another."""
    _check_apart(folders)
    return [
        AnnotationFile(path, folder, name)
        for folder, name in zip(folders, _names(folders), strict=True)
        for path in list_files(
            folder,
            frozenset({".json"}),
            _EXPECTED,
            deep=True,
        )
    ]


def _check_apart(folders: Sequence[Path]) -> None:
    for number, one in enumerate(folders):
        for other in folders[:number]:
            inner, outer = sorted((one.resolve(), other.resolve()), key=lambda path: len(path.parts), reverse=True)
            if inner.is_relative_to(outer):
                raise SagesegError(f"{one} and {other}: one lies in the other, or they are one; name it once")


def _names(folders: Sequence[Path]) -> list[str]:
    """What each folder is called beside the others: its name, with as many above it as tell them apart."""
    if len(folders) == 1:
        return [""]
    parts = [folder.absolute().parts for folder in folders]
    count = next(n for n in range(1, max(map(len, parts)) + 1) if len({own[-n:] for own in parts}) == len(parts))
    return ["/".join(own[-count:]).lstrip("/") for own in parts]


def below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def path_below(path: Path, folder: Path) -> str | None:
    """A file's path below a folder, with `/`; None where it lies elsewhere. Links are the user's own and are not
    resolved; `..` is."""
    real = Path(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links
    whole = Path(os.path.abspath(folder))  # noqa: PTH100
    return real.relative_to(whole).as_posix() if real.is_relative_to(whole) else None


def source_of(image: Path, file: AnnotationFile, images: Path | None) -> str:
    """The path of an image below the folder of its JSON file, or below `images`; '' for one that lies elsewhere."""
    inside = path_below(image, file.folder)
    if inside is not None:
        return (PurePosixPath(file.inside) / inside).as_posix()
    return (path_below(image, images) if images else None) or ""


def settle_outside(found: Sequence[LabelledImage], files: Sequence[AnnotationFile]) -> list[LabelledImage]:
    """The images, those that lie in none of the folders called by their paths below the folder of all such; it is
    told."""
    folders = {file.folder: file.inside for file in files}
    placed = [image if image.source else _in_another(image, folders) for image in found]
    outside = [Path(os.path.abspath(image.image)) for image in placed if not image.source]  # noqa: PTH100
    if not outside:
        return placed
    base = Path(os.path.commonpath([path.parent for path in outside]))
    say(
        f"note: {len(outside)} of {len(placed)} images lie outside of {', '.join(map(str, folders))}, where imagePath "
        f"leads: in {base}"
    )
    return [image if image.source else replace(image, source=path_below(image.image, base) or "") for image in placed]


def _in_another(image: LabelledImage, folders: dict[Path, str]) -> LabelledImage:
    inside = ((name, path_below(image.image, folder)) for folder, name in folders.items())
    return replace(image, source=next((f"{name}/{own}" for name, own in inside if own), ""))


def without_json(files: Sequence[AnnotationFile], labelled: Sequence[LabelledImage], images: Path | None) -> list[Path]:
    """The images that no JSON file is of: empty of objects, or not yet seen. labelme writes none for an image that
    nobody saved."""
    known = {image.image.resolve() for image in labelled}
    keys = {file.key for file in files} | {_without_suffix(image.source) for image in labelled}
    # an image that its JSON file holds may lie anywhere besides
    held = {PurePosixPath(image.source).stem for image in labelled if image.embedded}
    return [
        path
        for path, key in _images_there(files, labelled, images)
        if path.resolve() not in known
        and key not in keys
        and not (images and PurePosixPath(key).name in held)
        and PurePosixPath(key).parent.as_posix().removesuffix(_OF_LABELME_ITSELF) not in keys
    ]


def _images_there(
    files: Sequence[AnnotationFile], labelled: Sequence[LabelledImage], images: Path | None
) -> Iterator[tuple[Path, str]]:
    """The images that may have been labelled, with their keys: of `images`, else of the folders of the JSON files and
    of those that the labelled images lie in."""
    folders = {images: ""} if images else {file.folder: file.inside for file in files}
    for folder, name in folders.items():
        for path in find_files(folder, IMAGE_SUFFIXES, deep=True):
            yield path, _without_suffix((PurePosixPath(name) / below(path, folder)).as_posix())
    if images is None:
        parents = {image.image.parent for image in labelled if not any(path_below(image.image, f) for f in folders)}
        for path in (path for parent in sorted(parents) for path in find_files(parent, IMAGE_SUFFIXES)):
            yield path, path.as_posix()


def _without_suffix(source: str) -> str:
    return composed(PurePosixPath(source).with_suffix("").as_posix())
