"""JSON as other programs take it, and a stdout that cannot show all letters."""

import io
import json
import math
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.console import result, result_json, run_app
from formats.texts.json_text import format_json, json_pieces, without_member
from formats.texts.redaction import redact

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def defined(value: Any) -> Any:
    """What must come back: numbers that are none as None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: defined(inner) for key, inner in value.items()}
    return [defined(inner) for inner in value] if isinstance(value, list) else value


@given(values, st.booleans())
def test_it_is_strict_json_of_the_same_value(value: Any, ascii_only: bool) -> None:
    text = format_json(value, ascii_only=ascii_only)
    assert json.loads(text, parse_constant=refuse) == defined(value)
    assert text.isascii() or not ascii_only


def test_times_are_texts_and_what_has_no_place_in_json_is_a_bug() -> None:
    assert format_json(datetime(2026, 1, 2, tzinfo=UTC)) == '"2026-01-02 00:00:00+00:00"'
    with pytest.raises(TypeError, match="set has no place in JSON"):
        format_json({"a": {1}})


class Said:
    """In the place of an app: it says a class's name."""

    def __init__(self, speak: Any) -> None:
        self.speak = speak

    def __call__(self) -> None:
        self.speak()


def stdout_of(monkeypatch: pytest.MonkeyPatch, encoding: str, speak: Any) -> str:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    run_app(Said(speak))  # type: ignore[arg-type]
    sys.stdout.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "\\xd6l \\u96ea \\U0001f697"), ("cp1252", "Öl \\u96ea \\U0001f697"), ("utf-8", "Öl 雪 🚗")],
)
def test_a_name_that_stdout_cannot_show_is_escaped(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stdout_of(monkeypatch, encoding, lambda: result("Öl 雪 🚗")) == f"{shown}\n"


def test_a_file_name_that_is_no_text_is_escaped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stdout_of(monkeypatch, "utf-8", lambda: result("a\udcff")) == "a\\udcff\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_stays_json_whatever_stdout_can_show(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"Öl": [1.0, "雪", math.nan], "a\udcff": "é"}
    text = stdout_of(monkeypatch, encoding, lambda: result_json(told))
    assert json.loads(text, parse_constant=refuse) == defined(told)


class Lazy(Mapping[str, Any]):
    """Members that are made when they are asked for."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    def __getitem__(self, key: str) -> Any:
        return self._members[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), values, max_size=3) | values, max_size=4), st.booleans())
def test_members_one_by_one_are_the_text_of_all_at_once(content: dict[str, Any], ascii_only: bool) -> None:
    lazy = {key: Lazy(value) if isinstance(value, dict) else value for key, value in content.items()}
    assert "".join(json_pieces(lazy, ascii_only=ascii_only)) == format_json(content, ascii_only=ascii_only)


def test_members_that_are_made_hide_secrets_too() -> None:
    assert json.loads(format_json({"groups": Lazy({"password": "tell-nobody", "a": {"token": "x" * 20}})})) == {
        "groups": {"password": "***", "a": {"token": "***"}}
    }


class Watched(Lazy):
    """Knows how much had been written when its last member was asked for."""

    def __init__(self, members: dict[str, Any], written: io.BytesIO) -> None:
        super().__init__(members)
        self.written, self.before_last = written, 0

    def __getitem__(self, key: str) -> Any:
        self.before_last = len(self.written.getvalue())
        return super().__getitem__(key)


def test_a_result_is_written_as_it_is_made_and_hides_what_the_whole_would(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "utf-8"))
    secret = "ghp_" + "a1B2" * 9
    watched = Watched({f"{secret}{number}": {"iou": number} for number in range(5000)}, raw)
    result_json({"groups": watched})
    sys.stdout.flush()
    assert watched.before_last > len(raw.getvalue()) / 2
    assert secret not in raw.getvalue().decode()
    assert raw.getvalue().decode() == redact(format_json({"groups": dict(watched)})) + "\n"


@given(st.dictionaries(st.text(), values, max_size=5), st.sampled_from([None, 2]))
def test_a_member_is_left_out_unread(content: dict[str, Any], indent: int | None) -> None:
    for name, value in content.items():
        left = json.loads(without_member(json.dumps(content, indent=indent).encode(), name))
        assert defined(left) == defined({**content, name: {}} if isinstance(value, dict | list) else content)


@pytest.mark.parametrize(
    "text", ["", "{", '{"groups": {', '{"groups": {"a": "}', '["groups"]', '{"a": {"groups": {}}}']
)
def test_a_text_without_the_member_stays_as_it_is(text: str) -> None:
    assert without_member(text.encode(), "groups") == text.encode()
