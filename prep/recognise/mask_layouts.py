"""Labels that are mask files: what shows their layouts."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import Image

from formats.errors import SagesegError
from prep.readers.annotations.json_spans import find_parts
from prep.readers.classes.label_list import CLASS_LISTS
from prep.recognise.image_pairs import MASK_WORD
from prep.recognise.images_beside import NO_IMAGES, told_missing
from prep.recognise.recognised import Recognised, found, one_of
from prep.recognise.survey import Survey

_CARVANA = re.compile(r"[0-9a-f]{12}_\d\d_mask\.(?:gif|png)")
_PROPERTY = "PROPERTY"
_GEO_KEYS = 34735
"""GeoTIFF 1.1, GeoKeyDirectoryTag."""


def voc(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "SegmentationClass", ".png")
    found_in = []
    for number, root in enumerate(roots, start=1):
        elsewhere = [] if (root / "JPEGImages").is_dir() else ["--images", NO_IMAGES]
        missing = told_missing(elsewhere[-1]) if elsewhere else ""
        why = f"SegmentationClass{one_of(number, len(roots))}"
        found_in.append(found("voc", "Pascal VOC's layout", why, root, *elsewhere, missing=missing))
    return found_in


def channels(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "train_annotation", ".png")
    return [_channels(root, one_of(number, len(roots))) for number, root in enumerate(roots, start=1)]


def _channels(root: Path, of_several: str) -> Recognised:
    name, why = "SageMaker's channels", f"train_annotation{of_several}"
    if any((root / name).is_file() for name in CLASS_LISTS):
        return found("channels", name, why, root)
    missing = "write labels.txt: the name of each value of the masks, one per line from 0 on"
    return found("channels", name, why, root, "--labels", "labels.txt", missing=missing)


def kitti(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "gt_image_2", ".png")
    return [
        found("kitti", "KITTI road", f"training/gt_image_2{one_of(number, len(roots))}", root.parent)
        for number, root in enumerate(roots, start=1)
    ]


def _parents_of(survey: Survey, name: str, suffix: str) -> list[Path]:
    """The folders that hold a folder of this name with such files somewhere in it."""
    parents: dict[Path, None] = {}
    for path in survey.of(suffix) if survey.root.is_dir() else ():
        for folder in path.relative_to(survey.root).parents:
            if folder.name == name:
                parents[(survey.root / folder).parent] = None
    return list(parents)


def carvana(survey: Survey) -> list[Recognised]:
    masks = [path for path in survey.files if _CARVANA.fullmatch(path.name)]
    if not masks:
        return []
    images = {path.stem: path for path in survey.images if path.suffix.lower() in (".jpg", ".jpeg")}
    image = next((image for mask in masks if (image := images.get(mask.stem.removesuffix("_mask")))), None)
    folder = image.parent if image else NO_IMAGES
    place = image.parent if image else survey.root
    return [
        replace(
            found(
                "carvana", "Carvana's cars", masks[0].name, Path(folder), masks[0].parent, missing=told_missing(folder)
            ),
            place=place,
        )
    ]


def geotiff(survey: Survey) -> list[Recognised]:
    labels_last = sorted(survey.of(".tif", ".tiff"), key=lambda path: bool(MASK_WORD.search(path.parent.name)))
    raster = next(filter(_is_geotiff, labels_last), None)
    if not raster:
        return []
    name, why = "rasters with coordinates", f"GeoKeyDirectory in {raster.name}"
    place = raster if survey.root.is_file() else raster.parent
    polygons = next(iter(survey.of(".geojson")), None)
    if polygons:
        field, missing = _class_field(polygons)
        return [found("geotiff", name, why, place, "--labels-from", polygons, "--class-field", field, missing=missing)]
    if others := survey.of(".shp", ".gpkg"):
        made = others[0].with_suffix(".geojson")
        words: list[Path | str] = ["--labels-from", made, "--class-field", _PROPERTY]
        missing = f"make {made} of {others[0].name}: {shlex.join(['ogr2ogr', str(made), str(others[0])])}"
        missing += f"; {_PROPERTY} is the property that says the class"
        return [found("geotiff", name, why, place, *words, missing=missing)]
    masks = labels_last[-1].parent
    if masks != raster.parent and MASK_WORD.search(masks.name):
        missing = "write labels.txt: the name of each value of the masks, one per line from 0 on"
        words = ["--labels-from", masks, "--labels", "labels.txt"]
        return [found("geotiff", name, why, place, *words, missing=missing)]
    command = f"sageseg prep tiles {shlex.quote(str(place))} --out TILES"
    return [Recognised("tiles", f"{name} without labels", why, place, command)]


def _class_field(polygons: Path) -> tuple[str, str]:
    """The property that says the class, where a GeoJSON's first feature has one alone that is text; else what must be
    decided."""
    texts: list[str] = []
    with suppress(SagesegError):
        parts = find_parts(polygons, "GeoJSON")
        first = parts.read(items[0], "features") if (items := parts.items.get("features")) else {}
        given = first.get("properties") or {}
        texts = [key for key, value in given.items() if isinstance(value, str)]
    if len(texts) == 1:
        return texts[0], ""
    there = f", such as {', '.join(texts)}" if texts else "; --one-class NAME where all are of one"
    return _PROPERTY, f"{_PROPERTY} is the property that says the class{there}"


def _is_geotiff(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return _GEO_KEYS in getattr(image, "tag_v2", {})
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
