"""Values that an execution settles, in the texts of requests."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.emulator.pipelines.expressions import Values, resolve
from jobs.pipelines.references import STAND_IN, get, join, parameter, place, settle
from jobs.pipelines.steps import chained, unchained

NAMES = ("channels", "to-report", "Least-mean_iou")
FIXED = {"Parameters": {name: f"<{name}>" for name in NAMES}, "Execution": {"PipelineExecutionId": "abc"}}
KNOWN = {name: parameter(name) for name in NAMES}
PLAIN = st.text(st.characters(exclude_characters="s", codec="utf-8"), max_size=5)
PLACES = st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "/train/", "/"]))


def resolved(value: Any) -> Any:
    """What the emulator makes of it."""
    return resolve(value, Values(FIXED, lambda _: None, lambda *_: "", lambda _: None))


@given(PLAIN, PLACES)
def test_a_text_becomes_what_its_places_come_to(before: str, found: tuple[str, str]) -> None:
    name, behind = found
    text = f"{before}{place(name)}{behind}"
    assert resolved(settle({"a": [text], "b": 3}, KNOWN)) == {"a": [f"{before}<{name}>{behind}"], "b": 3}


def test_a_place_alone_is_its_expression_and_of_files_too() -> None:
    assert settle(place("channels"), KNOWN) == {"Get": "Parameters.channels"}
    assert resolved(settle(f"file://{STAND_IN}/channels/train/", KNOWN)) == "<channels>/train/"


@given(st.text(max_size=30))
def test_a_text_without_places_stays(text: str) -> None:
    assert settle(text, {}) == text


def test_a_join_has_no_joins_in_it() -> None:
    below = join(parameter("channels"), "/", get("Execution.PipelineExecutionId"))
    assert join(below, "/b") == {"Std:Join": {"On": "", "Values": [*below["Std:Join"]["Values"], "/b"]}}
    assert resolved(join(below, "/b")) == "<channels>/abc/b"


@given(st.lists(st.lists(st.text(max_size=3), min_size=1), min_size=1))
def test_lines_of_a_container_are_read_as_they_are_written(lines: list[list[str]]) -> None:
    assert unchained(chained(lines)) == lines
