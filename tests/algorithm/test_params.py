"""MXNet's `.params` files, read and written without mxnet."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from formats.errors import SagesegError
from jobs.contract.mxnet_params import DTYPES, Array, decode_params, encode_params
from tests.support.params_samples import SAMPLES, legacy_file

GOLDEN_FILES = sorted((Path(__file__).parents[1] / "data/golden").glob("mxnet-*.params"))

ONE = np.array([[1.5, -2.0]], np.float32)
# one float32 array of shape (1, 2) named "w", byte by byte after mxnet's NDArray::Save
HEADER = bytes.fromhex("1201000000000000 0000000000000000 0100000000000000")
V2_ARRAY = bytes.fromhex(
    "c9fa93f9 00000000 02000000 0100000000000000 0200000000000000 01000000 00000000 00000000 0000c03f 000000c0"
)
V1_ARRAY = bytes.fromhex(
    "c8fa93f9 02000000 0100000000000000 0200000000000000 01000000 00000000 00000000 0000c03f 000000c0"
)
# one stored row of two: storage shape, shape, context, dtype flag, the index's dtype flag and shape, values, index
ROW_SPARSE_ARRAY = (
    struct.pack("<Ii", 0xF993FAC9, 1)
    + 2 * struct.pack("<Iqq", 2, 1, 2)
    + struct.pack("<iiiiIq", 1, 0, 0, 6, 1, 1)
    + struct.pack("<ffq", 1.5, -2.0, 0)
)
LEGACY_ARRAY = bytes.fromhex("02000000 01000000 02000000 01000000 00000000 00000000 0000c03f 000000c0")


def names(*words: str) -> bytes:
    return struct.pack("<Q", len(words)) + b"".join(struct.pack("<Q", len(w)) + w.encode() for w in words)


def test_written_bytes_are_mxnets() -> None:
    assert encode_params({"w": ONE}) == HEADER + V2_ARRAY + names("w")


@pytest.mark.parametrize(
    "array", [V2_ARRAY, V1_ARRAY, LEGACY_ARRAY, b"\xca" + V2_ARRAY[1:]], ids=["V2", "V1", "legacy", "V3"]
)
@pytest.mark.parametrize("name", ["w", "arg:w", "aux:w"])
def test_every_version_reads_alike(array: bytes, name: str) -> None:
    read = decode_params(HEADER + array + names(name), "x.params")
    assert list(read) == ["w"]
    np.testing.assert_array_equal(read["w"], ONE)
    assert read["w"].dtype == np.float32


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: not name.startswith(("arg:", "aux:"))),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, max_dims=4, max_side=3))
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(parameters: dict[str, Array]) -> None:
    read = decode_params(encode_params(parameters), "x.params")
    assert list(read) == list(parameters)
    for name, array in parameters.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("length", range(len(HEADER + V2_ARRAY + names("w"))))
def test_every_truncation_is_an_error_that_names_the_file(length: int) -> None:
    with pytest.raises(SagesegError, match=r"x\.params"):
        decode_params((HEADER + V2_ARRAY + names("w"))[:length], "x.params")


@given(st.binary(max_size=60))
def test_no_bytes_end_in_anything_but_the_expected_error(content: bytes) -> None:
    with pytest.raises(SagesegError):
        decode_params(HEADER + content, "x.params")


HOSTILE = {
    "no .params": b"\x50" + HEADER[1:],
    "array count is 72057594037927936": HEADER[:16] + struct.pack("<Q", 2**56),
    "is sparse": HEADER + ROW_SPARSE_ARRAY + names("w"),
    "array 0 needs 4611686018427387904 bytes": HEADER + struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, 2**60, 1, 0, 0),
    r"array 0 has shape \(-1,\)": HEADER + struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, -1, 1, 0, 0),
    "array 0 has dtype flag 13": HEADER + struct.pack("<IiIqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 13),
    "array 0 has 4000000 dimensions": HEADER + struct.pack("<IiI", 0xF993FAC9, 0, 4000000),
    "parameter w has no shape": HEADER + struct.pack("<IiI", 0xF993FAC9, 0, 0) + names("w"),
    "parameter v has no shape": HEADER + struct.pack("<Iii", 0xF993FACA, 0, -1) + names("v"),
    "array 0 has -2 dimensions": HEADER + struct.pack("<Iii", 0xF993FACA, 0, -2) + names("v"),
    "1 arrays but 0 names": HEADER + V2_ARRAY + names(),
    "name 0 needs 9223372036854775808 bytes": HEADER + V2_ARRAY + struct.pack("<QQ", 1, 2**63),
    "name 0 is not UTF-8": HEADER + V2_ARRAY + struct.pack("<QQ", 1, 1) + b"\xff",
    "1 arrays but 2 names": HEADER + V2_ARRAY + names("v", "w"),
    "parameter w stands twice": HEADER[:16] + struct.pack("<Q", 2) + 2 * V2_ARRAY + names("w", "arg:w"),
}


@pytest.mark.parametrize("problem", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(problem: str) -> None:
    with pytest.raises(SagesegError, match=problem):
        decode_params(HOSTILE[problem], "x.params")


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros(2, np.complex64), r"complex64 of shape \(2,\)"),
        (np.zeros(2, [("bfloat16", np.uint16)]), r"\[\('bfloat16', '<u2'\)\] of shape \(2,\)"),
        (np.array(1.0), r"float64 of shape \(\)"),
        (np.zeros((0, 3)), r"float64 of shape \(0, 3\)"),
        (np.zeros((2, 0)), r"float64 of shape \(2, 0\)"),
    ],
    ids=["dtype", "bfloat16", "no dimension", "no row", "no column"],
)
def test_what_the_format_cannot_hold_is_not_written(array: Array, what: str) -> None:
    with pytest.raises(SagesegError, match=f"parameter w: {what} has no form"):
        encode_params({"w": array})


DENSE_FILES = [path for path in GOLDEN_FILES if "sparse" not in path.name and "csr" not in path.name]


@pytest.mark.parametrize("path", DENSE_FILES, ids=lambda path: path.stem)
def test_what_mxnet_wrote_is_read(path: Path) -> None:
    read = decode_params(path.read_bytes(), path.name)
    assert {"float32", "float64", "float16", "uint8", "int32", "int8", "int64"} <= read.keys()
    for name, values in read.items():
        assert values.dtype == SAMPLES[name].dtype
        np.testing.assert_array_equal(values, SAMPLES[name], strict=True)


def test_golden_files_cover_the_versions_of_mxnet_and_of_the_format() -> None:
    versions = {path.name.split("-")[1].removesuffix(".params")[:3] for path in GOLDEN_FILES}
    assert versions == {"1.4", "1.5", "1.6", "1.7", "1.8", "1.9"}
    assert {path.read_bytes()[24] for path in DENSE_FILES} == {0xC9, 0xCA}
    newest = [decode_params(p.read_bytes(), p.name) for p in DENSE_FILES if "1.9" in p.name]
    assert set().union(*newest) == set(SAMPLES)


@pytest.mark.parametrize("path", sorted(set(GOLDEN_FILES) - set(DENSE_FILES)), ids=lambda path: path.stem)
def test_sparse_arrays_are_refused_by_the_parameters_name(path: Path) -> None:
    storage = path.stem.split("-")[-1]
    with pytest.raises(SagesegError, match=rf"{path.name}: parameter weight is sparse \({storage}\); expected a dense"):
        decode_params(path.read_bytes(), path.name)


@pytest.mark.parametrize("version", [0, 1])
def test_files_from_before_mxnet_1_are_read(version: int) -> None:
    read = decode_params(legacy_file(version, SAMPLES["weight"]), "x.params")
    np.testing.assert_array_equal(read["w"], SAMPLES["weight"], strict=True)


@pytest.mark.parametrize("path", [path for path in GOLDEN_FILES if "1.9" in path.name], ids=lambda path: path.stem)
@given(data=st.data())
def test_a_damaged_file_ends_in_arrays_or_the_expected_error(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SagesegError):
        decode_params(bytes(content), "x.params")
