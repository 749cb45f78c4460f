"""A job's artefact, `model.tar.gz`: what a training leaves in its model folder, packed and read.

Nothing here needs torch, and reading extracts nothing to disk.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.staging import write_bytes, write_text
from jobs.contract.hyperparameters import TABLE, Hyperparameters, parse_hyperparameters
from jobs.contract.mxnet_params import Array, decode_params, encode_params

HYPERPARAMETERS = "hyperparams.json"
BEST = "model_best.params"
LAST = "model_algo-1"
MEMBERS = (HYPERPARAMETERS, BEST, LAST)
MAX_BYTES = 2**30
"""Unpacked size that is still believed; the largest network, DeepLabV3 on ResNet-101, has 0.25 GB, and
an artefact holds its best and its last parameters."""


@dataclass(frozen=True)
class Artefact:
    """A trained model: the settings it was trained with, as strings, and its parameters by MXNet's
    names. `source` names the file in errors."""

    hyperparameters: dict[str, str]
    parameters: dict[str, Array]
    source: str


def write_hyperparameters(model_dir: Path, hyperparameters: Mapping[str, str]) -> None:
    write_text(model_dir / HYPERPARAMETERS, json.dumps(dict(hyperparameters), indent=2) + "\n")


def write_parameters(path: Path, parameters: Mapping[str, Array]) -> None:
    """Write a `.params` file, whole or not at all."""
    write_bytes(path, encode_params(parameters))


def read_artefact(path: Path) -> Artefact:
    """Read the settings and the best parameters of a `model.tar.gz`.

    Raises SagesegError that names the file and the member when it is missing, broken, too large,
    a link, or lies outside the archive's root.
    """
    members = _read_members(path, (HYPERPARAMETERS, BEST))
    return Artefact(
        _parse_hyperparameters(members[HYPERPARAMETERS], f"{path}: {HYPERPARAMETERS}"),
        decode_params(members[BEST], f"{path}: {BEST}"),
        str(path),
    )


def read_model_folder(folder: Path) -> Artefact:
    """The settings and best parameters of an unpacked artefact, as a serving container finds it in
    `/opt/ml/model`. Raises SagesegError that names the file which is missing or broken."""
    contents = {}
    for name in (HYPERPARAMETERS, BEST):
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as e:
            raise SagesegError(f"{folder / name}: cannot be read ({e.strerror}); expected an unpacked model") from e
    return Artefact(
        _parse_hyperparameters(contents[HYPERPARAMETERS], str(folder / HYPERPARAMETERS)),
        decode_params(contents[BEST], str(folder / BEST)),
        str(folder),
    )


def artefact_settings(artefact: Artefact) -> Hyperparameters:
    """The hyperparameters of an artefact, checked. The built-in's own file also holds settings that
    are not hyperparameters, such as `_kvstore`."""
    known = {name: value for name, value in artefact.hyperparameters.items() if name in TABLE}
    try:
        return parse_hyperparameters(known, "open")
    except SagesegError as e:
        raise SagesegError(f"{artefact.source}: {HYPERPARAMETERS}: {e}") from e


def pack_artefact(model_dir: Path, path: Path) -> None:
    """Pack a model folder's files as `model.tar.gz`; the same files give the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for file in sorted(p for p in model_dir.rglob("*") if p.is_file() and not p.is_symlink()):
            content = file.read_bytes()
            member = tarfile.TarInfo(file.relative_to(model_dir).as_posix())
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    write_bytes(path, packed.getvalue())


def _read_members(path: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    try:
        with gzip.open(path) as stream:
            found = _scan(stream, wanted, path)
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected a training job's model.tar.gz") from e
    except (OSError, tarfile.TarError, EOFError, zlib.error) as e:
        raise SagesegError(f"{path}: cannot be read as model.tar.gz ({e}); get it again") from e
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SagesegError(f"{path}: holds no {missing[0]}; expected {', '.join(MEMBERS)} at its root")
    return found


def _scan(stream: gzip.GzipFile, wanted: tuple[str, ...], path: Path) -> dict[str, bytes]:
    """The wanted members of a tar stream, header by header.

    tarfile itself would unpack extended headers of any size into memory; they only matter for
    names longer than ours, so here they are passed over like every other member.
    """
    found: dict[str, bytes] = {}
    total = 0
    while len(found) < len(wanted) and (header := stream.read(tarfile.BLOCKSIZE)).strip(b"\0"):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        name = member.name.removeprefix("./")
        total += tarfile.BLOCKSIZE + max(member.size, 0)
        if total > MAX_BYTES or member.size < 0:
            raise SagesegError(f"{path}: {name} brings it over {MAX_BYTES} bytes unpacked; expected a model")
        padded = -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if name not in wanted:
            stream.seek(padded, 1)
            continue
        if not member.isreg():
            raise SagesegError(f"{path}: {name} is a link or folder; expected a regular file")
        found[name] = _read_exactly(stream, padded, path)[: member.size]
    return found


def _read_exactly(stream: gzip.GzipFile, size: int, path: Path) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise SagesegError(f"{path}: cut short; get it again")
    return content


def _parse_hyperparameters(content: bytes, source: str) -> dict[str, str]:
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise SagesegError(f"{source}: not JSON ({e}); expected the training's hyperparameters") from e
    if not isinstance(settings, dict):
        raise SagesegError(f"{source}: not an object; expected the training's hyperparameters by name")
    return {str(name): str(value) for name, value in settings.items()}
