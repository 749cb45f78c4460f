"""What is asked of a person whose masks have no class list: what they hold, and what to write down for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats.errors import SagesegError
from formats.images import read_image
from formats.parallel import map_parallel
from formats.texts.wording import name_first
from prep.readers.classes.black_and_white import WHITE
from prep.readers.classes.cityscapes import CITYSCAPES, COLOURS
from prep.readers.classes.label_list import BLACK, CLASS_LISTS
from prep.readers.classes.mask_values import MaskFacts, survey_mask
from prep.readers.colour_masks import Colour

BINARY = "--binary"
_LOOKED_AT, _SHOWN, _VALUES_SHOWN = 40, 8, 40
_TELLING = 3
"""So many of a table's colours beside black are no chance: one of Cityscapes' is plain red."""


@dataclass(frozen=True)
class Wanted:
    """What masks hold, what to write down for it, and the options that then read it."""

    held: str
    told: str
    options: list[str]

    @property
    def of_colours(self) -> bool:
        return "--labels" not in self.options


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
    painted = _colours(coloured)
    levels = [fact for fact in facts if fact.one_channel]
    used_colours = {colour[:3] for fact in levels for colour in fact.colours} | painted.keys()
    black_and_white = all(fact.colours for fact in levels) and used_colours <= {BLACK, WHITE}
    if coloured and not black_and_white:
        shown = " ".join(",".join(map(str, colour)) for colour in list(painted)[:_SHOWN])
        held = f"{len(coloured)} of {len(facts)} looked at hold colours, such as {shown}"
        if painted.keys() <= COLOURS and len(painted.keys() - {BLACK}) >= _TELLING:
            return Wanted(f"{held}, which are Cityscapes'", f"pass --map {CITYSCAPES}", ["--map", CITYSCAPES])
        return Wanted(
            held + (" …" if len(painted) > _SHOWN else ""),
            "write name,red,green,blue for each colour into colours.csv, and pass --colors colours.csv",
            ["--colors", "colours.csv"],
        )
    if black_and_white:
        return Wanted(
            f"the {len(facts)} looked at are black and white",
            "write what white is, such as the one line car, into labels.txt, and pass --labels labels.txt --binary",
            ["--labels", "labels.txt", BINARY],
        )
    used = {value for fact in facts for value in fact.values}
    return Wanted(
        f"the {len(facts)} looked at hold the values {name_first(sorted(used), _VALUES_SHOWN)}",
        "write the name of each value, one per line from 0 on, into labels.txt, and pass --labels labels.txt; or "
        "value,name in each line of a file, and pass it with --map",
        ["--labels", "labels.txt"],
    )


def _colours(paths: Sequence[Path]) -> dict[Colour, None]:
    """The colours of masks in their order, until there are more than are shown."""
    found: dict[Colour, None] = {}
    for path in paths:
        colours = np.unique(read_image(path).reshape(-1, 3), axis=0).tolist()
        found |= dict.fromkeys((red, green, blue) for red, green, blue in colours)
        if len(found) > _SHOWN:
            break
    return found
