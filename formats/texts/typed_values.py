"""Values of known kinds as JSON and back, exactly: dataclasses, enums, tuples and arrays of numbers too.

Data that lay in a bucket must not be a program, as a pickle is: what is read is made of the kinds that the reader
names, and nothing else.

told = to_json(Places((640, 480), cells, pixels))
from_json(told, Places)         # the same numbers, bit for bit; ValueError names the place of what is of another kind
"""

from __future__ import annotations

import dataclasses
import math
import types
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from formats.texts.typed_json import check_type, short

Made = TypeVar("Made")
MOST_NUMBERS = 2**22
"""Of one array: more than any image has of whatever is counted."""
_NUMBERS = {np.int64: "<i8", np.float64: "<f8"}
_NAMED = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""Floats that JSON has no numbers for."""


def to_json(value: Any) -> Any:
    """A value as JSON's own kinds."""
    if isinstance(value, np.ndarray):
        return _array_to_json(value)
    if dataclasses.is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    return _one_to_json(value)


def _one_to_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _array_to_json(value: Any) -> dict[str, Any]:
    packed = zlib.compress(np.ascontiguousarray(value, _NUMBERS[value.dtype.type]).tobytes(), 1)
    return {"shape": list(value.shape), "packed": b64encode(packed).decode("ascii")}


def from_json(told: Any, kind: type[Made], place: str = "") -> Made:
    """The counterpart of `to_json`. Raises ValueError, which names the `place`, for what is of another kind."""
    made: Made = _make(told, kind, place)
    return made


def _make(told: Any, kind: Any, place: str) -> Any:
    make = next((make for is_such, make in _MAKERS if is_such(kind)), _plain)
    return make(told, kind, place)


def _plain(told: Any, kind: Any, place: str) -> Any:
    if kind is float and isinstance(told, str) and told in _NAMED:
        return _NAMED[told]
    check_type(told, kind, place)
    return float(told) if kind is float else told


def _one_of(told: Any, kind: Any, place: str) -> Any:
    if told is None and type(None) in get_args(kind):
        return None
    inner = [each for each in get_args(kind) if each is not type(None)]
    for each in inner[:-1]:
        try:
            return _make(told, each, place)
        except ValueError:
            continue
    return _make(told, inner[-1], place)


def _of_enum(told: Any, kind: Any, place: str) -> Any:
    if told not in [each.value for each in kind]:
        raise ValueError(f"{place} is {short(told)}; expected {' or '.join(str(each.value) for each in kind)}")
    return kind(told)


def _of_members(told: Any, kind: Any, place: str) -> Any:
    check_type(told, dict, place)
    hints = _hints(kind)
    missing = next((name for name in hints if name not in told), None)
    if missing:
        raise ValueError(f"{_at(place, missing)} is missing")
    return kind(**{name: _make(told[name], hint, _at(place, name)) for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _of_tuple(told: Any, kind: Any, place: str) -> Any:
    check_type(told, list, place)
    kinds = get_args(kind)
    if kinds[-1] is ...:
        kinds = (kinds[0],) * len(told)
    if len(kinds) != len(told):
        raise ValueError(f"{place} has {len(told)} values; expected {len(kinds)}")
    return tuple(_make(each, inner, f"{place}[{n}]") for n, (each, inner) in enumerate(zip(told, kinds, strict=True)))


def _of_list(told: Any, kind: Any, place: str) -> Any:
    check_type(told, list, place)
    return [_make(each, get_args(kind)[0], f"{place}[{n}]") for n, each in enumerate(told)]


def _of_mapping(told: Any, kind: Any, place: str) -> Any:
    check_type(told, dict, place)
    return {name: _make(each, get_args(kind)[1], _at(place, name)) for name, each in told.items()}


def _of_array(told: Any, kind: Any, place: str) -> Any:
    check_type(told, _Packed, place)
    shape, dtype = tuple(told["shape"]), np.dtype(_NUMBERS[get_args(get_args(kind)[1])[0]])
    if min(shape, default=1) < 0 or math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"{place} is of the shape {shape}; expected {MOST_NUMBERS} numbers at most")
    size = math.prod(shape) * dtype.itemsize
    unpack = zlib.decompressobj()
    try:
        content = unpack.decompress(b64decode(told["packed"], validate=True), size + 1)
    except (ValueError, zlib.error) as e:
        raise ValueError(f"{place} cannot be unpacked ({e})") from e
    if len(content) != size:
        raise ValueError(f"{place} holds {len(content)} bytes; expected {size}, of the shape {shape}")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


@dataclasses.dataclass(frozen=True)
class _Packed:
    shape: list[int]
    packed: str


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


_MAKERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any, str], Any]], ...] = (
    (lambda kind: kind is Any, lambda told, _kind, _place: told),
    (lambda kind: get_origin(kind) in (Union, types.UnionType), _one_of),
    (lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _of_enum),
    (dataclasses.is_dataclass, _of_members),
    (lambda kind: get_origin(kind) is tuple, _of_tuple),
    (lambda kind: get_origin(kind) in (list, Sequence), _of_list),
    (lambda kind: get_origin(kind) in (dict, Mapping), _of_mapping),
    (lambda kind: get_origin(kind) is np.ndarray, _of_array),
)
"""By what a kind is, how it is made; all others are plain."""
