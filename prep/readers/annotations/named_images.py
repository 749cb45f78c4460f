"""The image files that annotations name, found in a folder whatever path the name had where it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import open_image_folder
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LeftOut
from prep.remote.needs import ending_in
from prep.remote.places import Place

UNNAMED = "images that no annotation names"
"""The reason why images of the folder are left out."""


@dataclass(frozen=True)
class NamedImages:
    """The file of each name that was found, its path below the folder (`sources`), and how many were left out."""

    paths: dict[str, Path]
    sources: dict[str, str]
    left_out: tuple[LeftOut, ...]


def find_named(
    places: Mapping[str, str],
    folder: Place,
    *,
    skip_missing: bool = False,
    former: Callable[[Iterable[str], Iterable[str]], Mapping[str, str]] | None = None,
    passed_over: Collection[str] = (),
) -> NamedImages:
    """Find images by the names that annotations have for them; `places` says where each name stands, for messages.
    `former` gives, of the names that were not found and the files, what a file was called before. `passed_over` are
    names of images that are left out for another reason, which is counted elsewhere.

    A name is looked up by its whole path below `folder`, then by ever fewer of its last parts; nothing outside of the
    folder is ever found, and of a folder in S3 only what is found is fetched.
    Raises SagesegError for names of which two files may be meant, or two of which mean one file, and for those without
    a file unless they may be skipped.
    """
    there, files_of = _images_of(folder)
    by_path = {composed(source): source for source in there}
    by_end = _ends(by_path)
    sources = {name: s for name, place in places.items() if (s := _look_up(name, place, by_path, by_end, folder))}
    if former:
        before = former([name for name in places if name not in sources], by_path)
        again = {name: _look_up(other, places[name], by_path, by_end, folder) for name, other in before.items()}
        sources |= {name: source for name, source in again.items() if source}
    missing = [name for name in places if name not in sources]
    _check_once(sources, places, folder)
    if missing and not (skip_missing and sources):
        raise SagesegError(_told_missing(missing, places, folder))
    named = set(sources.values())
    passed = [*passed_over, *(former(passed_over, by_path).values() if former else ())]
    known = named | {source for name in passed for source in _candidates(name, by_path, by_end)}
    unnamed = [source for source in there if source not in known]
    left_out = (
        *_left_out("images that are not in the folder", missing),
        *_left_out(UNNAMED, [f"{folder}/{source}" for source in unnamed]),
    )
    files = files_of(named)
    return NamedImages({name: files[source] for name, source in sources.items()}, sources, left_out)


def _left_out(reason: str, names: list[str]) -> tuple[LeftOut, ...]:
    return (LeftOut(reason, len(names), names[0]),) if names else ()


def _images_of(folder: Place) -> tuple[list[str], Callable[[Collection[str]], dict[str, Path]]]:
    """The paths of all images below a folder, and what gives the files of some."""
    if isinstance(folder, Path):
        paths = {image.source: image.path for image in open_image_folder(folder).images}
        return list(paths), lambda wanted: {source: paths[source] for source in wanted}
    from prep.remote.fetching import S3Folder  # boto3 takes a third of a second to load

    remote = S3Folder(folder)
    return ending_in(IMAGE_SUFFIXES)(remote.names), remote.fetch_named


def _ends(by_path: Iterable[str]) -> dict[str, list[str]]:
    """The paths that end in each sequence of last parts."""
    ends: dict[str, list[str]] = defaultdict(list)
    for path in by_path:
        parts = PurePosixPath(path).parts
        for count in range(1, len(parts)):
            ends["/".join(parts[-count:])].append(path)
    return ends


def _look_up(
    name: str, place: str, by_path: Mapping[str, str], by_end: Mapping[str, list[str]], folder: Place
) -> str | None:
    candidates = _candidates(name, by_path, by_end)
    if len(candidates) > 1:
        raise SagesegError(
            f"{place}: {name} may be {folder}/{candidates[0]} or {candidates[1]}; give the folder below which the "
            "name is a whole path"
        )
    return candidates[0] if candidates else None


def _candidates(name: str, by_path: Mapping[str, str], by_end: Mapping[str, list[str]]) -> list[str]:
    """The files that a name may mean, by as many of its last parts as any file has."""
    parts = PurePosixPath(composed(name).replace("\\", "/")).parts
    for count in range(len(parts), 0, -1):
        end = "/".join(parts[-count:])
        if end in by_path:
            return [by_path[end]]
        if end in by_end:
            return [by_path[path] for path in by_end[end]]
    return []


def _check_once(sources: Mapping[str, str], places: Mapping[str, str], folder: Place) -> None:
    names: dict[str, str] = {}
    for name, source in sources.items():
        other = names.setdefault(source, name)
        if other != name:
            raise SagesegError(f"{places[other]} and {places[name]}: both are {folder}/{source}; remove one of them")


def _told_missing(missing: list[str], places: Mapping[str, str], folder: Place) -> str:
    shown = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
    return (
        f"{places[missing[0]]}: {len(missing)} of {len(places)} images are not in {folder}: {shown}; expected them "
        "there by these names, or leave them out with --skip-missing"
    )
