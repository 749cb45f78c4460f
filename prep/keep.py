"""Which crops get files: those with foreground or in focus, and a seeded share of the others."""

from __future__ import annotations

from prep.dataset.split import rank
from prep.options import OBJECTS, PrepOptions

OBJECTS_SHARE = 0.1
"""--focus-share with --focus objects; with regions it is 0, because what lies outside was left out
on purpose."""


def keeps_crop(row_id: str, split: str, foreground: float, in_region: bool, options: PrepOptions) -> bool:
    """Whether a crop gets files. Each is drawn by its own name's hash, so that the choice needs no
    second pass and does not change when images are added.

    Without --focus, crops with foreground stay, and shares of the empty ones. With --focus objects
    one share holds for the empty crops of every split; with regions the crops in a region follow
    the rule without focus, and a share of all others stays.
    """
    draw = int(rank(options.seed, row_id)[:13], 16) / 16**13
    if options.focus == OBJECTS:
        return foreground > 0 or draw < _focus_share(options)
    if options.focus and not in_region:
        return draw < _focus_share(options)
    return foreground > 0 or draw < (options.keep_empty if split == "train" else options.keep_empty_val)


def _focus_share(options: PrepOptions) -> float:
    if options.focus_share is not None:
        return options.focus_share
    return OBJECTS_SHARE if options.focus == OBJECTS else 0.0
