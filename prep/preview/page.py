"""One HTML page that shows a dataset before money is spent on it.

sageseg prep preview DATASET --out preview.html
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from formats.classes import IGNORE
from formats.console import say
from formats.dataset import SPLITS, Dataset
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.pages.templating import render
from formats.prepared.label_map import LabelMap, LabelMaps
from formats.version import tool_version
from prep.dataset.split import rank
from prep.dataset.tally import SplitCounts
from prep.preview.augmented import Augmentation, Changed, draw_changed
from prep.preview.balance import balance_chart, balance_words, mapped_balance
from prep.preview.certificate import certificate_words, divided_groups, not_looked_at, read_certificate
from prep.preview.images import CROP_SIDES, Drawing, draw_crop, draw_within, page_palette
from prep.preview.maps import MAP_SIDES, SourceImages, draw_map, find_sources
from prep.preview.outliers import Unusual, find_unusual
from prep.preview.samples import Samples, by_class, choose_samples, rows_of
from prep.preview.sizes import NetworkView, size_bins, size_charts, size_rows, size_words
from prep.preview.survey import Survey, by_source, splits_of, survey

_MAPS, _TWINS, _UNUSUAL, _LISTED = 3, 8, 24, 500
_CROPS_BYTES, _MAPS_BYTES = 1_600_000, 800_000
"""Of the page, which stays under 3 MB: those of crops, and of whole images."""
_SPLITS_APART = 3
"""With fewer samples of each class in each split, all splits of a class stand in one line."""
_SCRIPTS = ("layers.js", "larger.js")


@dataclass(frozen=True)
class Asked:
    """What a preview shows beside the dataset: a job's `label_maps` make it show what that job makes of the masks, its
    `augmentation` what it sees of the crops, its `network` how large objects are for it. `images` is the folder that
    prep read, for dropped crops."""

    label_maps: LabelMaps | None = None
    augmentation: Augmentation | None = None
    network: NetworkView | None = None
    images: Path | None = None


def write_preview(
    dataset: Dataset, out: Path, workers: int | None = None, asked: Asked | None = None, today: date | None = None
) -> None:
    """Write the page: it holds its images and opens offline. Beside its dataset it also shows crops at their full size,
    as files that it asks for when a crop is opened."""
    if out.is_dir():
        raise SagesegError(f"{out}: is a folder; expected the name of a page to write, such as preview.html")
    asked = asked or Asked()
    certificate = read_certificate(dataset)
    sources = find_sources(dataset, asked.images)
    if sources.folder and not asked.images:
        say(f"note: dropped crops are shown with the pixels of {sources.folder}, which dataset.json names")
    number = len(dataset.classes)
    maps = {split: asked.label_maps.of_split(split, number) for split in SPLITS} if asked.label_maps else {}
    found = survey(dataset, workers, maps, asked.network)
    for split, label_map in maps.items():
        if label_map:
            own = [image for image in found.images if image.rows[0].split == split]
            certificate["balance"][split] = mapped_balance(certificate["balance"][split], label_map, dataset, own)
    page = _Page(dataset, sources, maps, folder=near_folder(dataset.root, out))
    write_text(out, page.render(certificate, found, asked, today or date.today()))


def near_folder(root: Path, page: Path) -> str | None:
    """The dataset's address, seen from a page that lies in it, above it or beside it, with `/` behind; None where it
    lies elsewhere, and the address would tell of the machine."""
    beside = os.path.relpath(root.resolve(), page.resolve().parent)
    parts = Path(beside).parts
    inside = root.resolve() in page.resolve().parents
    return Path(beside).as_posix() + "/" if inside or parts.count("..") <= 1 else None


@dataclass
class _Page:
    """The page in the making; `drawings` are what its script shows, each once, by key."""

    dataset: Dataset
    sources: SourceImages
    label_maps: Mapping[str, LabelMap | None]
    folder: str | None
    drawings: dict[str, Drawing] = field(default_factory=dict)

    def render(self, certificate: dict[str, Any], found: Survey, asked: Asked, today: date) -> str:
        dataset, splits = self.dataset, splits_of(self.dataset)
        names = dataset.classes.names
        cropped = (dataset.info.get("options") or {}).get("crop") is not None
        samples = choose_samples(dataset, found.crops)
        unusual = find_unusual(dataset, found)
        by_image = _by_image(unusual)
        maps, twins = self._mapped(), certificate["twins"]["candidates"][:_TWINS]
        self._draw_crops(rows_of(samples))
        self._draw_maps([*maps, *(name for pair in twins for name in pair["images"]), *list(by_image)[:_UNUSUAL]])
        changed = self._changed(asked.augmentation)
        rows = size_rows(found.sizes, dataset.classes, cropped)
        values = {
            "title": dataset.root.resolve().name,
            "facts": _facts(dataset, today),
            "dataset": dataset,
            "options": dataset.info.get("options") or {},
            "splits": {split: _count(dataset, split) for split in splits},
            "certificate": certificate,
            "certified": certificate_words(certificate, dataset),
            "not_looked_at": not_looked_at(certificate, dataset),
            "divided": len(divided_groups(dataset)),
            "chart": balance_chart(certificate["balance"], splits, names),
            "warnings": balance_words(certificate["balance"], splits, names),
            "sizes": size_charts(found.sizes, dataset.classes, cropped),
            "size_rows": rows,
            "size_bins": size_bins(found.sizes, dataset.classes),
            "size_words": size_words(rows, found.sizes),
            "images_looked_at": found.sizes.images,
            "network": asked.network,
            "samples": [several for several in by_class(samples) if not _is_absent(several)],
            "absent": [several[0].title for several in by_class(samples) if _is_absent(several)],
            "compact": max(len(own.rows) for own in samples) < _SPLITS_APART,
            "changed": changed,
            "augmentation": asked.augmentation,
            "maps": [self._map(name) for name in maps],
            "twins": [(pair, [self._map(name) for name in pair["images"]]) for pair in twins],
            "unusual": [(self._map(name), reasons) for name, reasons in list(by_image.items())[:_UNUSUAL]],
            "unusual_images": len(by_image),
            "findings": [(each.rows[0].source, each.rows[0].split, each.reason) for each in unusual[:_LISTED]],
            "findings_count": len(unusual),
            "drawings": self.drawings,
            "behind": {drawing.behind for drawing in self.drawings.values() if drawing.dropped},
            "palette": page_palette(len(names)).tolist(),
            "data": self._data(),
        }
        return render("prep", "preview.html", _SCRIPTS, values)

    def _data(self) -> dict[str, Any]:
        names, palette = self.dataset.classes.names, page_palette(len(self.dataset.classes)).tolist()
        told = [*enumerate(names), (IGNORE, "ignored")]
        return {
            "folder": self.folder,
            "background": names[0],
            "classes": [{"name": name, "colour": palette[value]} for value, name in told[1:]],
            "drawings": {key: drawing.to_json() for key, drawing in self.drawings.items()},
        }

    def _add(self, drawings: Iterable[Drawing]) -> None:
        for drawing in drawings:
            self.drawings.setdefault(drawing.key, drawing)

    def _draw_crops(self, rows: Sequence[ManifestRow]) -> None:
        def draw(row: ManifestRow, side: int) -> Drawing:
            return draw_crop(self.dataset, row, side, self.label_maps.get(row.split))

        self._add(draw_within(rows, CROP_SIDES, _CROPS_BYTES, draw))

    def _draw_maps(self, names: Iterable[str]) -> None:
        sources = by_source(self.dataset.rows)

        def draw(rows: Sequence[ManifestRow], side: int) -> Drawing:
            return draw_map(self.dataset, rows, self.sources, side, self.label_maps.get(rows[0].split))

        self._add(draw_within([sources[name] for name in dict.fromkeys(names)], MAP_SIDES, _MAPS_BYTES, draw))

    def _map(self, name: str) -> Drawing:
        return self.drawings[f"image={name}"]

    def _changed(self, augmentation: Augmentation | None) -> list[Changed]:
        if augmentation is None:
            return []
        changed = draw_changed(self.dataset, augmentation, self.label_maps.get("train"))
        for each in changed:
            self._add((each.original, *each.draws))
        return changed

    def _mapped(self) -> list[str]:
        """For each split the images with most crops dropped, and some by chance."""
        names = []
        for split in splits_of(self.dataset):
            sources = by_source(row for row in self.dataset.rows if row.split == split)
            cut = [rows for rows in sources.values() if len(rows) > 1]
            cut.sort(key=lambda rows: (all(row.kept for row in rows), rank(0, rows[0].source)))
            names += [rows[0].source for rows in cut[:_MAPS]]
        return names


def _facts(dataset: Dataset, today: date) -> list[tuple[str, str, str]]:
    """What the page is of, as (label, text, all of it where the text is short for it)."""
    info = dataset.info
    told = {
        "Page made": (today.isoformat(), ""),
        "Dataset digest": (dataset.digest[:12], dataset.digest),
        "Inputs digest": (str(info.get("inputs_sha256") or "")[:12], str(info.get("inputs_sha256") or "")),
        "Source": (str(info.get("source_format") or ""), ""),
        "Prepared by": (f"sageseg {info['tool_version']}" if info.get("tool_version") else "", ""),
        "Page by": (f"sageseg {tool_version()}", ""),
        "Command": (shlex.join(["sageseg", "prep", *map(str, info["command"])]) if info.get("command") else "", ""),
    }
    return [(label, text, whole) for label, (text, whole) in told.items() if text]


def _count(dataset: Dataset, split: str) -> SplitCounts:
    own = [row for row in dataset.rows if row.split == split]
    groups, sources = {row.group for row in own}, {row.source for row in own}
    return SplitCounts(len(groups), len(sources), len(own), sum(row.kept for row in own))


def _is_absent(several: Sequence[Samples]) -> bool:
    """Whether no crop of any split has the class."""
    return bool(several[0].class_id) and not any(own.found for own in several)


def _by_image(unusual: Iterable[Unusual]) -> dict[str, list[str]]:
    """The images that stand out, each with its reasons; kinds of reasons take turns, so that none fills the page."""
    kinds: dict[str, list[Unusual]] = {}
    for each in unusual:
        kinds.setdefault(each.kind, []).append(each)
    images: dict[str, list[str]] = {}
    for turn in zip_longest(*kinds.values()):
        for found in filter(None, turn):
            images.setdefault(found.rows[0].source, []).append(found.reason)
    return images
