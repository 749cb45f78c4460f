"""Which image belongs to which masks, by the patterns of their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from formats.images import IMAGE_SUFFIXES, JPEG_SUFFIXES
from formats.prepared.source_names import composed
from formats.texts.wording import name_first
from prep.readers.labelled_image import LeftOut, leave_out
from prep.readers.mask_pairs import match_keys, pair_images
from prep.readers.pairs.likely_patterns import suggest_patterns
from prep.readers.pairs.patterns import WHOLE, Named, NamePattern
from prep.readers.source_files import list_files

LOSSY_SUFFIXES = JPEG_SUFFIXES | {".jfif", ".jpe", ".webp"}
"""Files that keep no mask: their values change."""
_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its masks: one, under the class None, or one for each class. `key` is the masks', `image_key` the
    image's."""

    key: str
    image_key: str
    image: Path
    masks: Mapping[str | None, Path]


@dataclass(frozen=True)
class Folders:
    """Where images and masks lie, which may be one folder, and the patterns of their names."""

    images: Path
    masks: Path
    image_name: NamePattern
    mask_name: NamePattern

    @property
    def are_one(self) -> bool:
        return self.images.resolve() == self.masks.resolve()


def find_pairs(folders: Folders, known_classes: Collection[str] = ()) -> tuple[list[Pair], tuple[LeftOut, ...]]:
    """The pairs in order of their keys, and what was left out. `known_classes` tell where a name may be divided
    into stem and class in several ways.

    Raises SagesegError where nothing pairs, with the patterns that would; for a mask without image, two files of one
    name, and masks of a kind that changes colours.
    """
    image_files, mask_files = _files(folders, known_classes)
    images: dict[str, list[Path]] = {}
    for path, readings in image_files.items():
        if readings:
            images.setdefault(readings[0].key, []).append(path)
    masks, unread = _masks(mask_files, images, known_classes)
    odd = [path for path, readings in image_files.items() if not readings]
    if not match_keys(masks, images):
        raise _nothing_pairs(folders, list(image_files), list(mask_files))
    first = {key: next(iter(own.values())) for key, own in masks.items()}
    found, alone = pair_images(first, images, folders.images)
    key_of = {path: key for key, paths in images.items() for path in paths}
    pairs = [Pair(key, key_of[found[key]], found[key], masks[key]) for key in sorted(masks)]
    left_out = (
        *alone,
        *leave_out(f"files in {folders.images} whose names are not {folders.image_name.text}", odd),
        *leave_out(f"files in {folders.masks} whose names are not {folders.mask_name.text}", unread.odd),
        *leave_out("JPEG and WebP files beside masks of the same name", unread.lossy),
    )
    return pairs, left_out


Readings = dict[Path, list[Named]]


def _files(folders: Folders, known_classes: Collection[str]) -> tuple[Readings, Readings]:
    """The files that may be images, and those that may be masks, with the readings of their names."""
    images = list_files(folders.images, IMAGE_SUFFIXES, "<stem>.jpg, the images", deep=True)
    if not folders.are_one:
        masks = list_files(folders.masks, IMAGE_SUFFIXES, "<stem>.png, the masks", deep=True)
        images, masks = (
            _outside(images, folders.images, folders.masks),
            _outside(masks, folders.masks, folders.images),
        )
        return _read(images, folders.images, folders.image_name), _read(masks, folders.masks, folders.mask_name)
    if folders.image_name == folders.mask_name:
        say(f"note: {folders.images}: JPEG and WebP files are taken for the images, and others for their masks")
        return (
            _read([path for path in images if _is_lossy(path)], folders.images, folders.image_name),
            _read([path for path in images if not _is_lossy(path)], folders.masks, folders.mask_name),
        )
    return _divide(
        _read(images, folders.images, folders.image_name),
        _read(images, folders.masks, folders.mask_name),
        known_classes,
    )


def _outside(paths: list[Path], root: Path, inner: Path) -> list[Path]:
    """The files of a folder but for those in another folder that lies in it."""
    if root.resolve() not in inner.resolve().parents:
        return paths
    below = root / inner.resolve().relative_to(root.resolve())
    return [path for path in paths if below not in path.parents]


