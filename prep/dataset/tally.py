"""What tables tell of all images together, added up entry by entry: an entry is read once, and memory holds of it
names and a signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from formats.dataset import SPLITS
from formats.manifest import ManifestRow
from formats.prepared.padding import Padding
from prep.dataset.again import InputsDigest
from prep.dataset.certificate import Balance
from prep.dataset.journal import ImageEntry
from prep.dataset.plan import Plan
from prep.dataset.thumbnail_file import ThumbnailFile


@dataclass(frozen=True)
class SplitCounts:
    """What a split holds; `kept` are the crops with files."""

    groups: int
    images: int
    crops: int
    kept: int


@dataclass
class Tally:
    """Of the entries so far: by split its balance, its crops and the ids of those that were kept; the stems of the
    sources with a truth of their own; a thumbnail of each image; how much of the crops is padding."""

    plan: Plan
    thumbnails: ThumbnailFile
    balances: dict[str, Balance] = field(init=False)
    crops: Counter[str] = field(default_factory=Counter)
    kept: dict[str, list[str]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    truths: set[str] = field(default_factory=set)
    inputs: InputsDigest = field(default_factory=InputsDigest)
    padding: Padding = field(init=False)

    def __post_init__(self) -> None:
        self.balances = {split: Balance(len(self.plan.classes)) for split in SPLITS}
        self.padding = Padding(self.plan.options.resize)

    def rows_of(self, entries: Iterable[ImageEntry]) -> Iterator[ManifestRow]:
        """The rows of the plan's images, in its order; each image is counted on the way."""
        for place, entry in enumerate(entries):
            self._add(place, entry)
            yield from entry.rows

    def _add(self, place: int, entry: ImageEntry) -> None:
        split = self.plan.groups[self.plan.images[place].group]
        self.padding.add(entry.rows)
        self.balances[split].add(entry)
        self.crops[split] += len(entry.rows)
        self.kept[split] += [row.id for row in entry.rows if row.kept]
        self.truths |= {row.source_stem for row in entry.rows if row.truth_sha256}
        self.inputs.add(entry.source, entry.input_sha256)
        self.thumbnails.add(entry.thumbnail)

    def counts(self) -> dict[str, SplitCounts]:
        groups = Counter(self.plan.groups.values())
        return {
            split: SplitCounts(groups[split], self.balances[split].images, self.crops[split], len(self.kept[split]))
            for split in SPLITS
        }
