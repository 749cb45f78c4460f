"""The colours that tell right from wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""


class ColourScheme(StrEnum):
    DEFAULT = "default"
    LIGHT = "light"
    SAFE = "safe"


@dataclass(frozen=True)
class AgreementColours:
    """What was predicted rightly, what was predicted but is wrong, what was missed."""

    correct: Colour
    wrong: Colour
    missed: Colour

    def legend(self) -> tuple[tuple[str, Colour], ...]:
        return ("correct", self.correct), ("predicted but wrong", self.wrong), ("missed", self.missed)


AGREEMENT_COLOURS = {
    ColourScheme.DEFAULT: AgreementColours(correct=(52, 190, 90), wrong=(235, 55, 50), missed=(50, 115, 250)),
    # Light adds up: truth in green plus prediction in red gives yellow where both agree.
    ColourScheme.LIGHT: AgreementColours(correct=(250, 215, 40), wrong=(235, 55, 50), missed=(50, 200, 80)),
    # Sky blue, vermilion and yellow of Okabe and Ito's palette (jfly.uni-koeln.de/color), which
    # differ for every common kind of colour blindness.
    ColourScheme.SAFE: AgreementColours(correct=(86, 180, 233), wrong=(213, 94, 0), missed=(240, 228, 66)),
}
