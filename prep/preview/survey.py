"""A dataset looked through once: what each crop holds, and which images are out of the ordinary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import simplejpeg

from formats.classes import IGNORE
from formats.crops import Box
from formats.dataset import SPLITS, Dataset, image_path, mask_path
from formats.images import image_errors
from formats.manifest import ManifestRow
from formats.masks import count_values, read_mask
from formats.parallel import map_all
from formats.prepared.label_map import LabelMap

_COARSE = 32
DARK, BRIGHT = 20, 235
"""Mean grey levels beyond which an image is under- or overexposed, whatever the others are."""
_FAR, _LEVELS = 4.0, 25
"""An image stands out from the others by so many robust deviations, and at least so many levels."""
_USUAL = 0.1
"""A size is unusual when less than this share of the images has it."""


@dataclass(frozen=True)
class CropFacts:
    """What a kept crop holds: the class ids in its mask, as a job reads it, and its mean grey level 0..255."""

    row: ManifestRow
    classes: frozenset[int]
    brightness: float

    @property
    def has_foreground(self) -> bool:
        return any(0 < class_id < IGNORE for class_id in self.classes)


@dataclass(frozen=True)
class Unusual:
    """An image that is worth a look, with its crops."""

    reason: str
    rows: tuple[ManifestRow, ...]


def survey(
    dataset: Dataset, workers: int | None = None, label_maps: Mapping[str, LabelMap | None] | None = None
) -> list[CropFacts]:
    """Read every kept crop once, images at an eighth of their size, masks by the label map of their split."""
    rows = [row for row in dataset.rows if row.kept]
    return list(map_all(partial(_look, dataset.root, label_maps or {}), rows, workers=workers, label="crops"))


def _look(root: Path, label_maps: Mapping[str, LabelMap | None], row: ManifestRow) -> CropFacts:
    path = image_path(root, row.id)
    with image_errors(path):
        # decoded in the frequency domain at the smallest scale that leaves _COARSE pixels
        grey = simplejpeg.decode_jpeg(path.read_bytes(), "GRAY", min_height=_COARSE, min_width=_COARSE)
    mask, label_map = read_mask(mask_path(root, row.id)), label_maps.get(row.split)
    counts = count_values(label_map.apply(mask, mask_path(root, row.id)) if label_map else mask)
    present = frozenset(value for value, count in enumerate(counts) if count)
    return CropFacts(row, present, float(grey.mean()))


def by_source(rows: Iterable[ManifestRow]) -> dict[str, list[ManifestRow]]:
    """The crops of each source image."""
    sources: dict[str, list[ManifestRow]] = {}
    for row in rows:
        sources.setdefault(row.source, []).append(row)
    return sources


def find_unusual(dataset: Dataset, facts: Sequence[CropFacts]) -> list[Unusual]:
    """Images of an unusual size, exposure, or without foreground, in the manifest's order for each."""
    sources = by_source(dataset.rows)
    found = [*(_sizes(sources) | _small(sources)).items(), *_exposures(facts)]
    shown = {fact.row.source for fact in facts if fact.has_foreground}
    dropped = {row.source for row in dataset.rows if not row.kept and row.foreground}
    found += [(source, "no foreground") for source in sources if source not in shown | dropped]
    return [Unusual(reason, tuple(sources[source])) for source, reason in found]


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


def _exposures(facts: Sequence[CropFacts]) -> list[tuple[str, str]]:
    levels: dict[str, list[float]] = {}
    for fact in facts:
        levels.setdefault(fact.row.source, []).append(fact.brightness)
    means = {source: sum(own) / len(own) for source, own in levels.items()}
    if not means:
        return []
    usual = median(means.values())
    spread = 1.4826 * median(abs(mean - usual) for mean in means.values())  # a normal deviation's share of it
    found = []
    for source, mean in means.items():
        if abs(mean - usual) > max(_FAR * spread, _LEVELS) or not DARK <= mean <= BRIGHT:
            side = "dark" if mean < usual else "bright"
            found.append((source, f"{side}: mean grey level {mean:.0f}, others about {usual:.0f}"))
    return found


def splits_of(dataset: Dataset) -> list[str]:
    """The splits that have images, in their order."""
    present = {row.split for row in dataset.rows}
    return [split for split in SPLITS if split in present]
