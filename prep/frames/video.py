"""Frames of a video as a player shows them, with their own times: read by the program ffmpeg, which knows of edit
lists, display matrices, interlaced fields, colour matrices and bit depths what OpenCV passes over.

Each frame arrives as a PPM, which says its own size; times and the rest arrive on stderr (`ffmpeg_log.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import IO, cast

import numpy as np

from formats.console import say
from formats.errors import SagesegError
from formats.images import Rgb
from prep.frames.ffmpeg_log import SHOWINFO, VideoLog

_UNTIMED = frozenset({"h264", "hevc", "vvc", "m4v", "mjpeg", "rawvideo", "obu"})
"""Bare streams: for them ffmpeg makes times up, at 25 frames per second."""
_FIELDS = frozenset({"hevc", "vvc"})
"""Codecs whose interlaced pictures are single fields of half the height; no flag tells them from frames."""
_LATE_S = 0.5
"""So far before the stated end a video may end: containers round."""
_NAME_ANOTHER = (
    "install the extra video (pip install -e '.[video]'), or ffmpeg 5.1 or newer, or name one as IMAGEIO_FFMPEG_EXE"
)
_CONVERT = "-c:v libx264 -crf 12"


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """A frame by its number from 0 among those shown, and its time in seconds from the first."""

    number: int
    seconds: float
    image: Rgb


class _Reading:
    """A running ffmpeg, whose stderr is taken in by a thread of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.log = VideoLog()
        self.pixels = cast("IO[bytes]", process.stdout)
        self._process = process
        self._told = Condition()
        self._ended = False
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for line in cast("IO[bytes]", self._process.stderr):
            with self._told:
                self.log.add(line.decode("utf-8", "replace").rstrip())
                self._told.notify()
        with self._told:
            self._ended = True
            self._told.notify()

    def wait_for(self, number: int) -> None:
        """Until the log has told of a frame: pixels and lines come by two pipes."""
        with self._told:
            self._told.wait_for(lambda: self._ended or len(self.log.times) > number)

    def finish(self) -> int:
        """Wait for the end, which has come or is asked for. Returns ffmpeg's exit code."""
        self._thread.join()
        return self._process.wait()

    def kill(self) -> None:
        self._process.kill()
        self.finish()


def read_video(path: Path, every: int, fps: float | None) -> Iterator[VideoFrame]:
    """Every N-th frame that a player shows, upright, deinterlaced, as 8-bit RGB. Frame and time are as the video says;
    with `fps` the time is number / fps.

    Raises SagesegError for what is no video, has no times, or changes its size on the way; what is taken for granted
    (deinterlaced, cut short, a second stream) is said at the end.
    """
    with _ffmpeg(path, every) as reading:
        kept = 0
        while (image := _read_ppm(reading.pixels)) is not None:
            number = kept * every
            reading.wait_for(number)
            _check(path, reading.log, fps)
            yield VideoFrame(number, _time(path, reading.log, number, fps), image)
            kept += 1
        code = reading.finish()
    _check(path, reading.log, fps)
    if not kept:
        raise SagesegError(f"{path}: cannot be read as a video ({_why(reading.log)}); expected one that ffmpeg decodes")
    _tell(path, reading.log, code)


def _why(log: VideoLog) -> str:
    if log.formats and not log.streams:
        return "there are no pictures in it"
    return log.errors[0] if log.errors else "no frame of it can be decoded"


@contextmanager
def _ffmpeg(path: Path, every: int) -> Iterator[_Reading]:
    command = _command(path, every)
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    except OSError as e:
        raise SagesegError(f"{command[0]}: cannot be run ({e.strerror}); {_NAME_ANOTHER}") from e
    with process:
        reading = _Reading(process)
        try:
            yield reading
        finally:
            reading.kill()


