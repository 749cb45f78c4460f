"""A dataset's folder: the names of its files, and how it is opened."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from formats.classes import ClassTable, read_labels
from formats.console import detail
from formats.errors import SagesegError, raise_all
from formats.manifest import ManifestRow, read_manifest
from formats.safe_names import refuse_links_out
from formats.shards.work_plan import PLAN
from formats.texts.given_files import read_text
from formats.texts.typed_json import parse_told

FORMAT_VERSION = 1
SPLITS = ("train", "val", "test")
_MEND = "prepare the dataset again"


class _Info(TypedDict):
    """What must be in dataset.json, and of which kind."""

    format_version: int
    options: NotRequired[dict[str, Any]]


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk. `info` is dataset.json: source format, options, counts."""

    root: Path
    classes: ClassTable
    rows: tuple[ManifestRow, ...]
    info: dict[str, Any]

    @cached_property
    def digest(self) -> str:
        """sha256 of the manifest, which holds every file's checksum."""
        return hashlib.sha256(manifest_path(self.root).read_bytes()).hexdigest()

    def image_path(self, row_id: str) -> Path:
        return image_path(self.root, row_id)

    def mask_path(self, row_id: str) -> Path:
        return mask_path(self.root, row_id)

    def truth_path(self, stem: str) -> Path:
        return truth_path(self.root, stem)

    def kept(self, split: str) -> list[ManifestRow]:
        """The rows of a split that have files."""
        return [row for row in self.rows if row.kept and row.split == split]


def image_path(root: Path, row_id: str) -> Path:
    return root / "JPEGImages" / f"{row_id}.jpg"


def mask_path(root: Path, row_id: str) -> Path:
    return root / "SegmentationClass" / f"{row_id}.png"


def truth_path(root: Path, stem: str) -> Path:
    """The mask of a whole source at its own size, by the source's stem."""
    return root / "truth" / f"{stem}.png"


def image_set_path(root: Path, split: str) -> Path:
    return root / "ImageSets" / "Segmentation" / f"{split}.txt"


def channel_path(root: Path, channel: str) -> Path:
    return root / "channels" / channel


def labels_path(root: Path) -> Path:
    return root / "labels.txt"


def labelmap_path(root: Path) -> Path:
    return root / "labelmap.txt"


def manifest_path(root: Path) -> Path:
    return root / "manifest.csv"


def split_path(root: Path) -> Path:
    return root / "split.json"


def info_path(root: Path) -> Path:
    return root / "dataset.json"


def open_dataset(root: Path) -> Dataset:
    """Open a dataset that prep wrote. Raises SagesegError when it is none, or of a newer format, or when a
    name or link in it leads out of it."""
    path = info_path(root)
    if not path.is_file():
        wrong = "no file" if path.exists() else "missing"
        raise SagesegError(f"{root}: no dataset here (dataset.json is {wrong}); {_what_to_do(root)}")
    info = parse_told(read_text(path, "JSON that prep wrote"), _Info, path, _MEND)
    if (version := info["format_version"]) != FORMAT_VERSION:
        raise SagesegError(f"{path}: format_version is {version}; this sageseg reads {FORMAT_VERSION}: {_MEND}")
    refuse_links_out(root)
    rows = tuple(read_manifest(manifest_path(root)))
    raise_all(
        SagesegError(f"{manifest_path(root)}: {row.id}: split is {row.split!r}; expected one of {', '.join(SPLITS)}")
        for row in rows
        if row.split not in SPLITS
    )
    detail(f"read dataset {root}: {len(rows):,} crops, {sum(row.kept for row in rows):,} of them kept")
    return Dataset(root, read_labels(labels_path(root)), rows, info)


def _what_to_do(root: Path) -> str:
    if info_path(root).exists() or (manifest_path(root).is_file() and (root / "channels").is_dir()):
        return f"put that file back, or {_MEND}"
    if info_path(root.parent).exists() and root.name == "channels":
        return f"these are the channels of a dataset: give {root.parent}"
    if (root / PLAN).is_file():
        return f"shards of one lie here: sageseg prep merge {shlex.quote(str(root))} --out DATASET puts them together"
    return f"sageseg prep makes one; sageseg prep auto {shlex.quote(str(root))} says how, if labels lie there"
