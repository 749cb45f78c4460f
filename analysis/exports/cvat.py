"""Predictions as CVAT's XML, "CVAT for images 1.1": masks that a person uploads to a task, corrects and feeds back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np

from analysis.exports.ceiling import require_few
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes, read_clean
from analysis.masks.sources import Source, plan_sources
from analysis.options import AS_PREDICTED, Cleaning
from formats.arrays import Flags
from formats.classes import ClassTable
from formats.disk.whole_files import staged_file
from formats.masks import Mask
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes

_FIRST_ID = 10_000_000
"""Beyond the frames of any task: where a task has no image of a name, CVAT takes the image of that number without a
word (dataset_manager/bindings.py, match_dm_item), and so it refuses the file."""


@dataclass
class Exported:
    """How many images and masks were written."""

    images: int = 0
    masks: int = 0
    changes: Changes = NO_CHANGES


@dataclass(frozen=True)
class MaskObject:
    """An object, pixels of one class that touch, corners included: `flags`, shape (height, width), from (left, top) of
    the image on."""

    class_id: int
    left: int
    top: int
    flags: Flags


def export_cvat(
    predictions: Predictions,
    out: Path,
    *,
    listed: Path | None = None,
    cleaning: Cleaning = AS_PREDICTED,
    most_objects: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Exported:
    """Write one XML file, a mask for each object. The objects lie beside each other, so that the masks are the cleaned
    predictions pixel for pixel. Raises SagesegError for an image with more objects than `require_few` takes."""
    classes = need_classes(predictions, "CVAT")
    sources = choose_sources(plan_sources(predictions, None), listed)
    work = partial(_export, predictions.root, classes, cleaning, most_objects)
    exported = Exported()

    def lines() -> Iterator[str]:
        yield _head(predictions.root.name, classes, len(sources))
        numbered = list(enumerate(sources, start=_FIRST_ID))
        for text, masks, changes in map_all(work, numbered, workers=workers, label="cvat"):
            exported.images += 1
            exported.masks += masks
            exported.changes += changes
            yield text
        yield "</annotations>\n"

    with staged_file(out, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines())
    tell_unpredicted(sources)
    return exported


def _export(
    root: Path, classes: ClassTable, cleaning: Cleaning, most_objects: int | None, numbered: tuple[int, Source]
) -> tuple[str, int, Changes]:
    """The text of one image, how many masks are in it, and what cleaning did."""
    number, source = numbered
    mask, changes = read_clean(root, source, len(classes), cleaning)
    require_few(mask, most_objects, source.row.source)
    objects = list(find_objects(mask))
    return image_text(number, source.row.source, (source.width, source.height), objects, classes), len(objects), changes


def find_objects(mask: Mask) -> Iterator[MaskObject]:
    """The objects of a mask, class by class; background is none."""
    for class_id in np.unique(mask[mask != 0]).tolist():
        flags = (mask == class_id).view(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(flags, connectivity=8)
        for number, (left, top, width, height, _) in enumerate(stats[1:].tolist(), start=1):
            yield MaskObject(class_id, left, top, labels[top : top + height, left : left + width] == number)


def image_text(number: int, name: str, size: tuple[int, int], objects: list[MaskObject], classes: ClassTable) -> str:
    """An `<image>` with its masks, as CVAT writes it."""
    lines = [f'  <image id="{number}" name={quoteattr(name)} width="{size[0]}" height="{size[1]}">']
    for each in objects:
        height, width = each.flags.shape
        lines.append(
            f'    <mask label={quoteattr(classes.names[each.class_id])} source="auto" occluded="0" '
            f'rle="{", ".join(map(str, row_counts(each.flags)))}" left="{each.left}" top="{each.top}" '
            f'width="{width}" height="{height}" z_order="0">\n    </mask>'
        )
    return "\n".join((*lines, "  </image>\n"))


def row_counts(flags: Flags) -> list[int]:
    """The lengths of runs of zeros and ones in turn, row by row, the first of zeros, which may be 0."""
    flat = flags.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts: list[int] = np.diff(edges, prepend=0, append=flat.size).tolist()
    return [0, *counts] if flat[0] else counts


def _head(name: str, classes: ClassTable, size: int) -> str:
    labels = "".join(
        f"        <label>\n          <name>{escape(each)}</name>\n          <type>mask</type>\n"
        f"          <color>#{bytes(classes.colour(class_id)).hex()}</color>\n"
        "          <attributes>\n          </attributes>\n        </label>\n"
        for class_id, each in enumerate(classes.names)
        if class_id
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"      <name>{escape(name)}</name>\n      <size>{size}</size>\n      <mode>annotation</mode>\n"
        f"      <labels>\n{labels}      </labels>\n    </task>\n  </meta>\n"
    )