def _command(path: Path, every: int) -> list[str]:
    """All frames are decoded and told of; the N-th alone are converted. Passed through: neither doubled nor dropped to
    fit a rate. Gaps in a recording's times stay, times that begin again are led on."""
    filters = f"{SHOWINFO}=checksum=0,bwdif=mode=send_frame:deint=interlaced,select=not(mod(n\\,{every}))"
    return [
        *(ffmpeg_program(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info"),
        *("-dts_delta_threshold", "1e9", "-i", f"file:{path}", "-map", "0:V:0", "-vf", filters),
        *("-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-"),
    ]


def ffmpeg_program() -> str:
    """The ffmpeg that $IMAGEIO_FFMPEG_EXE names, else the one that imageio-ffmpeg (extra `video`) brings, else that of
    $PATH. Raises SagesegError where there is none."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        found = os.environ.get("IMAGEIO_FFMPEG_EXE") or shutil.which("ffmpeg")
    else:
        with suppress(RuntimeError):
            return str(get_ffmpeg_exe())
        found = None
    if not found:
        raise SagesegError(f"ffmpeg: not found, and videos are read by it; {_NAME_ANOTHER}")
    return found


def _read_ppm(pixels: IO[bytes]) -> Rgb | None:
    """The next image, shape (height, width, 3); None at the end, also where the last one is cut."""
    if pixels.readline() != b"P6\n":
        return None
    width, height = (int(word) for word in pixels.readline().split())
    pixels.readline()
    content = pixels.read(width * height * 3)
    if len(content) < width * height * 3:
        return None
    return np.frombuffer(content, np.uint8).reshape(height, width, 3)


def _time(path: Path, log: VideoLog, number: int, fps: float | None) -> float:
    if fps:
        return number / fps
    time = log.times[number]
    if time is None:
        raise SagesegError(f"{path}: frame {number} has no time; pass --fps, such as --fps 25")
    return time


def _check(path: Path, log: VideoLog, fps: float | None) -> None:
    """Raise SagesegError for what cannot be read as it should be."""
    if log.changed is not None:
        width, height = log.size
        raise SagesegError(
            f"{path}: from frame {log.changed} on it has another size or pixel format; make them one first: "
            f"ffmpeg -i {path.name} -vf scale={width}:{height},format=yuv420p {_CONVERT} one-size.mp4"
        )
    if log.interlaced and log.streams and log.streams[0].codec in _FIELDS:
        raise SagesegError(
            f"{path}: interlaced {log.streams[0].codec}, whose pictures are single fields; weave them first: "
            f"ffmpeg -i {path.name} -vf weave,bwdif=mode=send_frame {_CONVERT} woven.mp4"
        )
    if not fps and log.formats in _UNTIMED:
        raise SagesegError(f"{path}: a bare {log.formats} stream has no times; pass --fps, such as --fps 25")
    if not fps and log.backwards is not None:
        raise SagesegError(f"{path}: at frame {log.backwards} its times go backwards; pass --fps, such as --fps 25")


def _tell(path: Path, log: VideoLog, code: int) -> None:
    if len(log.streams) > 1:
        say(f"note: {path}: {len(log.streams)} video streams; the first was read")
    if log.interlaced:
        say(f"note: {path}: {log.interlaced} of {len(log.times)} frames are interlaced; they were deinterlaced (bwdif)")
    if log.has_alpha:
        say(f"note: {path}: {log.pixel_format} pixels may have transparency, which was left out")
    if log.errors or code:
        first = log.errors[0] if log.errors else f"exit code {code}"
        say(
            f"note: {path}: {len(log.times)} frames could be read; the file is cut short or broken: ffmpeg met "
            f"{max(len(log.errors), 1)} error(s), the first: {first}; look at the frames before you label them"
        )
    elif _ends_early(log):
        say(f"note: {path}: ends at {log.times[-1]:.3f} of {log.duration:.3f} s; the file is cut short or broken")


def _ends_early(log: VideoLog) -> bool:
    """By the stated duration, which is that of the longest stream: with sound it says nothing of the pictures. Some
    containers count it from 0 and not from the start."""
    last = log.times[-1] if log.times else None
    if log.duration is None or last is None or log.has_audio:
        return False
    lasts = max(log.lasts, last / max(len(log.times) - 1, 1))
    return max(log.start, 0) + last + lasts + _LATE_S < log.duration
