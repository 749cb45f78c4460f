"""A folder of images: one rule for what it is, for all who are given one."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.source_names import name_sources


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
        kinds = Counter(_kind(path) for path in self.left_out)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return f"note: {self.root}: images found: {len(self.images)}; left out as no image: {told}"


def _kind(path: Path) -> str:
    return "hidden" if path.name.startswith(".") else path.suffix.lower() or "without a suffix"


def open_image_folder(root: Path) -> ImageFolder:
    """Find the images in a folder and in those below it.

    An image is a file whose name ends as one (`IMAGE_SUFFIXES`, capital letters or not) and does not begin
    with a point: a Mac's `._a.jpg` is none. Raises SagesegError where there is no image, and for names that
    cannot be told apart.
    """
    if not root.is_dir():
        raise SagesegError(f"{root}: no such folder; expected one of images")
    files = sorted(walk(root), key=lambda path: path.parts)
    images = [path for path in files if is_image(path)]
    if not images:
        raise SagesegError(f"{root}: no image in it; expected {', '.join(sorted(IMAGE_SUFFIXES))} files")
    sources = {path.relative_to(root).as_posix(): path for path in images}
    names = name_sources(list(sources))
    found = tuple(FoundImage(path, source, names[source]) for source, path in sources.items())
    return ImageFolder(root, found, tuple(path for path in files if not is_image(path)))


def is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def walk(folder: Path, above: Iterable[Path] = ()) -> Iterator[Path]:
    """The files in a folder and in those below it; links are followed. Raises SagesegError for a link that
    leads nowhere or in a circle."""
    real = folder.resolve()
    if real in above:
        raise SagesegError(f"{folder}: a link back to {real}, in a circle; remove it")
    for path in folder.iterdir():
        try:
            mode = path.stat().st_mode
        except OSError as e:
            raise SagesegError(f"{path}: cannot be read ({e.strerror}); mend or remove the link") from e
        if stat.S_ISDIR(mode):
            yield from walk(path, (*above, real))
        elif stat.S_ISREG(mode):
            yield path
