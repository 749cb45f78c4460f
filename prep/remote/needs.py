"""What a reader needs of a folder in S3, told by the names of what lies there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

from formats.channels import CHANNELS, masks_channel
from formats.images import IMAGE_SUFFIXES
from formats.prepared.rasters import RASTER_SUFFIXES
from formats.prepared.source_names import composed

Needs = Callable[[Sequence[str]], list[str]]
"""Of the names below a folder, with `/`, those of files that a reader reads."""
_VOC = ("jpegimages", "segmentationclass", "imagesets")
_KITTI = ("training/image_2", "training/gt_image_2", "training/calib")
_CHANNELS = (*CHANNELS.values(), "test")
_TEXT = frozenset({".txt"})
_POLYGONS = frozenset({".geojson", ".json"})
_BESIDE_RASTERS = frozenset({".tfw", ".tifw", ".tiffw", ".j2w", ".wld", ".prj", ".msk", ".xml"})
"""World files, systems, masks, and GDAL's `.aux.xml`: without them a raster may lie nowhere, or have no no-data."""


def nothing(names: Sequence[str]) -> list[str]:  # noqa: ARG001  # as Needs has it
    return []


def ending_in(suffixes: frozenset[str], *, deep: bool = True) -> Needs:
    """Files of these suffixes, with `deep` in the folders below too; hidden ones are needed by nobody."""

    def needs(names: Sequence[str]) -> list[str]:
        return [name for name in names if is_visible(name, suffixes) and (deep or "/" not in name)]

    return needs


def at_top_or_below(suffixes: frozenset[str]) -> Needs:
    """Files of these suffixes in the folder itself; where it has none, those in the folders below it."""

    def needs(names: Sequence[str]) -> list[str]:
        return ending_in(suffixes, deep=False)(names) or ending_in(suffixes)(names)

    return needs


def named(read_names: Callable[[], Collection[str]]) -> Needs:
    """Images of these names, whatever folder the names are in; they are read when something is to be fetched."""

    def needs(names: Sequence[str]) -> list[str]:
        wanted = {composed(name).replace("\\", "/").rpartition("/")[2] for name in read_names()}
        return [name for name in all_images(names) if composed(PurePosixPath(name).name) in wanted]

    return needs


all_images = ending_in(IMAGE_SUFFIXES)
all_png = ending_in(frozenset({".png"}))
_LISTS = frozenset({".txt", ".csv"})
lists = ending_in(_LISTS)
images_and_lists = ending_in(IMAGE_SUFFIXES | _LISTS)
with_json = ending_in(IMAGE_SUFFIXES | {".json"})
"""Supervisely's files with their images."""
labelme_folder = ending_in(IMAGE_SUFFIXES | {".json"} | _LISTS)
yolo_folder = ending_in(IMAGE_SUFFIXES | {".txt", ".yaml", ".yml"})


def is_raster_or_polygons(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in RASTER_SUFFIXES | _POLYGONS


def raster_folder(names: Sequence[str]) -> list[str]:
    """Rasters, polygons, what GDAL reads beside a raster, and the class lists at the top."""
    deep = ending_in(RASTER_SUFFIXES | _POLYGONS | _BESIDE_RASTERS)(names)
    return [*deep, *ending_in(_LISTS, deep=False)(names)]


def beside_raster(name: str) -> Needs:
    """What GDAL reads beside the raster `name` that is fetched already, and class lists."""
    own = {name, PurePosixPath(name).stem}

    def needs(names: Sequence[str]) -> list[str]:
        beside = [each for each in ending_in(_BESIDE_RASTERS, deep=False)(names) if PurePosixPath(each).stem in own]
        return [*beside, *ending_in(_LISTS, deep=False)(names)]

    return needs


def is_visible(name: str, suffixes: frozenset[str]) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in suffixes and not any(part.startswith(".") for part in path.parts)


def voc_folder(names: Sequence[str]) -> list[str]:
    """Pascal VOC's layout: masks, the images that have one, and lists; not its boxes and objects."""
    found = ending_in(IMAGE_SUFFIXES | _TEXT)(names)
    own = [name for name in found if "/" not in name or name.partition("/")[0].casefold() in _VOC]
    return _with_mask(own, "JPEGImages", "SegmentationClass")


def voc_images(names: Sequence[str]) -> list[str]:
    """Of what `voc_folder` gives, what is no mask or list."""
    return [name for name in all_images(names) if name.startswith("JPEGImages/")]


def _with_mask(names: Sequence[str], images: str, masks: str) -> list[str]:
    """Without the files of a folder of images that have no mask of their stem in the folder of masks."""
    stems = {composed(PurePosixPath(name).stem) for name in names if name.startswith(f"{masks}/")}
    return [name for name in names if not name.startswith(f"{images}/") or composed(PurePosixPath(name).stem) in stems]


def kitti_folder(names: Sequence[str]) -> list[str]:
    """The images that may be trained on, their masks and calibrations."""
    found = ending_in(frozenset({".png", ".txt"}))(names)
    return [name for name in found if name.rpartition("/")[0] in _KITTI]


def channels_folder(names: Sequence[str]) -> list[str]:
    """The channels of SageMaker's sample notebooks, images with a mask alone, and the class list beside them."""
    folders = {name for channel in _CHANNELS for name in (channel, masks_channel(channel))}
    found = ending_in(IMAGE_SUFFIXES | _TEXT)(names)
    own = [name for name in found if "/" not in name or name.partition("/")[0] in folders]
    for channel in _CHANNELS:
        own = _with_mask(own, channel, masks_channel(channel))
    return own


def channel_images(names: Sequence[str]) -> list[str]:
    """Of what `channels_folder` gives, what is no mask or list."""
    return [name for name in all_images(names) if name.partition("/")[0] in _CHANNELS]
