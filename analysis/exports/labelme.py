"""Predictions as labelme's JSON: polygons that a person opens in labelme, corrects and feeds back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.exports.ceiling import require_few
from analysis.exports.image_folder import find_image
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes, read_clean
from analysis.masks.reading import BACKGROUND_ID
from analysis.masks.sources import Source, plan_sources
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import ClassTable, write_labels
from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError, for_all
from formats.masks import Mask
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes

LABELME_VERSION = "5.0.0"
"""The version of labelme whose format this is; later ones open it."""
_LEAST_POINTS = 3
"""labelme's polygons have three points or more."""
Points = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Exported:
    images: int
    polygons: int
    changes: Changes


@dataclass(frozen=True)
class Polygon:
    """An outline through the centres of a region's outermost pixels: x, y of each point, shape
    (n, 2). `pixels` is the area inside, holes included."""

    class_id: int
    points: Points
    pixels: int


def export_labelme(
    predictions: Predictions,
    out: Path,
    *,
    images: Path | None = None,
    listed: Path | None = None,
    tolerance: float = 1.0,
    cleaning: Cleaning = AS_PREDICTED,
    most_objects: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Exported:
    """Write one JSON per image, or per image that is `listed`. A polygon strays at most `tolerance` pixels from the
    region's outline. Raises SagesegError for an image with more regions and holes than `require_few` takes.

    `images` is the folder where the images lie; without it the JSON expects them beside itself.
    """
    classes = need_classes(predictions, "labelme")
    if tolerance < 0:
        raise SagesegError(f"--tolerance {tolerance}: expected 0 pixels or more")
    sources = choose_sources(plan_sources(predictions, None), listed)
    found = for_all(lambda source: _image_path(source, images, out), sources)
    places = {source.stem: place for source, place in zip(sources, found, strict=True)}
    drawn, changes = 0, NO_CHANGES
    with staged_folder(out, overwrite=overwrite) as stage:
        write_labels(stage / "labels.txt", classes)  # so that the classes keep their order when prep reads this again
        work = partial(_export, predictions.root, stage, classes, places, tolerance, cleaning, most_objects)
        for polygons, cleaned in map_all(work, sources, workers=workers, label="labelme"):
            drawn, changes = drawn + polygons, changes + cleaned
    tell_unpredicted(sources)
    return Exported(len(sources), drawn, changes)


def _image_path(source: Source, images: Path | None, out: Path) -> str:
    told = PurePosixPath(source.row.source)
    if images is None:
        return told.name if source.stem == told.stem else told.as_posix()
    return Path(os.path.relpath(find_image(source, images).resolve(), out.resolve())).as_posix()


def _export(
    root: Path,
    stage: Path,
    classes: ClassTable,
    places: dict[str, str],
    tolerance: float,
    cleaning: Cleaning,
    most_objects: int | None,
    source: Source,
) -> tuple[int, Changes]:
    mask, changes = read_clean(root, source, len(classes), cleaning)
    require_few(mask, most_objects, source.row.source, neighbours=4)
    polygons = list(trace(mask, tolerance))
    content = labelme_json(polygons, classes.names, places[source.stem], source.width, source.height)
    write_text(stage / f"{source.stem}.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return len(polygons), changes


def trace(mask: Mask, tolerance: float) -> Iterator[Polygon]:
    """The regions of a mask as polygons, in the order in which they must be drawn.

    labelme draws shapes one over the other, and has no holes: a hole is a polygon of the background
    over its region. The larger come first, so that what lies in a hole is drawn over it.
    """
    outlines: list[Polygon] = []
    for class_id in np.unique(mask[mask != 0]).tolist():
        outlines += _outlines((mask == class_id).view(np.uint8), class_id)
    # a hole that one region fills is as large as it, and comes first
    outlines.sort(key=lambda each: (-each.pixels, each.class_id != BACKGROUND_ID))
    for each in outlines:
        # Ramer, Douglas and Peucker's simplification strays no farther than its epsilon
        simple = cv2.approxPolyDP(each.points[:, None], tolerance, closed=True)[:, 0]
        yield Polygon(each.class_id, np.asarray(simple, np.int32), each.pixels)


def _outlines(flags: Mask, class_id: int) -> Iterator[Polygon]:
    """The regions of a 0/1 mask, each followed by its holes as background.

    Regions are of four neighbours and holes of eight, so that each region lies wholly inside or wholly
    outside of any other's outline.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(flags, connectivity=4)
    for number, (left, top, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        region = (labels[top : top + height, left : left + width] == number).view(np.uint8)
        for points, of in _region_outlines(region, class_id):
            yield Polygon(of, points + np.array([left, top], np.int32), _inside(points))


def _region_outlines(region: Mask, class_id: int) -> Iterator[tuple[Points, int]]:
    (outer,) = _external(region)
    yield outer, class_id
    # holes are traced as regions of their own: cv2's outline of a hole runs on the pixels around it
    filled = np.zeros_like(region)
    cv2.drawContours(filled, [outer[:, None]], -1, 1, cv2.FILLED)
    for points in _external(filled & ~region):
        yield points, BACKGROUND_ID


def _external(flags: Mask) -> list[Points]:
    contours, _ = cv2.findContours(flags, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(points, np.int32).reshape(-1, 2) for points in contours]


def _inside(points: Points) -> int:
    """The pixels inside and on an outline through neighbouring pixels' centres, by Pick's theorem."""
    steps = len(points) if len(points) > 1 else 0
    return round(cv2.contourArea(points) + steps / 2 + 1)


def labelme_json(
    polygons: Sequence[Polygon], names: Sequence[str], image_path: str, width: int, height: int
) -> dict[str, Any]:
    """The content of a JSON file as labelme 5 writes it, without the image's pixels."""
    return {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": [_shape(each, names[each.class_id]) for each in polygons],
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _shape(polygon: Polygon, name: str) -> dict[str, Any]:
    points = polygon.points.astype(float).tolist()
    # a region one or two pixels long repeats its last point
    points += points[-1:] * (_LEAST_POINTS - len(points))
    return {
        "label": name,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
    }
