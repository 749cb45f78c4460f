"""What the values of a folder's masks mean: class ids, 0 and 255, or whatever values there are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.plain.mask_file import MaskLook
from formats.classes import BACKGROUND, IGNORE, IGNORE_NAME, ClassTable, class_table
from formats.console import say
from formats.errors import SagesegError
from formats.given_files import read_text
from formats.wording import name_first

MOST_VALUES = 64
"""More different values are grey levels or probabilities, and no classes that nobody named."""
_LIGHT = 128
"""Of two values the other than 0 is foreground, whatever the number, if it is as light as this."""
_BACKGROUND_WORDS = ("background", "bg", "unlabeled", "unlabelled")
_COLOURED = re.compile(r"[:,;\t ]\s*\d+\s*[,;\t ]\s*\d+\s*[,;\t ]\s*\d+")


@dataclass(frozen=True)
class FolderMasks:
    """The masks of a folder, looked at: for each file the value of each of its keys."""

    root: Path
    looks: Mapping[Path, MaskLook]
    values: Mapping[Path, Mapping[int, int]]

    def found(self) -> set[int]:
        return {value for own in self.values.values() for value in own.values()}

    def ids(self, path: Path, meaning: Mapping[int, int]) -> dict[int, int]:
        """The id of each key of a file, by the id of each value."""
        return {key: meaning[value] for key, value in self.values[path].items()}


def folder_masks(root: Path, looks: Sequence[MaskLook]) -> FolderMasks:
    """The values of a folder's masks. Palettes that are black and white in all files say what is foreground."""
    palettes = [look for look in looks if look.palette]
    by_colour = bool(palettes) and all(look.black_and_white for look in palettes)
    values = {look.path: look.values(by_colour=by_colour and look.palette) for look in looks}
    return FolderMasks(root, {look.path: look for look in looks}, values)


def is_two_valued(found: Collection[int], num_classes: int | None) -> bool:
    """Whether these values are background and one foreground, such as 0 and 255; ids 0 and 1 are ids."""
    light = set(found) - {0}
    return num_classes in (None, 2) and len(light) == 1 and min(light) >= _LIGHT


def settle(masks: FolderMasks, num_classes: int, *, truth: bool) -> dict[int, int]:
    """The id of each value that the masks have, with classes 0 to `num_classes` - 1; of true ones 255 is ignore.

    Says what was assumed. Raises SagesegError that names the first files whose values are none of these.
    """
    found = masks.found()
    if is_two_valued(found, num_classes):
        light = max(found)
        others = f"no {IGNORE} is ignore" if light == IGNORE and truth else "0 is background"
        say(f"note: {masks.root}: {_told(found)} alone are in its masks, so {light} is class 1 ({others})")
        return {0: 0, light: 1}
    known = {value: value for value in range(num_classes)} | ({IGNORE: IGNORE} if truth else {})
    _refuse_unknown(masks, found - known.keys(), f"0 to {num_classes - 1}" + _ignore_words(truth))
    say(f"note: {masks.root}: {len(masks.values)} masks, whose values are taken as class ids")
    return known


def _ignore_words(truth: bool) -> str:
    return f", or {IGNORE} for ignore" if truth else f" (ignore, {IGNORE}, is never predicted)"


def _refuse_unknown(masks: FolderMasks, unknown: set[int], expected: str) -> None:
    if not unknown:
        return
    if len(masks.found()) > MOST_VALUES:
        raise SagesegError(
            f"{masks.root}: its masks hold {len(masks.found())} different values, like probabilities or grey levels; "
            f"expected class ids, {expected}: save the class of each pixel (the threshold's, or the largest)"
        )
    wrong = [path for path in masks.values if unknown & set(masks.values[path].values())]
    raise SagesegError(
        f"{masks.root}: value {name_first(sorted(unknown))} is no class; expected {expected}; so in {len(wrong)} of "
        f"{len(masks.values)} masks: {name_first([path.relative_to(masks.root) for path in wrong])}"
    )


def settle_unnamed(folders: Iterable[tuple[FolderMasks, bool]]) -> tuple[ClassTable, list[dict[int, int]]]:
    """Classes for values that nobody named, the same for all folders (each with whether it is truth), and for each
    folder the id of each value. A class is called by its value; 0 is background.

    Raises SagesegError for more values than classes would have, and for ignore that is predicted.
    """
    read, every = [], {0}
    for masks, truth in folders:
        found = masks.found()
        two = is_two_valued(found, None)
        if not two:
            limits = {IGNORE} if truth else set[int]()
            _refuse_many(masks, found)
            _refuse_unknown(masks, {IGNORE} & found - limits, "class ids" + _ignore_words(truth))
        own = {value: value for value in found - {IGNORE}} if not two else {0: 0, max(found): 1}
        every |= set(own.values())
        read.append((masks, own, truth and not two))
        if two:
            say(f"note: {masks.root}: {_told(found)} alone are in its masks, so {max(found)} is foreground")
    order = sorted(every | ({1} if len(every) == 1 else set()))
    ids = {value: class_id for class_id, value in enumerate(order)}
    classes = ClassTable((BACKGROUND, *(f"class_{value}" for value in order[1:])))
    say(f"note: classes are called by the values of the masks: {name_first(classes.names)}; labels.txt names them")
    meanings = []
    for _, own, ignores in read:
        meanings.append({value: ids[meant] for value, meant in own.items()} | ({IGNORE: IGNORE} if ignores else {}))
    return classes, meanings


def _refuse_many(masks: FolderMasks, found: set[int]) -> None:
    if len(found) > MOST_VALUES:
        raise SagesegError(
            f"{masks.root}: its masks hold {len(found)} different values, like probabilities or grey levels; expected "
            "class ids: save the class of each pixel, or name that many classes in labels.txt"
        )


def _told(found: Collection[int]) -> str:
    return " and ".join(map(str, sorted(found)))


def read_names(path: Path) -> ClassTable:
    """Class names, one per line in the order of the ids, the background first; where its line is missing it is put
    there, and said. Raises SagesegError for a list of colours."""
    text = read_text(path, "one class name per line")
    names = [line.strip() for line in text.splitlines() if line.strip() and line.strip() != IGNORE_NAME]
    coloured = [name for name in names if _COLOURED.search(name)]
    if coloured:
        raise SagesegError(f"{path}: {coloured[0]!r}: colours; expected class names alone, one per line in id order")
    first = names[0].strip("_").lower() if names else ""
    if first in _BACKGROUND_WORDS:
        names = names[1:]
    else:
        say(f"note: {path}: no background in its first line, so its {len(names)} classes are 1 to {len(names)}")
    return class_table([BACKGROUND, *names], path)
