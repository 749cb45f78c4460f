"""The lists of VOC's ImageSets/Segmentation: which images, and their split."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.dataset import SPLITS
from formats.errors import SagesegError, for_all
from formats.images import IMAGE_SUFFIXES
from formats.prepared.source_names import composed
from formats.texts.given_files import read_text
from formats.texts.wording import name_first
from prep.readers.labelled_image import LeftOut, count_left_out
from prep.readers.splits import LEFT_OUT, ROLE_WORDS, UNDIVIDED, likely_split, role_of, splits_of_images

_FOLDERS = re.compile(r"(?:.*/)?(?:JPEGImages|SegmentationClass\w*)/")
_PAIR = re.compile(r"(\S+)\s+(\S+)")
_LINE_OF_MAIN = re.compile(r"(.+?)\s+-?[01]")


@dataclass(frozen=True)
class ImageSets:
    """What the lists say: the split of each image by its key, or which images alone; `chosen` is None where no list
    says it. `undecided` tells why lists that are there are no split; `left_out` are images that they name and nobody
    labelled."""

    splits: dict[str, str] = field(default_factory=dict)
    chosen: frozenset[str] | None = None
    undecided: str = ""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class _List:
    """One file, what it is (a split, or a choice), the keys of its images, and the places of others that have no
    mask."""

    path: Path
    role: str
    keys: frozenset[str]
    secret: tuple[str, ...] = ()


def read_voc_image_sets(root: Path, keys: Collection[str], asked: Mapping[str, str]) -> ImageSets:
    """Read the lists. `keys` are the masks' paths in their folder, without suffix; `asked` is what --image-set says,
    split (or none) by the name of a list.

    Raises SagesegError for a list whose name says no split, for two that differ and are of one split, for an image that
    stands twice, and for one without mask (in test it is left out: VOC keeps those secret).
    """
    folder = _below(_below(root, "ImageSets"), "Segmentation")
    roles = _roles(folder, asked)
    if not roles:
        return ImageSets(undecided="" if asked else _elsewhere(root))
    index = _Index(keys)
    read = for_all(lambda one: _read(*one, index), roles.items())
    secret = ((f"images without a mask in {one.path.name}", place) for one in read for place in one.secret)
    return replace(_sets([one for one in read if one.keys], folder), left_out=count_left_out(secret))


def _sets(lists: Sequence[_List], folder: Path) -> ImageSets:
    if not lists:
        return ImageSets(undecided=f"{folder}: its lists name no image")
    splits = _merged([one for one in lists if one.role != UNDIVIDED], folder)
    if not splits:
        chosen = frozenset[str]().union(*(one.keys for one in lists))
        say(f"note: {lists[0].path}: says which images, and not their split, which is drawn")
        return ImageSets(chosen=chosen)
    _check_choices([one for one in lists if one.role == UNDIVIDED], splits)
    return _settled(splits, lists, folder)


def _settled(splits: dict[str, str], lists: Sequence[_List], folder: Path) -> ImageSets:
    found = set(splits.values())
    chosen = frozenset(splits)
    if len(found) == 1:
        names = " and ".join(one.path.name for one in lists)
        return ImageSets(chosen=chosen, undecided=f"{folder}: only {names} is there, so no image is for another split")
    if "train" not in found:
        raise SagesegError(f"{folder}: no list is of train; name one with --image-set NAME=train")
    return ImageSets(splits, chosen)


def _below(folder: Path, name: str) -> Path:
    """A folder's folder of that name, whatever its letter case."""
    if (folder / name).is_dir() or not folder.is_dir():
        return folder / name
    found = sorted(path for path in folder.iterdir() if path.name.casefold() == name.casefold() and path.is_dir())
    return found[0] if found else folder / name


def _elsewhere(root: Path) -> str:
    """Why lists that lie elsewhere are no split, "" where there are none."""
    sets = _below(root, "ImageSets")
    inside = sorted(path for path in sets.rglob("*.txt") if not path.name.startswith(".")) if sets.is_dir() else []
    beside = sorted(path for path in (*root.glob("*.txt"), *root.glob("*/*.txt")) if role_of(path.stem) in SPLITS)
    for path in (*inside, *beside):
        return f"{path}: lies outside {sets.name}/Segmentation, where lists are read: move it there"
    return ""


