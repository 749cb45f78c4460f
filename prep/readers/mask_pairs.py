"""Images and masks that lie in two folders and have the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError, for_all
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LeftOut, leave_out
from prep.readers.source_files import list_files


def files_by_key(folder: Path, suffixes: frozenset[str], expected: str) -> dict[str, list[Path]]:
    """The files in a folder and those below it, by their key: their paths in it without suffix, in one spelling."""
    found: dict[str, list[Path]] = {}
    for path in list_files(folder, suffixes, expected, deep=True):
        found.setdefault(composed(path.relative_to(folder).with_suffix("").as_posix()), []).append(path)
    return found


def masks_by_key(folder: Path, expected: str) -> dict[str, Path]:
    """The PNG masks in a folder and those below it."""
    found = files_by_key(folder, frozenset({".png"}), expected)
    return dict(zip(found, for_all(_only, found.values()), strict=True))


def pair_images(
    masks: Mapping[str, Path],
    images: Mapping[str, Sequence[Path]],
    folder: Path,
    *,
    unwanted: Collection[str] = (),
) -> tuple[dict[str, Path], tuple[LeftOut, ...]]:
    """The image of each mask, by key, and what was left out. `unwanted` are the keys of masks that are there and were
    left out before.

    Raises SagesegError for a mask without image, and for two images of one name.
    """
    key_of = match_keys(masks, images)

    def find(key: str) -> Path:
        found = images.get(key_of.get(key, key))
        if not found:
            raise SagesegError(f"{masks[key]}: no image {key} in {folder}; add it, or take the mask away")
        return _only(found)

    pairs = dict(zip(masks, for_all(find, masks), strict=True))
    paired = set(pairs.values())
    alone = [path for key, paths in images.items() for path in paths if path not in paired and key not in unwanted]
    return pairs, leave_out("images without a mask", alone)


def match_keys(masks: Collection[str], images: Collection[str]) -> dict[str, str]:
    """The key of the image of each mask that has one: the same, or where masks or images alone lie in folders of their
    own, one of a stem that stands once among both."""
    alike = _stems_once(masks).items() if _in_folders(masks) != _in_folders(images) else ()
    other = _stems_once(images)
    key_of = {key: other[stem] for stem, key in alike if stem in other}
    return {key: key if key in images else key_of[key] for key in masks if key in images or key in key_of}


def _only(paths: Sequence[Path]) -> Path:
    if len(paths) > 1:
        raise SagesegError(f"{paths[0]} and {paths[1].name}: two files of one name; remove one")
    return paths[0]


def _in_folders(keys: Iterable[str]) -> bool:
    return any("/" in key for key in keys)


def _stems_once(keys: Iterable[str]) -> dict[str, str]:
    """The key of each stem that stands once."""
    found: dict[str, list[str]] = {}
    for key in keys:
        found.setdefault(PurePosixPath(key).name, []).append(key)
    return {stem: own[0] for stem, own in found.items() if len(own) == 1}
