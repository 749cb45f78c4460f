"""How large objects are, against the crop and against what a network makes of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from formats.arrays import Ints
from formats.classes import ClassTable
from formats.manifest import ManifestRow
from formats.texts.wording import format_number
from prep.preview.objects import Objects

_PER_OCTAVE = 2
"""Bars for each doubling of a side."""
_CHARTS = 24
"""Classes with a chart, those with most objects; the table has all."""
_TOLD, _SMALL_CELLS = 0.05, 4
"""A share of objects that is worth a sentence, and a median size that is, in cells of the network's output."""

_COUNTED = 20
"""Fewer objects are told by their number."""


@dataclass(frozen=True)
class NetworkView:
    """What a training makes of a crop: its long side becomes `base_size` (on average), `crop_size` pixels are cut out,
    and the network answers in cells of `stride` × `stride` of these; `told` names the settings."""

    base_size: int
    crop_size: int
    stride: int
    told: str


@dataclass
class _OfClass:
    """Counts of one class: objects by the longer side of their box, and by their pixels; those longer or higher than
    the crop; those under a cell of the network's output."""

    sides: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    larger: int = 0
    under_cell: int = 0

    @property
    def count(self) -> int:
        return self.sides.total()


@dataclass
class SizeCounts:
    """Sizes of objects, image by image. Memory grows with the number of different sizes, of which n have n²/2 pixels at
    least. `scales` are those at which the network sees them, and `crops` the sizes of crops, by how many images have
    each."""

    network: NetworkView | None = None
    of_class: dict[int, _OfClass] = field(default_factory=dict)
    scales: Counter[float] = field(default_factory=Counter)
    crops: Counter[tuple[int, int]] = field(default_factory=Counter)
    images: int = 0

    def add(self, objects: Objects, row: ManifestRow) -> None:
        """Count the objects of an image that was cut into crops of the size of `row`."""
        scale = self.network.base_size / max(row.width, row.height) if self.network else None
        self.images += 1
        self.crops[row.width, row.height] += 1
        if scale:
            self.scales[scale] += 1
        for class_id in np.unique(objects.classes).tolist():
            place = objects.classes == class_id
            widths, heights, pixels = objects.widths[place], objects.heights[place], objects.pixels[place]
            own = self.of_class.setdefault(class_id, _OfClass())
            own.sides.update(_counted(np.maximum(widths, heights)))
            own.pixels.update(_counted(pixels))
            own.larger += int(((widths > row.width) | (heights > row.height)).sum())
            if self.network and scale:
                own.under_cell += int((pixels * scale**2 < self.network.stride**2).sum())

    @property
    def scale(self) -> float | None:
        """The scale of most images at which a network sees them."""
        return self.scales.most_common(1)[0][0] if self.scales else None


def _counted(values: Ints) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def median_of(counts: Mapping[int, int]) -> int:
    """The middle of values that are counted, the lower of two."""
    half, seen = (sum(counts.values()) + 1) // 2, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return value
    raise ValueError("nothing is counted")


@dataclass(frozen=True)
class SizeRow:
    """One class in the table of sizes. Shares are None where there is no crop, or no network, to compare with."""

    class_id: int
    name: str
    objects: int
    side: int | None
    pixels: int | None
    larger: float | None
    under_cell: float | None


@dataclass(frozen=True)
class SizeChart:
    """Bars (left, width, height) in per cent of the chart, and how many objects the highest has."""

    name: str
    class_id: int
    objects: int
    bars: tuple[tuple[float, float, float, str], ...]


def size_rows(counts: SizeCounts, classes: ClassTable, cropped: bool) -> list[SizeRow]:
    """Each foreground class, also those without an object."""
    rows = []
    for class_id, name in enumerate(classes.names[1:], start=1):
        own = counts.of_class.get(class_id)
        if own is None:
            rows.append(SizeRow(class_id, name, 0, None, None, None, None))
            continue
        larger = own.larger / own.count if cropped else None
        under = own.under_cell / own.count if counts.network else None
        side, pixels = median_of(own.sides), median_of(own.pixels)
        rows.append(SizeRow(class_id, name, own.count, side, pixels, larger, under))
    return rows


def size_words(rows: Sequence[SizeRow], counts: SizeCounts) -> list[str]:
    """What sizes mean for a training, in sentences."""
    said = []
    for row in rows:
        if row.larger and row.larger >= _TOLD:
            width, height = counts.crops.most_common(1)[0][0]
            said.append(
                f"{_some(row, row.larger)} larger than the crop ({width} × {height}): no crop shows "
                f"{'it' if row.objects == 1 else 'them'} whole."
            )
        if counts.network and counts.scale and row.pixels is not None:
            said += _small_words(row, counts.network, counts.scale)
    if not said and any(row.objects for row in rows):
        said.append("No class has many objects larger than the crop, or too small for the network to tell apart.")
    return said