def _roles(folder: Path, asked: Mapping[str, str]) -> dict[Path, str]:
    """What each list is, but for those that are left out."""
    visible = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    files = [path for path in visible if path.suffix.casefold() == ".txt"]
    for path in visible:
        if path not in files and path.is_file() and role_of(path.stem):
            raise SagesegError(f"{path}: expected a list of images as {path.stem}.txt; rename it or take it away")
    named = {_named(name, files, folder): role for name, role in asked.items()}
    roles = {path: named.get(path) or role_of(path.stem) for path in files}
    unknown = [path for path, role in roles.items() if not role]
    if unknown:
        names = ", ".join(path.name for path in unknown)
        known = ", ".join(word for words in ROLE_WORDS.values() for word in words)
        example = f"{unknown[0].stem.strip()}={likely_split(unknown[0].stem)}"
        raise SagesegError(
            f"{folder}: {names}: no split by its name, which would be one of {known}; say what it is with --image-set "
            f"{example} (train, val, test, or {LEFT_OUT} to leave it out)"
        )
    return {path: role for path, role in roles.items() if role != LEFT_OUT}


def _named(name: str, files: Sequence[Path], folder: Path) -> Path:
    exact = [path for path in files if name in (path.stem, path.name)]
    found = exact or [path for path in files if name.casefold() in (path.stem.casefold(), path.name.casefold())]
    if len(found) != 1:
        there = ", ".join(path.stem for path in files) or "no list"
        raise SagesegError(f"--image-set {name}: expected one of the lists in {folder}, which has {there}")
    return found[0]


class _Index:
    """Finds the key of an image that a list names: by its path, with or without folder and suffix, or by its stem."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = frozenset(keys)
        self._by_stem: dict[str, list[str]] = {}
        for key in sorted(keys):
            self._by_stem.setdefault(PurePosixPath(key).name, []).append(key)
        self._flat = not any("/" in key for key in keys)

    def of_line(self, line: str, where: str) -> str | None:
        """The key, None for an image without mask. Raises SagesegError for a line that says two things, or nothing
        clear."""
        pair = _PAIR.fullmatch(line)
        if pair and line not in self._keys and all(_has_suffix(name) for name in pair.groups()):
            found = {self._find(name, where) for name in pair.groups()}
            if len(found) > 1:
                raise SagesegError(f"{where}: {line}: image and mask are of two names; expected those of one image")
            return found.pop()
        key = self._find(line, where)
        of_main = _LINE_OF_MAIN.fullmatch(line)
        if key is None and of_main and self._find(of_main[1], where):
            raise SagesegError(
                f"{where}: {line!r}: a line of ImageSets/Main, which says whether a class is in the image; expected "
                "the image alone: take the last column away"
            )
        return key

    def _find(self, written: str, where: str) -> str | None:
        path = _FOLDERS.sub("", written.replace("\\", "/").removeprefix("./"), count=1).lstrip("/")
        for name in (path, path.rpartition(".")[0]) if _has_suffix(path) else (path,):
            if name in self._keys:
                return name
            stem = PurePosixPath(name).name
            alike = self._by_stem.get(stem, []) if self._flat or stem == name else []
            if len(alike) > 1:
                raise SagesegError(f"{where}: {written}: stands for {alike[0]} and {alike[1]}; write the folder too")
            if alike:
                return alike[0]
        return None


def _has_suffix(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _read(path: Path, role: str, index: _Index) -> _List:
    keys: set[str] = set()
    secret: list[str] = []

    def note(numbered: tuple[int, str]) -> None:
        place, line = f"{path}: line {numbered[0]}", numbered[1]
        key = index.of_line(line, place)
        if key is None and role != "test":
            raise SagesegError(f"{place}: {line} has no mask in SegmentationClass; add it or take it out")
        if key is None:
            secret.append(f"{place}: {line}")
        elif key in keys:
            raise SagesegError(f"{place}: {key} stands there twice; remove one line")
        else:
            keys.add(key)

    lines = enumerate(read_text(path, "one image per line").splitlines(), start=1)
    for_all(note, [(number, composed(text.strip())) for number, text in lines if text.strip()])
    if not keys and not secret:
        say(f"note: {path}: names no image and is left out")
    return _List(path, role, frozenset(keys), tuple(secret))


def _merged(lists: Iterable[_List], folder: Path) -> dict[str, str]:
    """The split of each image. Two lists of one split must be equal."""
    by_split: dict[str, _List] = {}
    for one in lists:
        other = by_split.setdefault(one.role, one)
        if other.keys != one.keys:
            raise SagesegError(
                f"{folder}: {other.path.name} and {one.path.name} are both of {one.role} and differ; leave one out "
                f"with --image-set {one.path.stem}={LEFT_OUT}"
            )
    known = [(split, by_split[split]) for split in SPLITS if split in by_split]
    return splits_of_images((str(one.path), key, split) for split, one in known for key in sorted(one.keys))


def _check_choices(choices: Iterable[_List], splits: Mapping[str, str]) -> None:
    """A list without split may only repeat what others hold."""
    for one in choices:
        more = sorted(one.keys - splits.keys())
        if more:
            raise SagesegError(
                f"{one.path}: {len(more)} of its images stand in no list of a split: {name_first(more)}; say what "
                f"it is with --image-set {one.path.stem}=train, or {LEFT_OUT} to leave it out"
            )
