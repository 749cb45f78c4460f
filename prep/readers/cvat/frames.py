"""Which image file each image or frame of CVAT's is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from formats.images import IMAGE_SUFFIXES
from formats.prepared.frame_names import parse_frame_name
from formats.prepared.image_folder import open_image_folder
from prep.readers.annotations.named_images import NamedImages, find_named
from prep.readers.cvat.document import Document, Entry
from prep.readers.labelled_image import LeftOut, leave_out

_CVATS_FRAME = re.compile(r"(?:.*[_-])?frame_(\d{6,})", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """The file of each image or frame by its key (an image's place in the file, a frame's number), its path below the
    folder, and what is left out."""

    paths: dict[int, Path]
    sources: dict[int, str]
    left_out: tuple[LeftOut, ...]


def find_images(document: Document, folder: Path, *, skip_missing: bool) -> Found:
    """The files of images "for images": by name, below the folder of the subset where there is one, as CVAT exports a
    project. A name without suffix, which a video's frames have, is a file's stem, or its number says the frame.

    Raises SagesegError as `find_named` does, and for two images of one name.
    """
    sources = [image.source for image in open_image_folder(folder).images]
    by_stem = {source.rpartition(".")[0]: source for source in sources}
    every = (*document.images, *document.passed_over)
    told = [_told_name(image, folder) for image in every]
    whole = [name if _has_suffix(name) else by_stem.get(name) for name in told]
    by_number = numbered(sources, folder) if None in whole else {}
    settled = [own or by_number.get(_number(name), name) for own, name in zip(whole, told, strict=True)]
    names: dict[str, int] = {}
    twice = [key for key in range(len(document.images)) if names.setdefault(settled[key], key) != key]
    raise_all(
        SagesegError(
            f"{document.path}: two images are called {document.images[key].name}, numbers {names[settled[key]] + 1} "
            f"and {key + 1}; export the tasks of a project one by one"
        )
        for key in twice
    )
    places = {name: document.images[key].place for name, key in names.items()}
    found = find_named(places, folder, passed_over=settled[len(names) :], skip_missing=skip_missing)
    for_all(lambda own: _check_subset(document.images[own[1]], own[0], found), names.items())
    return _by_key(found, names)


def _has_suffix(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _told_name(image: Entry, folder: Path) -> str:
    """An image's name, in the folder of its subset where there is one."""
    return f"{image.subset}/{image.name}" if image.subset and (folder / image.subset).is_dir() else image.name


def _check_subset(image: Entry, name: str, found: NamedImages) -> None:
    """A name that begins with a subset's folder must be found there: others may hold a file of that name."""
    if name != image.name and name in found.sources and name.startswith(f"{image.subset}/"):
        source = found.sources[name]
        if not source.startswith(f"{image.subset}/"):
            raise SagesegError(f"{image.place}: not in the folder {image.subset}, but there is {source}; put it there")


def find_frames(document: Document, folder: Path, *, skip_missing: bool) -> Found:
    """The files of a video's frames: by the number that CVAT (`frame_000012`) or prep frames (`…_f000012`) gave them;
    else the images in order of their paths are the frames in order, if they are as many.

    Raises SagesegError where neither holds, and for shapes on frames that are not there unless they may be skipped.
    """
    if document.meta.tasks > 1:
        raise SagesegError(
            f"{document.path}: tracks of {document.meta.tasks} tasks, whose frames have the same numbers; export the "
            'tasks one by one, or the project as "CVAT for images 1.1"'
        )
    numbers = document.meta.frames or range(0)
    sources = [image.source for image in open_image_folder(folder).images]
    by_number = numbered(sources, folder) or _in_order(sources, numbers, document, folder)
    wanted = sorted({*numbers, *document.frames} - document.unclear)
    names = {by_number.get(number, f"frame_{number:06}"): number for number in wanted}
    places = {name: f"{document.path}: frame {number}" for name, number in names.items()}
    passed_over = [by_number[number] for number in document.unclear if number in by_number]
    found = _by_key(find_named(places, folder, passed_over=passed_over, skip_missing=skip_missing), names)
    return replace(found, left_out=(*_unclear(document), *found.left_out))


def _unclear(document: Document) -> tuple[LeftOut, ...]:
    reason = "frames without a shape of a track that goes on, deleted in CVAT or between keyframes"
    return leave_out(reason, [f"{document.path}: frame {number}" for number in sorted(document.unclear)])


def _by_key(found: NamedImages, names: Mapping[str, int]) -> Found:
    return Found(
        {key: found.paths[name] for name, key in names.items() if name in found.paths},
        {key: found.sources[name] for name, key in names.items() if name in found.sources},
        found.left_out,
    )


def numbered(sources: Sequence[str], folder: Path) -> dict[int | None, str]:
    """The images by the numbers of frames in their names; none at all where one has none. Raises SagesegError for two
    of one number."""
    found: dict[int | None, str] = {}
    for source in sources:
        number = _number(source.rpartition(".")[0])
        if number is None:
            return {}
        if number in found:
            raise SagesegError(
                f"{folder}: {found[number]} and {source} are both frame {number}; give the folder of one video alone"
            )
        found[number] = source
    return found


def _number(path: str) -> int | None:
    """The number of a frame by its path without suffix."""
    stem = PurePosixPath(path).name
    frame = parse_frame_name(stem)
    if frame:
        return frame.frame
    match = _CVATS_FRAME.fullmatch(stem)
    return int(match[1]) if match else None


def _in_order(
    sources: Sequence[str], numbers: Sequence[int], document: Document, folder: Path
) -> dict[int | None, str]:
    if not numbers or len(sources) != len(numbers):
        said = "no count of frames" if not numbers else f"{len(numbers)} frames"
        raise SagesegError(
            f"{document.path}: {said}, but {folder} has {len(sources)} images, whose names say no frame; name them as "
            'CVAT exports them, frame_000000 and so on, or export as "CVAT for images 1.1"'
        )
    say(f"note: {folder}: the {len(sources)} images, in order of their names, are the frames of {document.path.name}")
    return dict(zip(numbers, sorted(sources), strict=True))
