"""JSON of a known make: wrong kinds are told by their place, missing members where they are missed."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.texts.json_text import MAX_DEPTH, parse_json
from formats.texts.typed_json import Told, check_type, parse_told


class Run(TypedDict):
    done: dict[str, list[int]]
    since: NotRequired[datetime | None]


@dataclass
class Kept:
    name: str
    run: Run
    size: float = 1.0
    kind: Literal["a", "b"] = "a"
    rest: dict[str, Any] = field(default_factory=dict)


WHOLE: dict[str, Any] = {"name": "x", "run": {"done": {"1": [1]}, "since": None}, "more": [1]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, ""),
        ({"size": 3}, ""),
        ({"run": {"done": {}, "since": "2026-11-28T10:00:00+00:00"}}, ""),
        ({"name": 3}, "name is 3; expected a text"),
        ({"run": None}, "run is null; expected an object"),
        ({"run": {}}, "run.done is missing"),
        ({"run": {"done": {"2": [1, "7"]}}}, "run.done.2[1] is '7'; expected a whole number"),
        ({"run": {"done": {"2": [True]}}}, "run.done.2[0] is true; expected a whole number"),
        ({"run": {"done": {}, "since": "2026-13-45"}}, "run.since is '2026-13-45'; expected a time such as"),
        ({"run": {"done": {}, "since": "2026-11-28"}}, "run.since is '2026-11-28'; expected a time such as"),
        ({"size": float("inf")}, "size is inf; expected a number"),
        ({"size": 10**400}, "size is"),
        ({"kind": "c"}, "kind is 'c'; expected a or b"),
        ({"kind": ["a"]}, "kind is ['a']; expected a or b"),
    ],
)
def test_the_first_wrong_place_is_told(changes: dict[str, Any], problem: str) -> None:
    if not problem:
        check_type({**WHOLE, **changes}, Kept)
        return
    with pytest.raises(ValueError, match="expected|missing") as raised:
        check_type({**WHOLE, **changes}, Kept)
    assert problem in str(raised.value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_a_value_is_of_a_union_as_it_is_of_one_of_its_kinds(value: Any) -> None:
    def holds(kind: Any) -> bool:
        try:
            check_type(value, kind)
        except ValueError:
            return False
        return True

    assert holds(str | int | None | list[Any]) == any(map(holds, (str, int, None, list[Any])))
    assert holds(Any)


def test_what_is_missing_is_told_where_it_is_asked_for() -> None:
    told = parse_told('{"a": {"b": [{"c": 1}]}}', dict, "job.json", "remove it")
    assert told["a"]["b"][0]["c"] == 1
    assert told.get("x") is None
    for inner in (told, told["a"], told["a"]["b"][0]):
        with pytest.raises(SagesegError, match=r"^job\.json: x is missing; remove it$"):
            inner["x"]


def test_told_is_an_object_like_another() -> None:
    told = parse_told('{"a": {"b": 1}}', dict, "job.json", "remove it")
    assert json.loads(json.dumps(told)) == told == {"a": {"b": 1}}
    assert pickle.loads(pickle.dumps(told)) == told  # noqa: S301  # our own
    assert asdict(Kept("x", told, rest=told))["rest"] == told
    assert isinstance(told["a"], Told)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff{}",
        "[" * 5000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        '{"a":' * 3000 + "1" + "}" * 3000,
        "[" + "9" * 5000 + "]",
        '["\\ud800"]',
        '["\\u0000"]',
        "[NaN]",
        "",
    ],
)
def test_what_is_no_json_is_one_line(text: str | bytes) -> None:
    with pytest.raises(SagesegError, match=r"^a\.json: damaged, no JSON \(.*\); make it again$"):
        parse_told(text, list, "a.json", "make it again")


def test_what_only_looks_wrong_is_read() -> None:
    assert parse_json('["\\\\u0000", "\\ud83d\\ude00"]') == ["\\u0000", "\U0001f600"]
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
