"""images.csv, objects.csv and areas.csv: what the report knows of each image, for a spreadsheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from analysis.options import area
from analysis.report.object_tables import wrong_object_to_json
from analysis.scoring.image_report import ImageReport
from analysis.scoring.scores import defined
from analysis.scoring.summary import Summary
from formats.texts.csv_text import sheet_lines

_OBJECT_COLUMNS = (
    *("stem", "group", "what", "class", "confused_with", "x", "y", "width", "height"),
    *("pixels", "share", "area", "agreed", "distance", "reach", "kind"),
)
_COUNTED = (
    *("width", "height", "judged_pixels", "not_predicted_pixels", "truth_sha256"),
    *("false_positive_pixels", "missed_pixels", "false_positive_objects", "missed_objects", "suspicion"),
)
_AREA_COLUMNS = ("pixels", "share", "area", "components")


def images_to_csv(summary: Summary) -> Iterator[str]:
    """One row per image, worst first; an undefined score is an empty cell. The mean of a column is what
    `per_image_mean` in scores.json says."""
    names = summary.classes.names
    attributes = sorted({name for each in summary.images.attributes for name in each})
    totals, keys = list(summary.per_image_mean.totals), list(summary.per_image_mean.per_class)
    scored = [f"{key}_{name}" for key in keys for name in names]
    header = ["stem", "group", "split", *_COUNTED, *totals, *scored, *attributes]
    return sheet_lines(chain([header], (_image_cells(image, attributes) for image in summary.images)))


def _image_cells(image: ImageReport, attributes: Sequence[str]) -> list[Any]:
    by_class = (value for values in image.scores.per_class.values() for value in values.tolist())
    cells = [image.stem, image.group, image.split, image.width, image.height]
    cells += [image.judged.pixels, image.judged.not_predicted, image.truth_sha256]
    cells += [image.false_positive_pixels, image.missed_pixels, image.false_positive_count, image.missed_count]
    cells.append(_cell(image.suspect.suspicion if image.suspect else math.nan))
    scores = map(_cell, chain(image.scores.totals.values(), by_class))
    return [*cells, *scores, *(image.attributes.get(name, "") for name in attributes)]


def objects_to_csv(summary: Summary) -> Iterator[str]:
    """One row per object that an image keeps: true and predicted ones, false positives and misses,
    the largest of each. `share` is of the image's judged pixels."""
    lines = (line for image in summary.images for line in _objects(image, summary))
    rows = ([_known(line.get(column)) for column in _OBJECT_COLUMNS] for line in lines)
    return sheet_lines(chain([_OBJECT_COLUMNS], rows))


def _objects(image: ImageReport, summary: Summary) -> Iterator[dict[str, Any]]:
    names, scale = summary.classes.names, summary.scoring.scale
    for what, components in (("true", image.true_components), ("predicted", image.predicted_components)):
        for each in components:
            told = {"class": names[each.class_id], "area": area(scale, each.pixels), "agreed": round(each.agreed, 6)}
            found = {**asdict(each), **told, **_share(image, each.pixels)}
            yield {"stem": image.stem, "group": image.group, "what": what, **found}
    for what, wrong_objects in (("false_positive", image.false_positives), ("missed", image.missed)):
        for wrong in wrong_objects:
            yield {**wrong_object_to_json(image, wrong, names, scale), "what": what, **_share(image, wrong.pixels)}


def _share(image: ImageReport, pixels: int) -> dict[str, str]:
    return {"share": _cell(pixels / image.judged.pixels)}


def _known(cell: Any) -> Any:
    """None as an empty cell, a fraction with nine digits, and all else as it is."""
    if cell is None:
        return ""
    return f"{cell:.9g}" if isinstance(cell, float) else cell


def areas_to_csv(summary: Summary) -> Iterator[str]:
    """One row per image and class: pixels, their share of the image's judged pixels, the area in the
    user's unit squared, and the number of objects."""
    sides = ("true", "predicted")
    header = ["stem", "group", "class", *(f"{side}_{what}" for what in _AREA_COLUMNS for side in sides)]
    rows = (
        [image.stem, image.group, name, *_area_cells(image, class_id, summary)]
        for image in summary.images
        for class_id, name in enumerate(summary.classes.names)
    )
    return sheet_lines(chain([header], rows))


def _area_cells(image: ImageReport, class_id: int, summary: Summary) -> list[Any]:
    pixels = image.true_pixels[class_id], image.predicted_pixels[class_id]
    counted = image.judged.pixels
    shares = [_cell(each / counted if counted else math.nan) for each in pixels]
    areas = [area(summary.scoring.scale, each) for each in pixels]
    components = [image.true_count[class_id], image.predicted_count[class_id]] if class_id else ["", ""]
    return [*pixels, *shares, *map(_known, areas), *components]


def _cell(value: float) -> str:
    return "" if defined(value) is None else f"{value:.6f}"
