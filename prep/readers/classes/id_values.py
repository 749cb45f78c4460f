"""Masks of class ids: what their values mean by the lines of a list, and by what the masks use where it has no
background."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from formats.classes import IGNORE, ClassTable
from formats.console import say
from formats.errors import AlikeError, raise_all
from prep.readers.classes.label_list import (
    BACKGROUND_NAMES,
    ClassList,
    Numbering,
    check_lines,
    number_lines,
    unclear_background,
)
from prep.readers.classes.mask_values import MaskFacts


@dataclass(frozen=True)
class Question:
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


def id_numbering(facts: Sequence[MaskFacts], question: Question, shown: Collection[int]) -> Numbering:
    """What the values mean, by the list and, where it has no background, by the values that the masks use, and by the
    ids that others have `shown` by their colours."""
    listed = question.listed
    used = {value for fact in facts for value in fact.values} | set(shown)
    if not question.values_are_clear and _nothing_but_ignore(used):
        return number_lines(listed, None, zero_is_background=True)
    check_lines(listed)
    if question.values_are_clear:
        _check_values(facts, question.numbering, listed)
        if question.background and facts:
            say(
                f"note: {listed.where}: the background is line {question.background + 1}, so value "
                f"{question.background} of the masks becomes 0, and the values below it move up by one"
            )
        return question.numbering
    numbering = number_lines(listed, None, zero_is_background=True)
    _check_values(facts, numbering, listed)
    if facts and len(listed.lines) not in used:
        raise unclear_background(listed, in_words(used))
    if facts:
        say(
            f"note: {listed.where}: no line is the background, and the masks use {in_words(used)}: so value 0 is "
            f"the background and {listed.lines[0].name} is 1"
        )
    return numbering


def _check_values(facts: Sequence[MaskFacts], numbering: Numbering, listed: ClassList) -> None:
    highest = len(numbering.of_value) - 1
    raise_all(
        AlikeError(
            str(fact.path),
            f"value {value}",
            f"value {value} is no class: {listed.where} has {len(listed.lines)} lines, for values "
            f"0 to {highest}; expected those, or {IGNORE} for ignore: correct the list or the mask",
        )
        for fact in facts
        for value in fact.values
        if highest < value != IGNORE
    )


def _nothing_but_ignore(used: Collection[int]) -> bool:
    return IGNORE in used and set(used) <= {0, IGNORE}


def why_no_foreground(facts: Sequence[MaskFacts], question: Question) -> str:
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
        f"{facts[0].path.parent}: the masks hold nothing but {in_words(used)}, and {IGNORE} is ignore, so there is "
        f"no foreground; {cure}"
    )


def in_words(used: set[int]) -> str:
    """`0 to 2 and 255`."""
    ids = sorted(used - {IGNORE})
    words = [str(ids[0]) if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"] if ids else []
    return " and ".join([*words, *([str(IGNORE)] if IGNORE in used else [])])


def classes_beside(classes: ClassTable) -> str:
    return f"{len(classes) - 1} classes beside the background"
