"""One HTML page that shows a dataset before money is spent on it.

sageseg prep preview DATASET --out preview.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from formats.classes import IGNORE
from formats.dataset import SPLITS, Dataset, split_path
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.prepared.label_map import LabelMap, LabelMaps
from formats.texts.given_files import read_json
from formats.texts.redaction import redact
from formats.texts.wording import format_colour, format_share
from prep.dataset.split import rank
from prep.dataset.tables import SplitCounts
from prep.preview.augmented import Augmentation, draw_changed
from prep.preview.images import CropMap, Drawing, draw_crop, draw_map, page_palette
from prep.preview.survey import CropFacts, by_source, find_unusual, splits_of, survey

SAMPLES = 4
"""Samples of each class in each split; fewer where there are many classes."""
_ALL_SAMPLES = 240
_MAPS, _TWINS, _UNUSUAL = 3, 8, 24
NO_FOREGROUND = "no foreground"


@dataclass(frozen=True)
class Samples:
    """Crops of one split with one class, or without foreground; `found` is how many there are."""

    title: str
    class_id: int
    split: str
    found: int
    drawings: tuple[Drawing, ...]


def write_preview(
    dataset: Dataset,
    out: Path,
    workers: int | None = None,
    label_maps: LabelMaps | None = None,
    augmentation: Augmentation | None = None,
) -> None:
    """Write the page: it holds its images, opens offline and loads nothing. With a job's `label_maps` it shows
    what that job makes of the masks, with its `augmentation` what it sees of the crops."""
    if out.is_dir():
        raise SagesegError(f"{out}: is a folder; expected the name of a page to write, such as preview.html")
    certificate = _read_certificate(dataset)
    number = len(dataset.classes)
    maps = {split: label_maps.of_split(split, number) for split in SPLITS} if label_maps else {}
    facts = survey(dataset, workers, maps)
    for split, label_map in maps.items():
        if label_map:
            own = [fact for fact in facts if fact.row.split == split]
            certificate["balance"][split] = mapped_balance(certificate["balance"][split], label_map, dataset, own)
    write_text(out, redact(render_preview(dataset, certificate, facts, maps, augmentation)))


def _read_certificate(dataset: Dataset) -> dict[str, Any]:
    path = split_path(dataset.root)
    try:
        certificate = read_json(path, "JSON that prep wrote")
        missing = [key for key in ("balance", "twins", "leak") if key not in certificate]
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); prepare the dataset again") from e
    if missing:
        raise SagesegError(f"{path}: {missing[0]!r} is missing; prepare the dataset again")
    return {**certificate, "balance": _by_names_of_today(certificate["balance"], dataset, path)}


def _by_names_of_today(balance: Mapping[str, Any], dataset: Dataset, path: Path) -> dict[str, Any]:
    """The balance by the names of labels.txt, which a person may have changed since: both are in the order of ids."""
    names = dataset.classes.names
    known = next((len(own["classes"]) for own in balance.values() if len(own["classes"]) != len(names)), len(names))
    if known != len(names):
        raise SagesegError(
            f"{path}: tells of {known} classes, and labels.txt names {len(names)}; names may be changed there, but no "
            "line added or taken away: undo that, or prepare the dataset again"
        )
    classes = {split: dict(zip(names, own["classes"].values(), strict=True)) for split, own in balance.items()}
    return {split: {**own, "classes": classes[split]} for split, own in balance.items()}


def mapped_balance(
    told: Mapping[str, Any], label_map: LabelMap, dataset: Dataset, facts: Sequence[CropFacts]
) -> dict[str, Any]:
    """A split's balance of classes as a label map makes it: each of its classes is one value of the masks, whose
    share of all pixels the certificate tells. Images are counted by their kept crops."""
    ignored = told["ignored"] or 0.0
    shares = {value: (own["pixels"] or 0.0) * (1 - ignored) for value, own in enumerate(told["classes"].values())}
    shares[IGNORE] = ignored
    of_class = {int(label_map.classes[value]): share for value, share in shares.items()}
    left = of_class.pop(IGNORE, 0.0)
    counted = 1 - left
    seen = Counter(class_id for _, class_id in {(fact.row.source, each) for fact in facts for each in fact.classes})
    classes = {
        name: {"pixels": of_class.get(class_id, 0.0) / counted if counted else None, "images": seen[class_id]}
        for class_id, name in enumerate(dataset.classes.names)
    }
    background = classes[dataset.classes.names[0]]["pixels"]
    return {**told, "foreground": None if background is None else 1 - background, "ignored": left, "classes": classes}


def render_preview(
    dataset: Dataset,
    certificate: dict[str, Any],
    facts: Sequence[CropFacts],
    label_maps: Mapping[str, LabelMap | None] | None = None,
    augmentation: Augmentation | None = None,
) -> str:
    """The page as HTML; every text is escaped."""
    environment = Environment(
        loader=PackageLoader("prep"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(share=format_share, count=lambda value: f"{value:,}", rgb=format_colour)
    unusual = find_unusual(dataset, facts)
    return environment.get_template("preview.html").render(
        title=dataset.root.resolve().name,
        dataset=dataset,
        options=dataset.info.get("options", {}),
        splits={split: _count(dataset, split) for split in splits_of(dataset)},
        certificate=certificate,
        divided=len(_divided_groups(dataset)),
        samples=choose_samples(dataset, facts, label_maps or {}),
        changed=draw_changed(dataset, augmentation, (label_maps or {}).get("train")) if augmentation else [],
        augmentation=augmentation,
        maps=_maps(dataset),
        twins=_twins(dataset, certificate),
        unusual=[(each.reason, draw_map(dataset, each.rows)) for each in unusual[:_UNUSUAL]],
        unusual_count=len(unusual),
        palette=page_palette(len(dataset.classes)).tolist(),
    )


def _count(dataset: Dataset, split: str) -> SplitCounts:
    own = [row for row in dataset.rows if row.split == split]
    groups, sources = {row.group for row in own}, {row.source for row in own}
    return SplitCounts(len(groups), len(sources), len(own), sum(row.kept for row in own))


def _divided_groups(dataset: Dataset) -> set[str]:
    first: dict[str, str] = {}
    return {row.group for row in dataset.rows if first.setdefault(row.group, row.split) != row.split}


def choose_samples(
    dataset: Dataset, facts: Sequence[CropFacts], label_maps: Mapping[str, LabelMap | None]
) -> list[Samples]:
    """Of each class in each split a few crops, drawn by their names' hashes; a class that is missing
    from a split is told too. Crops without foreground come last."""
    names = dataset.classes.names
    splits = splits_of(dataset)
    each = max(1, min(SAMPLES, _ALL_SAMPLES // (len(names) * len(splits))))
    chosen = []
    for class_id in [*range(1, len(names)), 0]:
        for split in splits:
            own = [fact.row for fact in facts if fact.row.split == split and _shows(fact, class_id)]
            shown = sorted(own, key=lambda row: rank(0, row.id))[:each]
            title = names[class_id] if class_id else NO_FOREGROUND
            drawings = tuple(draw_crop(dataset, row, label_maps.get(split)) for row in shown)
            chosen.append(Samples(title, class_id, split, len(own), drawings))
    return chosen


def _shows(fact: CropFacts, class_id: int) -> bool:
    return class_id in fact.classes if class_id else not fact.has_foreground


def _maps(dataset: Dataset) -> list[CropMap]:
    """For each split the images with most crops dropped, and some by chance."""
    maps = []
    for split in splits_of(dataset):
        sources = by_source(row for row in dataset.rows if row.split == split)
        cut = [rows for rows in sources.values() if len(rows) > 1]
        cut.sort(key=lambda rows: (all(row.kept for row in rows), rank(0, rows[0].source)))
        maps += [draw_map(dataset, rows) for rows in cut[:_MAPS]]
    return maps


def _twins(dataset: Dataset, certificate: dict[str, Any]) -> list[tuple[dict[str, Any], list[CropMap]]]:
    sources = by_source(dataset.rows)
    return [
        (pair, [draw_map(dataset, sources[source]) for source in pair["images"]])
        for pair in certificate["twins"]["candidates"][:_TWINS]
    ]
