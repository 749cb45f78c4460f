"""Crops of each class in each split, to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from formats.dataset import Dataset
from formats.manifest import ManifestRow
from prep.dataset.split import rank
from prep.preview.survey import CropFacts, splits_of

EACH = 4
"""Samples of each class in each split; fewer where there are many classes."""
MOST = 240
NO_FOREGROUND = "no foreground"


@dataclass(frozen=True)
class Samples:
    """Crops of one split with one class, or without foreground; `found` is how many there are."""

    title: str
    class_id: int
    split: str
    found: int
    rows: tuple[ManifestRow, ...]


def choose_samples(dataset: Dataset, crops: Sequence[CropFacts]) -> list[Samples]:
    """Of each class in each split a few crops, drawn by their names' hashes; a class that is missing
    from a split is told too. Crops without foreground come last. Once MOST are chosen, classes are shown by them."""
    names, splits = dataset.classes.names, splits_of(dataset)
    each = max(1, min(EACH, MOST // (len(names) * len(splits))))
    chosen, seen = [], set[str]()
    ranked = sorted(crops, key=lambda fact: rank(0, fact.row.id))
    for class_id in [*range(1, len(names)), 0]:
        for split in splits:
            own = [fact.row for fact in ranked if fact.row.split == split and _shows(fact, class_id)]
            shown = own[:each] if len(seen) < MOST else [row for row in own if row.id in seen][:each]
            seen |= {row.id for row in shown}
            title = names[class_id] if class_id else NO_FOREGROUND
            chosen.append(Samples(title, class_id, split, len(own), tuple(shown)))
    return chosen


def _shows(fact: CropFacts, class_id: int) -> bool:
    return class_id in fact.classes if class_id else not fact.has_foreground


def by_class(samples: Iterable[Samples]) -> list[list[Samples]]:
    """The samples of each class, all splits together, in their order."""
    classes: dict[int, list[Samples]] = {}
    for own in samples:
        classes.setdefault(own.class_id, []).append(own)
    return list(classes.values())


def rows_of(samples: Iterable[Samples]) -> list[ManifestRow]:
    """Each crop that is shown, once."""
    return list({row.id: row for own in samples for row in own.rows}.values())
