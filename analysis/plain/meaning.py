"""What the values of a folder's masks mean: class ids, 0 and 255, or whatever values there are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.plain.colours import GREY, LABELMAP, choose_table
from analysis.plain.mask_file import MaskLook
from formats.classes import BACKGROUND, IGNORE, IGNORE_NAME, ClassTable, class_table, read_labelmap
from formats.console import say
from formats.errors import SagesegError
from formats.texts.given_files import read_text
from formats.texts.wording import name_first

MOST_VALUES = 64
"""More different values are grey levels or probabilities, and no classes that nobody named."""
_LIGHT = 128
"""Of two values the other than 0 is foreground, whatever the number, if it is as light as this."""
_BACKGROUND_WORDS = ("background", "bg", "unlabeled", "unlabelled")
_COLOURED = re.compile(r"[:,;\t ]\s*\d+\s*[,;\t ]\s*\d+\s*[,;\t ]\s*\d+")


@dataclass(frozen=True)
class FolderMasks:
    """The masks of a folder, looked at: for each file the value of each of its keys, and where values stand for
    `names` those."""

    root: Path
    looks: Mapping[Path, MaskLook]
    values: Mapping[Path, Mapping[int, int]]
    names: Mapping[int, str] = field(default_factory=dict)

    def found(self) -> set[int]:
        return {value for own in self.values.values() for value in own.values()}

    def ids(self, path: Path, meaning: Mapping[int, int]) -> dict[int, int]:
        """The id of each key of a file, by the id of each value."""
        return {key: meaning[value] for key, value in self.values[path].items()}


def folder_masks(root: Path, looks: Sequence[MaskLook]) -> FolderMasks:
    """The values of a folder's masks. Palettes that are black and white in all files say what is foreground."""
    palettes = [look for look in looks if look.palette]
    white = {look.path for look in palettes} if all(look.black_and_white for look in palettes) else set[Path]()
    coloured = [look for look in looks if look.by_colour and look.path not in white]
    table = choose_table(root, coloured)
    if table.names and len(coloured) < len(looks):
        other = next(look.path for look in looks if look not in coloured)
        raise SagesegError(
            f"{root}: {len(coloured)} masks, such as {coloured[0].path.name}, hold {table.where}, and others, such as "
            f"{other.name}, numbers; give a folder of one kind"
        )
    if coloured and table != GREY:
        say(f"note: {root}: {len(coloured)} masks hold colours, which are read by {table.where}")
    values = {look.path: {key: key for key in look.colours} for look in looks}
    for read, by in ((coloured, table), ([look for look in looks if look.path in white], GREY)):
        values |= {look.path: {key: by.values[colour] for key, colour in look.colours.items()} for look in read}
    return FolderMasks(root, {look.path: look for look in looks}, values, table.names)


def is_two_valued(found: Collection[int], num_classes: int | None) -> bool:
    """Whether these values are background and one foreground, such as 0 and 255; ids 0 and 1 are ids."""
    light = set(found) - {0}
    return num_classes in (None, 2) and len(light) == 1 and min(light) >= _LIGHT


def settle(masks: FolderMasks, classes: ClassTable, *, truth: bool) -> dict[int, int]:
    """The id of each value that the masks have, by these classes; of true ones 255 is ignore.

    Says what was assumed. Raises SagesegError that names the first files whose values are none of these.
    """
    found = masks.found()
    if masks.names:
        return _settle_named(masks, classes, truth=truth)
    if is_two_valued(found, len(classes)):
        light = max(found)
        others = f"no {IGNORE} is ignore" if light == IGNORE and truth else "0 is background"
        say(f"note: {masks.root}: {_told(found)} alone are in its masks, so {light} is class 1 ({others})")
        return {0: 0, light: 1}
    known = {value: value for value in range(len(classes))} | ({IGNORE: IGNORE} if truth else {})
    _refuse_unknown(masks, found - known.keys(), f"0 to {len(classes) - 1}" + _ignore_words(truth))
    say(f"note: {masks.root}: {len(masks.values)} masks, whose values are taken as class ids")
    return known


