"""JSON that has to be of a known make: what a TypedDict, a dataclass or a plain type says, looked for in what was read.

check_type({"runs": {"2": ["7"]}}, dict[str, dict[str, list[int]]])
# ValueError: runs.2[0] is '7'; expected a whole number
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from reprlib import Repr
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from formats.errors import SagesegError
from formats.texts.json_text import parse_json

_PLAIN: dict[Any, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
    list: "a list",
    dict: "an object",
    datetime: "a time such as 2026-11-28T10:00:00+00:00",
}
_ENDLESS = 2**63
"""No count or size reaches it, and sums with larger numbers would overflow."""
_JSON = {id(None): "null", id(True): "true", id(False): "false"}
"""What Python calls otherwise than the file that is read."""
_Told = TypeVar("_Told")
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def short(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
    return _SHORT.repr(value)


def check_type(value: Any, kind: Any, place: str = "") -> None:
    """Raise ValueError, which names the `place` and what was expected, unless a value of JSON is of a kind.

    Kinds are str, bool, int and float (a whole number is one too; nan and endless ones are none), None, Any, datetime
    (as text, with a time zone), list, dict, list[…], dict[str, …] (Sequence and Mapping alike), Literal, unions of
    these, and TypedDicts and dataclasses: every key that is needed must be there, and what they do not name is passed
    over.
    """
    problem = _problem(value, kind, place)
    if problem:
        raise ValueError(problem)


def _problem(value: Any, kind: Any, place: str) -> str:
    """What is wrong, empty where nothing is."""
    if kind is Any:
        return ""
    look = next((look for is_such, look in _LOOKS if is_such(kind)), _of_plain)
    return look(value, kind, place)


def _of_plain(value: Any, kind: Any, place: str) -> str:
    return "" if _is_plain(value, kind) else _expected(value, _words(kind), place)


def _is_plain(value: Any, kind: Any) -> bool:
    if kind in (None, type(None)):
        return value is None
    if kind in (int, float) and type(value) is int:
        return abs(value) < _ENDLESS
    if kind is float:
        return type(value) is float and math.isfinite(value)
    if kind is datetime:
        return isinstance(value, str) and _is_time(value)
    return type(value) is kind


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _of_union(value: Any, kind: Any, place: str) -> str:
    kinds = get_args(kind)
    problems = [_problem(value, kind, place) for kind in kinds]
    if "" in problems:
        return ""
    inner = next((p for p, kind in zip(problems, kinds, strict=True) if _is_container(value, kind)), None)
    return inner or _expected(value, " or ".join(map(_words, kinds)), place)


def _is_container(value: Any, kind: Any) -> bool:
    return isinstance(value, dict | list) and _words(kind) == _PLAIN[dict if isinstance(value, dict) else list]


def _of_literal(value: Any, kind: Any, place: str) -> str:
    return "" if type(value) is str and value in get_args(kind) else _expected(value, _words(kind), place)


def _of_members(value: Any, kind: Any, place: str) -> str:
    if not isinstance(value, dict):
        return _expected(value, "an object", place)
    for name, (member, is_needed) in _members(kind).items():
        if name not in value:
            if is_needed:
                return f"{_at(place, name)} is missing"
        elif problem := _problem(value[name], member, _at(place, name)):
            return problem
    return ""


@cache
def _members(kind: Any) -> dict[str, tuple[Any, bool]]:
    """By name what a member is, and whether it must be there."""
    hints = get_type_hints(kind, include_extras=True)
    if is_typeddict(kind):  # where annotations are texts, what is needed is known of the class alone
        return {name: _member(hint, name in kind.__required_keys__) for name, hint in hints.items()}
    missing = dataclasses.MISSING
    return {
        field.name: (hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
    }


def _member(hint: Any, is_needed: bool) -> tuple[Any, bool]:
    if get_origin(hint) not in (NotRequired, Required):
        return hint, is_needed
    return get_args(hint)[0], get_origin(hint) is Required


def _of_mapping(value: Any, kind: Any, place: str) -> str:
    if not isinstance(value, dict):
        return _expected(value, "an object", place)
    _, inner = get_args(kind) or (str, Any)
    return _of_each(((item, _at(place, name)) for name, item in value.items()), inner)


def _of_list(value: Any, kind: Any, place: str) -> str:
    if not isinstance(value, list):
        return _expected(value, "a list", place)
    (inner,) = get_args(kind) or (Any,)
    return _of_each(((item, f"{place}[{i}]") for i, item in enumerate(value)), inner)


def _of_each(items: Iterable[tuple[Any, str]], kind: Any) -> str:
    """What is wrong with the first of the items, each with its place, that is not of the kind."""
    if kind is Any:
        return ""
    return next((problem for item, place in items if (problem := _problem(item, kind, place))), "")


def _at(place: str, name: str) -> str:
    return f"{place}.{short(name)[1:-1]}" if place else short(name)[1:-1]


def _expected(value: Any, words: str, place: str) -> str:
    told = _JSON.get(id(value)) or short(value)
    return f"{place or 'it'} is {told}; expected {words}"


def _has_members(kind: Any) -> bool:
    return is_typeddict(kind) or dataclasses.is_dataclass(kind)


def _is_mapping(kind: Any) -> bool:
    return kind is dict or get_origin(kind) in (dict, Mapping)


def _is_list(kind: Any) -> bool:
    return kind is list or get_origin(kind) in (list, Sequence)


_LOOKS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any, str], str]], ...] = (
    (lambda kind: get_origin(kind) in (Union, types.UnionType), _of_union),
    (lambda kind: get_origin(kind) is Literal, _of_literal),
    (_has_members, _of_members),
    (_is_mapping, _of_mapping),
    (_is_list, _of_list),
)
"""By what a kind is, how a value is looked at; all others are plain."""


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(each or "nothing" for each in get_args(kind))
    if _has_members(kind) or _is_mapping(kind):
        return _PLAIN[dict]
    return _PLAIN[list] if _is_list(kind) else _PLAIN.get(type(None) if kind is None else kind, "another value")


class Told(dict[str, Any]):
    """An object of JSON that others may have damaged: asked for a member that it lacks, it raises SagesegError, which
    names `where` it was read and how to `mend` that."""

    def __init__(self, members: Iterable[tuple[str, Any]] = (), where: object = "", mend: str = "") -> None:
        super().__init__(members)
        self.where, self.mend = where, mend

    def __missing__(self, name: str) -> Any:
        raise SagesegError(f"{self.where}: {short(name)[1:-1]} is missing; {self.mend}")


def as_told(value: Any, where: object, mend: str) -> Any:
    """A value of JSON whose objects, however deep, are `Told`."""
    if isinstance(value, dict):
        return Told(((name, as_told(inner, where, mend)) for name, inner in value.items()), where, mend)
    if isinstance(value, list):
        return [as_told(inner, where, mend) for inner in value]
    return value


def parse_told(text: str | bytes, kind: Any, where: object, mend: str) -> Any:
    """The JSON of a file that this project wrote, which is of a kind; its objects are `Told`. Raises SagesegError that
    names `where`, what is wrong, and how to `mend` it."""
    try:
        value = parse_json(text)
    except ValueError as e:
        raise SagesegError(f"{where}: damaged, no JSON ({e}); {mend}") from e
    try:
        check_type(value, kind)
    except ValueError as e:
        raise SagesegError(f"{where}: damaged ({e}); {mend}") from e
    return as_told(value, where, mend)


def parse_as(text: str | bytes, kind: type[_Told], where: object, mend: str, shape: Any = None) -> _Told:
    """`parse_told` of a dataclass, made one; of a `shape` where its members say more. What it does not name is passed
    over."""
    given = parse_told(text, shape or kind, where, mend)
    return kind(**{field.name: given[field.name] for field in dataclasses.fields(kind) if field.name in given})  # type: ignore[arg-type]
