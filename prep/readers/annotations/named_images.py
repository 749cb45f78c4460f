"""The image files that annotations name, found in a folder whatever path the name had where it was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError, raise_all
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import open_image_folder
from formats.prepared.source_names import composed
from formats.texts.wording import name_first
from prep.readers.labelled_image import LeftOut, leave_out
from prep.remote.awaited import Awaited
from prep.remote.needs import ending_in
from prep.remote.places import Place

MISSING = "images that are not in the folder"
"""Why --skip-missing leaves some out."""
UNNAMED = "images that no annotation names"
"""Why images of the folder are left out."""


@dataclass(frozen=True)
class NamedImages:
    """The file of each name that was found, its path below the folder (`sources`), and what was left out."""

    paths: dict[str, Path]
    sources: dict[str, str]
    left_out: tuple[LeftOut, ...]


Former = Callable[[Iterable[str], Iterable[str]], Mapping[str, str]]
"""Gives, of names that were not found and the files that are there, what a file was called before."""


def find_named(
    places: Mapping[str, str],
    folder: Place,
    *,
    passed_over: Iterable[str] = (),
    skip_missing: bool = False,
    former: Former | None = None,
    awaited: Awaited | None = None,
    heads: bool = True,
) -> NamedImages:
    """Find images by the names that annotations have for them; `places` says where each name stands, for messages.
    `passed_over` are names that annotations have for files which are left out for another reason, counted elsewhere.

    A name is looked up by its whole path below `folder`, then by ever fewer of its last parts; nothing outside of the
    folder is ever found, and of a folder in S3 only what is found is fetched, or, where images are `awaited`, with
    `heads` enough to read their headers, and else nothing. Files that no annotation names are left out. Raises
    SagesegError for names of which two files may be meant, or two of which mean one file, and for those without a file
    unless they may be skipped.
    """
    there, files_of = _images_of(folder, awaited, heads=heads)
    index = _Index(there)
    found = _look_up(places, index, former)
    several = ((name, candidates) for name, candidates in found.items() if len(candidates) > 1)
    raise_all(
        SagesegError(
            f"{places[name]}: {name} may be {folder}/{candidates[0]} or {candidates[1]}; give the folder below "
            "which the name is a whole path"
        )
        for name, candidates in several
    )
    sources = {name: candidates[0] for name, candidates in found.items()}
    missing = [name for name in places if name not in sources]
    _check_once(sources, places, folder)
    if missing and not (skip_missing and sources):
        raise SagesegError(_told_missing(missing, places, folder))
    known = {source for candidates in _look_up(passed_over, index, former).values() for source in candidates}
    known.update(sources.values())
    unnamed = [source for source in there if source not in known]
    left_out = (*leave_out(MISSING, missing), *leave_out(UNNAMED, [f"{folder}/{source}" for source in unnamed]))
    files = files_of(set(sources.values()))
    return NamedImages({name: files[source] for name, source in sources.items()}, sources, left_out)


def _images_of(
    folder: Place, awaited: Awaited | None, *, heads: bool
) -> tuple[list[str], Callable[[Collection[str]], dict[str, Path]]]:
    """The paths of all images below a folder, and what gives the files of some."""
    if isinstance(folder, Path):
        paths = {image.source: image.path for image in open_image_folder(folder).images}
        return list(paths), lambda wanted: {source: paths[source] for source in wanted}
    from prep.remote.fetching import S3Folder  # boto3 takes a third of a second to load

    remote = S3Folder(folder)
    if awaited is None:
        return ending_in(IMAGE_SUFFIXES)(remote.names), remote.fetch_named
    awaited.add(remote)
    return ending_in(IMAGE_SUFFIXES)(remote.names), lambda wanted: remote.fetch_named(wanted, wanted, heads=heads)


class _Index:
    """The files of a folder by their paths, and by the ends of these."""

    def __init__(self, there: Iterable[str]) -> None:
        self.by_path = {composed(source): source for source in there}
        self._by_end: dict[str, list[str]] = defaultdict(list)
        for path, source in self.by_path.items():
            parts = PurePosixPath(path).parts
            for count in range(1, len(parts)):
                self._by_end["/".join(parts[-count:])].append(source)

    def candidates(self, name: str) -> list[str]:
        """The files that a name may mean."""
        parts = PurePosixPath(composed(name).replace("\\", "/")).parts
        for count in range(len(parts), 0, -1):
            end = "/".join(parts[-count:])
            found = [self.by_path[end]] if end in self.by_path else self._by_end.get(end)
            if found:
                return found
        return []


def _look_up(names: Iterable[str], index: _Index, former: Former | None) -> dict[str, list[str]]:
    """The files that each name may mean, of those that mean any."""
    found = {name: index.candidates(name) for name in names}
    if former:
        before = former([name for name, candidates in found.items() if not candidates], index.by_path)
        found |= {name: index.candidates(other) for name, other in before.items()}
    return {name: candidates for name, candidates in found.items() if candidates}


def _check_once(sources: Mapping[str, str], places: Mapping[str, str], folder: Place) -> None:
    names: dict[str, str] = {}
    twice = [(names[source], name) for name, source in sources.items() if names.setdefault(source, name) != name]
    raise_all(
        SagesegError(f"{places[one]} and {places[other]}: both are {folder}/{sources[other]}; remove one of them")
        for one, other in twice
    )


def _told_missing(missing: list[str], places: Mapping[str, str], folder: Place) -> str:
    return (
        f"{places[missing[0]]}: {len(missing)} of {len(places)} images are not in {folder}: "
        f"{name_first(missing)}; expected them there by these names, or leave them out with --skip-missing"
    )
