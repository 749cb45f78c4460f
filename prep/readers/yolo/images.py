"""The images of a YOLO dataset, each with its split and its text file, and what has no counterpart."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import files_with, open_image_folder
from formats.prepared.source_names import composed
from formats.texts.given_files import read_text
from prep.readers.annotations.named_images import find_named
from prep.readers.classes.label_list import CLASS_LISTS
from prep.readers.labelled_image import LeftOut, leave_out
from prep.readers.source_files import find_spelled
from prep.readers.yolo.layout import Layout, Place, path_below

_LABELS, _IMAGES = "labels", "images"
_EXPECTED = "the images, or their folder with --images (CVAT and Label Studio leave them out unless told to save them)"


@dataclass(frozen=True)
class YoloImage:
    """An image: its path below the dataset's folder (`source`), its split, '' where nothing tells one, and its path
    below the folder of its split, without suffix (`key`)."""

    path: Path
    source: str
    text: Path
    split: str
    key: PurePosixPath


@dataclass(frozen=True)
class YoloImages:
    """`undecided` tells why what data.yaml has is no split."""

    images: tuple[YoloImage, ...]
    undecided: str
    left_out: tuple[LeftOut, ...]


def find_images(layout: Layout, root: Path, images: Path | None = None, *, skip_missing: bool = False) -> YoloImages:
    """The images of the layout, in the dataset's folder or in `images`. Raises SagesegError for those that are named
    and nobody has, unless they may be skipped, and where not one image has a text file."""
    split_of: dict[str, str] = {}
    places: dict[str, str] = {}
    bases: dict[str, str] = {}
    torn = ""
    for place in layout.places:
        for name, where, base in _named(place, root, images):
            if split_of.setdefault(name, place.split) != place.split:
                torn = torn or f"{layout.where}: {name} is both in {split_of[name]} and in {place.split}"
            places.setdefault(name, where)
            bases.setdefault(name, base)
    if places and not images and not files_with(root, IMAGE_SUFFIXES, deep=True):
        raise SagesegError(
            f"{root}: no image in it; expected {next(iter(places))}, and so on: name the folder of the images with "
            "--images (CVAT leaves them out unless told to save them)"
        )
    found = find_named(places, images or root, skip_missing=skip_missing)
    ours = tuple(
        YoloImage(path, source, _text(root, inside), "" if torn else split_of[name], _key(inside, bases[name]))
        for name, path in found.paths.items()
        for source in (found.sources[name],)
        for inside in (name if images else source,)
    )
    if not any(image.text.is_file() for image in ours):
        raise SagesegError(
            f"{root}: none of its {len(ours)} image(s) has a text file; expected {text_name(ours[0].source)} of "
            f"{ours[0].source}, and so on"
        )
    known = [image.text for image in ours] if images else []
    return YoloImages(ours, torn, (*found.left_out, *_lone_texts(root, known)))


def _named(place: Place, root: Path, images: Path | None) -> Iterator[tuple[str, str, str]]:
    """The images of a place by the names under which they are to be found, where each stands, and the folder that all
    of the place lie in, '' where a list has others. Of a folder whose images lie in `images` these are the names that
    its text files tell."""
    if images and not place.path.is_file():
        yield from _named_by_texts(place, root, images)
        return
    if place.path.is_dir():
        base = path_below(place.path, root) or ""
        for image in open_image_folder(place.path, expected=_EXPECTED).images:
            name = (PurePosixPath(base) / image.source).as_posix()
            yield name, f"{place.where}: {name}", base
        return
    lines = read_text(place.path, "one image a line").splitlines()
    named = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not named:
        raise SagesegError(f"{place.path}: names no image; expected one a line")
    folders = [PurePosixPath(name.replace("\\", "/").lstrip("/")).parent for _, name in named]
    base = os.path.commonpath(folders)
    for number, name in named:
        yield name, f"{place.path}: line {number}", Path(base).as_posix()


def _key(source: str, base: str) -> PurePosixPath:
    """A source below a folder, which lists may call by more parts than it has here."""
    path = PurePosixPath(source).with_suffix("")
    parts = PurePosixPath(base).parts
    for first in range(len(parts) + 1):
        if path.is_relative_to(below := PurePosixPath(*parts[first:])):
            return path.relative_to(below)
    return path


def _named_by_texts(place: Place, root: Path, images: Path) -> Iterator[tuple[str, str, str]]:
    suffixes = {composed(path.stem): path.suffix for path in files_with(images, IMAGE_SUFFIXES, deep=True)}
    base = PurePosixPath(path_below(place.path, root) or "")
    folder = root / PurePosixPath(text_name((base / "image").as_posix())).parent
    texts = files_with(folder, frozenset({".txt"}), deep=True) if folder.is_dir() else []
    for text in (path for path in texts if path.name not in CLASS_LISTS):
        name = (base / text.relative_to(folder)).with_suffix(suffixes.get(composed(text.stem), ".jpg")).as_posix()
        yield name, str(text), base.as_posix()


def _text(root: Path, source: str) -> Path:
    """The text file of an image, which lists may call by more parts than the dataset's folder has. It is looked for
    in that folder alone."""
    parts = [part for part in PurePosixPath(text_name(source)).parts if part not in ("/", "//", "..")]
    there = (find_spelled(root.joinpath(*parts[first:])) for first in range(len(parts)))
    return next(filter(None, there), root.joinpath(*parts))


def text_name(source: str) -> str:
    """The text file of an image: in `labels` where it is in `images`, else beside it."""
    parts = list(PurePosixPath(source).parts)
    if _IMAGES in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index(_IMAGES)] = _LABELS
    return PurePosixPath(*parts).with_suffix(".txt").as_posix()


def _lone_texts(root: Path, known_texts: Sequence[Path]) -> tuple[LeftOut, ...]:
    """Text files in folders of labels without an image; `known_texts` are those of images that lie elsewhere."""
    images = files_with(root, IMAGE_SUFFIXES, deep=True)
    known = {composed(text_name(path.relative_to(root).as_posix())) for path in images}
    known |= {composed(path.relative_to(root).as_posix()) for path in known_texts}
    folders = {PurePosixPath(name).parent for name in known}
    texts = [path.relative_to(root) for path in files_with(root, frozenset({".txt"}), deep=True)]
    lone = [
        root / text
        for text in texts
        if composed(text.as_posix()) not in known
        and text.name not in CLASS_LISTS
        and (
            _LABELS in text.parts
            or (PurePosixPath(composed(text.parent.as_posix())) in folders and text.parent != Path())
        )
    ]
    return leave_out("text files without an image", lone)
