"""The names of frames, `<video>_b<block>_f<frame>`: they carry the group through labelling, so that
readers find it again without another file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from prep.readers.source_files import group_of

_NAME = re.compile(r"(?P<video>.+)_b(?P<block>\d{4,})_f(?P<frame>\d{6,})", re.DOTALL)
_VERSION = re.compile(r"(?P<image>.+)\.rf\.[0-9A-Za-z]{16,}", re.DOTALL)
"""What Roboflow calls each of the images that it makes of one by augmentation."""


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


def group_of_path(path: PurePosixPath, group_by: re.Pattern[str] | None) -> str:
    """The group of an image by its path, without suffix, below the folder of all images: what --group-by finds in its
    name; else what `shared_group` says; else the image itself."""
    if group_by:
        return group_of(path.name, group_by)
    return shared_group(path) or path.name


def shared_group(path: PurePosixPath) -> str | None:
    """The video and block of a frame, else its folder, else the image of which Roboflow made it; None for an image that
    shares nothing with others."""
    frame = parse_frame_name(path.name)
    if frame:
        return frame.group
    if path.parent != PurePosixPath():
        return path.parent.as_posix()
    version = _VERSION.fullmatch(path.name)
    return version["image"] if version else None
