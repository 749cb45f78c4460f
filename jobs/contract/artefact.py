"""A job's artefact, `model.tar.gz`: what a training leaves in its model folder, written and read.

Nothing here needs torch, and reading extracts nothing to disk.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from formats import limits
from formats.disk.whole_files import write_bytes, write_text
from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from jobs.contract.hyperparameters import NetworkSettings, parse_network
from jobs.contract.model_archive import BROKEN, archive_members
from jobs.contract.mxnet_params import Array, decode_params, encode_params

HYPERPARAMETERS = "hyperparams.json"
BEST = "model_best.params"
LAST = "model_algo-1"
ONNX = "model.onnx"
"""In the place of parameters, in an artefact that `jobs export` makes for our container on processors."""
LABEL_MAP = "_label_map"
"""Under which name hyperparams.json tells the label maps that the open implementation trained by, as JSON."""
MEMBERS = (HYPERPARAMETERS, BEST, LAST)
_MODELS = (BEST, ONNX)
"""What an artefact's model is read from, the first that it holds."""


@dataclass(frozen=True)
class Artefact:
    """A trained model: the settings it was trained with, as strings, and its parameters by MXNet's names, or where it
    was exported as ONNX that model's bytes, and no parameters. `source` names the file in errors."""

    hyperparameters: dict[str, str]
    parameters: dict[str, Array]
    source: str
    onnx: bytes | None = None


def write_hyperparameters(model_dir: Path, hyperparameters: Mapping[str, str]) -> None:
    write_text(model_dir / HYPERPARAMETERS, json.dumps(dict(hyperparameters), indent=2) + "\n")


def write_parameters(path: Path, parameters: Mapping[str, Array]) -> None:
    """Write a `.params` file, whole or not at all."""
    write_bytes(path, encode_params(parameters))


def read_artefact(path: Path) -> Artefact:
    """Read the settings and the best parameters, or the ONNX model, of a `model.tar.gz`.

    Raises SagesegError that names the file and the member when it is missing, broken, too large,
    a link, or lies outside the archive's root.
    """
    try:
        with gzip.open(path) as stream:
            found = _scan(stream, path)
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected a training job's model.tar.gz") from e
    except BROKEN as e:
        raise SagesegError(f"{path}: cannot be read as model.tar.gz ({e}); get it again") from e
    for names in ((HYPERPARAMETERS,), _MODELS):
        if not found.keys() & set(names):
            raise SagesegError(f"{path}: holds no {names[0]}; expected {', '.join(MEMBERS)} at its root")
    return _parse(found, path, ": ")


def read_model_folder(folder: Path) -> Artefact:
    """The settings and best parameters, or ONNX model, of an unpacked artefact, as a serving container finds it in
    `/opt/ml/model`. Raises SagesegError that names the file which is missing or broken."""
    contents = {}
    exported = (folder / ONNX).exists() and not (folder / BEST).exists()
    for name in (HYPERPARAMETERS, ONNX if exported else BEST):
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as e:
            raise SagesegError(f"{folder / name}: cannot be read ({e.strerror}); expected an unpacked model") from e
    return _parse(contents, folder, "/")


def _parse(contents: Mapping[str, bytes], place: Path, between: str) -> Artefact:
    """The artefact of two members' contents; `between` joins the place and a member's name in errors."""
    settings = parse_settings(contents[HYPERPARAMETERS], f"{place}{between}{HYPERPARAMETERS}")
    if BEST not in contents:
        return Artefact(settings, {}, str(place), contents[ONNX])
    return Artefact(settings, decode_params(contents[BEST], f"{place}{between}{BEST}"), str(place))


def artefact_network(artefact: Artefact) -> NetworkSettings:
    """The network of an artefact, checked. What else its settings tell does not matter to it: the built-in's own file
    also holds what is no hyperparameter, such as `_kvstore`."""
    try:
        return parse_network(artefact.hyperparameters)
    except SagesegError as e:
        raise SagesegError(f"{artefact.source}: {HYPERPARAMETERS}: {e}") from e


def _scan(stream: gzip.GzipFile, path: Path) -> dict[str, bytes]:
    """The members that are read; what comes after the settings and the best parameters is not looked at."""
    found: dict[str, bytes] = {}
    for member in archive_members(stream, path, limits.MOST_MODEL):
        name = member.name.removeprefix("./")
        if name not in (HYPERPARAMETERS, *_MODELS):
            continue
        if not member.is_file:
            raise SagesegError(f"{path}: {name} is a folder; expected a regular file")
        found[name] = b"".join(member.parts())
        if HYPERPARAMETERS in found and BEST in found:
            break
    return found


def parse_settings(content: bytes, source: str) -> dict[str, str]:
    """The hyperparameters of a JSON object, as strings. Raises SagesegError, which begins with `source`."""
    try:
        settings = parse_json(content)
    except ValueError as e:
        raise SagesegError(f"{source}: not JSON ({e}); expected the training's hyperparameters") from e
    if not isinstance(settings, dict):
        raise SagesegError(f"{source}: not an object; expected the training's hyperparameters by name")
    return {str(name): _text(value) for name, value in settings.items() if value is not None}


def _text(value: object) -> str:
    """A setting as a request holds it: whatever wrote the file may have written numbers."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
