"""Dataclasses of numbers, texts and arrays, to JSON and back."""

from __future__ import annotations

import json
import math
import re
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.texts.typed_values import MOST_NUMBERS, from_json, to_json


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Level(IntEnum):
    LOW = 0
    HIGH = 7


@dataclass(frozen=True)
class Inner:
    name: str
    share: float


@dataclass(frozen=True)
class Outer:
    side: Side
    level: Level
    size: tuple[int, int]
    inner: tuple[Inner, ...]
    by_name: Mapping[str, float]
    counts: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None
    most: int | None


floats = st.floats(allow_nan=False, width=64)
wholes = st.integers(-(2**63), 2**63 - 1)
inners = st.builds(Inner, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), floats)
outers = st.builds(
    Outer,
    st.sampled_from(Side),
    st.sampled_from(Level),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.lists(inners, max_size=3).map(tuple),
    st.dictionaries(st.text("abc", max_size=2), floats, max_size=3),
    st.lists(wholes, max_size=6).map(lambda each: np.array(each, np.int64).reshape(1, -1)),
    st.none() | st.lists(floats, max_size=4).map(lambda each: np.array(each, np.float64)),
    st.none() | st.integers(0, 5),
)


@given(outers)
def test_values_come_back_as_they_were(value: Outer) -> None:
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)), Outer)
    for name, kept in vars(value).items():
        found = getattr(back, name)
        assert type(found) is type(kept), name
        if isinstance(kept, np.ndarray):
            assert (found.dtype, found.shape) == (kept.dtype, kept.shape)
            assert found.tobytes() == kept.tobytes()
        else:
            assert found == kept


def test_a_float_that_is_no_number_comes_back() -> None:
    assert math.isnan(from_json(to_json(math.nan), float))


GOOD: dict[str, Any] = to_json(
    Outer(Side.LEFT, Level.HIGH, (1, 2), (Inner("a", 0.5),), {"b": 1.0}, np.arange(6).reshape(2, 3), None, 3)
)


def packed(content: bytes) -> str:
    return b64encode(zlib.compress(content)).decode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"side": "up"}, "side is 'up'; expected left or right"),
        ({"level": 3}, "level is 3; expected 0 or 7"),
        ({"level": [7]}, "level is [7]; expected 0 or 7"),
        ({"size": [1]}, "size has 1 values; expected 2"),
        ({"size": [1, "2"]}, "size[1] is '2'; expected a whole number"),
        ({"inner": [{"name": "a"}]}, "inner[0].share is missing"),
        ({"inner": [{"name": "a", "share": "many"}]}, "inner[0].share is 'many'; expected a number"),
        ({"by_name": {"b": None}}, "by_name.b is null; expected a number"),
        ({"most": 1.5}, "most is 1.5; expected a whole number"),
        ({"counts": [1, 2]}, "counts is [1, 2]; expected an object"),
        ({"counts": {"shape": [2], "packed": packed(b"short")}}, "counts holds 5 bytes; expected 16"),
        ({"counts": {"shape": [1], "packed": packed(bytes(10**6))}}, "counts holds 9 bytes; expected 8"),
        ({"counts": {"shape": [-1, -1], "packed": packed(bytes(8))}}, "counts is of the shape (-1, -1)"),
        ({"counts": {"shape": [MOST_NUMBERS, 2], "packed": ""}}, f"expected {MOST_NUMBERS} numbers at most"),
        ({"counts": {"shape": [1], "packed": "no base64!"}}, "counts cannot be unpacked"),
        ({"counts": {"shape": [1], "packed": b64encode(b"no zlib").decode()}}, "counts cannot be unpacked"),
        ({"weights": 1}, "weights is 1; expected an object"),
    ],
)
def test_what_is_of_another_kind_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        from_json({**GOOD, **changed}, Outer)