def _read(paths: Iterable[Path], root: Path, pattern: NamePattern) -> Readings:
    return {path: pattern.readings(_inside(path, root)) for path in paths}


def _inside(path: Path, root: Path) -> str:
    """A file's path in a folder without suffix, in one spelling."""
    return composed(path.relative_to(root).with_suffix("").as_posix())


def _divide(as_images: Readings, as_masks: Readings, known_classes: Collection[str]) -> tuple[Readings, Readings]:
    """The images and the masks of one folder. A mask is what its name says; where that says a class, what can be one of
    another file that is there."""
    owner = {named.key: path for path, readings in as_images.items() for named in readings[:1]}

    def may_be_mask(path: Path, named: Named) -> bool:
        if named.class_name is None:
            return True
        known = not known_classes or named.class_name in known_classes
        return known and not _is_lossy(path) and owner.get(named.key, path) != path

    masks = {
        path: readings for path, readings in as_masks.items() if any(may_be_mask(path, named) for named in readings)
    }
    return {path: readings for path, readings in as_images.items() if path not in masks}, masks


@dataclass(frozen=True)
class _Unread:
    odd: list[Path]
    lossy: list[Path]


def _masks(
    files: Readings, images: Collection[str], known_classes: Collection[str]
) -> tuple[dict[str, dict[str | None, Path]], _Unread]:
    """The masks by key and class, and the files that are none."""
    masks: dict[str, dict[str | None, Path]] = {}
    lossy: dict[Path, Named] = {}
    stems = {PurePosixPath(key).name for key in images}

    def note(file: tuple[Path, list[Named]]) -> None:
        path, readings = file
        named = _one_reading(path, readings, images, stems, known_classes)
        if _is_lossy(path):
            lossy[path] = named
            return
        other = masks.setdefault(named.key, {}).setdefault(named.class_name, path)
        if other != path:
            raise SagesegError(f"{other} and {path.name}: two masks of one image; remove one of them")

    for_all(note, [file for file in files.items() if file[1]])
    raise_all(
        SagesegError(f"{path}: JPEG and WebP change the values of masks; expected PNG: export it again")
        for path, named in lossy.items()
        if named.class_name not in masks.get(named.key, {})
    )
    return masks, _Unread([path for path, readings in files.items() if not readings], list(lossy))


def _one_reading(
    path: Path, readings: list[Named], images: Collection[str], stems: Collection[str], known: Collection[str]
) -> Named:
    """How a mask's name is read: by a class and an image that are there. Raises SagesegError where two are."""
    if len(readings) == 1:
        return readings[0]
    of_class = [named for named in readings if named.class_name in known] or readings
    found = [named for named in of_class if named.key in images]
    found = found or [named for named in of_class if PurePosixPath(named.key).name in stems] or of_class[:1]
    if len(found) > 1:
        ways = " or ".join(f"{named.class_name} of {named.key}" for named in found[:2])
        raise SagesegError(f"{path}: may be {ways}; name the classes with --labels, or rename the file")
    return found[0]


def _is_lossy(path: Path) -> bool:
    return path.suffix.lower() in LOSSY_SUFFIXES


def _nothing_pairs(folders: Folders, images: list[Path], masks: list[Path]) -> SagesegError:
    """No image has a mask: some names of both sides, and the patterns that would pair them."""
    both = [*images, *masks] if folders.are_one and not (images and masks) else []
    image_names = [_inside(path, folders.images) for path in both or images]
    mask_names = [_inside(path, folders.masks) for path in both or masks]
    found = suggest_patterns(image_names, mask_names)
    found = [one for one in found if one[1] != WHOLE.text or one[::-1] not in found]
    ways = " or ".join(
        " ".join(
            f"{option} '{text}'" for option, text in (("--image-name", one), ("--mask-name", other)) if text != "{stem}"
        )
        for one, other in found
    )
    return SagesegError(
        f"{folders.images} and {folders.masks}: no image ({_some(image_names)}) has a mask ({_some(mask_names)}) "
        f"by the names {folders.image_name.text} and {folders.mask_name.text}; "
        + (f"pass {ways}" if ways else "say how they pair with --image-name and --mask-name, such as '{stem}_mask'")
    )


def _some(names: list[str]) -> str:
    return name_first(names, _SHOWN) or "there is none"
