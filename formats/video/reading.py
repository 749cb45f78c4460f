"""Frames of a video as a player shows them, with their own times: read by the program ffmpeg, which knows of edit
lists, display matrices, interlaced fields, colour matrices and bit depths what OpenCV passes over.

Each frame arrives as a PPM, which says its own size; times and the rest arrive as text (`ffmpeg_text.py`) by a pipe of
their own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import IO, cast

import numpy as np

from formats import limits
from formats.console import say
from formats.errors import SagesegError
from formats.images import Rgb
from formats.video.ffmpeg_text import FIELDS, SHOWN, TICKS, ShownFrames, VideoHeader, parse_header

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".wmv"})
_UNTIMED = frozenset({"h264", "hevc", "vvc", "m4v", "mjpeg", "rawvideo", "obu"})
"""Bare streams: for them ffmpeg makes times up, at 25 frames per second."""
_FIELDS = frozenset({"hevc", "vvc"})
"""Codecs whose interlaced pictures are single fields of half the height; no flag tells them from frames."""
_LATE_S = 0.5
"""So far before the stated end a video may end: containers round."""
_SAY_SO = ("mov,", "matroska,")
"""Of these containers ffmpeg itself says that they are cut; their last frame may be shown for long."""
_ORIGIN = re.compile(r"^(?:\[[^]]+ @ \w+\] *)+")
"""The part of ffmpeg that speaks, before its words."""
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
    """A running ffmpeg. Threads take in what it tells of its frames by the pipe `told`, and its errors."""

    def __init__(self, process: subprocess.Popen[bytes], told: int) -> None:
        self.frames = ShownFrames()
        self.errors: list[str] = []
        self.pixels = cast("IO[bytes]", process.stdout)
        self._process = process
        self._news = Condition()
        self._ended = False
        stderr = cast("IO[bytes]", process.stderr)
        self._threads = [Thread(target=self._listen, args=(told,)), Thread(target=self._collect, args=(stderr,))]
        for thread in self._threads:
            thread.start()

    def _listen(self, told: int) -> None:
        with open(told, "rb") as lines:
            for line in lines:
                with self._news:
                    self.frames.add(line.decode("ascii", "replace").strip())
                    self._news.notify()
        with self._news:
            self._ended = True
            self._news.notify()

    def _collect(self, stderr: IO[bytes]) -> None:
        """At this level of the log every line is an error."""
        for line in stderr:
            text = _ORIGIN.sub("", line.decode("utf-8", "replace").strip())
            if text:
                self.errors.append(text)

    def wait_for(self, number: int) -> None:
        """Until a frame was told of: pixels and text come by two pipes."""
        with self._news:
            self._news.wait_for(lambda: self._ended or len(self.frames.times) > number)

    def finish(self) -> int:
        """Wait for the end, which has come or is asked for. Returns ffmpeg's exit code."""
        for thread in self._threads:
            thread.join()
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
    header = _read_header(path)
    with _ffmpeg(path, every) as reading:
        kept = 0
        while (image := _read_ppm(reading.pixels)) is not None:
            number = kept * every
            reading.wait_for(number)
            _check(path, header, reading.frames, fps)
            yield VideoFrame(number, _time(path, reading.frames, number, fps), image)
            kept += 1
        code = reading.finish()
    _check(path, header, reading.frames, fps)
    if not kept:
        why = _why(header, reading.errors)
        raise SagesegError(
            f"{path}: cannot be read as a video ({why}); expected one that ffmpeg decodes, whole: copy it again if it "
            "may be cut short"
        )
    _tell(path, header, reading, code)


def _why(header: VideoHeader, errors: Sequence[str]) -> str:
    if header.formats and not header.codecs:
        return "there are no pictures in it"
    return errors[0] if errors else "no frame of it can be decoded"


def _read_header(path: Path) -> VideoHeader:
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-loglevel", "level+info", "-i", f"file:{path}"]
    with _names_another(command[0]):  # without an output it tells of its input, and ends with an error
        told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr
    return parse_header(told.decode("utf-8", "replace").splitlines())


@contextmanager
def _names_another(program: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise SagesegError(f"{program}: cannot be run ({e.strerror}); {_NAME_ANOTHER}") from e


@contextmanager
def _ffmpeg(path: Path, every: int) -> Iterator[_Reading]:
    told, tells = os.pipe()
    command, pipe = _command(path, every, tells), subprocess.PIPE
    try:
        with _names_another(command[0]):
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, pass_fds=(tells,))
    except SagesegError:
        os.close(told)
        raise
    finally:
        os.close(tells)
    with process:
        reading = _Reading(process, told)
        try:
            yield reading
        finally:
            reading.kill()


