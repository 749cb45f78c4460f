"""The files that a manifest refers to: in S3, in a folder that was synced from there, or beside the manifest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from os.path import commonpath
from pathlib import Path

from formats.errors import Faults, SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.image_folder import files_with
from formats.texts.wording import name_first
from prep.readers.annotations.named_images import MISSING, find_named
from prep.readers.labelled_image import LeftOut, leave_out
from prep.remote.awaited import Awaited
from prep.remote.places import Place, S3Place, parse_place


@dataclass(frozen=True)
class References:
    """What the lines refer to, each with its place in the manifest: images and masks. `images_in` and `masks_in` are
    the folders in which they are looked for, where these are named; masks are looked for among the images, too."""

    images: Mapping[str, str]
    masks: Mapping[str, str]
    images_in: Place | None
    masks_in: Place | None


@dataclass(frozen=True)
class Files:
    """The file of each reference that was found, of each image its path below the folder of all, and what was left
    out."""

    paths: dict[str, Path]
    sources: dict[str, str]
    left_out: tuple[LeftOut, ...]


def find_files(
    refs: References, beside: Place, *, others: Collection[str], skip_missing: bool, awaited: Awaited | None
) -> Files:
    """Find all files; those in S3 are fetched, or `awaited`. `beside` is the folder of the manifest, in which what is
    no place in S3 is looked for; `others` are references that are not wanted.

    Raises SagesegError, naming the line, for a reference that may not be read and for a file that is not there; images
    may be passed over with `skip_missing`.
    """
    groups: dict[Place | None, dict[str, str]] = {}
    for named, folder in ((refs.images, refs.images_in), (refs.masks, refs.masks_in or refs.images_in)):
        for ref, where in named.items():
            is_remote = not isinstance(_place(ref, where), Path)
            groups.setdefault(folder or (None if is_remote else beside), {})[ref] = where
    paths: dict[str, Path] = {}
    sources: dict[str, str] = {}
    left_out: list[LeftOut] = []
    for target, wanted in groups.items():
        if target is None:
            fetched = _in_s3(wanted, refs, awaited, skip_missing=skip_missing)
            paths |= fetched
            left_out += leave_out(MISSING, [ref for ref in wanted if ref in refs.images and ref not in fetched])
        else:
            if isinstance(target, Path) and not files_with(target, IMAGE_SUFFIXES, deep=True):
                raise SagesegError(
                    f"{next(iter(wanted.values()))}: no image in {target}; name the folder of the images with "
                    "--images, and that of the masks, where it is another, with --masks"
                )
            names = {_name(ref): where for ref, where in wanted.items()}
            not_wanted = [ref.removeprefix("s3://") for ref in others]
            found = find_named(names, target, passed_over=not_wanted, skip_missing=True, awaited=awaited, heads=False)
            ours = [ref for ref in wanted if _name(ref) in found.paths]
            paths |= {ref: found.paths[_name(ref)] for ref in ours}
            sources |= {ref: found.sources[_name(ref)] for ref in ours}
            left_out += found.left_out
    _check_found(refs, paths, skip_missing=skip_missing)
    images = [ref for ref in refs.images if ref in paths]
    below = _below(ref for ref in images if ref not in sources)
    return Files(paths, {ref: sources.get(ref) or below[ref] for ref in images}, tuple(left_out))


def _place(ref: str, where: str) -> Place:
    try:
        return parse_place(ref)
    except SagesegError as e:
        raise SagesegError(f"{where}: {e}") from e


def _name(ref: str) -> str:
    """A reference as a path, whose end is looked for in a folder."""
    place = parse_place(ref)
    return ref if isinstance(place, Path) else f"{place.bucket}/{place.key}"


def _in_s3(
    wanted: Mapping[str, str], refs: References, awaited: Awaited | None, *, skip_missing: bool
) -> dict[str, Path]:
    from prep.remote.cache import NotFetchedError  # boto3 takes a third of a second to load
    from prep.remote.fetching import await_objects, fetch_objects

    places = {place: ref for ref in wanted if isinstance(place := parse_place(ref), S3Place)}

    def told(place: S3Place, error: NotFetchedError) -> SagesegError:
        ref = places[place]
        option = "--images" if ref in refs.images else "--masks"
        return SagesegError(f"{wanted[ref]}: {error}; or name a folder that has it with {option}")

    try:
        found = fetch_objects(places) if awaited is None else await_objects(places, awaited)
    except NotFetchedError as e:
        raise told(next(place for place in places if place.key == e.key), e) from e
    paths: dict[str, Path] = {}
    faults = Faults()
    for place, file in found.items():
        if isinstance(file, Path):
            paths[places[place]] = file
        elif not (skip_missing and places[place] in refs.images):
            faults.add(told(place, file))
    faults.check()
    return paths


def _check_found(refs: References, paths: Mapping[str, Path], *, skip_missing: bool) -> None:
    images = [] if skip_missing else [ref for ref in refs.images if ref not in paths]
    masks = [ref for ref in refs.masks if ref not in paths]
    for missing, places, word, cure in (
        (images, refs.images, "image", "name their folder with --images, or leave them out with --skip-missing"),
        (masks, refs.masks, "mask", "name their folder with --masks"),
    ):
        if missing:
            raise SagesegError(
                f"{places[missing[0]]}: its {word} {missing[0]} is not there, as are {len(missing)} {word}(s) in all: "
                f"{name_first(missing)}; {cure}"
            )


def _below(refs: Iterable[str]) -> dict[str, str]:
    """The path of each object below the folder, in S3, that holds all of them."""
    whole = {ref: ref.removeprefix("s3://") for ref in refs}
    return dict(zip(whole, below_all(whole.values()), strict=True))


def below_all(paths: Iterable[str]) -> list[str]:
    """Paths below the folder that holds all of them."""
    every = list(paths)
    shared = commonpath([path.rpartition("/")[0] for path in every]) if every else ""
    return [path.removeprefix(f"{shared}/") for path in every]
