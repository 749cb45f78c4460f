"""Masks in the ids, or the colours, of Cityscapes (`formats.cityscapes`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from formats.cityscapes import EVALUATED, IGNORED
from formats.classes import IGNORE
from formats.errors import SagesegError
from prep.readers.classes.class_masks import ClassMasks
from prep.readers.classes.value_map import ValueMap, settle_values
from prep.readers.colour_masks import ColourMask, mask_mode

CITYSCAPES = "cityscapes"
"""The word of --map for this table."""
COLOURS = frozenset((*(colour for _, colour in EVALUATED.values()), *IGNORED.values()))
"""All colours of the table."""
_MAP = ValueMap(
    "Cityscapes' table",
    {value: name for value, (name, _) in EVALUATED.items()} | dict.fromkeys(IGNORED, "ignore"),
)
_TRAIN_IDS = "TrainIds"


def settle_cityscapes(paths: Sequence[Path], *, background: str | None, workers: int | None) -> ClassMasks:
    """How masks in Cityscapes' ids, or its colours, are read. Raises SagesegError for other values, and for train ids,
    which are other numbers of the same range."""
    trained = next((path for path in paths if path.stem.endswith(_TRAIN_IDS)), None)
    if trained is not None:
        raise SagesegError(
            f"{trained}: holds train ids, and --map {CITYSCAPES} is of label ids; pass --mask-name for *_labelIds, or "
            "the nineteen names with --labels and --background none"
        )
    coloured = {path for path in paths if mask_mode(path).startswith("RGB")}
    settled = settle_values(
        _MAP, [path for path in paths if path not in coloured], background=background, workers=workers
    )
    ids = {name: class_id for class_id, name in enumerate(settled.classes.names)}
    of_colour = dict.fromkeys(IGNORED.values(), IGNORE)
    of_colour |= {colour: ids[name] for name, colour in EVALUATED.values()}
    return replace(settled, masks={**settled.masks, **{path: ColourMask(path, of_colour) for path in coloured}})
