"""Bodies of probabilities whose shape is not to be believed; `test_algorithm_serving.py` has what is right."""

from collections.abc import Sequence

import numpy as np
import pytest

from formats.errors import SagesegError
from jobs.contract.probabilities import _delimited, _feature, _varint, decode_probabilities
from jobs.contract.recordio import frame


def body(values: Sequence[float], shape: Sequence[int]) -> bytes:
    """A well-formed record of any shape; negative sides are written as protobuf does."""
    sides = b"".join(_varint(side % 2**64) for side in shape)
    target = _delimited(2, _delimited(1, np.array(values, "<f4").tobytes()))
    return frame(_feature(b"target", target) + _feature(b"shape", _delimited(7, _delimited(1, sides))))


def test_the_shape_that_the_values_fill() -> None:
    np.testing.assert_array_equal(decode_probabilities(body([0.25, 0.75], [1, 2, 1, 1])), [[[[0.25]], [[0.75]]]])


HOSTILE = {
    "a side of 64 bits": ([], [2**64 - 1, 0], r"0 values do not fill the shape \(18446744073709551615, 0\)"),
    "a side of -1": ([0.5, 0.5], [-1, 2], r"2 values do not fill the shape \(18446744073709551615, 2\)"),
    "sides beyond all memory": ([], [2**62, 2**62, 0], "0 values do not fill the shape"),
    "another size": ([0.5, 0.5], [1, 3, 2, 2], r"2 values do not fill the shape \(1, 3, 2, 2\)"),
    "100 dimensions": ([0.5, 0.5], [1] * 99 + [2], r"an array of 100 dimensions; expected \(1, C, H, W\)"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_shape_that_the_values_do_not_fill_is_refused(case: str) -> None:
    values, shape, problem = HOSTILE[case]
    with pytest.raises(SagesegError, match=f"^x: {problem}.*ask again$"):
        decode_probabilities(body(values, shape), "x")
