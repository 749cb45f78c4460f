"""Images out of the ordinary, each with a reason in words and a number.

An image stands out by its distance from the median of all, in robust deviations (1.4826 × the median absolute
deviation, which is the standard deviation where values are normal), and by a least distance that a person would see.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from formats.crops import Box
from formats.dataset import Dataset
from formats.manifest import ManifestRow
from formats.texts.wording import format_number, format_share
from prep.preview.survey import ImageFacts, Survey, by_source

DARK, BRIGHT = 20, 235
"""Mean grey levels beyond which an image is under- or overexposed, whatever the others are."""
_FAR = 4.0
_LEVELS, _COLOUR_LEVELS = 25, 8
"""The least distances of brightness, and of colour, in grey levels."""
_GREY = 4
"""An image is near grey whose channels differ by fewer levels, on average."""
_SHARE = 0.1
"""The least distance of a class's share of an image."""
_TIMES, _SIZE_TIMES = 4, 32
"""So many times fewer or more: objects of a class, or variance of the Laplacian; pixels of an object."""
_ENOUGH = 8
"""So many images, or objects, tell what is usual."""
_USUAL = 0.1
"""A size, or a class at the edge, is unusual when less than this share of the images has it."""


@dataclass(frozen=True)
class Unusual:
    """An image that is worth a look, with its crops. `kind` is what the reason is of."""

    kind: str
    reason: str
    rows: tuple[ManifestRow, ...]


def find_unusual(dataset: Dataset, found: Survey) -> list[Unusual]:
    """What stands out, kind by kind, in the manifest's order for each."""
    sources = by_source(dataset.rows)
    names = dataset.classes.names
    kinds: dict[str, Iterator[tuple[str, str]]] = {
        "size": iter((_sizes(sources) | _small(sources)).items()),
        "exposure": _exposures(found.images),
        "colour": _greys(found.images),
        "blur": _blurred(found.images),
        "no foreground": _empty(sources, found.images),
        "class share": _of_classes(found.images, names, _shares),
        "number of objects": _of_classes(found.images, names, _numbers),
        "size of objects": _of_classes(found.images, names, _object_sizes),
        "at the edge": _of_classes(found.images, names, _at_edge),
    }
    return [Unusual(kind, reason, tuple(sources[source])) for kind, each in kinds.items() for source, reason in each]


def _sizes(sources: dict[str, list[ManifestRow]]) -> dict[str, str]:
    sizes = {source: (rows[0].source_width, rows[0].source_height) for source, rows in sources.items()}
    counts = Counter(sizes.values())
    return {
        source: f"size {size[0]} × {size[1]}, as {counts[size]} of {len(sizes)} images"
        for source, size in sizes.items()
        if counts[size] < _USUAL * len(sizes)
    }


def _small(sources: dict[str, list[ManifestRow]]) -> dict[str, str]:
    reasons = {}
    for source, rows in sources.items():
        own = Box(0, 0, rows[0].source_width, rows[0].source_height)
        if len(rows) == 1 and (rows[0].width > own.width or rows[0].height > own.height):
            reasons[source] = f"size {own.width} × {own.height}, smaller than the crop and padded"
    return reasons


def _empty(sources: Mapping[str, Sequence[ManifestRow]], images: Sequence[ImageFacts]) -> Iterator[tuple[str, str]]:
    shown = {image.source for image in images if any(crop.has_foreground for crop in image.crops)}
    for source, rows in sources.items():
        if source not in shown and not any(row.foreground for row in rows if not row.kept):
            yield source, "no foreground"


def usual_range(values: Sequence[float], least: float) -> tuple[float, float, float]:
    """The median, and how far below and above it values are usual: by the deviation of all, but at least `least`."""
    usual = median(values)
    spread = 1.4826 * median(abs(value - usual) for value in values)
    reach = max(_FAR * spread, least)
    return usual, usual - reach, usual + reach


