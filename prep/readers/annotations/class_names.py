"""Classes of annotations that name them: by a list, or in the order in which the annotations declare them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from formats.classes import IGNORE_NAME, ClassTable
from formats.console import say
from formats.errors import AlikeError, SagesegError
from formats.prepared.source_names import composed
from prep.readers.classes.label_list import (
    BACKGROUND_NAMES,
    ClassList,
    Line,
    find_background,
    number_lines,
    read_class_list,
)
from prep.readers.labelled_image import REGION

_COMPARED = 60
"""Letters of a label that are compared with those that are known: a text of thousands takes minutes."""
_LIKE_BACKGROUND = ("background", "bg")


@dataclass(frozen=True)
class NamedClasses:
    """The classes, and the id of each label that may be drawn, in one spelling; `__ignore__` is 255."""

    where: str
    classes: ClassTable
    ids: dict[str, int]

    def id_of(self, label: str, place: str) -> int:
        """The id of a label. Raises SagesegError naming the place where it stands, and the nearest that is known."""
        found = self.ids.get(composed(label))
        if found is None:
            nearest = difflib.get_close_matches(label[:_COMPARED], self.ids, n=1, cutoff=0)[0]
            raise AlikeError(
                place,
                f"label {label!r}",
                f"label {label!r} is not in {self.where}; the nearest there is {nearest!r}: correct it where it was "
                "drawn, or add it to the labels",
            )
        return found


def name_classes(
    declared: Sequence[str], where: str, *, labels: Path | None = None, background: str | None = None
) -> NamedClasses:
    """The classes of a list, `labels`; else those that annotations `declared` at the place `where`, in that order.

    The background may stand by both of its names, for shapes have no ids; `background` is what --background says.
    Raises SagesegError for names that stand twice.
    """
    listed = read_class_list(labels) if labels else _declared(declared, where)
    twice = [line for line in listed.lines if line.name in BACKGROUND_NAMES][1:]
    once = replace(listed, lines=tuple(line for line in listed.lines if line not in twice))
    numbering = number_lines(once, find_background(once, background))
    ids = {composed(name): class_id for name, class_id in numbering.of_name.items()}
    if len(ids) < len(numbering.of_name):
        raise SagesegError(f"{listed.where}: two labels differ in how their letters are composed (Unicode); remove one")
    if 0 in numbering.of_value:
        ids |= dict.fromkeys(BACKGROUND_NAMES, 0)
    like = [name for name in numbering.classes.names[1:] if name.casefold().strip("_ ") in _LIKE_BACKGROUND]
    if like and background is None:
        say(f"note: {listed.where}: {like[0]} is a class; if it is the background, pass --background {quote(like[0])}")
    return NamedClasses(listed.where, numbering.classes, ids)


def _declared(names: Sequence[str], where: str) -> ClassList:
    if not names:
        raise SagesegError(f"{where}: no class in it; expected some, or name them in a list with --labels")
    return ClassList(where, tuple(Line(name, ignored=name == IGNORE_NAME) for name in names if name != REGION))
