"""The wrong objects of an image as the page knows them: where each lies, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from analysis.scoring.objects import WrongObject


def told_objects(
    wrong: Sequence[WrongObject], missed: Sequence[WrongObject], most: int | None = None
) -> list[dict[str, Any]]:
    """So many of the objects that an image keeps, all with None; those that are wrong and those that were missed, the
    largest first."""
    told = (*_told("wrong", wrong), *_told("missed", missed))
    return sorted(told, key=itemgetter("pixels"), reverse=True)[:most]


def _told(what: str, objects: Sequence[WrongObject]) -> Iterator[dict[str, Any]]:
    """`class` is what the object is, predicted or true, and `other` what the other side has there; ids."""
    for each in objects:
        classes = {"class": each.class_id, "other": each.confused_with}
        box = {"x": each.x, "y": each.y, "width": each.width, "height": each.height}
        yield {"what": what, **classes, **box, "pixels": each.pixels, "kind": each.kind.name.lower()}
