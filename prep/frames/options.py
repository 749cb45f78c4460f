"""What `prep frames` accepts."""

from __future__ import annotations

from dataclasses import dataclass

from formats.errors import SagesegError
from formats.texts.told_numbers import parse_number
from formats.verbs.command_options import option
from formats.video.options import BLOCK_S, parse_every, parse_positive


def parse_difference(text: str) -> float:
    """A difference of grey values, 0..255."""
    value = parse_number(text)
    if not 0 <= value <= 255:
        raise SagesegError(f"--difference {text}: expected a mean difference of grey values, 0 to 255")
    return value


@dataclass(frozen=True)
class FrameOptions:
    """Which frames become images. `block` is in seconds, `difference` in grey values (0..255)."""

    every: int = option(10, "Look at every N-th frame.", parser=parse_every, metavar="N")
    difference: float = option(
        2.0,
        "Drop a frame whose mean difference of grey values from the last kept one is smaller; 0 keeps all.",
        parser=parse_difference,
        metavar="GREY",
    )
    block: float = option(
        BLOCK_S,
        "Frames of one time block are one group: never divided by a split.",
        parser=parse_positive,
        metavar="SECONDS",
    )
    fps: float | None = option(
        None,
        "Frames per second: time is then number / FPS; by default each frame's own time.",
        parser=parse_positive,
        metavar="FPS",
    )
    overwrite: bool = option(False, "Replace what is at --out.")
