"""Mask files beside a class list: how they are read, by the one rule of docs/readers.md, "Class lists"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.classes import IGNORE, ClassTable
from formats.console import say
from formats.errors import SagesegError
from formats.parallel import map_parallel
from prep.readers.classes.label_list import (
    BACKGROUND_NAMES,
    BLACK,
    ClassList,
    Numbering,
    check_lines,
    find_background,
    number_lines,
    unclear_background,
)
from prep.readers.classes.mask_values import IdMask, MaskFacts, survey_mask
from prep.readers.colour_masks import Colour, ColourMask
from prep.readers.labelled_image import MaskSource
from prep.readers.two_colour import TwoColourMask, order_colours


@dataclass(frozen=True)
class ClassMasks:
    """How each mask file is read; `final` are those that are of mode P and hold the ids that are read.
    `no_foreground` says why there is none, empty where there may be."""

    classes: ClassTable
    masks: dict[Path, MaskSource]
    final: frozenset[Path] = frozenset()
    no_foreground: str = ""


@dataclass(frozen=True)
class _Question:
    """A class list, the number of the line that is its background, and what --background says."""

    listed: ClassList
    background: int | None
    asked: str | None

    @property
    def numbering(self) -> Numbering:
        """The classes; what mask values mean only where that does not depend on the masks."""
        zero_is_background = self.background is None and self.asked in BACKGROUND_NAMES
        return number_lines(self.listed, self.background, zero_is_background=zero_is_background)

    @property
    def values_are_clear(self) -> bool:
        return self.background is not None or self.asked is not None


def settle_masks(
    listed: ClassList,
    paths: Sequence[Path],
    *,
    background: str | None = None,
    binary: bool = False,
    workers: int | None = None,
) -> ClassMasks:
    """Look at every mask, and settle how they are read.

    `background` is what --background says, `binary` that masks are black and white, white the one class. Raises
    SagesegError for masks that do not fit the list, or that fit it in two ways.
    """
    question = _Question(listed, find_background(listed, background), background)
    if binary:
        return _two_colours(question, paths)
    facts = list(map_parallel(survey_mask, paths, workers=workers, label="masks"))
    one_channel = [fact for fact in facts if fact.one_channel]
    coloured = [fact.path for fact in facts if not fact.one_channel]
    if coloured and not listed.has_colours:
        raise _no_colours(listed, coloured[0])
    if _colours_decide(one_channel, question):
        coloured, one_channel = [fact.path for fact in facts], []
    numbering = question.numbering
    painted: dict[Path, MaskSource] = {path: ColourMask(path, numbering.of_colour) for path in coloured}
    if not one_channel:
        return ClassMasks(numbering.classes, painted)
    if _palettes_decide(one_channel, question):
        return _two_colours(question, [fact.path for fact in one_channel], painted)
    return _ids(one_channel, question, painted)


def _two_colours(
    question: _Question, paths: Sequence[Path], others: dict[Path, MaskSource] | None = None
) -> ClassMasks:
    classes = question.numbering.classes
    if len(classes) != 2:
        raise SagesegError(
            f"--binary: {question.listed.where} has {len(classes) - 1} classes beside the background; black and white "
            "masks have one: name it in a list, and pass the list with --labels"
        )
    return ClassMasks(classes, {**(others or {}), **{path: TwoColourMask(path) for path in paths}})


def _no_colours(listed: ClassList, path: Path) -> SagesegError:
    if listed.is_map:
        return SagesegError(
            f"{path}: holds colours, and {listed.where} says none; expected name:red,green,blue:: in its lines"
        )
    return SagesegError(
        f"{path}: holds colours, and {listed.where} none; expected a labelmap.txt of name:red,green,blue:: per line, "
        "as CVAT and Datumaro write it, in the folder or as --labels; where masks are black and white, --binary"
    )


def _colours_decide(facts: Sequence[MaskFacts], question: _Question) -> bool:
    """Whether masks of one channel show the colours of a label map. Raises SagesegError where neither their colours nor
    their values are in it."""
    if not facts or not question.listed.has_colours:
        return False
    known = question.numbering.of_colour
    strange = [fact for fact in facts if not _shows(fact, known)]
    lines = len(question.listed.lines) + (0 if question.background is not None else 1)
    beyond = [fact for fact in facts if any(lines <= value != IGNORE for value in fact.values)]
    if strange and beyond:
        value = max(value for value in beyond[0].values if value != IGNORE)
        raise SagesegError(
            f"{beyond[0].path}: value {value} is no line of {question.listed.where}, which has "
            f"{len(question.listed.lines)}, and the colours of {strange[0].path} are not those of its lines; "
            "correct the list, or pass the masks' own with --labels"
        )
    if strange:
        say(f"note: {question.listed.where}: masks of one channel hold its lines' numbers, such as {facts[0].path}")
    return not strange


def _shows(fact: MaskFacts, known: Mapping[Colour, int]) -> bool:
    """Whether the colours of a mask of one channel are known ones. Two values of one colour, or black for 255, are what
    a palette is filled up with."""
    colours = [colour[:3] for colour in fact.colours]
    filled = len(set(colours)) < len(fact.values) or (IGNORE in fact.values and colours[-1] == BLACK)
    return bool(colours) and not filled and all(colour in known for colour in colours)


def _palettes_decide(facts: Sequence[MaskFacts], question: _Question) -> bool:
    """Whether masks of one class are black and white by their palettes, in another order than their values say."""
    if not any(fact.mode == "1" or (fact.mode == "P" and fact.has_palette) for fact in facts):
        return False
    ids = question.numbering.of_value if question.background is not None else (0, 1)
    differ = False
    for fact in facts:
        order = order_colours(set(fact.colours)) if fact.mode in ("1", "P") and _is_grey(fact) else None
        if order is None:
            return False
        differ |= any(
            value >= len(ids) or ids[value] != order[colour]
            for value, colour in zip(fact.values, fact.colours, strict=True)
        )
    one_class = len(question.numbering.classes) == 2
    if differ and any(fact.mode == "P" for fact in facts):
        decides = "so white is the class, whatever its index" if one_class else "which is no matter: its values are ids"
        say(f"note: {facts[0].path}: black and white by its palette, {decides}")
    return differ and one_class


def _is_grey(fact: MaskFacts) -> bool:
    return bool(fact.colours) and all(len(set(colour[:3])) == 1 for colour in fact.colours)


def _ids(facts: Sequence[MaskFacts], question: _Question, others: dict[Path, MaskSource]) -> ClassMasks:
    """Masks whose values are class ids."""
    bits = [fact for fact in facts if fact.mode == "1"]
    numbering = _numbering([fact for fact in facts if fact.mode != "1"], question)
    if bits and len(numbering.classes) != 2:
        raise SagesegError(
            f"{bits[0].path}: mode 1, black and white alone, and {question.listed.where} has "
            f"{len(numbering.classes)} classes; expected class ids"
        )
    masks: dict[Path, MaskSource] = {fact.path: IdMask(fact.path, numbering.of_value) for fact in facts}
    masks |= {fact.path: TwoColourMask(fact.path) for fact in bits}
    empty = [fact.path for fact in facts if fact.mode != "1" and fact.values == (0, IGNORE)]
    no_foreground = "" if others or bits else _no_foreground(facts, question)
    if empty and len(numbering.classes) == 2 and not no_foreground:
        say(
            f"note: {len(empty)} of {len(facts)} masks hold nothing but 0 and {IGNORE}, which is ignore, such as "
            f"{empty[0]}; if {IGNORE} is {numbering.classes.names[1]} there, write it as 1"
        )
    final = {fact.path for fact in facts if fact.mode == "P" and _stays(fact, numbering)}
    return ClassMasks(numbering.classes, {**others, **masks}, frozenset(final), no_foreground)


def _stays(fact: MaskFacts, numbering: Numbering) -> bool:
    return all(value == IGNORE or numbering.of_value[value] == value for value in fact.values)


def _numbering(facts: Sequence[MaskFacts], question: _Question) -> Numbering:
    """What the values mean, by the list and, where it has no background, by the values that the masks use."""
    listed = question.listed
    used = {value for fact in facts for value in fact.values}
    if not question.values_are_clear and _nothing_but_ignore(used):
        return number_lines(listed, None, zero_is_background=True)
    check_lines(listed)
    if question.values_are_clear:
        _check_values(facts, question.numbering, listed)
        if question.background:
            say(
                f"note: {listed.where}: the background is line {question.background + 1}, so value "
                f"{question.background} of the masks becomes 0, and the values below it move up by one"
            )
        return question.numbering
    numbering = number_lines(listed, None, zero_is_background=True)
    _check_values(facts, numbering, listed)
    if facts and len(listed.lines) not in used:
        raise unclear_background(listed, _range(used))
    if facts:
        say(
            f"note: {listed.where}: no line is the background, and the masks use {_range(used)}: so value 0 is the "
            f"background and {listed.lines[0].name} is 1"
        )
    return numbering


def _check_values(facts: Sequence[MaskFacts], numbering: Numbering, listed: ClassList) -> None:
    highest = len(numbering.of_value) - 1
    for fact in facts:
        beyond = [value for value in fact.values if highest < value != IGNORE]
        if beyond:
            raise SagesegError(
                f"{fact.path}: value {beyond[0]} is no class: {listed.where} has {len(listed.lines)} lines, for values "
                f"0 to {highest}; expected those, or {IGNORE} for ignore: correct the list or the mask"
            )


def _nothing_but_ignore(used: Collection[int]) -> bool:
    return IGNORE in used and set(used) <= {0, IGNORE}


def _no_foreground(facts: Sequence[MaskFacts], question: _Question) -> str:
    """Why ids have no foreground, and what mends it; empty where they may have."""
    used = {value for fact in facts for value in fact.values}
    if not _nothing_but_ignore(used):
        return ""
    names = question.numbering.classes.names
    cure = (
        f"if {IGNORE} is {names[1]}, pass --binary"
        if len(names) == 2
        else f"if {IGNORE} is the one class, name it in a list, and pass that with --labels and --binary"
    )
    return (
        f"{facts[0].path.parent}: the masks hold nothing but {_range(used)}, and {IGNORE} is ignore, so there is no "
        f"foreground; {cure}"
    )


def _range(used: set[int]) -> str:
    """`0 to 2 and 255`."""
    ids = sorted(used - {IGNORE})
    words = [str(ids[0]) if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"] if ids else []
    return " and ".join([*words, *([str(IGNORE)] if IGNORE in used else [])])
