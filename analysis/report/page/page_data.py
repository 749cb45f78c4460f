"""What the page's script knows: columns of all images, thumbnails of the worst and the best."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.drawing.colours import AgreementColours
from analysis.drawing.tints import difference_palette, tint_palette
from analysis.masks.agreement import Agreement
from analysis.report.page.told_objects import told_objects
from analysis.report_files import columns_name
from analysis.scoring.components import LISTED
from analysis.scoring.image_report import ImageReport
from analysis.scoring.scores import defined
from formats.classes import IGNORE

WORST = 200
"""How many images keep their thumbnails inside the page: about 2 MB, which a mail carries."""
BEST = 5
MOST_INSIDE = 15_000
"""Images times classes whose columns the page holds: half a megabyte."""
OBJECTS = 6
"""So many wrong objects of an image with a thumbnail are known before its layers have loaded."""


def worst_and_best(images: Sequence[ImageReport], number: int) -> list[str]:
    """The stems of so many worst images, and of the best."""
    worst = [image.stem for image in images[:number]]
    best = [images[place].stem for place in extremes(images)[1]]
    return list(dict.fromkeys([*worst, *best]))


def extremes(images: Sequence[ImageReport]) -> tuple[list[int], list[int]]:
    """Places of the worst and of the best images (best first) among images that are worst first;
    of few images none is both."""
    scored = [place for place, image in enumerate(images) if defined(image.scores.foreground_mean("iou")) is not None]
    count = min(BEST, len(scored) // 2)
    return scored[:count], scored[::-1][:count]


def page_data(
    images: Sequence[ImageReport],
    thumbnails: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    colours: AgreementColours,
) -> dict[str, Any]:
    """What the page's script reads: a column for each thing that is known of the images, which are worst first, and
    the thumbnails by their place. Columns of classes are a list for each foreground class, or where they are too many
    the addresses of their files."""
    worst, best = extremes(images)
    beside = are_beside(len(images), len(names))
    shown = [(place, image) for place, image in enumerate(images) if image.stem in thumbnails]
    return {
        "names": list(names),
        "mostTold": LISTED,
        "mostInside": OBJECTS,
        **palettes(len(names), colours),
        "columns": _columns(images),
        "attributes": _attributes(images),
        "classes": None if beside else _by_class(images, len(names)),
        "classesBeside": [columns_name(class_id) for class_id in range(1, len(names))] if beside else None,
        "thumbnails": {place: thumbnails[image.stem] for place, image in shown},
        "objects": {place: told_objects(image.false_positives, image.missed, OBJECTS) for place, image in shown},
        "worst": worst,
        "best": best,
    }


def palettes(num_classes: int, colours: AgreementColours) -> dict[str, Any]:
    """The colours of layers, red, green, blue and opacity 0..255: of classes, and at their end of pixels that are not
    judged; and of `Agreement` codes."""
    tints = tint_palette(num_classes)
    return {
        "tints": [*tints[:num_classes].tolist(), tints[IGNORE].tolist()],
        "agreement": difference_palette(colours)[: len(Agreement)].tolist(),
    }


def _columns(images: Sequence[ImageReport]) -> dict[str, Any]:
    return {
        "stem": [image.stem for image in images],
        "group": coded([image.group for image in images]),
        "split": coded([image.split for image in images]),
        "width": [image.width for image in images],
        "height": [image.height for image in images],
        "iou": [_rounded(image.scores.foreground_mean("iou")) for image in images],
        "dice": [_rounded(image.scores.foreground_mean("dice")) for image in images],
        "wrong": [image.false_positive_pixels for image in images],
        "missed": [image.missed_pixels for image in images],
        "judged": [_rounded(image.judged.share) for image in images],
    }


def coded(values: Sequence[str | None]) -> dict[str, Any]:
    """A column of texts of which many are alike: each text once, and by image its place among them, or None."""
    places = {value: place for place, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    return {"values": list(places), "of": [None if value is None else places[value] for value in values]}


def _attributes(images: Sequence[ImageReport]) -> dict[str, Any]:
    names = dict.fromkeys(name for image in images for name in image.attributes)
    return {name: coded([image.attributes.get(name) for image in images]) for name in names}


def _by_class(images: Sequence[ImageReport], num_classes: int) -> dict[str, list[list[Any]]]:
    """Of each score, and of pixels, a list for each foreground class."""
    told = [of_class(images, class_id) for class_id in range(1, num_classes)]
    return {name: [columns[name] for columns in told] for name in ("iou", "dice", "true", "predicted")}


def are_beside(images: int, num_classes: int) -> bool:
    """Whether the columns of classes lie beside the page, in a file for each."""
    return images * (num_classes - 1) > MOST_INSIDE


def columns_script(images: Sequence[ImageReport], class_id: int) -> str:
    """The file that the page loads for a class: a program of one call, with data alone."""
    return f"takeColumns({json.dumps({'class': class_id, **of_class(images, class_id)}, separators=(',', ':'))})\n"


def of_class(images: Sequence[ImageReport], class_id: int) -> dict[str, list[Any]]:
    """A class's scores by image, and its true and predicted pixels."""
    scores = {key: [_rounded(float(image.scores.of(key)[class_id])) for image in images] for key in ("iou", "dice")}
    true = [image.true_pixels[class_id] for image in images]
    return {**scores, "true": true, "predicted": [image.predicted_pixels[class_id] for image in images]}


def _rounded(value: float) -> float | None:
    known = defined(value)
    return None if known is None else round(known, 6)
