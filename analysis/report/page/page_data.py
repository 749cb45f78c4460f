"""What the page's script knows: columns of the images, thumbnails of the worst and the best."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.drawing.colours import AgreementColours
from analysis.drawing.tints import difference_palette, tint_palette
from analysis.masks.agreement import Agreement
from analysis.report.page.told_objects import told_objects
from analysis.report_files import IMAGE_COLUMNS, columns_name
from analysis.scoring.components import LISTED
from analysis.scoring.kept_images import KeptImages
from formats.classes import IGNORE

WORST, WORST_OF_MANY = 200, 50
"""How many images keep their thumbnails inside the page: about 2 MB, which a mail carries. A page of more than
MOST_IMAGES is to open at once, and needs files beside it anyway."""
BEST = 5
MOST_IMAGES = 5_000
"""So many images the page holds the columns of: half a megabyte. Of more it holds those of images with thumbnails."""
MOST_INSIDE = 15_000
"""Images times classes whose columns the page holds: half a megabyte."""
OBJECTS = 6
"""So many wrong objects of an image with a thumbnail are known before its layers have loaded."""


def shown_inside(images: KeptImages) -> list[int]:
    """The places of those whose thumbnails the page holds."""
    return worst_and_best(images, WORST if len(images) <= MOST_IMAGES else WORST_OF_MANY)


def worst_and_best(images: KeptImages, number: int) -> list[int]:
    """The places of so many worst images, and of the best."""
    return list(dict.fromkeys([*range(min(number, len(images))), *extremes(images)[1]]))


def extremes(images: KeptImages) -> tuple[list[int], list[int]]:
    """Places of the worst and of the best images (best first) among images that are worst first;
    of few images none is both."""
    scored = np.flatnonzero(~np.isnan(images.scores.foreground_means("iou"))).tolist()
    count = min(BEST, len(scored) // 2)
    return scored[:count], scored[::-1][:count]


def page_data(
    images: KeptImages,
    thumbnails: Mapping[int, Mapping[str, Any]],
    names: Sequence[str],
    colours: AgreementColours,
) -> dict[str, Any]:
    """What the page's script reads: a column for each thing that is known of the images, which are worst first, and
    the thumbnails by their place. Columns of classes are a list for each foreground class, or where they are too many
    the addresses of their files."""
    worst, best = extremes(images)
    beside = are_beside(len(images), len(names))
    shown = {place: images[place] for place in sorted(thumbnails)}
    return {
        "names": list(names),
        "mostTold": LISTED,
        "mostInside": OBJECTS,
        **palettes(len(names), colours),
        "columns": _columns(images),
        "attributes": _attributes(images),
        "classes": None if beside else _by_class(images, len(names)),
        "classesBeside": [columns_name(class_id) for class_id in range(1, len(names))] if beside else None,
        "thumbnails": {place: thumbnails[place] for place in shown},
        "objects": {place: told_objects(each.false_positives, each.missed, OBJECTS) for place, each in shown.items()},
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


def _columns(images: KeptImages) -> dict[str, Any]:
    stems: list[str] = []
    groups, splits = dict[str, int](), dict[str, int]()
    of_group, of_split, width, height, wrong, missed = (array("q") for _ in range(6))
    judged = array("d")
    for image in images:
        stems.append(image.stem)
        of_group.append(groups.setdefault(image.group, len(groups)))
        of_split.append(splits.setdefault(image.split, len(splits)))
        width.append(image.width)
        height.append(image.height)
        wrong.append(image.false_positive_pixels)
        missed.append(image.missed_pixels)
        judged.append(image.judged.share)
    return {
        "stem": stems,
        "group": {"values": list(groups), "of": of_group.tolist()},
        "split": {"values": list(splits), "of": of_split.tolist()},
        "width": width.tolist(),
        "height": height.tolist(),
        **{key: _rounded(images.scores.foreground_means(key)) for key in ("iou", "dice")},
        "wrong": wrong.tolist(),
        "missed": missed.tolist(),
        "judged": _rounded(judged),
    }


def coded(values: Sequence[str | None]) -> dict[str, Any]:
    """A column of texts of which many are alike: each text once, and by image its place among them, or None."""
    places = {value: place for place, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    return {"values": list(places), "of": [None if value is None else places[value] for value in values]}


def _attributes(images: KeptImages) -> dict[str, Any]:
    names = dict.fromkeys(name for attributes in images.attributes for name in attributes)
    return {name: coded([attributes.get(name) for attributes in images.attributes]) for name in names}


def _by_class(images: KeptImages, num_classes: int) -> dict[str, list[list[Any]]]:
    """Of each score, and of pixels, a list for each foreground class."""
    told = [of_class(images, class_id) for class_id in range(1, num_classes)]
    return {name: [columns[name] for columns in told] for name in ("iou", "dice", "true", "predicted")}


def are_beside(images: int, num_classes: int) -> bool:
    """Whether the columns of classes lie beside the page, in a file for each."""
    return images > MOST_IMAGES or images * (num_classes - 1) > MOST_INSIDE


def of_class(images: KeptImages, class_id: int) -> dict[str, list[Any]]:
    """A class's scores by image, and its true and predicted pixels."""
    scores = {key: _rounded(images.scores.of(key)[:, class_id]) for key in ("iou", "dice")}
    true, predicted = images.pixels[:, :, class_id].T.tolist()
    return {**scores, "true": true, "predicted": predicted}


def columns_script(columns: Mapping[str, Any]) -> Iterator[str]:
    """A file that the page loads, in pieces: a program of one call, with data alone."""
    yield "takeColumns("
    before = "{"
    for name, column in columns.items():
        yield f"{before}{json.dumps(name)}:{json.dumps(column, separators=(',', ':'))}"
        before = ","
    yield "})\n"


_OF_IMAGES = ("columns", "attributes", "found")
"""What of the page's data has an entry for each image."""


def divided(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The page's data, and of more than MOST_IMAGES what lies in a file beside it: then the page has of the columns no
    more than the images with thumbnails, whose `places` among `count` images it tells."""
    count = len(data["columns"]["stem"])
    if count <= MOST_IMAGES:
        return dict(data), None
    every = {name: data[name] for name in _OF_IMAGES}
    places = sorted(data["thumbnails"])
    some = {name: {key: _chosen(column, places) for key, column in each.items()} for name, each in every.items()}
    return {**data, **some, "places": places, "count": count, "imagesBeside": IMAGE_COLUMNS}, every


def _chosen(column: Any, places: Sequence[int]) -> Any:
    if isinstance(column, dict):
        texts = [column["of"][place] for place in places]
        return coded([None if code is None else column["values"][code] for code in texts])
    return [column[place] for place in places]


def _rounded(values: Iterable[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 6) for value in map(float, values)]
