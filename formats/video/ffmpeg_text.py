"""What ffmpeg tells of a video in words: before it reads it, on stderr (`-loglevel level+info`), and by frame, by its
filter `metadata`. Frames do not come through the log (showinfo): there other threads speak into their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN, FIELDS = "shown=1", "fields=1"
"""What the filter `metadata` adds to each frame that is shown, and to each that is interlaced."""
TICKS = 1_000_000
"""Times of frames are counted in so many parts of a second."""

_INPUT = re.compile(r"\[info\] Input #0, (?P<formats>\S+), from ")
_DURATION = re.compile(
    r"\[info\]   Duration: (?P<hours>\d{1,9}):(?P<minutes>\d{1,9}):(?P<seconds>\d{1,9}\.\d+)"
    r"(?:, start: (?P<start>-?\d{1,9}(?:\.\d+)?))?"
)
_STREAM = re.compile(r"\[info\]   Stream #0:\S+: (?P<kind>Video|Audio): (?P<codec>\w+)(?P<rest>.*)")
_ALPHA = re.compile(r", (?P<format>yuva\w*|ya\d\w*|gbrap\w*|rgba\w*|bgra\w*|argb\w*|abgr\w*|pal8)\b")
_FRAME = re.compile(r"frame:(?P<number>\d{1,18}) +pts:(?P<pts>-?\d{1,18}|NOPTS)\b")


@dataclass(frozen=True)
class VideoHeader:
    """What a file says of itself. In seconds, `duration` is what it states and `start` where its times begin; `codecs`
    is one for each stream of moving pictures, `alpha` the first one's pixel format where that may hold transparency."""

    formats: str = ""
    duration: float | None = None
    start: float = 0.0
    has_audio: bool = False
    codecs: tuple[str, ...] = ()
    alpha: str = ""


def parse_header(lines: Iterable[str]) -> VideoHeader:
    """The header from what ffmpeg says of its input; an empty one where it cannot open it."""
    formats, duration, start, alpha, has_audio = "", None, 0.0, "", False
    codecs: list[str] = []
    for line in lines:
        if found := _INPUT.match(line):
            formats = found["formats"]
        elif found := _DURATION.match(line):
            duration = int(found["hours"]) * 3600 + int(found["minutes"]) * 60 + float(found["seconds"])
            start = float(found["start"] or 0)
        elif found := _STREAM.match(line):
            if found["kind"] == "Audio":
                has_audio = True
            elif "(attached pic)" not in found["rest"] and "(still image)" not in found["rest"]:
                transparent = _ALPHA.search(found["rest"])
                alpha = transparent["format"] if transparent and not codecs else alpha
                codecs.append(found["codec"])
    return VideoHeader(formats, duration, start, has_audio, tuple(codecs), alpha)


@dataclass
class ShownFrames:
    """What the lines of the filters so far have told.

    `times` are seconds from the first frame on, by frame; None where a frame has no time. `interlaced` counts frames;
    `changed` is the first frame of another size or pixel format, `backwards` the first before its predecessor.
    """

    times: list[float | None] = field(default_factory=list)
    interlaced: int = 0
    changed: int | None = None
    backwards: int | None = None
    _number: int = 0
    _pts: str = "NOPTS"
    _start: int | None = None

    def add(self, line: str) -> None:
        """Take one line: a frame's number and time, or, after them, what kind of frame it is."""
        if frame := _FRAME.match(line):
            self._number, self._pts = int(frame["number"]), frame["pts"]
        elif line == FIELDS:
            self.interlaced += 1
        elif line == SHOWN:
            self._add_shown()

    def _add_shown(self) -> None:
        if self._number != len(self.times) and self.changed is None:  # the filters were set up anew
            self.changed = len(self.times)
        seconds, before = self._seconds(), self.times[-1] if self.times else None
        if self.backwards is None and seconds is not None and before is not None and seconds < before:
            self.backwards = len(self.times)
        self.times.append(seconds)

    def _seconds(self) -> float | None:
        if self._pts == "NOPTS":
            return None
        if self._start is None:
            self._start = int(self._pts)
        return (int(self._pts) - self._start) / TICKS