def _settle_named(masks: FolderMasks, classes: ClassTable, *, truth: bool) -> dict[int, int]:
    """`settle` for values that stand for names; what they ignore is ignore in the truth, else background."""
    ids = {_plain(name): class_id for class_id, name in enumerate(classes.names)}
    found = sorted(masks.found() - {IGNORE})
    unknown = [masks.names[value] for value in found if _plain(masks.names[value]) not in ids]
    if unknown:
        raise SagesegError(
            f"{masks.root}: has colours of {name_first(unknown)}, and the classes are {name_first(classes.names[1:])}; "
            "expected colours of these: save class ids, or give a labelmap.txt of name:red,green,blue:: per "
            "line in the folder"
        )
    say(f"note: {masks.root}: {_black(truth)}")
    return {value: ids[_plain(masks.names[value])] for value in found} | {IGNORE: IGNORE if truth else 0}


def _plain(name: str) -> str:
    return re.sub(r"[_\- ]+", " ", name).casefold()


def _black(truth: bool) -> str:
    return f"black, and what else is not evaluated, is {'ignore' if truth else 'background'}"


def _ignore_words(truth: bool) -> str:
    return (
        f", or {IGNORE} for ignore"
        if truth
        else f" (ignore, {IGNORE}, is never predicted, and foreground beside 0 alone, where there is one class)"
    )


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
    given = list(folders)
    names = {value: name for masks, _ in given for value, name in masks.names.items()}
    _refuse_mixed([masks for masks, _ in given])
    two = [not masks.names and is_two_valued(masks.found(), None) for masks, _ in given]
    others = set[int]()
    for (masks, truth), is_two in zip(given, two, strict=True):
        if not is_two:
            _refuse_many(masks, masks.found())
            if not truth and not masks.names:
                _refuse_unknown(masks, {IGNORE} & masks.found(), "class ids" + _ignore_words(truth))
            others |= masks.found() - {0, IGNORE}
    order = [0, *sorted(others or {1})]
    ids = {value: class_id for class_id, value in enumerate(order)}
    classes = ClassTable((BACKGROUND, *(names.get(value, f"class_{value}") for value in order[1:])))
    meanings = []
    for (masks, truth), is_two in zip(given, two, strict=True):
        if is_two:
            light = max(masks.found())
            if len(order) > 2:
                raise SagesegError(
                    f"{masks.root}: {_told(masks.found())} alone are in its masks, and {light} may be any of the "
                    f"classes {name_first(order[1:])} of the other folder; expected class ids, or one class in both"
                )
            say(f"note: {masks.root}: {_told(masks.found())} alone are in its masks, so {light} is foreground")
            meanings.append({0: 0, light: 1})
        else:
            if masks.names:
                say(f"note: {masks.root}: {_black(truth)}")
            meanings.append({**ids, IGNORE: IGNORE if truth else 0})
    called = "colours" if names else "values"
    say(f"note: classes are called by the {called} of the masks: {name_first(classes.names)}; labels.txt names them")
    return classes, meanings


def _refuse_mixed(folders: Sequence[FolderMasks]) -> None:
    named = [masks for masks in folders if masks.names]
    numbered = [masks for masks in folders if not masks.names]
    if named and numbered:
        raise SagesegError(
            f"{named[0].root}: colours that have names, and {numbered[0].root}: numbers; which is which is not known: "
            f"write a labels.txt into {numbered[0].root}, one class name per line in the order of its numbers"
        )


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
    there, and said; or those of a labelmap.txt. Raises SagesegError for another list of colours."""
    if path.name == LABELMAP:
        return read_labelmap(path)[0]
    text = read_text(path, "one class name per line")
    names = [line.strip() for line in text.splitlines() if line.strip() and line.strip() != IGNORE_NAME]
    coloured = [name for name in names if _COLOURED.search(name)]
    if coloured:
        raise SagesegError(
            f"{path}: {coloured[0]!r}: colours; expected class names alone, one per line in id order, or "
            f"name:red,green,blue:: in a {LABELMAP}"
        )
    first = names[0].strip("_").lower() if names else ""
    if first in _BACKGROUND_WORDS:
        names = names[1:]
    else:
        say(f"note: {path}: no background in its first line, so its {len(names)} classes are 1 to {len(names)}")
    return class_table([BACKGROUND, *names], path)
