"""Frames to label: every N-th of a video, without those that look like the one before.

Their names carry video and time block (`formats/prepared/frame_names.py`), so that `prep labelme` keeps what was
filmed together in one split. frames.csv lists them with their times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from formats.console import say
from formats.disk.whole_files import write_bytes, write_text
from formats.disk.whole_folders import refuse_existing, staged_folder
from formats.errors import SagesegError
from formats.images import Rgb, decode_image, encode_image, image_errors, is_plain_jpeg
from formats.prepared.frame_names import FrameName
from formats.prepared.image_folder import files_with, open_image_folder
from formats.texts.csv_text import format_csv
from formats.texts.natural_order import natural_key
from formats.video.reading import VIDEO_SUFFIXES, read_video
from prep.frames.options import FrameOptions

COLUMNS = ("image", "group", "video", "block", "frame", "seconds", "difference")
_SMALL = (64, 36)
"""The size (width, height) at which frames are compared."""
_FIRST = 255.0
"""The difference of a frame that has none before it."""


@dataclass(frozen=True)
class FrameCounts:
    """Frames that were looked at, those that were written, and their time blocks."""

    looked_at: int
    kept: int
    blocks: int


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame by its number from 0, and its time in seconds; `content` is a JPEG of it that may be copied."""

    number: int
    seconds: float
    image: Rgb
    content: bytes | None = None


@dataclass(frozen=True, eq=False)
class _Clip:
    """A video, or a folder of frames, being read."""

    name: str
    frames: Iterator[_Frame]


def write_frames(source: Path, out: Path, options: FrameOptions) -> FrameCounts:
    """Write the frames of a video, or of a folder of frames, to `out`, with frames.csv.

    Raises SagesegError for what cannot be read as either.
    """
    refuse_existing(out, overwrite=options.overwrite, reads=[source])
    clip = _open_folder(source, options) if source.is_dir() else _open_video(source, options)
    looked_at = 0
    rows: list[tuple[str, ...]] = []
    before: npt.NDArray[np.float32] | None = None
    with staged_folder(out, overwrite=options.overwrite) as root:
        for frame in clip.frames:
            looked_at += 1
            small = _shrink(frame.image)
            difference = _FIRST if before is None else float(np.abs(small - before).mean())
            if difference >= options.difference:
                before = small
                name = FrameName(clip.name, int(frame.seconds // options.block), frame.number)
                write_bytes(root / f"{name.stem}.jpg", frame.content or encode_image(frame.image))
                rows.append(_row(name, frame.seconds, difference))
        write_text(root / "frames.csv", format_csv([COLUMNS, *rows]))
    return FrameCounts(looked_at, len(rows), len({row[1] for row in rows}))


def _shrink(image: Rgb) -> npt.NDArray[np.float32]:
    """Grey values 0..255, shape (36, 64), float32: averages over areas, so that noise does not count."""
    grey = cv2.cvtColor(cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32)


def _row(name: FrameName, seconds: float, difference: float) -> tuple[str, ...]:
    numbers = (str(name.block), str(name.frame), f"{seconds:.3f}", f"{difference:.2f}")
    return (f"{name.stem}.jpg", name.group, name.video, *numbers)


def _open_video(path: Path, options: FrameOptions) -> _Clip:
    if not path.is_file():
        raise SagesegError(f"{path}: not found; expected a video or a folder of frames")
    frames = read_video(path, options.every, options.fps)
    return _Clip(path.stem, (_Frame(frame.number, frame.seconds, frame.image) for frame in frames))


def _open_folder(folder: Path, options: FrameOptions) -> _Clip:
    videos = files_with(folder, VIDEO_SUFFIXES, deep=False)
    if videos:
        raise SagesegError(f"{folder}: holds a video, {videos[0].name}; name the video itself")
    if not options.fps:
        raise SagesegError(f"{folder}: frames in a folder have no times; pass --fps, such as --fps 25")
    found = open_image_folder(folder, deep=False, expected="frames such as frame_000001.jpg")
    if note := found.note():
        say(note)
    ordered = sorted((image.path for image in found.images), key=lambda path: natural_key(path.name))
    return _Clip(folder.resolve().name, _folder_frames(ordered, options.every, options.fps))


def _folder_frames(files: list[Path], every: int, fps: float) -> Iterator[_Frame]:
    for number in range(0, len(files), every):
        with image_errors(files[number]):
            content = files[number].read_bytes()
            image = decode_image(content)
            plain = is_plain_jpeg(content)
        yield _Frame(number, number / fps, image, content if plain else None)