def _exposures(images: Sequence[ImageFacts]) -> Iterator[tuple[str, str]]:
    if not images:
        return
    usual, low, high = usual_range([image.brightness for image in images], _LEVELS)
    for image in images:
        mean = image.brightness
        if not low <= mean <= high or not DARK <= mean <= BRIGHT:
            side = "dark" if mean < usual else "bright"
            yield image.source, f"{side}: mean grey level {mean:.0f}, others about {usual:.0f}"


def _greys(images: Sequence[ImageFacts]) -> Iterator[tuple[str, str]]:
    if len(images) < _ENOUGH:
        return
    usual, low, _ = usual_range([image.colour for image in images], _COLOUR_LEVELS)
    for image in images:
        if image.colour < min(low, _GREY):
            told = f"its channels differ by {image.colour:.1f} levels, others' by about {usual:.0f}"
            yield image.source, f"nearly grey: {told}"


def _blurred(images: Sequence[ImageFacts]) -> Iterator[tuple[str, str]]:
    if len(images) < _ENOUGH:
        return
    usual, low, _ = usual_range([math.log2(image.sharpness + 1) for image in images], math.log2(_TIMES))
    for image in images:
        if math.log2(image.sharpness + 1) < low:
            told = f"variance of the Laplacian {image.sharpness:.0f}, others about {2**usual - 1:.0f}"
            yield image.source, f"blurred or flat: {told}"


_OfClass = Callable[[Sequence[ImageFacts], int, str], Iterator[tuple[str, str]]]


def _of_classes(images: Sequence[ImageFacts], names: Sequence[str], find: _OfClass) -> Iterator[tuple[str, str]]:
    """What is found for each foreground class among the images that have objects of it."""
    for class_id, name in enumerate(names[1:], start=1):
        with_class = [image for image in images if class_id in image.objects]
        if len(with_class) >= _ENOUGH:
            yield from find(with_class, class_id, name)


def _shares(images: Sequence[ImageFacts], class_id: int, name: str) -> Iterator[tuple[str, str]]:
    usual, low, high = usual_range([image.shares[class_id] for image in images], _SHARE)
    for image in images:
        if not low <= (share := image.shares[class_id]) <= high:
            yield image.source, f"{name} on {format_share(share)} of the image, others about {format_share(usual)}"


def _numbers(images: Sequence[ImageFacts], class_id: int, name: str) -> Iterator[tuple[str, str]]:
    usual, low, high = usual_range([math.log2(image.objects[class_id].count) for image in images], math.log2(_TIMES))
    for image in images:
        count = image.objects[class_id].count
        if not low <= math.log2(count) <= high:
            told = f"{count:,} object{'s' if count != 1 else ''} of {name}"
            yield image.source, f"{told}, others about {round(2**usual)}"


def _object_sizes(images: Sequence[ImageFacts], class_id: int, name: str) -> Iterator[tuple[str, str]]:
    """By each image's smallest and largest object; a usual size is that of the images' largest objects."""
    largest = [math.log2(image.objects[class_id].largest) for image in images]
    usual, low, high = usual_range(largest, math.log2(_SIZE_TIMES))
    usual_told = f"others' largest about {format_number(round(2**usual))} px"
    smallest = [math.log2(image.objects[class_id].smallest) for image in images]
    _, low_of_smallest, _ = usual_range(smallest, math.log2(_SIZE_TIMES))
    for image in images:
        own = image.objects[class_id]
        if math.log2(own.smallest) < min(low_of_smallest, usual - math.log2(_SIZE_TIMES)):
            told = "a speck" if own.count > 1 else "its only object"
            yield image.source, f"{told} of {format_number(own.smallest)} px of {name}, {usual_told}"
        elif not low <= math.log2(own.largest) <= high:
            yield image.source, f"{name} of {format_number(own.largest)} px at most, {usual_told}"


def _at_edge(images: Sequence[ImageFacts], class_id: int, name: str) -> Iterator[tuple[str, str]]:
    cut = [image for image in images if image.objects[class_id].at_edge]
    if len(cut) < _USUAL * len(images):
        for image in cut:
            count = image.objects[class_id].at_edge
            told = f"{count:,} object{'s' if count != 1 else ''} of {name} cut by the image's edge"
            yield image.source, f"{told}, as in {len(cut)} of {len(images)} images"
