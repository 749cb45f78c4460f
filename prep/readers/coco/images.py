"""The images that COCO files declare: their files, sizes, splits and groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError, for_all, raise_all
from formats.images import read_header
from formats.prepared.groups import shared_group
from formats.prepared.source_names import shared_folders
from prep.readers.annotations.named_images import find_named
from prep.readers.coco.document import Declared, Document
from prep.readers.labelled_image import LeftOut
from prep.readers.orientation import PLAIN
from prep.readers.splits import image_groups, splits_of_groups
from prep.remote.awaited import Awaited


@dataclass(frozen=True)
class CocoImage:
    """A declared image that is there: its `index` in its document, its file, its path below the folder of all images,
    and the (width, height) at which it was drawn."""

    document: int
    index: int
    path: Path
    source: str
    size: tuple[int, int]
    group: str
    own_group: str | None


@dataclass(frozen=True)
class CocoImages:
    """The images, in order of their sources, and the split of each group where files tell it."""

    images: tuple[CocoImage, ...]
    splits: dict[str, str]
    left_out: tuple[LeftOut, ...]


def find_images(
    documents: Sequence[Document],
    root: Path,
    *,
    skip_missing: bool,
    group_by: re.Pattern[str] | None,
    awaited: Awaited,
) -> CocoImages:
    """Find the files of all declared images; `root` is the folder above them all. What is `awaited` is fetched of
    images of which no size is declared.

    Groups are of names as the files have them, whose shared first folders tell nothing: where they are on this disk
    says nothing of what belongs together. Raises SagesegError for an image that two entries declare.
    """
    paths, left_out = _paths(documents, skip_missing=skip_missing)
    found = [
        (number, index, declared, paths[number, declared.name])
        for number, document in enumerate(documents)
        for index, declared in enumerate(document.images.values())
        if (number, declared.name) in paths
    ]
    _check_once([(path, declared.place) for _, _, declared, path in found])
    sources = [path.relative_to(root).as_posix() for *_, path in found]
    keys = [_without_suffix(source) for source in sources]
    shared = shared_folders([declared.name for _, _, declared, _ in found])
    names = [_without_suffix(PurePosixPath(*PurePosixPath(each.name).parts[shared:])) for _, _, each, _ in found]
    told = [documents[number].file.split for number, *_ in found]
    of_key = {key: split for key, split in zip(keys, told, strict=True) if split}
    groups = image_groups(dict(zip(keys, names, strict=True)), of_key, group_by)
    awaited.fetch(path for _, _, declared, path in found if not declared.size)
    sizes = for_all(lambda one: _size(one[2], one[3]), found)
    images = (
        CocoImage(number, index, path, source, size, groups[key], shared_group(PurePosixPath(name)))
        for (number, index, _, path), source, size, key, name in zip(found, sources, sizes, keys, names, strict=True)
    )
    ordered = tuple(sorted(images, key=lambda image: image.source))
    return CocoImages(ordered, splits_of_groups(of_key, groups), left_out)


def _paths(
    documents: Sequence[Document], *, skip_missing: bool
) -> tuple[dict[tuple[int, str], Path], tuple[LeftOut, ...]]:
    """The file of each name by its document's number. Documents that share a folder are looked up together: what one of
    them names is not left out because the others do not."""
    paths: dict[tuple[int, str], Path] = {}
    left_out: list[LeftOut] = []
    for folder in dict.fromkeys(document.file.images for document in documents):
        own = [number for number, document in enumerate(documents) if document.file.images == folder]
        places: dict[str, str] = {}
        every = [declared for number in own for declared in documents[number].images.values()]
        twice = [each for each in every if places.setdefault(each.name, each.place) != each.place]
        raise_all(
            SagesegError(f"{places[each.name]} and {each.place}: both are {each.name}; remove one of them")
            for each in twice
        )
        named = find_named(places, folder, skip_missing=skip_missing)
        paths |= {
            (n, d.name): named.paths[d.name] for n in own for d in documents[n].images.values() if d.name in named.paths
        }
        left_out += named.left_out
    return paths, tuple(left_out)


def _check_once(found: Sequence[tuple[Path, str]]) -> None:
    places: dict[Path, str] = {}
    twice = [(path, place) for path, place in found if places.setdefault(path, place) != place]
    raise_all(SagesegError(f"{places[path]} and {place}: both are {path}; remove one of them") for path, place in twice)


def _without_suffix(path: str | PurePosixPath) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()


def _size(declared: Declared, path: Path) -> tuple[int, int]:
    """The size that the file tells; else that of the image."""
    if declared.size:
        return declared.size
    header = read_header(path)
    if header.orientation != PLAIN:
        raise SagesegError(
            f"{declared.place}: no width and height, and EXIF turns {path.name}, so nobody can say which way up it was "
            "labelled; add them"
        )
    return header.size
