"""The shapes of one annotation: each region once, with its one label, and what of it is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError, for_all
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LeftOut, count_left_out
from prep.readers.labelstudio.records import Entry
from prep.readers.labelstudio.shapes import Shape, Size, kind_of, outline_of

_KEYPOINTS = "keypoints, which cover nothing"
_NO_REGIONS = "results that are no regions (choices, relations …)"
_ELSEWHERE = "regions on other images of their task"
Left = dict[str, list[str]]
"""By reason the places of what is left out."""


@dataclass(frozen=True)
class Gathered:
    """`tags` are the names of the images on which regions lie, also of those that are not meant; `size` is the image's
    as the shapes state it."""

    shapes: tuple[Shape, ...]
    left_out: Left
    tags: frozenset[str]
    size: Size | None


def gather(entries: Iterable[Entry], tag: str | None, where: str) -> Gathered:
    """The shapes on the image `tag`, or on any. A region may stand in several results, such as one with its outline and
    one with its label. Raises SagesegError, naming the result, for a region without a label or with several, for one on
    an image that was turned, and where regions state several sizes."""
    left: Left = defaultdict(list)
    regions: dict[tuple[str | None, str, str | None, str], list[Entry]] = {}
    tags: set[str] = set()
    for entry in entries:
        kind = kind_of(entry.value)
        if kind and entry.tag is not None:
            tags.add(entry.tag)
        if kind in (None, "keypoint"):
            left[_KEYPOINTS if kind else _NO_REGIONS].append(entry.where)
        elif tag is not None and entry.tag != tag:
            left[_ELSEWHERE].append(entry.where)
        else:
            regions.setdefault((entry.tag, kind, entry.region, outline_of(kind, entry.value)), []).append(entry)
    shapes = tuple(for_all(lambda region: _shape(region[0][1], region[1]), regions.items()))
    return Gathered(shapes, dict(left), frozenset(tags), _common_size(shapes, where))


def _shape(kind: str, same: Sequence[Entry]) -> Shape:
    first = same[0]
    labels = list(dict.fromkeys(label for entry in same for label in _labels(entry.value, entry.where)))
    if len(labels) != 1:
        told = f"the labels {', '.join(labels)}" if labels else "no label"
        raise SagesegError(
            f"{first.where}: a region ({kind}) with {told}; a pixel has one class: give it one label in Label Studio, "
            "or delete it"
        )
    if first.turned not in (None, 0):
        raise SagesegError(
            f"{first.where}: drawn on the image turned by {first.turned}°; turn it back in Label Studio, draw it again "
            "where it does not fit, and export again"
        )
    return Shape(f"{first.where}, {labels[0]}", kind, labels[0], first.value, first.size, first.control)


def _labels(value: dict[str, Any], where: str) -> list[str]:
    """The labels in a value: `brushlabels`, `polygonlabels`, `labels` …"""
    found: list[str] = []
    for key, labels in value.items():
        if key.endswith("labels") and labels is not None:
            if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
                raise SagesegError(f"{where}: {key} is {str(labels)[:40]}; expected a list of names")
            found += [composed(label.strip()) for label in labels if label.strip()]
    if not all(map(str.isprintable, found)):
        raise SagesegError(f"{where}: a label with a line break or no text: {found}; rename it in Label Studio")
    return found


def _common_size(shapes: Iterable[Shape], where: str) -> Size | None:
    sizes = {shape.size: shape.where for shape in shapes if shape.size}
    if len(sizes) > 1:
        told = " and ".join(f"{width}×{height}" for width, height in sizes)
        raise SagesegError(f"{where}: its regions were drawn at {told} pixels; expected one image of one size")
    return next(iter(sizes), None)


def left_out_of(parts: Iterable[Left]) -> tuple[LeftOut, ...]:
    """What is left out of all annotations, counted by reason."""
    return count_left_out((reason, place) for part in parts for reason, own in part.items() for place in own)
