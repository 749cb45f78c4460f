"""How classes are spread over the splits: as a label map makes it, as a chart, and what of it must be told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from formats.classes import IGNORE
from formats.dataset import Dataset
from formats.prepared.label_map import LabelMap
from formats.texts.wording import format_share
from prep.preview.survey import ImageFacts, images_with

_TIMES = 2
"""A class's share that differs by more between train and val is told."""
_NAMED = 10
_LOGARITHMIC = 50
"""Shares that differ by more do not fit on one linear axis."""
IGNORED = "Ignored"


def mapped_balance(
    told: Mapping[str, Any], label_map: LabelMap, dataset: Dataset, images: Sequence[ImageFacts]
) -> dict[str, Any]:
    """A split's balance of classes as a label map makes it: each of its classes is one value of the masks, whose
    share of all pixels the certificate tells. Images are counted by their kept crops."""
    ignored = told["ignored"] or 0.0
    shares = {value: (own["pixels"] or 0.0) * (1 - ignored) for value, own in enumerate(told["classes"].values())}
    shares[IGNORE] = ignored
    of_class = {int(label_map.classes[value]): share for value, share in shares.items()}
    left = of_class.pop(IGNORE, 0.0)
    counted = 1 - left
    seen = images_with(images)
    classes = {
        name: {"pixels": of_class.get(class_id, 0.0) / counted if counted else None, "images": seen[class_id]}
        for class_id, name in enumerate(dataset.classes.names)
    }
    background = classes[dataset.classes.names[0]]["pixels"]
    return {**told, "foreground": None if background is None else 1 - background, "ignored": left, "classes": classes}


@dataclass(frozen=True)
class BalanceRow:
    """A class in the chart: by split its share, and the length of its bar in per cent of the axis. `class_id` is None
    for what is ignored."""

    name: str
    class_id: int | None
    bars: tuple[tuple[str, float | None, float], ...]


@dataclass(frozen=True)
class BalanceChart:
    """Rows, and the axis: ticks as (text, per cent), whether it is logarithmic."""

    rows: tuple[BalanceRow, ...]
    ticks: tuple[tuple[str, float], ...]
    logarithmic: bool


def balance_chart(balance: Mapping[str, Any], splits: Sequence[str], names: Sequence[str]) -> BalanceChart:
    """The share of each class by split, and apart from them what is ignored."""
    told = [
        (name, place, [balance[split]["classes"][name]["pixels"] for split in splits])
        for place, name in enumerate(names)
    ]
    ignored = [balance[split]["ignored"] for split in splits]
    shares = [share for _, _, own in told for share in own if share] + [share for share in ignored if share]
    lowest, highest = min(shares, default=1.0), max(shares, default=1.0)
    logarithmic = highest / lowest > _LOGARITHMIC
    axis = _Axis(math.floor(math.log10(lowest)) if logarithmic else None, highest)
    rows = [BalanceRow(name, place, axis.bars(splits, own)) for name, place, own in told]
    if any(ignored):
        rows.append(BalanceRow(IGNORED, None, axis.bars(splits, ignored)))
    return BalanceChart(tuple(rows), axis.ticks(), logarithmic)


@dataclass(frozen=True)
class _Axis:
    """From 0 to `highest`, or from a power of ten to 1."""

    power: int | None
    highest: float

    def place(self, share: float) -> float:
        if self.power is None:
            return round(100 * share / self.highest, 2)
        return round(max(100 * (1 - math.log10(share) / self.power), 0.5), 2)

    def bars(
        self, splits: Sequence[str], shares: Sequence[float | None]
    ) -> tuple[tuple[str, float | None, float], ...]:
        return tuple(
            (split, share, self.place(share) if share else 0.0) for split, share in zip(splits, shares, strict=True)
        )

    def ticks(self) -> tuple[tuple[str, float], ...]:
        if self.power is None:
            return ("0", 0.0), (format_share(self.highest / 2), 50.0), (format_share(self.highest), 100.0)
        powers = range(self.power, 1, max(1, -self.power // 4))
        return tuple((f"{100 * 10.0**each:g} %", round(100 * (1 - each / self.power), 2)) for each in powers)


def balance_words(balance: Mapping[str, Any], splits: Sequence[str], names: Sequence[str]) -> list[str]:
    """Classes that a split lacks, and those whose shares differ much between train and val."""
    images = {name: {split: balance[split]["classes"][name]["images"] for split in splits} for name in names[1:]}
    nowhere = [name for name, own in images.items() if not any(own.values())]
    said = [f"In no image: {_names(nowhere)}."] if nowhere else []
    for split in splits:
        missing = [name for name, own in images.items() if not own[split] and name not in nowhere]
        if missing:
            it = "it" if len(missing) == 1 else "them"
            so = f"a training learns nothing of {it}" if split == "train" else f"no score of {split} tells of {it}"
            said.append(f"Missing from {split}: {_names(missing)}; {so}.")
    return said + _different(balance, splits, names)


def _names(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _NAMED
    return f"{', '.join(names[:_NAMED])} and {more} more" if more > 0 else ", ".join(names)


def _different(balance: Mapping[str, Any], splits: Sequence[str], names: Sequence[str]) -> list[str]:
    if not {"train", "val"} <= set(splits):
        return []
    differ = []
    for name in names[1:]:
        train, val = (balance[split]["classes"][name]["pixels"] or 0.0 for split in ("train", "val"))
        if train and val and max(train, val) > _TIMES * min(train, val):
            times = max(train, val) / min(train, val)
            differ.append(f"{name} ({format_share(train)} of train, {format_share(val)} of val: {times:.1f} ×)")
    return [f"Shares differ more than {_TIMES} × between train and val: {_names(differ)}."] if differ else []
