"""YAML as plain values: whatever makes another value, or millions of them, is one line."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from formats.texts.yaml_text import MAX_LETTERS, parse_yaml

LAYERS = "".join(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in pairwise("abcdefg"))


def test_dates_are_texts_and_aliases_are_what_they_name() -> None:
    text = "name: 2026-11-28\nwhen: 2026-13-45\nat: &a [1, 0.5, true]\nagain: *a\nnone:\n"
    assert parse_yaml(text) == {
        "name": "2026-11-28",
        "when": "2026-13-45",
        "at": [1, 0.5, True],
        "again": [1, 0.5, True],
        "none": None,
    }


@pytest.mark.parametrize("text", ["yes", "no", "On", "off", "y", "007", "2026_11", "1:30", "0x10", "1e-3", "<<"])
def test_what_yaml_1_1_makes_values_of_is_text_as_key_and_as_value(text: str) -> None:
    assert parse_yaml(f"{text}: {text}") == {text: text}


@pytest.mark.parametrize("value", [0, -3, 512, 0.5, -2.5e-05, True, False, None, float("inf"), "a b", "", "true"])
def test_a_value_that_pyyaml_writes_is_read_again(value: object) -> None:
    assert parse_yaml(yaml.safe_dump({"a": value})) == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object:os.system x",
        "a: !mine x",
        "a: !!binary aGVsbG8=",
        "a: !!set {b, c}",
        "a: !!bool x",
        "a: !!timestamp x",
        "a: !!int ''",
        "a: !!int 0x_",
        "a: " + "1" * 5000,
        "a: [" * 1000,
        "- " * 3000,
        "a: &a [*a]",
        f"a: &a [{'x, ' * 9}x]\n{LAYERS}",
        "? [a]\n: b",
        'a: "\\0"',
        'a: "\\ud800"',
        "a: b: c",
        "\0",
        " " * (MAX_LETTERS + 1),
    ],
)
def test_what_is_not_plain_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=".") as raised:
        parse_yaml(text)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@given(st.text(alphabet="ab:-[]{}&*!? \n'\"|>#%@`,0", max_size=40))
def test_any_text_is_read_or_a_value_error(text: str) -> None:
    try:
        parse_yaml(text)
    except ValueError:
        return
