"""The classes of Cityscapes, which KITTI's semantic benchmark shares: ids as `*_labelIds.png` and `semantic/` hold
them, colours as `*_color.png` and `semantic_rgb/` do.

The table is that of `cityscapesscripts/helpers/labels.py`. What it does not evaluate is ignore; a licence plate has the
colour of a car and a group of poles that of a pole, so in colours they are these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from formats.classes import IGNORE
from formats.errors import SagesegError
from prep.readers.classes.class_masks import ClassMasks
from prep.readers.classes.value_map import ValueMap, settle_values
from prep.readers.colour_masks import Colour, ColourMask, mask_mode

CITYSCAPES = "cityscapes"
"""The word of --map for this table."""
_EVALUATED: dict[int, tuple[str, Colour]] = {
    7: ("road", (128, 64, 128)),
    8: ("sidewalk", (244, 35, 232)),
    11: ("building", (70, 70, 70)),
    12: ("wall", (102, 102, 156)),
    13: ("fence", (190, 153, 153)),
    17: ("pole", (153, 153, 153)),
    19: ("traffic light", (250, 170, 30)),
    20: ("traffic sign", (220, 220, 0)),
    21: ("vegetation", (107, 142, 35)),
    22: ("terrain", (152, 251, 152)),
    23: ("sky", (70, 130, 180)),
    24: ("person", (220, 20, 60)),
    25: ("rider", (255, 0, 0)),
    26: ("car", (0, 0, 142)),
    27: ("truck", (0, 0, 70)),
    28: ("bus", (0, 60, 100)),
    31: ("train", (0, 80, 100)),
    32: ("motorcycle", (0, 0, 230)),
    33: ("bicycle", (119, 11, 32)),
}
_IGNORED: dict[int, Colour] = {
    **dict.fromkeys(range(5), (0, 0, 0)),
    5: (111, 74, 0),
    6: (81, 0, 81),
    9: (250, 170, 160),
    10: (230, 150, 140),
    14: (180, 165, 180),
    15: (150, 100, 100),
    16: (150, 120, 90),
    18: (153, 153, 153),
    29: (0, 0, 90),
    30: (0, 0, 110),
    IGNORE: (0, 0, 142),
}
"""Licence plates are -1, which 8 bits hold as 255."""
COLOURS = frozenset((*(colour for _, colour in _EVALUATED.values()), *_IGNORED.values()))
"""All colours of the table."""
_MAP = ValueMap(
    "Cityscapes' table",
    {value: name for value, (name, _) in _EVALUATED.items()} | dict.fromkeys(_IGNORED, "ignore"),
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
    of_colour = dict.fromkeys(_IGNORED.values(), IGNORE)
    of_colour |= {colour: ids[name] for name, colour in _EVALUATED.values()}
    return replace(settled, masks={**settled.masks, **{path: ColourMask(path, of_colour) for path in coloured}})
