"""A predictions folder: masks by id, the rows they belong to, and where they came from.

The masks are either those of crops, or at full size (stitched); both read alike, because the
manifest says where each mask lies in its source image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.classes import ClassTable, read_labels, write_labels
from formats.errors import SagesegError
from formats.manifest import ManifestRow, read_manifest, write_manifest
from formats.staging import write_bytes, write_text

Probabilities = npt.NDArray[np.float16]
"""Class probabilities, shape (C, h, w), dtype float16, each 0..1."""


@dataclass(frozen=True)
class Predictions:
    """Predictions on disk. `info` is predictions.json, empty where there is none; `classes` is
    None where the folder has no labels.txt."""

    root: Path
    rows: tuple[ManifestRow, ...]
    classes: ClassTable | None
    info: dict[str, Any]

    def mask_path(self, row_id: str) -> Path:
        return mask_path(self.root, row_id)

    def probabilities_path(self, row_id: str) -> Path:
        return probabilities_path(self.root, row_id)


def mask_path(root: Path, row_id: str) -> Path:
    return root / "masks" / f"{row_id}.png"


def probabilities_path(root: Path, row_id: str) -> Path:
    return root / "probabilities" / f"{row_id}.npz"


def open_predictions(root: Path) -> Predictions:
    """Open a predictions folder. Raises SagesegError when it has no manifest, or when two rows
    share an id."""
    rows = tuple(read_manifest(root / "manifest.csv"))
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise SagesegError(f"{root / 'manifest.csv'}: {row.id} stands twice; expected one row per prediction")
        seen.add(row.id)
    labels, info = root / "labels.txt", root / "predictions.json"
    return Predictions(
        root,
        rows,
        read_labels(labels) if labels.exists() else None,
        json.loads(info.read_text(encoding="utf-8")) if info.exists() else {},
    )


def write_predictions_index(
    root: Path, rows: Iterable[ManifestRow], classes: ClassTable | None, info: dict[str, Any]
) -> None:
    """Write what goes with the masks: manifest.csv, labels.txt (where known), predictions.json."""
    write_manifest(root / "manifest.csv", rows)
    if classes is not None:
        write_labels(root / "labels.txt", classes)
    write_text(root / "predictions.json", json.dumps(info, indent=2) + "\n")


def write_probabilities(path: Path, probabilities: npt.NDArray[np.floating[Any]]) -> None:
    """Write class probabilities, shape (C, H, W), 0..1, as float16 in a compressed npz."""
    buffer = BytesIO()
    np.savez_compressed(buffer, probabilities=probabilities.astype(np.float16))
    write_bytes(path, buffer.getvalue())


def read_probabilities(path: Path) -> npt.NDArray[np.float16]:
    """Read what `write_probabilities` wrote: shape (C, H, W), float16."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive["probabilities"], np.float16)
    except (OSError, ValueError, KeyError) as e:
        raise SagesegError(f"{path}: cannot be read as probabilities ({e}); predict again") from e
