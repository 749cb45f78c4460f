"""Labels that are mask files: what shows their layouts."""

from __future__ import annotations

import re
import shlex
import struct
from collections.abc import Sequence
from os.path import commonpath
from pathlib import Path
from warnings import catch_warnings

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from prep.readers.classes.label_list import CLASS_LISTS
from prep.recognise.image_pairs import MASK_WORD
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import Survey

_CARVANA = re.compile(r"[0-9a-f]{12}_\d\d_mask\.(?:gif|png)")
_GEO_KEYS = 34735
"""GeoTIFF 1.1, GeoKeyDirectoryTag."""
_TIFF_HEADER, _BIG_TIFF = 8, b"+"
"""The bytes before a TIFF's first directory, twice as many in a BigTIFF, whose number is 43: the sign +."""


def voc(survey: Survey) -> Recognised | None:
    root = _parent_of(survey, "SegmentationClass")
    if not root:
        return None
    images = [] if (root / "JPEGImages").is_dir() else ["--images", "IMAGES"]
    return found("voc", "Pascal VOC's layout", "SegmentationClass", root, *images)


def channels(survey: Survey) -> Recognised | None:
    root = _parent_of(survey, "train_annotation")
    if not root:
        return None
    has_list = any((root / name).is_file() for name in CLASS_LISTS)
    labels = [] if has_list else ["--labels", "labels.txt"]
    return found("channels", "SageMaker's channels", "train_annotation", root, *labels)


def kitti(survey: Survey) -> Recognised | None:
    root = _parent_of(survey, "gt_image_2")
    return found("kitti", "KITTI road", "training/gt_image_2", root.parent) if root else None


def _parent_of(survey: Survey, name: str) -> Path | None:
    """The folder that holds a folder of this name with files somewhere in it."""
    for path in survey.files:
        for folder in path.relative_to(survey.root).parents if path != survey.root else ():
            if folder.name == name:
                return (survey.root / folder).parent
    return None


def carvana(survey: Survey) -> Recognised | None:
    masks = [path for path in survey.files if _CARVANA.fullmatch(path.name)]
    if not masks:
        return None
    images = {path.stem: path for path in survey.images if path.suffix.lower() in (".jpg", ".jpeg")}
    image = images.get(masks[0].stem.removesuffix("_mask"))
    folder = image.parent if image else survey.root
    return found("carvana", "Carvana's cars", masks[0].name, folder, masks[0].parent)


def geotiff(survey: Survey) -> Recognised | None:
    masks_of = {path: _masks_folder(path, survey.root) for path in survey.of(".tif", ".tiff")}
    raster = next(filter(_is_geotiff, sorted(masks_of, key=lambda path: masks_of[path] is not None)), None)
    if not raster:
        return None
    name, why = "rasters with coordinates", f"GeoKeyDirectory in {raster.name}"
    images = [path for path, masks in masks_of.items() if masks == masks_of[raster]]
    place = raster if survey.root.is_file() else _folder_of(images)
    polygons = survey.of(".geojson")
    if polygons:
        labels = _folder_of(polygons) if polygons[1:] else polygons[0]
        return found("geotiff", name, why, place, "--labels-from", labels, "--class-field", "PROPERTY")
    if shapes := survey.of(".shp", ".gpkg"):
        made = shapes[0].with_suffix(".geojson")
        why += (
            f"; make GeoJSON of {shapes[0].name} first: ogr2ogr {shlex.quote(str(made))} {shlex.quote(str(shapes[0]))}"
        )
        return found("geotiff", name, why, place, "--labels-from", made, "--class-field", "PROPERTY")
    others = [masks for masks in masks_of.values() if masks and masks != masks_of[raster]]
    if others:
        return found("geotiff", name, why, place, "--labels-from", others[0], "--labels", "labels.txt")
    words = f"sageseg prep tiles {shlex.quote(str(place))} --out TILES"
    return Recognised("tiles", f"{name} without labels", why, place, words)


def _masks_folder(path: Path, root: Path) -> Path | None:
    """The uppermost folder below `root` whose name says that masks lie in it, `path` among them."""
    named = [folder for folder in path.parents if root in folder.parents and MASK_WORD.search(folder.name)]
    return named[-1] if named else None


def _folder_of(files: Sequence[Path]) -> Path:
    """The folder that holds all of them, in folders of its own too."""
    return Path(commonpath([file.parent for file in files]))


def _is_geotiff(path: Path) -> bool:
    """By the tags of its first image: Pillow opens no image of four bands over 8 bits."""
    try:
        with path.open("rb") as file, catch_warnings(action="ignore"):  # of tags cut short, which are no matter
            start = file.read(_TIFF_HEADER)
            start += file.read(_TIFF_HEADER) if start[2:3] == _BIG_TIFF else b""
            tags = ImageFileDirectory_v2(start)
            file.seek(tags.next)
            tags.load(file)
            return _GEO_KEYS in tags
    except (OSError, ValueError, SyntaxError, struct.error):
        return False
