"""The names of frames, `<video>_b<block>_f<frame>`: they carry the group through labelling, so that
readers find it again without another file."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<video>.+)_b(?P<block>\d{4,9})_f(?P<frame>\d{6,12})", re.DOTALL)


@dataclass(frozen=True)
class FrameName:
    """One frame: its video, the number of its time block, and its number in the video, both from 0."""

    video: str
    block: int
    frame: int

    @property
    def group(self) -> str:
        """What a split must not divide: neighbours in time look alike."""
        return f"{self.video}_b{self.block:04}"

    @property
    def stem(self) -> str:
        return f"{self.group}_f{self.frame:06}"


def parse_frame_name(stem: str) -> FrameName | None:
    """The counterpart of `FrameName.stem`; None for other names."""
    match = _NAME.fullmatch(stem)
    return FrameName(match["video"], int(match["block"]), int(match["frame"])) if match else None
