"""Masks of one channel beside one class: whether they are black and white, by mode or palette, or hold ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from formats.classes import IGNORE, ClassTable
from formats.console import say
from formats.errors import SagesegError, raise_all
from prep.readers.classes.id_values import Question, classes_beside, in_words
from prep.readers.classes.label_list import BLACK
from prep.readers.classes.mask_values import MaskFacts
from prep.readers.colour_masks import Colour
from prep.readers.two_colour import Rgba, order_colours

WHITE: Colour = (255, 255, 255)


class Palette(Enum):
    """What black and white in a palette says of values that may as well be ids."""

    NOTHING = "ids: the same, or no black and white"
    OTHERWISE = "white is the class, which its value as an id is not"
    UNCLEAR = "the same beside 255, which is ignore, or a hue for the background and black for the class"
    ALONE = "white for the one value that there is, in a palette of one colour"


def black_and_white(facts: Sequence[MaskFacts], question: Question) -> set[MaskFacts]:
    """The masks of one class that are read by their colours: white is the class. Raises SagesegError for mode 1 beside
    several classes, and for masks that one may read either way."""
    classes = question.numbering.classes
    bits = [fact for fact in facts if fact.mode == "1"]
    raise_all(
        SagesegError(
            f"{fact.path}: mode 1, black and white alone, and {question.listed.where} has "
            f"{classes_beside(classes)}; expected class ids"
        )
        for fact in bits
        if len(classes) != 2
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
    raise_all(
        SagesegError(
            f"{fact.path}: its values {', '.join(map(str, fact.values))} mean one thing as ids, and another by the "
            f"colours of its palette; save it as grey (mode L): 0 for the background, 1 for {name}, {IGNORE} for ignore"
        )
        for fact in unclear
    )
    if levels and white:
        beside = min(fact.path for fact in white)
        raise SagesegError(
            f"{levels[0].path}: holds {in_words(set(levels[0].values))}, and {IGNORE} is ignore as an id, white as a "
            f"colour; it stands beside {beside}, whose white is {name}; pass --binary if white is {name} in all masks, "
            "else save those of black and white as ids, 0 and 1"
        )


def palette_says(fact: MaskFacts, ids: Sequence[int]) -> Palette:
    """What a palette says beside one class, where value n would be `ids[n]`."""
    if fact.mode != "P" or not fact.has_palette:
        return Palette.NOTHING
    if _is_hue_before_black(fact, ids):
        return Palette.UNCLEAR
    shown = ids_by_palette(fact)
    if all(value < len(ids) and ids[value] == found for value, found in shown.items()):
        return Palette.NOTHING
    if IGNORE in fact.values and IGNORE not in shown:
        return Palette.UNCLEAR
    return Palette.ALONE if len(fact.first) < 2 else Palette.OTHERWISE


def ids_by_palette(fact: MaskFacts) -> dict[int, int]:
    """The id of each value by black and white, or greys clearly dark and light, in its palette, but for 255 where that
    is ignore. Empty where the palette does not tell the values apart."""
    told = _told(fact)
    if len(set(told.values())) < len(told) or any(len(set(colour[:3])) > 1 for colour in told.values()):
        return {}
    if (len(told) < 2 or IGNORE in told) and fact.says_one_colour:
        return {}
    both = {*told.values(), *((*colour, 255) for colour in fact.first)}  # what one value alone is told by
    order = (order_colours(both) if len(told) == 1 else None) or order_colours(set(told.values())) or {}
    return {value: order[colour] for value, colour in told.items() if order}


def _is_hue_before_black(fact: MaskFacts, ids: Sequence[int]) -> bool:
    """Whether the ids 0 and 1 are background and class, and the palette shows 0 in a hue and 1 black."""
    of_ids = set(fact.values) <= {0, 1, IGNORE} and tuple(ids[:2]) == (0, 1) and len(fact.first) == 2
    return of_ids and len(set(fact.first[0])) > 1 and fact.first[1] == BLACK


def _told(fact: MaskFacts) -> dict[int, Rgba]:
    """The colours of the values, without 255 beside two others, or in a colour that other values have too: it is
    ignore."""
    told = dict(zip(fact.values, fact.colours, strict=True))
    if fact.filled or len(told) > 2:
        told.pop(IGNORE, None)
    return told


def is_black_and_white(fact: MaskFacts) -> bool:
    """Whether a mask holds nothing but 0 and 255, or 255, which is white there, by level or by a palette of its own."""
    only = IGNORE in fact.values and set(fact.values) <= {0, IGNORE}
    return only and not fact.filled and bool(fact.colours) and fact.colours[-1][:3] == WHITE
