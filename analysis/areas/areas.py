"""`analysis areas`: a folder with the area of each class of each image, of each object, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from analysis.areas.measuring import NO_OBJECTS, ImageAreas, Measurer
from analysis.areas.scales import Scales, settle_scales
from analysis.areas.totals import ClassTotal
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, cleanings, tell_changes
from analysis.masks.mosaic import find_georeference
from analysis.masks.reading import require_truth
from analysis.masks.sources import plan_sources
from analysis.options import AS_PREDICTED, Cleaning, Scale
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.disk.whole_files import write_lines, write_text
from formats.disk.whole_folders import staged_folder
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes
from formats.texts.csv_text import format_sheet
from formats.texts.json_text import format_json

AREAS, IMAGES, OBJECTS = "areas.json", "images.csv", "objects.csv"
_AREA = ("pixels", "share", "area", "unit")
_OBJECT_COLUMNS = ("stem", "group", "class", "number", "x", "y", "width", "height", *_AREA, "cut")
_IMAGE_COLUMNS = ("stem", "group", "split", "class", *_AREA, "objects", "cut", "largest_area")
_TRUE_COLUMNS = ("true_pixels", "true_area", "judged_area", "difference", "ratio", "true_objects", "found")


def measure_areas(
    predictions: Predictions,
    out: Path,
    *,
    dataset: Dataset | None = None,
    scale: Scale | None = None,
    scales: Path | None = None,
    listed: Path | None = None,
    cleaning: Cleaning = AS_PREDICTED,
    overwrite: bool = False,
    workers: int | None = None,
) -> dict[str, Any]:
    """Write the folder `out` and return what its areas.json holds: of each foreground class, in the scale's unit
    squared, or in pixels. Only what was predicted counts. With a dataset, true areas beside predicted ones, where the
    truth is known. One image is held at a time.
    """
    classes = need_classes(predictions, "areas")
    sources = choose_sources(plan_sources(predictions, dataset), listed)
    if dataset:
        require_truth(sources, dataset)
    known = settle_scales(sources, scale, scales, find_georeference(predictions, dataset))
    measurer = Measurer(predictions.root, dataset.root if dataset else None, len(classes), cleaning)
    with staged_folder(out, overwrite=overwrite) as stage:
        writing = _Writing(classes, known, dataset is not None)
        images = map_all(measurer, sources, workers=workers, label="areas")
        write_lines(stage / OBJECTS, writing.lines(images))
        write_text(stage / IMAGES, "".join(writing.image_lines))
        content = {**writing.to_json(), **cleanings(predictions.info, cleaning, writing.changes)}
        write_text(stage / AREAS, format_json(content) + "\n")
    tell_changes(cleaning, writing.changes)
    tell_unpredicted(sources, "are not counted")
    return content


class _Writing:
    """The lines of objects.csv as images pass by, and what is gathered from them."""

    def __init__(self, classes: ClassTable, scales: Scales, true: bool) -> None:
        self._names = dict(enumerate(classes.names[1:], start=1))
        self._scales, self._true = scales, true
        self._totals = {class_id: ClassTotal() for class_id in self._names}
        self._unit = f"{scales.unit}²" if scales.unit != "px" else "px"
        self._images = self._predicted = self._not_predicted = 0
        self.changes = NO_CHANGES
        self.image_lines = [format_sheet([[*_IMAGE_COLUMNS, *(_TRUE_COLUMNS if true else ())]])]

    def lines(self, images: Iterator[ImageAreas]) -> Iterator[str]:
        yield format_sheet([_OBJECT_COLUMNS])
        for image in images:
            size = self._scales.by_stem[image.stem].per_pixel ** 2
            self._images += 1
            self._predicted += image.predicted
            self._not_predicted += image.not_predicted
            self.changes += image.changes
            for class_id, total in self._totals.items():
                total.add(image, class_id, size)
            self.image_lines.append(format_sheet(self._image_rows(image, size)))
            yield format_sheet(self._object_rows(image, size))

    def _image_rows(self, image: ImageAreas, size: float) -> Iterator[list[Any]]:
        for class_id, name in self._names.items():
            objects = image.objects.get(class_id, NO_OBJECTS)
            pixels = int(objects.pixels.sum())
            row = [image.stem, image.group, image.split, name, pixels, _cell(pixels / image.predicted)]
            row += [_cell(pixels * size), self._unit, len(objects.pixels), int(objects.cut.sum())]
            row.append(_cell(int(objects.pixels[0]) * size) if len(objects.pixels) else "")
            if self._true:
                compared = image.compared[class_id]
                row += [compared.true, *map(_cell, (compared.true * size, compared.predicted * size))]
                row.append(_cell((compared.predicted - compared.true) * size))
                row.append(_cell(compared.predicted / compared.true) if compared.true else "")
                row += [compared.true_objects, compared.found]
            yield row

    def _object_rows(self, image: ImageAreas, size: float) -> Iterator[Sequence[Any]]:
        for class_id, objects in image.objects.items():
            every = zip(objects.boxes.tolist(), objects.pixels.tolist(), objects.cut.tolist(), strict=True)
            for number, (box, pixels, cut) in enumerate(every, start=1):
                share, area = _cell(pixels / image.predicted), _cell(pixels * size)
                name = self._names[class_id]
                yield image.stem, image.group, name, number, *box, pixels, share, area, self._unit, int(cut)

    def to_json(self) -> dict[str, Any]:
        sides = sorted({scale.per_pixel for scale in self._scales.by_stem.values()})
        return {
            "unit": self._unit,
            "scales": [f"{side:.9g}{self._scales.unit}/px" for side in sides] if self._unit != "px" else [],
            "images": self._images,
            "pixels": self._predicted,
            "not_predicted": self._not_predicted,
            "classes": {self._names[each]: total.to_json(self._predicted) for each, total in self._totals.items()},
        }


def _cell(value: float) -> str:
    return f"{value:.9g}"
