"""Write `.params` files with mxnet for the tests, and have mxnet read ours.

    make oracles

runs this under each version of mxnet from 1.4 to 1.9, in environments of their own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import mxnet as mx
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.contract.mxnet_params import decode_params, encode_params  # noqa: E402
from tests.support.params_samples import NUMPY_ONLY, SAMPLES, legacy_file  # noqa: E402

MXNET_DTYPES = {np.dtype(dtype) for dtype in mx.ndarray.ndarray._DTYPE_NP_TO_MX if dtype is not None}
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/golden")
    out = parser.parse_args().out
    dense = {name: values for name, values in SAMPLES.items() if name not in NUMPY_ONLY and writable(name, values)}
    mx.nd.save(str(out / f"mxnet-{mx.__version__}.params"), {name: as_ndarray(name) for name in dense})
    sparse = mx.nd.sparse.row_sparse_array(([[1.0, 2.0]], [1]), shape=(3, 2))
    compressed = mx.nd.sparse.csr_matrix(([1.0, 2.0], [0, 1], [0, 1, 2]), shape=(2, 2))
    mx.nd.save(str(out / f"mxnet-{mx.__version__}-row_sparse.params"), {"vector": mx.nd.ones(2), "weight": sparse})
    mx.nd.save(str(out / f"mxnet-{mx.__version__}-csr.params"), {"weight": compressed, "vector": mx.nd.ones(2)})
    read_ours({name: values for name, values in dense.items() if name != "bfloat16"})
    read_legacy()
    if hasattr(mx, "npx"):
        mx.npx.set_np()
        plain = {name: values for name, values in SAMPLES.items() if name != "bfloat16"}
        arrays = {name: mx.np.array(values, dtype=values.dtype) for name, values in plain.items()}
        mx.npx.save(str(out / f"mxnet-{mx.__version__}-np.params"), arrays)
    sys.stderr.write(f"mxnet {mx.__version__}: {', '.join(dense)}\n")


def writable(name: str, values: np.ndarray) -> bool:
    """Whether this mxnet has the dtype: bool came with 1.6, bfloat16 with 1.7."""
    return (BFLOAT16 if name == "bfloat16" else values.dtype) in MXNET_DTYPES


def as_ndarray(name: str) -> mx.nd.NDArray:
    values = mx.nd.array(SAMPLES[name], dtype=SAMPLES[name].dtype)
    return mx.nd.amp_cast(values, dtype=BFLOAT16) if name == "bfloat16" else values


def read_ours(expected: dict[str, np.ndarray]) -> None:
    """mxnet loads what we write, and we read what it saves again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.params"
        path.write_bytes(encode_params(expected))
        loaded = mx.nd.load(str(path))
        for name, values in expected.items():
            check(loaded[name].dtype == values.dtype and np.array_equal(loaded[name].asnumpy(), values), name)
        mx.nd.save(str(path), loaded)
        saved = decode_params(path.read_bytes(), str(path))
    check(list(saved) == list(expected), "the names or their order")


def read_legacy() -> None:
    """mxnet takes the old layouts that the tests are written from for the same values."""
    with tempfile.TemporaryDirectory() as folder:
        for version in (0, 1):
            path = Path(folder) / "legacy.params"
            path.write_bytes(legacy_file(version, SAMPLES["weight"]))
            check(np.array_equal(mx.nd.load(str(path))["w"].asnumpy(), SAMPLES["weight"]), f"version {version}")


def check(holds: bool, problem: str) -> None:
    if not holds:
        raise SystemExit(f"mxnet {mx.__version__} and we do not agree: {problem}")


if __name__ == "__main__":
    main()
