"""Mask files beside a class list: how they are read, by the one rule of docs/readers.md, "Class lists"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from formats.classes import IGNORE, ClassTable
from formats.console import say
from formats.errors import AlikeError, SagesegError, for_all, raise_all
from formats.parallel import map_all
from prep.readers.classes.black_and_white import WHITE, black_and_white, ids_by_palette
from prep.readers.classes.id_values import Question, classes_beside, id_numbering, why_no_foreground
from prep.readers.classes.label_list import (
    BLACK,
    VOC_2012,
    ClassList,
    Numbering,
    find_background,
    number_lines,
    with_vocs_colours,
)
from prep.readers.classes.list_format import check_names
from prep.readers.classes.map_colours import is_of_map, of_map, read_by_map
from prep.readers.classes.mask_values import IdMask, MaskFacts, TableMask, renumbered, survey_mask
from prep.readers.colour_masks import ColourMask
from prep.readers.labelled_image import MaskSource
from prep.readers.two_colour import TwoColourMask


@dataclass(frozen=True)
class ClassMasks:
    """How each mask file is read; `final` are those that are of mode P and hold the ids that are read.
    `no_foreground` says why there is none, empty where there may be."""

    classes: ClassTable
    masks: dict[Path, MaskSource]
    final: frozenset[Path] = frozenset()
    no_foreground: str = ""


_LOOKED_AT = 8
"""Masks of colours that are looked at before VOC's palette is taken."""


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
    question = Question(listed, find_background(listed, background), background)
    if not listed.is_map:
        check_names([line.name for line in listed.lines], listed.where)
    if binary:
        return _binary(question, paths)
    facts = list(map_all(survey_mask, paths, workers=workers, label="masks"))
    one_channel = [fact for fact in facts if fact.one_channel]
    coloured = [fact.path for fact in facts if not fact.one_channel]
    if coloured and not listed.has_colours:
        question = replace(question, listed=_painted_by_voc(question, coloured))
    numbering = question.numbering
    painted: dict[Path, MaskSource] = {path: ColourMask(path, numbering.of_colour) for path in coloured}
    by_map = read_by_map(one_channel, question)
    painted |= {fact.path: of_map(fact, numbering.of_colour) for fact in by_map}
    rest = [fact for fact in one_channel if fact.path not in painted]
    settled = _ids(rest, question, painted) if rest else ClassMasks(numbering.classes, painted)
    return replace(settled, masks={path: settled.masks[path] for path in paths})


def _binary(question: Question, paths: Sequence[Path]) -> ClassMasks:
    classes = question.numbering.classes
    if len(classes) != 2:
        raise SagesegError(
            f"--binary: {question.listed.where} has {classes_beside(classes)}; black and white masks have one: name it "
            "in a list, and pass the list with --labels"
        )
    return ClassMasks(classes, {path: TwoColourMask(path) for path in paths})


def _painted_by_voc(question: Question, coloured: Sequence[Path]) -> ClassList:
    """The list with VOC's palette, where the masks that are looked at have it. Raises SagesegError where not."""
    listed = question.listed
    painted = with_vocs_colours(listed)
    strange = not_in_vocs_palette(painted, coloured)
    if question.background != 0 or strange:
        raise_all(_no_colours(listed, path, strange) for path in coloured)
    say(f"note: {listed.where}: no colours, so VOC's palette is taken in the order of the classes, as Datumaro does")
    return painted


def not_in_vocs_palette(painted: ClassList, coloured: Sequence[Path]) -> str:
    """A colour of some of the masks that a list in VOC's colours lacks, in words; empty where they are all in it."""
    known = number_lines(painted, 0).of_colour
    try:
        for path in coloured[:: -(-len(coloured) // _LOOKED_AT)]:
            ColourMask(path, known).read()
    except AlikeError as e:
        return e.what
    return ""


def _no_colours(listed: ClassList, path: Path, strange: str) -> SagesegError:
    if listed == VOC_2012:
        says = f"{strange} is not Pascal VOC's, and no list says what it is"
    elif listed.is_map:
        says = f"holds colours, and {listed.where} says none; expected name:red,green,blue:: in its lines"
    else:
        says = f"holds colours, and {listed.where} none"
    lists = (
        "expected a labelmap.txt of name:red,green,blue:: per line, as CVAT and Datumaro write it, or a table of "
        "name,red,green,blue, in the folder or as --labels; where masks are black and white, a list of one class and "
        "--binary"
    )
    return AlikeError(str(path), strange or "colours", says if listed.is_map else f"{says}; {lists}")


def _ids(facts: Sequence[MaskFacts], question: Question, others: dict[Path, MaskSource]) -> ClassMasks:
    """Masks whose values are class ids, but for those of black and white beside one class."""
    white = black_and_white([fact for fact in facts if not is_of_map(fact, question)], question)
    ids = [fact for fact in facts if fact not in white]
    _check_gif(ids, question)
    numbering = id_numbering(ids, question, {0, 1} if white else set())
    if ids and question.listed.has_colours:
        say(f"note: {question.listed.where}: masks of one channel hold its lines' numbers, such as {ids[0].path}")
    masks: dict[Path, MaskSource] = {fact.path: IdMask(fact.path, numbering.of_value) for fact in ids}
    masks |= {
        fact.path: TwoColourMask(fact.path) if fact.mode == "1" else TableMask(fact.path, ids_by_palette(fact))
        for fact in white
    }
    empty = [fact.path for fact in ids if fact.values == (0, IGNORE)]
    no_foreground = "" if others or white else why_no_foreground(ids, question)
    if empty and len(numbering.classes) == 2 and not no_foreground:
        say(
            f"note: {len(empty)} of {len(facts)} masks hold nothing but 0 and {IGNORE}, which is ignore, such as "
            f"{empty[0]}; if {IGNORE} is {numbering.classes.names[1]} there, write it as 1"
        )
    final = {fact.path for fact in ids if fact.mode == "P" and fact.kind == "PNG" and _stays(fact, numbering)}
    return ClassMasks(numbering.classes, {**others, **masks}, frozenset(final), no_foreground)


def _check_gif(facts: Sequence[MaskFacts], question: Question) -> None:
    """Raise SagesegError for GIF masks whose values may be numbered anew; black and white beside one class is as clear
    as ever."""

    def check(fact: MaskFacts) -> None:
        two = len(question.numbering.classes) == 2 and {colour[:3] for colour in fact.colours} <= {BLACK, WHITE}
        if renumbered(fact.kind, fact.values, fact.colours) and not two:
            raise SagesegError(
                f"{fact.path}: a GIF keeps colours and not values, so {', '.join(map(str, fact.values[:8]))} may be "
                "other ids than were saved; expected PNG, or a table of its colours: name,red,green,blue in each line"
            )

    for_all(check, facts)


def _stays(fact: MaskFacts, numbering: Numbering) -> bool:
    return all(value == IGNORE or numbering.of_value[value] == value for value in fact.values)
