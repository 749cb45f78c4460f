"""A predictions folder: masks by id, the rows they belong to, and the model that made them.

The masks are either those of crops, or at full size (stitched); both read alike, because the
manifest says where each mask lies in its source image.
"""

from __future__ import annotations

import math
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from io import BytesIO
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any, Literal, TypedDict
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from formats.classes import MAX_CLASSES, ClassTable, read_labels, write_labels
from formats.console import detail
from formats.disk.whole_files import write_bytes, write_text
from formats.errors import SagesegError
from formats.limits import check_pixels
from formats.manifest import ManifestRow, read_manifest, write_manifest
from formats.safe_names import refuse_links_out
from formats.texts.json_text import format_json
from formats.texts.redaction import redact_values
from formats.texts.typed_json import check_type, parse_told

Probabilities = npt.NDArray[np.float16]
"""Class probabilities, shape (C, h, w), dtype float16, each 0..1."""
Shape = tuple[int, int, int]
"""Classes, height, width."""
_MEMBER = "probabilities.npy"
_HEADER = re.compile(
    rb"\{'descr': '<f([248])', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9]{1,9}), ([0-9]{1,9}), ([0-9]{1,9})\), \}\s*"
)
_UNKNOWN: tuple[object, ...] = (None, "", (), [], {})
_ONLY_IF_ANY = ("artefact", "artefact_sha256", "cost_usd")
"""What predictions.json leaves out where there is none; of a job it says all else, unknown or not."""


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
    try:
        check_type(told, ModelFacts)
    except ValueError as e:
        raise SagesegError(f"{where}: {e}: correct it, or leave it out") from e
    for name in ("seconds", "cost_usd"):
        if not 0 <= told.get(name, 0) <= sys.float_info.max:
            raise SagesegError(
                f"{where}: {name} is {told[name]}; expected a number from 0 on: correct it, or leave it out"
            )
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
    detail(f"read predictions {root}: {len(rows):,} rows")
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


class Cleaned(TypedDict):
    """What a cleaning of masks did, with the options that it was asked for by."""

    least_pixels: int
    largest: int | None
    fill_holes: Literal["all"] | float | None
    removed: int
    removed_pixels: int
    filled: int
    filled_pixels: int


class _Stitched(TypedDict, total=False):
    dropped_crops: int


class _Info(TypedDict, total=False):
    """What is read of predictions.json beside what `ModelFacts` are."""

    stitched: _Stitched
    cleaned: list[Cleaned]
    predicted: str | None
    resize: str | None
    range: str | None
    label_map: dict[str, Any]


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = parse_told(path.read_bytes(), _Info, path, "predict again")
    except FileNotFoundError:
        return {}
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


def read_probabilities(path: Path, expected: Shape | None = None) -> npt.NDArray[np.float16]:
    """Read what `write_probabilities` wrote: float16 of the shape (C, H, W) that is `expected`, if one is. A small file
    may state any shape: it is checked before anything is made of it."""
    with _opened(path) as member:
        shape, dtype, order = _stated(member, path)
        if expected is not None and shape != expected:
            raise SagesegError(f"{path}: probabilities of shape {shape}; expected {expected}: predict again")
        size = math.prod(shape) * dtype.itemsize
        content = member.read(size)
        if len(content) != size:
            raise ValueError(f"{len(content)} bytes, but a shape of {shape}")
        return np.frombuffer(content, dtype).reshape(shape, order=order).astype(np.float16)


def probabilities_shape(path: Path) -> Shape:
    """The (C, H, W) that a file of probabilities states. Raises SagesegError for one of another kind."""
    with _opened(path) as member:
        return _stated(member, path)[0]


def _stated(member: IO[bytes], path: Path) -> tuple[Shape, np.dtype[Any], Literal["F", "C"]]:
    """The shape, type and order in the header of NumPy's format, version 1."""
    start = member.read(10)
    header = _HEADER.fullmatch(member.read(int.from_bytes(start[8:], "little")))
    if start[:8] != b"\x93NUMPY\x01\0" or header is None:
        raise ValueError("no array of numbers by class, row and column")
    classes, height, width = map(int, header.groups()[2:])
    if not 1 <= classes <= MAX_CLASSES:
        raise SagesegError(f"{path}: probabilities of {classes} classes; expected 1 to {MAX_CLASSES}: predict again")
    check_pixels(width, height, str(path), "predict again")
    return (classes, height, width), np.dtype(f"<f{header[1].decode()}"), "F" if header[2] == b"True" else "C"


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The array in a file as numpy's savez packs it."""
    try:
        with ZipFile(path) as archive, archive.open(_MEMBER) as member:
            yield member
    # RuntimeError: encrypted, or packed in a way that Python does not unpack
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error, LZMAError, RuntimeError) as e:
        raise SagesegError(f"{path}: damaged, or no probabilities ({e}); predict again") from e
