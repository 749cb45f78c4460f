"""What is asked of a person whose masks have no class list: what they hold, and what to write down for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from formats.errors import SagesegError
from formats.images import read_image
from formats.parallel import map_parallel
from prep.readers.classes.black_and_white import WHITE
from prep.readers.classes.label_list import BLACK, CLASS_LISTS
from prep.readers.classes.mask_values import survey_mask

_LOOKED_AT, _SHOWN, _VALUES_SHOWN = 40, 8, 40


def ask_for_list(folder: Path, paths: Sequence[Path], workers: int | None = None) -> SagesegError:
    """What some of the masks hold, and which list would name it."""
    some = paths[:: -(-len(paths) // _LOOKED_AT)]
    facts = list(map_parallel(survey_mask, some, workers=workers, label="masks"))
    coloured = [fact.path for fact in facts if not fact.one_channel]
    begin = f"{folder}: no list of classes ({', '.join(CLASS_LISTS)}) beside the masks"
    if coloured:
        return SagesegError(
            f"{begin}, and {len(coloured)} of {len(some)} looked at hold colours, such as {_colours(coloured)}; write "
            "name,red,green,blue for each colour into a file, and pass it with --colors"
        )
    used = {value for fact in facts for value in fact.values}
    if all(fact.colours and {colour[:3] for colour in fact.colours} <= {BLACK, WHITE} for fact in facts):
        return SagesegError(
            f"{begin}, and the {len(some)} looked at are black and white; write what white is into a file, "
            "such as the one line car into labels.txt, and pass --labels labels.txt --binary"
        )
    return SagesegError(
        f"{begin}, and the {len(some)} looked at hold the values {_values(used)}; write the name of each value into a "
        "file, one per line from 0 on, and pass it with --labels; or value,name in each line, and pass it with --map"
    )


def _values(used: set[int]) -> str:
    shown = sorted(used)[:_VALUES_SHOWN]
    return ", ".join(map(str, shown)) + (" …" if len(used) > len(shown) else "")


def _colours(paths: Sequence[Path]) -> str:
    found: dict[str, None] = {}
    for path in paths:
        pixels = read_image(path)
        for colour in np.unique(pixels.reshape(-1, 3), axis=0).tolist():
            found[",".join(map(str, colour))] = None
        if len(found) > _SHOWN:
            break
    return " ".join(list(found)[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