def _small_words(row: SizeRow, network: NetworkView, scale: float) -> list[str]:
    said, cell = [], network.stride**2
    seen = (row.pixels or 0) * scale**2
    where = f"at the size the network sees (output stride {network.stride})"
    if seen < _SMALL_CELLS * cell:
        half = _some(row, 1) if row.objects == 1 else f"Half of the {_objects(row)} are"
        said.append(f"{half} under {_ceiling(seen)} px {where}: {_cells(seen / cell)} of its output.")
    elif row.under_cell and row.under_cell >= _TOLD:
        said.append(f"{_some(row, row.under_cell)} under {cell} px {where}: less than one cell of its output.")
    return said


def _some(row: SizeRow, share: float) -> str:
    """So many of a class's objects, and the verb: few are counted, of many whole per cent are enough for a sentence."""
    count = round(share * row.objects)
    if row.objects == 1:
        return f"The only object of {row.name} is"
    if share == 1:
        return f"All {_objects(row)} are"
    if row.objects < _COUNTED:
        return f"{count} of the {_objects(row)} {'is' if count == 1 else 'are'}"
    return f"{min(round(100 * share), 99)} % of the {_objects(row)} are"


def _objects(row: SizeRow) -> str:
    return f"{format_number(row.objects)} objects of {row.name}"


def _ceiling(pixels: float) -> str:
    """A round number that is larger, of two digits."""
    step = 10 ** max(0, math.floor(math.log10(max(pixels, 1))) - 1)
    return format_number((math.floor(pixels / step) + 1) * step)


def _cells(cells: float) -> str:
    return "less than one cell" if cells < 1 else f"about {cells:.1f} cells"


def size_charts(counts: SizeCounts, classes: ClassTable, cropped: bool) -> dict[str, Any] | None:
    """What the charts show: bars by class over the longer side of objects in pixels, each bar √2 wide; `marks`, as
    (text, per cent of the axis), and `ticks`. None where there is no object."""
    if not counts.of_class:
        return None
    marks = _marks(counts, cropped)
    longest = max(max(own.sides) for own in counts.of_class.values())
    octaves = math.floor(math.log2(max([longest, *(pixels for _, pixels in marks)]))) + 1
    most = sorted(counts.of_class, key=lambda each: (-counts.of_class[each].count, each))[:_CHARTS]
    return {
        "charts": [_chart(counts.of_class[each], each, classes.names[each], octaves) for each in sorted(most)],
        "left_out": len(counts.of_class) - len(most),
        "marks": [(text, round(100 * math.log2(pixels) / octaves, 2)) for text, pixels in marks],
        "ticks": [
            (f"{10**power:,}", round(100 * math.log2(10**power) / octaves, 2))
            for power in range(math.floor(octaves * math.log10(2)) + 1)
        ],
    }


def _marks(counts: SizeCounts, cropped: bool) -> list[tuple[str, float]]:
    """What objects are compared with, as (text, pixels of the dataset's images)."""
    marks = []
    if cropped:
        width, height = counts.crops.most_common(1)[0][0]
        marks.append((f"the dataset's crop: {max(width, height)} px", float(max(width, height))))
    network = counts.network
    if network and counts.scale:
        seen, cell = network.crop_size / counts.scale, network.stride / counts.scale
        marks.append((f"what a training cuts out of it, crop_size {network.crop_size}: about {seen:.0f} px", seen))
        marks.append((f"one cell of the network's output: about {max(1, round(cell))} px", max(1.0, cell)))
    return marks


def size_bins(counts: SizeCounts, classes: ClassTable) -> list[tuple[str, list[int]]]:
    """The charts in numbers: for each bar that any class has, which sides it holds and how many objects of each
    foreground class."""
    foreground = range(1, len(classes))
    bins = {each: _binned(own) for each, own in counts.of_class.items()}
    places = sorted({place for own in bins.values() for place in own})
    return [
        (_sides_words(place), [bins[each][place] if each in bins else 0 for each in foreground]) for place in places
    ]


def _binned(own: _OfClass) -> Counter[int]:
    bins: Counter[int] = Counter()
    for side, count in own.sides.items():
        bins[math.floor(_PER_OCTAVE * math.log2(side) + 1e-9)] += count
    return bins


def _chart(own: _OfClass, class_id: int, name: str, octaves: int) -> SizeChart:
    bins = _binned(own)
    highest, step = max(bins.values()), 100 / (octaves * _PER_OCTAVE)
    bars = tuple(
        (
            round(place * step, 2),
            round(step, 2),
            round(100 * count / highest, 2),
            f"{_sides_words(place)}: {format_number(count)}",
        )
        for place, count in sorted(bins.items())
    )
    return SizeChart(name, class_id, own.count, bars)


def _sides_words(place: int) -> str:
    low, high = (math.ceil(2 ** (each / _PER_OCTAVE) - 1e-9) for each in (place, place + 1))
    return f"{low:,} to {high - 1:,} px" if high - 1 > low else f"{low:,} px"
