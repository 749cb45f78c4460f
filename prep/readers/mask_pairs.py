"""Images and masks that lie in two folders and have the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError
from formats.prepared.source_names import composed
from prep.readers.source_files import list_files


def files_by_key(folder: Path, suffixes: frozenset[str], expected: str) -> dict[str, list[Path]]:
    """The files in a folder and those below it, by their key: their paths in it without suffix, in one spelling."""
    found: dict[str, list[Path]] = {}
    for path in list_files(folder, suffixes, expected, deep=True):
        found.setdefault(composed(path.relative_to(folder).with_suffix("").as_posix()), []).append(path)
    return found


def masks_by_key(folder: Path, expected: str) -> dict[str, Path]:
    """The PNG masks in a folder and those below it."""
    return {key: _only(paths) for key, paths in files_by_key(folder, frozenset({".png"}), expected).items()}


def pair_images(
    masks: Mapping[str, Path],
    images: Mapping[str, Sequence[Path]],
    folder: Path,
    *,
    left_out: Collection[str] = (),
) -> dict[str, Path]:
    """The image of each mask, by key. Where masks or images alone lie in folders of their own, by a stem that stands
    once among both. `left_out` are the keys of masks that are there and not wanted.

    Raises SagesegError for a mask without image, and for two images of one name.
    """
    alike = _stems_once(masks).items() if _in_folders(masks) != _in_folders(images) else ()
    other = _stems_once(images)
    key_of = {key: other[stem] for stem, key in alike if stem in other}
    pairs = {}
    for key, mask in masks.items():
        found = images.get(key) or images.get(key_of.get(key, key))
        if not found:
            raise SagesegError(f"{mask}: no image {key} in {folder}; add it, or take the mask away")
        pairs[key] = _only(found)
    paired = set(pairs.values())
    alone = [path for key, paths in images.items() for path in paths if path not in paired and key not in left_out]
    if alone:
        say(f"note: {len(alone)} image(s) in {folder} without a mask are left out, such as {alone[0].name}")
    return pairs


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
