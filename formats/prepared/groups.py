"""Which images belong together, by their names and places: a car, a video's time block, a folder."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from formats.errors import SagesegError
from formats.prepared.frame_names import parse_frame_name

_VERSION = re.compile(r"(?P<image>.+)\.rf\.[0-9A-Za-z]{16,}", re.DOTALL)
"""What Roboflow calls each of the images that it makes of one by augmentation."""


def parse_group_by(text: str) -> re.Pattern[str]:
    """A regular expression with a capture."""
    try:
        pattern = re.compile(text)
    except re.error as e:
        raise SagesegError(
            f"--group-by {text}: not a regular expression ({e}); expected such as ^(.+)_, whose brackets hold the group"
        ) from e
    if pattern.groups < 1:
        raise SagesegError(f"--group-by {text}: no capture in it; put the group in (…), such as ^([^_]+)_")
    return pattern


def group_of(stem: str, pattern: re.Pattern[str]) -> str:
    """The group that --group-by's first capture finds in an image's stem."""
    match = pattern.search(stem)
    if match is None or not match[1]:
        raise SagesegError(
            f"{stem}: --group-by {pattern.pattern} finds no group in this image's name; expected one that fits all"
        )
    return match[1]


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
