"""Small `.params` files and what they hold, for the tests and for mxnet's own environment.

Needs numpy and nothing else of ours: `oracles/mxnet_params.py` imports it too.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LIST_HEADER = struct.pack("<QQQ", 0x112, 0, 1)
_EIGHTHS = np.array([[0, 1, 1.5], [-2, 0.125, 100]])
_WHOLE = np.array([[0, 1, 2], [3, 100, 7]])
SAMPLES: dict[str, Array] = {
    **{name: _EIGHTHS.astype(name) for name in ("float32", "float64", "float16")},
    **{name: _WHOLE.astype(name) for name in ("uint8", "int32", "int8", "int64")},
    "bool": _WHOLE > 1,
    "bfloat16": _EIGHTHS.astype(np.float32),
    "vector": np.arange(5, dtype=np.float32),
    "weight": np.arange(120, dtype=np.float32).reshape(5, 4, 3, 2),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
}
"""What each parameter of the golden files holds, by its name; exact in every dtype."""
NUMPY_ONLY = ("scalar", "empty")
"""What mxnet has under NumPy's shape semantics only, and writes as version 3."""


def with_name(array: bytes, name: str = "w") -> bytes:
    """A file of one encoded array."""
    return LIST_HEADER + array + struct.pack("<QQ", 1, len(name.encode())) + name.encode()


def legacy_file(version: int, values: Array) -> bytes:
    """A file as mxnet before 1.0 wrote it: version 1, or version 0 with neither magic nor 64-bit sides."""
    if version == 1:
        shape = struct.pack(f"<II{values.ndim}q", 0xF993FAC8, values.ndim, *values.shape)
    else:
        shape = struct.pack(f"<I{values.ndim}I", values.ndim, *values.shape)
    return with_name(shape + struct.pack("<iii", 1, 0, 0) + values.astype("<f4").tobytes())
