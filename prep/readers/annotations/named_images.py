"""The image files that annotations name, found in a folder whatever path the name had where it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError
from formats.prepared.image_folder import open_image_folder
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LeftOut


@dataclass(frozen=True)
class NamedImages:
    """The file of each name that was found, its path below the folder (`sources`), and how many were left out."""

    paths: dict[str, Path]
    sources: dict[str, str]
    left_out: tuple[LeftOut, ...]


def find_named(
    places: Mapping[str, str],
    folder: Path,
    *,
    skip_missing: bool = False,
    former: Callable[[Iterable[str], Iterable[str]], Mapping[str, str]] | None = None,
) -> NamedImages:
    """Find images by the names that annotations have for them; `places` says where each name stands, for messages.
    `former` gives, of the names that were not found and the files, what a file was called before.

    A name is looked up by its whole path below `folder`, then by ever fewer of its last parts; nothing outside of the
    folder is ever found. Files that no annotation names are told. Raises SagesegError for names of which two files may
    be meant, or two of which mean one file, and for those without a file unless they may be skipped.
    """
    found = open_image_folder(folder)
    by_path = {composed(image.source): image.path for image in found.images}
    by_end = _ends(by_path)
    paths = {name: path for name, place in places.items() if (path := _look_up(name, place, by_path, by_end, folder))}
    if former:
        before = former([name for name in places if name not in paths], by_path)
        again = {name: _look_up(other, places[name], by_path, by_end, folder) for name, other in before.items()}
        paths |= {name: path for name, path in again.items() if path}
    missing = [name for name in places if name not in paths]
    _check_once(paths, places)
    if missing and not (skip_missing and paths):
        raise SagesegError(_told_missing(missing, places, folder))
    named = set(paths.values())
    unnamed = [image.source for image in found.images if image.path not in named]
    if unnamed:
        say(f"note: {len(unnamed)} image(s) in {folder} that no annotation names are left out, such as {unnamed[0]}")
    left_out = (LeftOut("images that are not in the folder", len(missing), missing[0]),) if missing else ()
    return NamedImages(paths, {n: path.relative_to(folder).as_posix() for n, path in paths.items()}, left_out)


def _ends(by_path: Iterable[str]) -> dict[str, list[str]]:
    """The paths that end in each sequence of last parts."""
    ends: dict[str, list[str]] = defaultdict(list)
    for path in by_path:
        parts = PurePosixPath(path).parts
        for count in range(1, len(parts)):
            ends["/".join(parts[-count:])].append(path)
    return ends


def _look_up(
    name: str, place: str, by_path: Mapping[str, Path], by_end: Mapping[str, list[str]], folder: Path
) -> Path | None:
    parts = PurePosixPath(composed(name).replace("\\", "/")).parts
    for count in range(len(parts), 0, -1):
        end = "/".join(parts[-count:])
        if end in by_path:
            return by_path[end]
        candidates = by_end.get(end, ())
        if len(candidates) > 1:
            raise SagesegError(
                f"{place}: {name} may be {folder / candidates[0]} or {candidates[1]}; give the folder below which the "
                "name is a whole path"
            )
        if candidates:
            return by_path[candidates[0]]
    return None


def _check_once(paths: Mapping[str, Path], places: Mapping[str, str]) -> None:
    names: dict[Path, str] = {}
    for name, path in paths.items():
        if path in names:
            raise SagesegError(f"{places[names[path]]} and {places[name]}: both are {path}; remove one of them")
        names[path] = name


def _told_missing(missing: list[str], places: Mapping[str, str], folder: Path) -> str:
    shown = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
    return (
        f"{places[missing[0]]}: {len(missing)} of {len(places)} images are not in {folder}: {shown}; expected them "
        "there by these names, or leave them out with --skip-missing"
    )
