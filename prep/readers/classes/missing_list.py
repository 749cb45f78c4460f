"""What is asked of a person whose masks have no class list: what they hold, and what to write down for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats.errors import SagesegError
from formats.images import read_image
from formats.parallel import map_parallel
from formats.wording import name_first
from prep.readers.classes.black_and_white import WHITE
from prep.readers.classes.label_list import BLACK, CLASS_LISTS
from prep.readers.classes.mask_values import MaskFacts, survey_mask

BINARY = "--binary"
_LOOKED_AT, _SHOWN, _VALUES_SHOWN = 40, 8, 40


@dataclass(frozen=True)
class Wanted:
    """What masks hold, what to write down for it, and the options that then read it."""

    held: str
    told: str
    options: list[str]

    @property
    def of_colours(self) -> bool:
        return "--colors" in self.options


def ask_for_list(folder: Path, paths: Sequence[Path], workers: int | None = None) -> SagesegError:
    """What some of the masks hold, and which list would name it."""
    some = paths[:: -(-len(paths) // _LOOKED_AT)]
    wanted = _wanted(list(map_parallel(survey_mask, some, workers=workers, label="masks")))
    return SagesegError(
        f"{folder}: no list of classes ({', '.join(CLASS_LISTS)}) beside the masks, and {wanted.held}; {wanted.told}"
    )


def what_is_wanted(paths: Sequence[Path]) -> Wanted:
    """The same of a few masks, all of which are looked at. Raises SagesegError for files that are no masks."""
    return _wanted([survey_mask(path) for path in paths])


def _wanted(facts: Sequence[MaskFacts]) -> Wanted:
    coloured = [fact.path for fact in facts if not fact.one_channel]
    if coloured:
        return Wanted(
            f"{len(coloured)} of {len(facts)} looked at hold colours, such as {_colours(coloured)}",
            "write name,red,green,blue for each colour into colours.csv, and pass --colors colours.csv",
            ["--colors", "colours.csv"],
        )
    used = {value for fact in facts for value in fact.values}
    if all(fact.colours and {colour[:3] for colour in fact.colours} <= {BLACK, WHITE} for fact in facts):
        return Wanted(
            f"the {len(facts)} looked at are black and white",
            "write what white is, such as the one line car, into labels.txt, and pass --labels labels.txt --binary",
            ["--labels", "labels.txt", BINARY],
        )
    return Wanted(
        f"the {len(facts)} looked at hold the values {name_first(sorted(used), _VALUES_SHOWN)}",
        "write the name of each value, one per line from 0 on, into labels.txt, and pass --labels labels.txt; or "
        "value,name in each line of a file, and pass it with --map",
        ["--labels", "labels.txt"],
    )


def _colours(paths: Sequence[Path]) -> str:
    found: dict[str, None] = {}
    for path in paths:
        pixels = read_image(path)
        for colour in np.unique(pixels.reshape(-1, 3), axis=0).tolist():
            found[",".join(map(str, colour))] = None
        if len(found) > _SHOWN:
            break
    return " ".join(list(found)[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
