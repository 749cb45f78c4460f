"""A folder of images: one rule for what it is, for all who are given one."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from formats.errors import SagesegError, cannot_use
from formats.images import IMAGE_SUFFIXES
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.prepared.source_names import name_sources
from formats.texts.given_files import refuse_zip

_ANY_IMAGE = f"{', '.join(sorted(IMAGE_SUFFIXES))} files"


@dataclass(frozen=True)
class FoundImage:
    """An image file; `source` is its path below the folder, with `/`, and `name` what its files are called."""

    path: Path
    source: str
    name: str


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, in order of their paths, and the files in it that are none."""

    root: Path
    images: tuple[FoundImage, ...]
    left_out: tuple[Path, ...]

    def note(self) -> str | None:
        """What was left out, for a person; None where nothing was."""
        if not self.left_out:
            return None
        return f"note: {self.root}: images found: {len(self.images)}; left out as no image: {_kinds(self.left_out)}"


def _kinds(files: Sequence[Path]) -> str:
    """`2 .json, 1 hidden`."""
    kinds = Counter(_kind(path) for path in files)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _kind(path: Path) -> str:
    return "hidden" if path.name.startswith(".") else path.suffix.lower() or "without a suffix"


def open_image_folder(root: Path, *, deep: bool = True, expected: str = _ANY_IMAGE) -> ImageFolder:
    """Find the images in a folder and, with `deep`, in those below it.

    An image is a file whose name ends as one (`IMAGE_SUFFIXES`, capital letters or not) and does not begin
    with a point: a Mac's `._a.jpg` is none. Raises SagesegError where there is no image, for names that cannot
    be told apart, and for a link that leads nowhere or in a circle.
    """
    refuse_zip(root, "a folder of images")
    if not root.is_dir():
        told = "a file, and no folder" if root.is_file() else "no such folder"
        raise SagesegError(f"{root}: {told}; expected one of images")
    files = list(walk(root, deep=deep))
    images = [path for path in files if is_image(path)]
    if not images:
        there = f" ({_kinds(files)})" if files else ""
        raise SagesegError(f"{root}: no image in it{there}; expected {expected}")
    sources = {path.relative_to(root).as_posix(): path for path in images}
    names = name_sources(list(sources))
    found = tuple(FoundImage(path, source, names[source]) for source, path in sources.items())
    ours = root / GEOREFERENCE
    return ImageFolder(root, found, tuple(path for path in files if not is_image(path) and path != ours))


def open_images(places: Sequence[Path]) -> ImageFolder:
    """The images of several folders and files, in the order in which they are named, each once; their sources are
    paths below the folder that holds them all. One folder is as `open_image_folder` says.

    Raises SagesegError as that does, and for a file that is not there or does not end as an image.
    """
    if len(places) == 1 and not places[0].is_file():
        return open_image_folder(places[0])
    found: dict[Path, None] = {}
    left_out: list[Path] = []
    for place in places:
        if place.is_dir():
            folder = open_image_folder(place)
            found.update(dict.fromkeys(image.path for image in folder.images))
            left_out += folder.left_out
            continue
        if not place.is_file():
            raise SagesegError(f"{place}: not found; expected an image or a folder of images")
        if not is_image(place):
            raise SagesegError(f"{place}: not a name of an image; expected {_ANY_IMAGE}")
        found[place] = None
    root = Path(os.path.commonpath([_plain(place if place.is_dir() else place.parent) for place in places]))
    sources: dict[str, Path] = {}
    for path in found:
        sources.setdefault(_plain(path).relative_to(root).as_posix(), path)
    names = name_sources(list(sources))
    images = tuple(FoundImage(path, source, names[source]) for source, path in sources.items())
    return ImageFolder(root, images, tuple(left_out))


def _plain(path: Path) -> Path:
    """An absolute path without `..`."""
    return Path(os.path.normpath(path.absolute()))


def is_image(path: Path) -> bool:
    return _ends_as(path, IMAGE_SUFFIXES)


def files_with(root: Path, suffixes: frozenset[str], *, deep: bool) -> list[Path]:
    """The files of these suffixes, in small letters, that are not hidden, as `walk` finds them."""
    return [path for path in walk(root, suffixes, deep=deep) if _ends_as(path, suffixes)]


def _ends_as(path: Path, suffixes: frozenset[str]) -> bool:
    return path.suffix.lower() in suffixes and not path.name.startswith(".")


def walk(root: Path, suffixes: frozenset[str] = IMAGE_SUFFIXES, *, deep: bool) -> list[Path]:
    """The files in a folder and, with `deep`, in those below it that are not hidden, in order of their paths; links
    are followed. Raises SagesegError for a link in a circle, and where a name ends in one of `suffixes` for a link
    that leads nowhere, and letters that text files cannot hold."""
    return list(_walk(root, suffixes, deep, (root.resolve(),)))


def _walk(folder: Path, suffixes: frozenset[str], deep: bool, above: tuple[Path, ...]) -> Iterator[Path]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=attrgetter("name"))
    for entry in entries:  # it is asked, and not its path, which would keep its text from then on
        path = folder / entry.name
        wanted = _ends_as(path, suffixes)
        mode = _mode(entry, wanted)
        if stat.S_ISREG(mode):
            if wanted and not entry.name.isprintable():
                raise SagesegError(f"{folder}: the name {entry.name!a} is not printable text; rename the file")
            yield path
        elif stat.S_ISDIR(mode) and deep and not entry.name.startswith("."):
            real = path.resolve()
            if real in above:
                raise SagesegError(f"{path}: a link back to {real}, in a circle; remove it")
            yield from _walk(path, suffixes, deep, (*above, real))


def _mode(entry: os.DirEntry[str], wanted: bool) -> int:
    try:
        return entry.stat().st_mode
    except OSError as e:
        if wanted and e.errno == errno.EACCES:
            raise cannot_use(e) from e
        if wanted:
            raise SagesegError(f"{entry.path}: cannot be read ({e.strerror}); mend or remove the link") from e
        return 0
