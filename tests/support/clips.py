"""Clips that ffmpeg draws, by encoders that every build of it has."""

from __future__ import annotations

import subprocess
from pathlib import Path

from formats.video.reading import ffmpeg_program

DRAWN = ("-f", "lavfi", "-i", "testsrc=s=96x72:r=20:d=1")
"""20 frames with a moving pattern, 96 × 72."""
FAST_THEN_SLOW = "setpts=if(lt(N\\,10)\\,N/20\\,N-9.5)/TB"
"""Ten frames in half a second, then one each second."""


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(
        [ffmpeg_program(), "-loglevel", "error", "-y", *map(str, words)], check=True, stdin=subprocess.DEVNULL
    )


def drawn(path: Path, *words: str) -> Path:
    """A clip of the drawn pattern, as `words` of ffmpeg want it."""
    ffmpeg(*DRAWN, *words, path)
    return path


def copied(path: Path, source: Path, *before: str, after: tuple[str, ...] = ()) -> Path:
    """The same pictures, not encoded again; `before` are options of the input."""
    ffmpeg(*before, "-i", source, "-c", "copy", *after, path)
    return path


def interlaced(path: Path, *words: str) -> Path:
    """Ten interlaced frames of the 20 drawn ones: each has the lines of two, in turn."""
    return drawn(path, "-vf", "tinterlace=mode=interleave_top,setfield=tff", "-flags", "+ilme+ildct", *words)
