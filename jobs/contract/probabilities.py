"""Class probabilities as an endpoint sends them, written and read with numpy alone.

The body is one protobuf `Record` in a RecordIO frame (SageMaker developer guide, "Common Data Formats
for Training"; the frame is dmlc-core's `recordio.h`). Of the message, `features` (field 1) maps the
name `target` to a Float32Tensor (field 2 of Value) and `shape` to an Int32Tensor (field 7), whose
`values` (field 1) are packed.

    probabilities = decode_probabilities(response["Body"].read())    # (1, C, H, W) float32
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from formats.errors import SagesegError
from jobs.contract.recordio import first_record, frame

Probabilities = npt.NDArray[np.float32]
MAX_DIMENSIONS = 32
"""More than any array has that is sent: (1, C, H, W)."""
_FEATURES, _KEY, _VALUE = 1, 1, 2
_FLOAT32, _INT32, _VALUES = 2, 7, 1
"""Numbers of the message's fields: of the record and its map's entries, and of a tensor."""
_VARINT, _DELIMITED, _FIXED = 0, 2, {1: 8, 5: 4}
"""Protobuf's wire types; of those of fixed length, the bytes by the type."""


def encode_probabilities(probabilities: Probabilities) -> bytes:
    """An array as `target`, with its shape as `shape`, in a frame."""
    values = np.ascontiguousarray(probabilities, "<f4").tobytes()
    shape = b"".join(_varint(side) for side in probabilities.shape)
    target = _delimited(_FLOAT32, _delimited(_VALUES, values))
    sides = _delimited(_INT32, _delimited(_VALUES, shape))
    return frame(_feature(b"target", target) + _feature(b"shape", sides))


def decode_probabilities(body: bytes, source: str = "the endpoint's answer") -> Probabilities:
    """The array that a body holds, in its shape, (1, C, H, W); read-only, for it shares the body's
    memory. Raises SagesegError naming `source` when the body is cut short or something else."""
    features = _features(first_record(memoryview(body), source), source)
    for name in ("target", "shape"):
        if name not in features:
            raise SagesegError(f"{source}: holds no {name}; expected probabilities, so Accept application/x-protobuf")
    values = np.frombuffer(_packed(features["target"], _FLOAT32, source, 4), "<f4")
    shape = _varints(_packed(features["shape"], _INT32, source), source)
    if len(shape) > MAX_DIMENSIONS:
        raise SagesegError(f"{source}: an array of {len(shape)} dimensions; expected (1, C, H, W), so ask again")
    try:
        return values.reshape(shape)
    except ValueError as e:
        raise SagesegError(f"{source}: {values.size} values do not fill the shape {tuple(shape)}; ask again") from e


def _features(message: memoryview, source: str) -> dict[str, memoryview]:
    """The content of each feature's Value by name."""
    found = {}
    for field, entry in _fields(message, source):
        if field == _FEATURES:
            parts = dict(_fields(entry, source))
            found[bytes(parts.get(_KEY, b"")).decode("utf-8", "replace")] = parts.get(_VALUE, memoryview(b""))
    return found


def _packed(value: memoryview, kind: int, source: str, width: int = 1) -> memoryview:
    """The packed values of a tensor of this kind; a protobuf writer may split them."""
    parts = [
        values
        for field, tensor in _fields(value, source)
        if field == kind
        for number, values in _fields(tensor, source)
        if number == _VALUES
    ]
    joined = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
    if len(joined) % width:
        raise SagesegError(f"{source}: {len(joined)} bytes are no whole number of values; ask again")
    return joined


def _fields(message: memoryview, source: str) -> Iterator[tuple[int, memoryview]]:
    """The numbers and contents of a message's fields, in order. Numbers on their own come as the
    bytes that hold them, which are a packed list of one."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at, source)
        start, end = at, at
        wire = tag & 7
        if wire == _VARINT:
            _, end = _read_varint(message, at, source)
        elif wire == _DELIMITED:
            length, start = _read_varint(message, at, source)
            end = start + length
        elif wire in _FIXED:
            end = at + _FIXED[wire]
        else:
            raise SagesegError(f"{source}: no protobuf message (wire type {wire}); ask again")
        if end > len(message):
            raise SagesegError(f"{source}: cut short within its message; ask again")
        yield tag >> 3, message[start:end]
        at = end


def _read_varint(message: memoryview, at: int, source: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise SagesegError(f"{source}: no protobuf message (a number does not end); ask again")


def _varints(content: memoryview, source: str) -> list[int]:
    numbers, at = [], 0
    while at < len(content):
        number, at = _read_varint(content, at, source)
        numbers.append(number)
    return numbers


def _feature(name: bytes, value: bytes) -> bytes:
    return _delimited(_FEATURES, _delimited(_KEY, name) + _delimited(_VALUE, value))


def _delimited(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _DELIMITED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
