"""What ffmpeg tells of a video on stderr, line by line: its streams, and of each frame that it shows the time, the size
and whether it is interlaced. Lines are those of `-loglevel level+info` and of a showinfo filter named `in`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SHOWINFO = "showinfo@in"
"""The filter's name on the command line, and before its lines."""

_INPUT = re.compile(r"\[info\] Input #0, (?P<formats>\S+), from ")
_DURATION = re.compile(
    r"\[info\]   Duration: (?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+\.\d+), start: (?P<start>-?[\d.]+)"
)
_STREAM = re.compile(r"\[info\]   Stream #0:\S+: (?P<kind>Video|Audio): (?P<codec>\w+)(?P<rest>.*)")
_CONFIG = re.compile(rf"\[{SHOWINFO} @ \S+\] \[info\] config in time_base: (?P<num>\d+)/(?P<den>\d+),")
_FRAME = re.compile(
    rf"\[{SHOWINFO} @ \S+\] \[info\] n: *\d+ pts: *(?P<pts>\S+) (?:.*?duration: *(?P<lasts>\d+) )?.*fmt:(?P<format>\S+) .*"
    r" s:(?P<width>\d+)x(?P<height>\d+) i:(?P<interlaced>[PTB]) "
)
_ERROR = re.compile(r"(?:\[.+? @ \S+\] )*\[(?:error|fatal)\] (?P<text>.+)")
_ALPHA = re.compile(r"yuva|ya\d|gbrap|rgba|bgra|argb|abgr|pal8")


@dataclass(frozen=True)
class VideoStream:
    """A stream of pictures that move; a cover is none."""

    codec: str


@dataclass
class VideoLog:
    """What the lines so far have told. `lasts` is for how long the last frame is shown, in seconds.

    `times` are seconds from the first frame on, by frame; None where a frame has no time. `interlaced` counts frames;
    `changed` is the first frame of another size or pixel format, `backwards` the first before its predecessor. In
    seconds, `duration` is what the file states, `start` where its times begin.
    """

    formats: str = ""
    duration: float | None = None
    start: float = 0.0
    has_audio: bool = False
    streams: list[VideoStream] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)
    lasts: float = 0.0
    interlaced: int = 0
    size: tuple[int, int] = (0, 0)
    pixel_format: str = ""
    changed: int | None = None
    backwards: int | None = None
    errors: list[str] = field(default_factory=list)
    _base: tuple[int, int] | None = None
    _start: int | None = None

    @property
    def has_alpha(self) -> bool:
        return _ALPHA.match(self.pixel_format) is not None

    def add(self, line: str) -> None:
        """Take one line; most tell nothing that is needed."""
        if frame := _FRAME.match(line):
            self._add_frame(frame)
        elif config := _CONFIG.match(line):
            if self._base is not None and self.changed is None:
                self.changed = len(self.times)
            self._base = int(config["num"]), int(config["den"])
        elif error := _ERROR.match(line):
            self.errors.append(error["text"])
        elif not self.times:
            self._add_header(line)

    def _add_frame(self, frame: re.Match[str]) -> None:
        seconds, before = self._seconds(frame["pts"]), self.times[-1] if self.times else None
        if self.backwards is None and seconds is not None and before is not None and seconds < before:
            self.backwards = len(self.times)
        self.times.append(seconds)
        if self._base is not None:
            self.lasts = int(frame["lasts"] or 0) * self._base[0] / self._base[1]
        self.interlaced += frame["interlaced"] != "P"
        self.size = int(frame["width"]), int(frame["height"])
        self.pixel_format = frame["format"]

    def _seconds(self, pts: str) -> float | None:
        if pts == "NOPTS" or self._base is None:
            return None
        if self._start is None:
            self._start = int(pts)
        return (int(pts) - self._start) * self._base[0] / self._base[1]

    def _add_header(self, line: str) -> None:
        if found := _INPUT.match(line):
            self.formats = found["formats"]
        elif found := _DURATION.match(line):
            self.duration = int(found["hours"]) * 3600 + int(found["minutes"]) * 60 + float(found["seconds"])
            self.start = float(found["start"])
        elif found := _STREAM.match(line):
            if found["kind"] == "Audio":
                self.has_audio = True
            elif "(attached pic)" not in found["rest"] and "(still image)" not in found["rest"]:
                self.streams.append(VideoStream(found["codec"]))
