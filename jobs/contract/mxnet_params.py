"""MXNet's `.params` files: a dictionary of arrays, read and written without mxnet.

Layout, all little-endian (mxnet `src/ndarray/ndarray.cc`, `NDArray::Save` and `Load`; the same bytes
from mxnet 1.4 to 1.9): uint64 magic 0x112, uint64 reserved, uint64 count, the arrays, uint64 count,
then each name as uint64 length and UTF-8 bytes. An array is a uint32 version, int32 storage type,
int32 dimensions, int64 per dimension, int32 device type, int32 device, int32 dtype flag, and its
values row by row. Version 3 is written under NumPy's shape semantics (`npx.set_np`), where an array
may have no dimensions. Version 1 has no storage type; before version 1 the dimensions stand in the
version's place and each is a uint32. A sparse array holds the shape of its stored values before its
own, the dtype flag and shape of each index array after its dtype flag, and the indices after its values.
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
SPARSE = {1: ("row_sparse", 1), 2: ("csr", 2)}
"""Name and number of index arrays, by storage type."""
CPU = (1, 0)
"""Device type and device, as mxnet writes them for the processor."""
MAX_DIMENSIONS = 32
MAX_SIDES = 2**40
"""Largest product of the other sides of an array without values, which no byte count bounds."""
DTYPES: tuple[np.dtype[Any], ...] = tuple(np.dtype(t) for t in ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?"))
"""By mxnet's dtype flag (mshadow `base.h`, `TypeFlag`): kFloat32 0 to kBool 7."""
BFLOAT16 = 12
"""Its flag: the upper half of a float32; numpy has no such dtype, so it is read as float32."""
_NO_SHAPE = "has no shape; save the model after a forward pass"
_FLAGS = {dtype: flag for flag, dtype in enumerate(DTYPES)}


def encode_params(parameters: Mapping[str, Array]) -> bytes:
    """The bytes of a `.params` file (version 2, dense) in the mapping's order.

    Raises SagesegError for a dtype that is not in DTYPES, and for an array without dimensions or with a
    side of 0: version 2 has them for sizes that are not known, and version 3 mxnet 1.9 only reads under
    NumPy's shape semantics, which GluonCV's networks do not use.
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
    if flag is None or not all(array.shape or (0,)):
        raise SagesegError(
            f"parameter {name}: {array.dtype} of shape {array.shape} has no form in a .params file; expected one "
            f"dimension or more, none of them 0, of {', '.join(d.name for d in DTYPES)}"
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
    if count * 4 > len(content) - reader.at:  # an array begins with four bytes at least
        raise SagesegError(f"{source}: array count is {count}, more than the file can hold; replace the file")
    arrays = [_read_array(reader, f"array {i}") for i in range(count)]
    (names,) = reader.unpack("Q", "name count")
    if names != count:
        raise SagesegError(f"{source}: {count} arrays but {names} names; expected a dictionary, a name for each")
    parameters: dict[str, Array] = {}
    for i, array in enumerate(arrays):
        name = _read_name(reader, f"name {i}")
        if name in parameters:
            raise SagesegError(f"{source}: parameter {name} stands twice; replace the file")
        if isinstance(array, str):
            raise SagesegError(f"{source}: parameter {name} {array}")
        parameters[name] = array
    return parameters


@dataclass
class _Reader:
    """A place in a file's bytes; never reads past their end."""

    content: memoryview
    source: str
    at: int = 0

    def take(self, size: int, what: str) -> memoryview:
        left = len(self.content) - self.at
        if size > left:
            raise SagesegError(f"{self.source}: {what} needs {size} bytes and {left} are left; replace the file")
        self.at += size
        return self.content[self.at - size : self.at]

    def unpack(self, layout: str, what: str) -> tuple[int, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), what))


def _read_array(reader: _Reader, what: str) -> Array | str:
    """An array, or what is wrong with it: its name, which a message needs, only follows later."""
    (version,) = reader.unpack("I", what)
    if version not in (V2, V3):
        shape = _read_shape(reader, what) if version == V1 else _read_sides(reader, version, "I", what)
        return _read_values(reader, shape, what) if shape else _NO_SHAPE
    (storage,) = reader.unpack("i", what)
    if storage in SPARSE:
        return _skip_sparse(reader, *SPARSE[storage], what)
    if storage != DENSE:
        raise SagesegError(f"{reader.source}: {what} has storage type {storage}; expected dense arrays, {DENSE}")
    shape = _read_shape(reader, what)
    if shape is None or (version == V2 and not shape):
        return _NO_SHAPE
    return _read_values(reader, shape, what)


def _read_values(reader: _Reader, shape: tuple[int, ...], what: str) -> Array:
    _, _, flag = reader.unpack("iii", what)
    dtype = _dtype(reader, flag, what)
    values = np.frombuffer(reader.take(math.prod(shape) * dtype.itemsize, what), dtype)
    if flag == BFLOAT16:
        return (values.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return values.reshape(shape).copy()


def _dtype(reader: _Reader, flag: int, what: str) -> np.dtype[Any]:
    """How a flag's values lie in the file."""
    if flag == BFLOAT16:
        return np.dtype("<u2")
    if not 0 <= flag < len(DTYPES):
        raise SagesegError(
            f"{reader.source}: {what} has dtype flag {flag}; expected 0 to {len(DTYPES) - 1} or {BFLOAT16}"
        )
    return DTYPES[flag]


def _skip_sparse(reader: _Reader, storage: str, indices: int, what: str) -> str:
    stored = _read_shape(reader, what)
    _read_shape(reader, what)
    _, _, flag = reader.unpack("iii", what)
    shapes = [(_dtype(reader, flag, what), stored)]
    for _ in range(indices):
        (flag,) = reader.unpack("i", what)
        shapes.append((_dtype(reader, flag, what), _read_shape(reader, what)))
    for dtype, shape in shapes:
        reader.take(math.prod(shape or ()) * dtype.itemsize, what)
    return f"is sparse ({storage}); expected a dense array, as `tostype('default')` makes it"


def _read_shape(reader: _Reader, what: str) -> tuple[int, ...] | None:
    """A shape; None where mxnet saved an array that was never given one."""
    (dimensions,) = reader.unpack("i", what)
    return None if dimensions == -1 else _read_sides(reader, dimensions, "q", what)


def _read_sides(reader: _Reader, dimensions: int, layout: str, what: str) -> tuple[int, ...]:
    if not 0 <= dimensions <= MAX_DIMENSIONS:
        raise SagesegError(f"{reader.source}: {what} has {dimensions} dimensions; replace the file")
    shape = reader.unpack(f"{dimensions}{layout}", what)
    too_wide = 0 in shape and math.prod(max(side, 1) for side in shape) > MAX_SIDES
    if too_wide or any(side < 0 for side in shape):
        raise SagesegError(f"{reader.source}: {what} has shape {shape}; replace the file")
    return shape


def _read_name(reader: _Reader, what: str) -> str:
    (length,) = reader.unpack("Q", what)
    try:
        name = bytes(reader.take(length, what)).decode()
    except UnicodeDecodeError as e:
        raise SagesegError(f"{reader.source}: {what} is not UTF-8; replace the file") from e
    return name.removeprefix("arg:").removeprefix("aux:")
