"""Masks of one channel beside one class: whether they are black and white, by mode or palette, or hold ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum

from formats.classes import IGNORE, ClassTable
from formats.console import say
from formats.errors import SagesegError
from prep.readers.classes.id_values import Question, classes_beside, in_words
from prep.readers.classes.mask_values import MaskFacts
from prep.readers.colour_masks import Colour
from prep.readers.two_colour import Rgba, order_colours

WHITE: Colour = (255, 255, 255)


class Palette(Enum):
    """What black and white in a palette says of values that may as well be ids."""

    NOTHING = "ids: the same, or no black and white"
    OTHERWISE = "white is the class, which its value as an id is not"
    UNCLEAR = "the same, and 255 is ignore: so the values look like ids"
    ALONE = "white for the one value that there is, in a palette of one colour"


def black_and_white(facts: Sequence[MaskFacts], question: Question) -> set[MaskFacts]:
    """The masks of one class that are read by their colours: white is the class. Raises SagesegError for mode 1 beside
    several classes, and for masks that one may read either way."""
    classes = question.numbering.classes
    bits = [fact for fact in facts if fact.mode == "1"]
    if bits and len(classes) != 2:
        raise SagesegError(
            f"{bits[0].path}: mode 1, black and white alone, and {question.listed.where} has "
            f"{classes_beside(classes)}; expected class ids"
        )
    ids = question.numbering.of_value if question.background is not None else (0, 1)
    says = {fact: palette_says(fact, ids) for fact in facts if fact.mode == "P"}
    white_first = [fact for fact, said in says.items() if said is Palette.OTHERWISE]
    if len(classes) != 2:
        if white_first:
            say(f"note: {white_first[0].path}: black and white by its palette, which is no matter: its values are ids")
        return set()
    alone = [fact for fact, said in says.items() if said is Palette.ALONE]
    unclear = [fact for fact, said in says.items() if said is Palette.UNCLEAR] + ([] if white_first else alone)
    white = {*white_first, *alone, *bits}
    _refuse_both_ways(
        unclear, [fact for fact in facts if fact not in white and is_black_and_white(fact)], white, classes
    )
    if white_first:
        others = len(facts) - len(white)
        say(
            f"note: {len(white)} of {len(facts)} masks, such as {white_first[0].path}, are black and white by their "
            "palette, so white is the class, whatever its index"
            + (f"; the values of the other {others} are ids" if others else "")
        )
    return white


def _refuse_both_ways(
    unclear: Sequence[MaskFacts], levels: Sequence[MaskFacts], white: Collection[MaskFacts], classes: ClassTable
) -> None:
    """Raise SagesegError for masks that mean one thing as ids, and another as black and white."""
    name = classes.names[1]
    if unclear:
        values, also = ", ".join(map(str, unclear[0].values)), f" and {IGNORE} ignore" * (IGNORE in unclear[0].values)
        raise SagesegError(
            f"{unclear[0].path}: its values {values} look like ids{also}, and its palette shows another of them white "
            f"than that of {name}; save it as grey (mode L), 0 for the background and 1 for {name}"
        )
    if levels and white:
        beside = min(fact.path for fact in white)
        raise SagesegError(
            f"{levels[0].path}: holds {in_words(set(levels[0].values))}, and {IGNORE} is ignore as an id, white as a "
            f"colour; it stands beside {beside}, whose white is {name}; pass --binary if white is {name} in all masks, "
            "else save that one as grey (mode L) of ids"
        )


def palette_says(fact: MaskFacts, ids: Sequence[int]) -> Palette:
    """What a palette of black and white says beside one class, where value n would be `ids[n]`."""
    if fact.mode != "P" or not fact.has_palette:
        return Palette.NOTHING
    told = _told(fact)
    one_of_two = len(told) < 2 or IGNORE in told
    order = order_colours(set(told.values()))
    if order is None or len(set(told.values())) < len(told) or not _is_grey(told) or not told:
        return Palette.NOTHING
    if one_of_two and fact.says_one_colour:
        return Palette.NOTHING
    if all(value < len(ids) and ids[value] == order[colour] for value, colour in told.items()):
        return Palette.NOTHING
    if IGNORE in fact.values and IGNORE not in told:
        return Palette.UNCLEAR
    return Palette.ALONE if len(fact.first) < 2 else Palette.OTHERWISE


def _told(fact: MaskFacts) -> dict[int, Rgba]:
    """The colours of the values, without 255 beside two others, or in a colour that other values have too: it is
    ignore."""
    told = dict(zip(fact.values, fact.colours, strict=True))
    if fact.filled or len(told) > 2:
        told.pop(IGNORE, None)
    return told


def _is_grey(told: Mapping[int, Rgba]) -> bool:
    return all(len(set(colour[:3])) == 1 for colour in told.values())


def is_black_and_white(fact: MaskFacts) -> bool:
    """Whether a mask holds nothing but 0 and 255, or 255, which is white there, by level or by a palette of its own."""
    only = IGNORE in fact.values and set(fact.values) <= {0, IGNORE}
    return only and not fact.filled and bool(fact.colours) and fact.colours[-1][:3] == WHITE
