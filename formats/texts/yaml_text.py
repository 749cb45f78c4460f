"""YAML as people write it, taken as plain values: texts, numbers, true and false, lists and objects.

parse_yaml("{crop: 512, name: 2026-11-28, yes: true}")   # {"crop": 512, "name": "2026-11-28", "yes": True}
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from formats.texts.json_text import MAX_DEPTH

MAX_LETTERS = 2**18
MAX_VALUES = 100_000
"""More than any file of settings holds, aliases counted each time."""
_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN = (str, int, float, bool, type(None))
_TAG = "tag:yaml.org,2002:"
_RESOLVED = {
    f"{_TAG}null": re.compile(r"(?:~|null|Null|NULL|)$"),
    f"{_TAG}bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"),
    f"{_TAG}int": re.compile(r"-?(?:0|[1-9][0-9]*)$"),
    f"{_TAG}float": re.compile(r"-?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"),
}
"""What plain text is other than text, about as YAML 1.2 has it. YAML 1.1, which is PyYAML's, makes true and false of
`yes`, `no`, `on` and `off`, 7 of `007`, 202611 of `2026_11`, 90 of `1:30`, and millions of values of a few lines
by merge keys."""


def parse_yaml(text: str) -> Any:
    """A YAML text's value; what looks like a date stays text. Raises ValueError for whatever is no YAML, is too long or
    too deep, and for tags that make anything but plain values."""
    import yaml

    if len(text) > MAX_LETTERS or _bracket_depth(text) > MAX_DEPTH:
        raise ValueError(f"more than {MAX_LETTERS} letters, or {MAX_DEPTH} lists and objects in one another")
    try:
        value = _loader()(text).get_single_data()
    except yaml.YAMLError as e:
        raise ValueError(_told(e)) from e
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError) as e:  # all PyYAML's
        raise ValueError(f"a value that cannot be read, {e}") from e
    _check_plain(value)
    return value


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {None: list(_RESOLVED.items())}  # noqa: RUF012  # PyYAML's own way

    return Loader


def _told(error: Any) -> str:
    """What PyYAML trips over and where, without its own words for what it makes values of."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # of letters it tells no line
        return f"{chr(error.character)!a} at place {error.position}" if hasattr(error, "position") else str(error)
    problem = "a tag that no plain value has" if "constructor for the tag" in error.problem else error.problem
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _bracket_depth(text: str) -> int:
    """How deep brackets lie in one another; PyYAML takes seconds for thousands of them."""
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        depth += 1 if found[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _check_text(text: str) -> None:
    """Escapes may stand for what no text of a system can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as e:
        raise ValueError(f"half of a letter, {e.object[e.start]!a}") from e
    if "\0" in text:
        raise ValueError("a zero character")


def _check_plain(value: Any) -> None:
    level, seen = [value], 0
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += [*each, *each.values()]
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str):
                _check_text(each)
            elif not isinstance(each, _PLAIN):
                kind = type(each).__name__
                raise ValueError(f"a {kind}, where only texts, numbers, lists and objects are taken")  # noqa: TRY004
            seen += 1
            if len(below) + seen > MAX_VALUES:
                raise ValueError(f"more than {MAX_VALUES} values, each alias counted anew")
        if not below:
            return
        level = below
    raise ValueError(f"more than {MAX_DEPTH} lists and objects in one another")