def _command(path: Path, every: int, tells: int) -> list[str]:
    """All frames are decoded and told of; the N-th alone are converted. Passed through: neither doubled nor dropped to
    fit a rate. Gaps in a recording's times stay, times that begin again are led on."""
    filters = (
        f"settb=1/{TICKS},split[all][fields];"
        f"[fields]select=not(eq(interlace_type\\,PROGRESSIVE)),{_tell_of(FIELDS, tells)},nullsink;"
        f"[all]{_tell_of(SHOWN, tells)},bwdif=mode=send_frame:deint=interlaced,select=not(mod(n\\,{every}))"
    )
    return [
        *(ffmpeg_program(), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"),
        *("-max_pixels", str(limits.MOST_PIXELS)),
        *("-dts_delta_threshold", "1e9", "-i", f"file:{path}", "-map", "0:V:0", "-vf", filters),
        *("-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-"),
    ]


def _tell_of(mark: str, tells: int) -> str:
    key, _, value = mark.partition("=")
    return f"metadata=add:key={key}:value={value},metadata=print:key={key}:file=pipe\\\\:{tells}:direct=1"


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


def _time(path: Path, frames: ShownFrames, number: int, fps: float | None) -> float:
    if fps:
        return number / fps
    time = frames.times[number] if number < len(frames.times) else None
    if time is None:
        raise SagesegError(f"{path}: frame {number} has no time; pass --fps, such as --fps 25")
    return time


def _check(path: Path, header: VideoHeader, frames: ShownFrames, fps: float | None) -> None:
    """Raise SagesegError for what cannot be read as it should be."""
    if frames.changed is not None:
        raise SagesegError(
            f"{path}: from frame {frames.changed} on it has another size or pixel format; make them one first, for "
            f"example: ffmpeg -i {path.name} -vf scale=1280:720,format=yuv420p {_CONVERT} one-size.mp4"
        )
    if frames.interlaced and header.codecs[0] in _FIELDS:
        raise SagesegError(
            f"{path}: interlaced {header.codecs[0]}, whose pictures are single fields; weave them first: "
            f"ffmpeg -i {path.name} -vf weave,bwdif=mode=send_frame {_CONVERT} woven.mp4"
        )
    if not fps and header.formats in _UNTIMED:
        raise SagesegError(f"{path}: a bare {header.formats} stream has no times; pass --fps, such as --fps 25")
    if not fps and frames.backwards is not None:
        raise SagesegError(f"{path}: at frame {frames.backwards} its times go backwards; pass --fps, such as --fps 25")


def _tell(path: Path, header: VideoHeader, reading: _Reading, code: int) -> None:
    shown, interlaced = len(reading.frames.times), reading.frames.interlaced
    if len(header.codecs) > 1:
        say(f"note: {path}: {len(header.codecs)} video streams; the first was read")
    if interlaced:
        say(f"note: {path}: {interlaced} of {shown} frames are interlaced; they were deinterlaced (bwdif)")
    if header.alpha:
        say(f"note: {path}: {header.alpha} pixels may have transparency, which was left out")
    if reading.errors or code:
        first = reading.errors[0] if reading.errors else f"exit code {code}"
        say(
            f"note: {path}: {shown} frames could be read; the file is cut short or broken: ffmpeg met "
            f"{max(len(reading.errors), 1)} error(s), the first: {first}; look at the frames before you label them"
        )
    elif _ends_early(header, reading.frames.times):
        say(
            f"note: {path}: ends at {reading.frames.times[-1]:.3f} of {header.duration:.3f} s; "
            "the file is cut short or broken"
        )


def _ends_early(header: VideoHeader, times: Sequence[float | None]) -> bool:
    """By the stated duration, which is that of the longest stream: with sound it says nothing of the pictures. Some
    containers count it from 0 and not from the start."""
    last = times[-1] if times else None
    if header.duration is None or last is None or header.has_audio or header.formats.startswith(_SAY_SO):
        return False
    lasts = last / max(len(times) - 1, 1)
    return max(header.start, 0) + last + lasts + _LATE_S < header.duration
