"""What a reader needs of a folder in S3, told by the names of what lies there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from formats.channels import CHANNELS, masks_channel
from formats.images import IMAGE_SUFFIXES

Needs = Callable[[Sequence[str]], list[str]]
"""Of the names below a folder, with `/`, those of files that a reader reads."""
_VOC = ("jpegimages", "segmentationclass", "imagesets")
_KITTI = ("training/image_2", "training/gt_image_2", "training/calib")
_TEXT = frozenset({".txt"})


def ending_in(suffixes: frozenset[str], *, deep: bool = True) -> Needs:
    """Files of these suffixes, with `deep` in the folders below too; hidden ones are needed by nobody."""

    def needs(names: Sequence[str]) -> list[str]:
        return [name for name in names if is_visible(name, suffixes) and (deep or "/" not in name)]

    return needs


all_images = ending_in(IMAGE_SUFFIXES)
images_at_top = ending_in(IMAGE_SUFFIXES, deep=False)
labelme_folder = ending_in(IMAGE_SUFFIXES | {".json"})


def is_visible(name: str, suffixes: frozenset[str]) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in suffixes and not any(part.startswith(".") for part in path.parts)


def voc_folder(names: Sequence[str]) -> list[str]:
    """Pascal VOC's layout: images, masks, lists; not its boxes and objects."""
    found = ending_in(IMAGE_SUFFIXES | _TEXT)(names)
    return [name for name in found if "/" not in name or name.partition("/")[0].casefold() in _VOC]


def kitti_folder(names: Sequence[str]) -> list[str]:
    """The images that may be trained on, their masks and calibrations."""
    found = ending_in(frozenset({".png", ".txt"}))(names)
    return [name for name in found if name.rpartition("/")[0] in _KITTI]


def channels_folder(names: Sequence[str]) -> list[str]:
    """The channels of SageMaker's sample notebooks, and the class list beside them."""
    folders = {name for channel in (*CHANNELS.values(), "test") for name in (channel, masks_channel(channel))}
    found = ending_in(IMAGE_SUFFIXES | _TEXT)(names)
    return [name for name in found if "/" not in name or name.partition("/")[0] in folders]
