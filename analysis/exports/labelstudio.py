"""Predictions as tasks of Label Studio with brushes, that a person imports there, corrects and feeds back.

A brush holds its pixels themselves, so nothing is lost on the way there and back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from analysis.exports.ceiling import require_few
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes, clean_source
from analysis.masks.reading import BACKGROUND_ID, read_bands
from analysis.masks.sources import Source, plan_sources
from analysis.options import AS_PREDICTED, Cleaning
from formats.brush_rle import encode_brush
from formats.classes import ClassTable
from formats.disk.whole_files import refuse_existing_file, staged_file, write_text
from formats.masks import Mask
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes

CONFIG_NAME = "config.xml"
_CLOUD = ("s3://", "gs://", "azure-blob://")
"""Beginnings of addresses that hold a file's path as it is; in all others it is quoted."""


@dataclass(frozen=True)
class Names:
    """What a labelling configuration calls things: the key of the image in a task's data, its <Image>, and its
    <BrushLabels>."""

    key: str = "image"
    image: str = "image"
    brush: str = "brush"


@dataclass(frozen=True)
class Exported:
    images: int
    regions: int
    changes: Changes


def export_labelstudio(
    predictions: Predictions,
    out: Path,
    *,
    listed: Path | None = None,
    image_url: str,
    names: Names = Names(),
    cleaning: Cleaning = AS_PREDICTED,
    most_objects: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Exported:
    """Write the tasks, each with one prediction, a brush for each class in it; and beside them config.xml, the
    labelling configuration that shows them.

    An image's address is `image_url` and its path in the folder that was predicted. A prediction's score is the mean
    probability of what was predicted, where there are probabilities. Raises SagesegError for an image with more
    objects and holes than `require_few` takes, and where a file exists already and `overwrite` is not set.
    """
    classes = need_classes(predictions, "Label Studio")
    config, text = out.with_name(CONFIG_NAME), labelling_config(classes, names)
    if not (config.is_file() and config.read_bytes() == text.encode()):  # else this very call was killed after it
        refuse_existing_file(config, overwrite=overwrite)
    sources = choose_sources(plan_sources(predictions, None), listed)
    work = partial(_task, predictions.root, classes, image_url, names, _version(predictions), cleaning, most_objects)
    counts: list[tuple[int, Changes]] = []
    with staged_file(out, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(_lines(map_all(work, sources, workers=workers, label="labelstudio"), counts))
        write_text(config, text)
    tell_unpredicted(sources)
    return Exported(len(sources), sum(each for each, _ in counts), sum((each for _, each in counts), NO_CHANGES))


def _version(predictions: Predictions) -> str:
    model = predictions.model
    return model.job or PurePosixPath(model.artefact).name or "sageseg"


def _lines(tasks: Iterator[tuple[str, int, Changes]], counts: list[tuple[int, Changes]]) -> Iterator[str]:
    """One task a line, in an array; `counts` gets the regions of each, and what cleaning did."""
    yield "[\n"
    for text, regions, changes in tasks:
        yield f",\n{text}" if counts else text
        counts.append((regions, changes))
    yield "\n]\n"


def _task(
    root: Path,
    classes: ClassTable,
    image_url: str,
    names: Names,
    version: str,
    cleaning: Cleaning,
    most_objects: int | None,
    source: Source,
) -> tuple[str, int, Changes]:
    """A task as JSON, how many regions are in it, and what cleaning did."""
    mask, score = _read(root, source, len(classes))
    mask, changes = clean_source(mask, source, cleaning)
    require_few(mask, most_objects, source.row.source)
    regions = brush_regions(mask, classes.names, names)
    prediction = {"model_version": version, "result": regions} | ({} if score is None else {"score": score})
    task = {"data": {names.key: address_of(source.row.source, image_url)}, "predictions": [prediction]}
    return json.dumps(task, ensure_ascii=False), len(regions), changes


def _read(root: Path, source: Source, num_classes: int) -> tuple[Mask, float | None]:
    """The mask of a source, and the mean probability of its pixels' classes where that is known."""
    mask = np.empty((source.height, source.width), np.uint8)
    total = 0.0
    for band in read_bands(root, source, num_classes, probabilities=source.probabilities):
        mask[band.top : band.top + band.labels.shape[0]] = band.labels
        if band.probabilities is not None:
            total += float(band.probabilities.max(axis=0).sum(dtype=np.float64))
    return mask, round(total / mask.size, 4) if source.probabilities else None


def brush_regions(mask: Mask, class_names: Sequence[str], names: Names) -> list[dict[str, Any]]:
    """One result of Label Studio for each class in a mask, the background not among them."""
    height, width = mask.shape
    return [
        {
            "id": f"class_{class_id}",
            "type": "brushlabels",
            "from_name": names.brush,
            "to_name": names.image,
            "image_rotation": 0,
            "original_width": width,
            "original_height": height,
            "value": {
                "format": "rle",
                "rle": list(encode_brush(mask == class_id)),
                "brushlabels": [class_names[class_id]],
            },
        }
        for class_id in np.unique(mask).tolist()
        if class_id != BACKGROUND_ID
    ]


def address_of(path: str, image_url: str) -> str:
    """Where Label Studio finds an image."""
    return image_url + (path if image_url.startswith(_CLOUD) else quote(path))


def labelling_config(classes: ClassTable, names: Names) -> str:
    """The labelling configuration in which the tasks are shown and corrected."""
    labels = "".join(
        f"    <Label value={quoteattr(name)} background='#{bytes(classes.colour(class_id)).hex()}'/>\n"
        for class_id, name in enumerate(classes.names)
        if class_id != BACKGROUND_ID
    )
    image, brush, value = quoteattr(names.image), quoteattr(names.brush), quoteattr(f"${names.key}")
    return (
        f"<View>\n  <Image name={image} value={value} zoom='true'/>\n"
        f"  <BrushLabels name={brush} toName={image}>\n{labels}  </BrushLabels>\n</View>\n"
    )
