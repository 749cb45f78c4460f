"""A predictions folder: masks by id, the rows they belong to, and the model that made them.

The masks are either those of crops, or at full size (stitched); both read alike, because the
manifest says where each mask lies in its source image.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from formats.classes import ClassTable, read_labels, write_labels
from formats.errors import SagesegError
from formats.manifest import ManifestRow, read_manifest, write_manifest
from formats.redaction import redact_values
from formats.safe_names import refuse_links_out
from formats.staging import write_bytes, write_text
from formats.texts.given_files import read_json
from formats.texts.json_text import format_json

Probabilities = npt.NDArray[np.float16]
"""Class probabilities, shape (C, h, w), dtype float16, each 0..1."""
_UNKNOWN: tuple[object, ...] = (None, "", (), [], {})
_ONLY_IF_ANY = ("artefact", "artefact_sha256", "cost_usd")
"""What predictions.json leaves out where there is none; of a job it says all else, unknown or not."""
_NOT_TEXT: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "hyperparameters": ("an object", dict),
    "seconds": ("a number", (int, float)),
    "cost_usd": ("a number", (int, float)),
    "epochs": ("a list", list),
}
"""How the values are called that are not text, and what they are in Python."""


@dataclass(frozen=True)
class ModelFacts:
    """What predictions.json tells of the model, and scores.json again under `job`: a job with how it was
    trained, or an artefact alone. What is unknown is None or empty.

    `seconds` were billed for the training, and `cost_usd` is what they cost in dollars: None where nobody
    was paid, or no price was known. `epochs` are the metrics of its log, one mapping per epoch.
    """

    job: str = ""
    artefact: str = ""
    artefact_sha256: str = ""
    backend: str = ""
    algorithm: str = ""
    backbone: str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    instance_type: str = ""
    seconds: float | None = None
    cost_usd: float | None = None
    epochs: Sequence[Mapping[str, float | None]] = ()

    def known(self) -> dict[str, Any]:
        """By name what is known, as JSON's values."""
        return {name: value for name, value in self._all().items() if value not in _UNKNOWN}

    def to_json(self) -> dict[str, Any]:
        """What predictions.json says, as JSON's values: of a job also what is unknown, as None. The checksum
        stands last, for it is of the file that was read."""
        told = self.known()
        if self.job:
            told = {name: value for name, value in self._all().items() if name in told or name not in _ONLY_IF_ANY}
        checksum = {"artefact_sha256": told.pop("artefact_sha256")} if self.artefact_sha256 else {}
        return {**told, **checksum}

    def _all(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


def read_model_facts(info: Mapping[str, Any], where: object) -> ModelFacts:
    """The counterpart of `to_json` and of `known`; other keys are passed over. Raises SagesegError that
    names `where`, and the value that is not of its kind."""
    told = {f.name: info[f.name] for f in fields(ModelFacts) if info.get(f.name) not in _UNKNOWN}
    for name, value in told.items():
        expected, kind = _NOT_TEXT.get(name, ("text", str))
        if not isinstance(value, kind):
            raise SagesegError(f"{where}: {name} is {value!r}; expected {expected}: correct it, or leave it out")
    return ModelFacts(**redact_values(told))


@dataclass(frozen=True)
class Predictions:
    """Predictions on disk. `info` is predictions.json, empty where there is none; `classes` is
    None where the folder has no labels.txt."""

    root: Path
    rows: tuple[ManifestRow, ...]
    classes: ClassTable | None
    info: Mapping[str, Any]

    @property
    def model(self) -> ModelFacts:
        """What `info` tells of the model. Raises SagesegError where a value is not of its kind."""
        return read_model_facts(self.info, info_path(self.root))

    def predicted(self) -> list[ManifestRow]:
        """The rows that have a mask."""
        return [row for row in self.rows if self.mask_path(row.id).is_file()]

    def mask_path(self, row_id: str) -> Path:
        return mask_path(self.root, row_id)

    def probabilities_path(self, row_id: str) -> Path:
        return probabilities_path(self.root, row_id)


def mask_path(root: Path, row_id: str) -> Path:
    return root / "masks" / f"{row_id}.png"


def probabilities_path(root: Path, row_id: str) -> Path:
    return root / "probabilities" / f"{row_id}.npz"


def info_path(root: Path) -> Path:
    return root / "predictions.json"


def open_predictions(root: Path) -> Predictions:
    """Open a predictions folder. Raises SagesegError when its manifest or predictions.json cannot be read, or
    when a name or link in it leads out of it."""
    refuse_links_out(root)
    rows = tuple(read_manifest(root / "manifest.csv"))
    labels = root / "labels.txt"
    return Predictions(root, rows, read_labels(labels) if labels.exists() else None, _read_info(info_path(root)))


def need_classes(predictions: Predictions, who: str) -> ClassTable:
    """The classes of predictions, which `who` cannot do without. Raises SagesegError where no labels.txt names them."""
    if predictions.classes is None:
        raise SagesegError(
            f"{predictions.root / 'labels.txt'}: not found; {who} needs the classes' names: write them there, one per "
            "line, the background first"
        )
    return predictions.classes


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info = read_json(path, "JSON that predict wrote")
    except FileNotFoundError:
        return {}
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); predict again") from e
    if not isinstance(info, dict):
        raise SagesegError(f"{path}: holds no object; predict again")
    return info


def write_predictions_tables(
    root: Path, rows: Iterable[ManifestRow], classes: ClassTable | None, info: Mapping[str, Any]
) -> None:
    """Write what goes with the masks: manifest.csv, labels.txt (where known), predictions.json (`info`)."""
    write_manifest(root / "manifest.csv", rows)
    if classes is not None:
        write_labels(root / "labels.txt", classes)
    write_text(info_path(root), format_json(info, ascii_only=True) + "\n")


def write_probabilities(path: Path, probabilities: npt.NDArray[np.floating[Any]]) -> None:
    """Write class probabilities, shape (C, H, W), 0..1, as float16 in a compressed npz."""
    buffer = BytesIO()
    np.savez_compressed(buffer, probabilities=probabilities.astype(np.float16))
    write_bytes(path, buffer.getvalue())


def read_probabilities(path: Path) -> npt.NDArray[np.float16]:
    """Read what `write_probabilities` wrote: shape (C, H, W), float16."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return np.asarray(archive["probabilities"], np.float16)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as e:
        raise SagesegError(f"{path}: cannot be read as probabilities ({e}); predict again") from e
