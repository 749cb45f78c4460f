"""MXNet's `.params` files: a dictionary of arrays, read and written without mxnet.

Layout, all little-endian (mxnet 1.9 `src/ndarray/ndarray.cc`, `NDArray::Save` and `Load`):
uint64 magic 0x112, uint64 reserved, uint64 count, the arrays, uint64 count, then each name as
uint64 length and UTF-8 bytes. An array is a uint32 version, int32 storage type, uint32 dimensions,
int64 per dimension, int32 device type, int32 device, int32 dtype flag, and its values row by row.
Version 1 has no storage type; before version 1 the dimensions stand in the version's place and
each is a uint32.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.errors import SagesegError

Array = npt.NDArray[Any]

LIST_MAGIC = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
CPU = (1, 0)
"""Device type and device, as mxnet writes them for the processor."""
MAX_DIMENSIONS = 32
DTYPES: tuple[np.dtype[Any], ...] = tuple(np.dtype(t) for t in ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?"))
"""By mxnet's dtype flag (mshadow `base.h`, `TypeFlag`): kFloat32 0 to kBool 7."""
_FLAGS = {dtype: flag for flag, dtype in enumerate(DTYPES)}


def encode_params(parameters: Mapping[str, Array]) -> bytes:
    """The bytes of a `.params` file (version 2, dense) in the mapping's order.

    Raises SagesegError for an array that the format has no dtype for or, being without
    dimensions, no shape for.
    """
    parts = [struct.pack("<QQQ", LIST_MAGIC, 0, len(parameters))]
    for name, array in parameters.items():
        parts += _encode_array(name, array)
    parts.append(struct.pack("<Q", len(parameters)))
    for name in parameters:
        encoded = name.encode()
        parts += [struct.pack("<Q", len(encoded)), encoded]
    return b"".join(parts)


def _encode_array(name: str, array: Array) -> list[bytes]:
    flag = _FLAGS.get(array.dtype.newbyteorder("<"))
    if flag is None or array.ndim == 0:
        raise SagesegError(
            f"parameter {name}: {array.dtype} of shape {array.shape} has no form in a .params file; "
            f"expected one dimension or more of {', '.join(d.name for d in DTYPES)}"
        )
    header = struct.pack(f"<IiI{array.ndim}q", V2, DENSE, array.ndim, *array.shape)
    return [header, struct.pack("<iii", *CPU, flag), np.ascontiguousarray(array, DTYPES[flag]).tobytes()]


def decode_params(content: bytes, source: str) -> dict[str, Array]:
    """The arrays of a `.params` file by name, without the `arg:` and `aux:` that symbols write.

    `source` names the file in errors. Every size is checked against the bytes that remain before
    anything is made of it. Raises SagesegError for a file that is cut short, sparse or no `.params`.
    """
    reader = _Reader(memoryview(content), source)
    magic, _, count = reader.unpack("QQQ", "header")
    if magic != LIST_MAGIC:
        raise SagesegError(f"{source}: no .params file (it begins with {magic:#x}); expected {LIST_MAGIC:#x}")
    arrays = [_read_array(reader, f"array {i}") for i in range(reader.bounded(count, 4, "array count"))]
    (names,) = reader.unpack("Q", "name count")
    if names != count:
        raise SagesegError(f"{source}: {count} arrays but {names} names; expected a name for each")
    parameters: dict[str, Array] = {}
    for i, array in enumerate(arrays):
        name = _read_name(reader, f"name {i}")
        if name in parameters:
            raise SagesegError(f"{source}: parameter {name} stands twice; replace the file")
        if array is None:
            raise SagesegError(f"{source}: parameter {name} has no shape; save the model after a forward pass")
        parameters[name] = array
    return parameters


@dataclass
class _Reader:
    """A place in a file's bytes; never reads past their end."""

    content: memoryview
    source: str
    at: int = 0

    def take(self, size: int, what: str) -> memoryview:
        if size > len(self.content) - self.at:
            left = len(self.content) - self.at
            raise SagesegError(f"{self.source}: {what} needs {size} bytes and {left} are left; replace the file")
        self.at += size
        return self.content[self.at - size : self.at]

    def unpack(self, layout: str, what: str) -> tuple[int, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), what))

    def bounded(self, count: int, size: int, what: str) -> int:
        """`count` if as many items of `size` bytes at least can still follow."""
        if count * size > len(self.content) - self.at:
            raise SagesegError(f"{self.source}: {what} is {count}, more than the file can hold; replace the file")
        return count


def _read_array(reader: _Reader, what: str) -> Array | None:
    shape = _read_shape(reader, what)
    if shape is None:
        return None
    _, _, flag = reader.unpack("iii", what)
    if not 0 <= flag < len(DTYPES):
        raise SagesegError(f"{reader.source}: {what} has dtype flag {flag}; expected 0 to {len(DTYPES) - 1}")
    dtype = DTYPES[flag]
    values = reader.take(math.prod(shape) * dtype.itemsize, what)
    return np.frombuffer(values, dtype).reshape(shape).copy()


def _read_shape(reader: _Reader, what: str) -> tuple[int, ...] | None:
    """The shape that opens an array; None where mxnet saved one that was never given a shape."""
    (version,) = reader.unpack("I", what)
    if version in (V2, V3):
        (storage,) = reader.unpack("i", what)
        if storage != DENSE:
            raise SagesegError(f"{reader.source}: {what} is sparse (storage type {storage}); expected dense arrays")
    legacy = version not in (V1, V2, V3)
    dimensions = version if legacy else reader.unpack("I", what)[0]
    if dimensions > MAX_DIMENSIONS:
        raise SagesegError(f"{reader.source}: {what} has {dimensions} dimensions; replace the file")
    shape = reader.unpack(f"{dimensions}{'I' if legacy else 'q'}", what)
    if any(side < 0 for side in shape):
        raise SagesegError(f"{reader.source}: {what} has shape {shape}; replace the file")
    return None if dimensions == 0 and version != V3 else shape


def _read_name(reader: _Reader, what: str) -> str:
    (length,) = reader.unpack("Q", what)
    try:
        name = bytes(reader.take(length, what)).decode()
    except UnicodeDecodeError as e:
        raise SagesegError(f"{reader.source}: {what} is not UTF-8; replace the file") from e
    return name.removeprefix("arg:").removeprefix("aux:")
