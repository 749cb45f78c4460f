"""The frames of videos as images in a folder, named as `prep frames` names them, for what is to be done with each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from formats.console import say
from formats.disk.whole_files import write_bytes, write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.images import encode_image
from formats.prepared.frame_names import FrameName
from formats.texts.csv_text import format_csv
from formats.video.options import BLOCK_S
from formats.video.reading import read_video

_TOLD = "videos.json"
"""Which videos the frames are of: those that are there already are not read again."""
_COLUMNS = ("image", "video", "frame", "seconds")


def keep_frames(videos: Sequence[Path], out: Path, every: int, fps: float | None) -> list[Path]:
    """The files of every N-th frame of the videos, in order, in the folder `out`; frames.csv beside them tells their
    times. An `out` that holds the frames of these very videos is left as it is.

    Raises SagesegError for a video that cannot be read, for two of one name, and for an `out` that is something else.
    """
    twice = [name for name, count in Counter(video.stem for video in videos).items() if count > 1]
    if twice:
        raise SagesegError(f"{twice[0]}: the name of two videos, and frames are named by theirs; rename one")
    told = json.dumps([[_state(video) for video in videos], every, fps])
    ours = (out / _TOLD).is_file()
    if ours and (out / _TOLD).read_text(encoding="utf-8") == told:
        found = sorted(out.glob("*.jpg"), key=lambda path: path.name)
        say(f"{out}: holds the frames already: {len(found)}")
        return found
    with staged_folder(out, overwrite=ours) as stage:
        rows = [row for video in videos for row in _write(video, stage, every, fps)]
        write_text(stage / "frames.csv", format_csv([_COLUMNS, *rows]))
        write_text(stage / _TOLD, told)
    say(f"{out}: frames kept: {len(rows)}")
    return sorted(out / row[0] for row in rows)


def _state(video: Path) -> list[object]:
    found = video.stat()
    return [str(video.absolute()), found.st_size, found.st_mtime_ns]


def _write(video: Path, stage: Path, every: int, fps: float | None) -> Iterator[tuple[str, ...]]:
    for frame in read_video(video, every, fps):
        name = FrameName(video.stem, int(frame.seconds // BLOCK_S), frame.number)
        write_bytes(stage / f"{name.stem}.jpg", encode_image(frame.image))
        yield f"{name.stem}.jpg", video.name, str(frame.number), f"{frame.seconds:.3f}"
