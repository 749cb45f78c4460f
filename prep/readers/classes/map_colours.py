"""Masks of one channel beside a label map: whether their colours are the map's, or their values its lines' numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from formats.classes import IGNORE
from formats.errors import AlikeError, SagesegError, raise_all
from prep.readers.classes.id_values import Question
from prep.readers.classes.label_list import number_lines
from prep.readers.classes.mask_values import MaskFacts, TableMask
from prep.readers.colour_masks import Colour, ColourMask
from prep.readers.labelled_image import MaskSource


class MapSays(Enum):
    """Whether the colours of a mask of one channel are those of a label map."""

    KNOWN = "all of them"
    STRANGE = "not all, or a palette that gives two values one colour"
    NOTHING = "a mask that fits either way, because no value of a class tells"


def read_by_map(facts: Sequence[MaskFacts], question: Question) -> list[MaskFacts]:
    """The masks of one channel that are read by the colours of a label map: all, where none has other colours, else
    none but those of mode 1. Raises SagesegError where neither their colours nor their values are in the map, and where
    some have its colours in another order than its lines, and others have none."""
    known = question.numbering.of_colour
    if not facts or not question.listed.has_colours:
        return []
    says = {fact.path: map_says(fact, known) for fact in facts}
    strange = [fact for fact in facts if says[fact.path] is MapSays.STRANGE]
    shown = [fact for fact in facts if says[fact.path] is MapSays.KNOWN]
    if shown and not strange:
        return list(facts)
    _check_lines_hold(facts, strange, question)
    other = [fact for fact in shown if fact.has_palette and not _is_by_lines(fact, question)]
    if other:
        raise SagesegError(
            f"{other[0].path}: its palette has the colours of {question.listed.where} in another order than its lines, "
            f"and {strange[0].path} has other colours, so it holds lines' numbers; expected one kind of mask: save "
            "those of one kind as the other"
        )
    return [fact for fact in shown if fact.mode == "1"]


def _check_lines_hold(facts: Sequence[MaskFacts], strange: Sequence[MaskFacts], question: Question) -> None:
    lines = len(question.listed.lines) + (0 if question.background is not None else 1)
    beyond = [fact for fact in facts if any(lines <= value != IGNORE for value in fact.values)]
    found = [(fact, max(value for value in fact.values if value != IGNORE)) for fact in beyond if strange]
    raise_all(
        AlikeError(
            str(fact.path),
            f"value {value}",
            f"value {value} is no line of {question.listed.where}, which has "
            f"{len(question.listed.lines)}, and the colours of {strange[0].path} are not those of its lines; "
            "correct the list, or pass the masks' own with --labels",
        )
        for fact, value in found
    )


def _is_by_lines(fact: MaskFacts, question: Question) -> bool:
    """Whether a mask in the colours of a map means the same by the numbers of its lines."""
    unclear = not question.values_are_clear
    numbering = number_lines(question.listed, None, zero_is_background=True) if unclear else question.numbering
    table = map_table(fact, numbering.of_colour)
    return all(numbering.of_value[value] == found for value, found in table.items() if value != IGNORE)


def is_of_map(fact: MaskFacts, question: Question) -> bool:
    """Whether a mask is in the colours of a map, so that no other colours tell what its values mean."""
    return question.listed.has_colours and map_says(fact, question.numbering.of_colour) is MapSays.KNOWN


def of_map(fact: MaskFacts, known: Mapping[Colour, int]) -> MaskSource:
    return ColourMask(fact.path, known) if fact.mode == "1" else TableMask(fact.path, map_table(fact, known))


def map_says(fact: MaskFacts, known: Mapping[Colour, int]) -> MapSays:
    """How a mask of one channel fits the colours of a map. 255 is ignore unless its colour is in the map, and
    that of no other value."""
    told = _class_colours(fact)
    if not fact.colours or len(set(told.values())) < len(told) or any(colour not in known for colour in told.values()):
        return MapSays.STRANGE
    if IGNORE in fact.values and _of_ignore(fact, known) is None and not (told and fact.has_palette):
        return MapSays.NOTHING
    if len(fact.values) == 1 and fact.says_one_colour:
        return MapSays.NOTHING if fact.values[0] == 0 else MapSays.STRANGE
    return MapSays.KNOWN


def map_table(fact: MaskFacts, known: Mapping[Colour, int]) -> dict[int, int]:
    """The id of each value of a mask whose colours are a map's."""
    table = {value: known[colour] for value, colour in _class_colours(fact).items() if colour in known}
    if IGNORE in fact.values:
        found = _of_ignore(fact, known)
        table[IGNORE] = IGNORE if found is None else found
    return table


def _class_colours(fact: MaskFacts) -> dict[int, Colour]:
    pairs = zip(fact.values, fact.colours, strict=False)
    return {value: colour[:3] for value, colour in pairs if value != IGNORE}


def _of_ignore(fact: MaskFacts, known: Mapping[Colour, int]) -> int | None:
    """The id of 255 by its colour; None where its colour is no other than what a palette is filled up with."""
    return None if fact.filled or not fact.colours else known.get(fact.colours[-1][:3])
