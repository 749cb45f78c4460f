"""Rasters on earth: what shows them, and where their labels lie."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Sequence
from contextlib import suppress
from os.path import commonpath
from pathlib import Path
from warnings import catch_warnings

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from formats.errors import SagesegError
from prep.readers.annotations.json_spans import find_parts
from prep.recognise.image_pairs import MASK_WORD
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import Survey

_PROPERTY = "PROPERTY"
_GEO_KEYS = 34735
"""GeoTIFF 1.1, GeoKeyDirectoryTag."""
_TIFF_HEADER, _BIG_TIFF = 8, b"+"
"""The bytes before a TIFF's first directory, twice as many in a BigTIFF, whose number is 43: the sign +."""


def geotiff(survey: Survey) -> list[Recognised]:
    masks_of = {path: _masks_folder(path, survey.root) for path in survey.of(".tif", ".tiff")}
    raster = next(filter(_is_geotiff, sorted(masks_of, key=lambda path: masks_of[path] is not None)), None)
    if not raster:
        return []
    name, why = "rasters with coordinates", f"GeoKeyDirectory in {raster.name}"
    images = [path for path, masks in masks_of.items() if masks == masks_of[raster]]
    place = raster if survey.root.is_file() else _folder_of(images)
    if polygons := survey.of(".geojson"):
        labels = _folder_of(polygons) if polygons[1:] else polygons[0]
        field, missing = _class_field(polygons[0])
        return [found("geotiff", name, why, place, "--labels-from", labels, "--class-field", field, missing=missing)]
    if shapes := survey.of(".shp", ".gpkg"):
        made = shapes[0].with_suffix(".geojson")
        words: list[Path | str] = ["--labels-from", made, "--class-field", _PROPERTY]
        missing = f"make {made} of {shapes[0].name}: {shlex.join(['ogr2ogr', str(made), str(shapes[0])])}"
        missing += f"; {_PROPERTY} is the property that says the class"
        return [found("geotiff", name, why, place, *words, missing=missing)]
    if others := [masks for masks in masks_of.values() if masks and masks != masks_of[raster]]:
        missing = "write labels.txt: the name of each value of the masks, one per line from 0 on"
        words = ["--labels-from", others[0], "--labels", "labels.txt"]
        return [found("geotiff", name, why, place, *words, missing=missing)]
    command = f"sageseg prep tiles {shlex.quote(str(place))} --out TILES"
    return [Recognised("tiles", f"{name} without labels", why, place, command)]


def _masks_folder(path: Path, root: Path) -> Path | None:
    """The uppermost folder below `root` whose name says that masks lie in it, `path` among them."""
    named = [folder for folder in path.parents if root in folder.parents and MASK_WORD.search(folder.name)]
    return named[-1] if named else None


def _folder_of(files: Sequence[Path]) -> Path:
    """The folder that holds all of them, in folders of its own too."""
    return Path(commonpath([file.parent for file in files]))


def _class_field(polygons: Path) -> tuple[str, str]:
    """The property that says the class, where a GeoJSON's first feature has one alone that is text; else what must be
    decided."""
    texts: list[str] = []
    with suppress(SagesegError):
        parts = find_parts(polygons, "GeoJSON")
        first = parts.read(items[0], "features") if (items := parts.items.get("features")) else {}
        given = first.get("properties")
        texts = [key for key, value in given.items() if isinstance(value, str)] if isinstance(given, dict) else []
    if len(texts) == 1:
        return texts[0], ""
    there = f", such as {', '.join(texts)}" if texts else "; --class NAME instead where all are of one"
    return _PROPERTY, f"{_PROPERTY} is the property that says the class{there}"


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
    except (OSError, ValueError, SyntaxError, IndexError, struct.error):
        return False
