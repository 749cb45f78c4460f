"""Requests checked offline against botocore's own service model, in the words of the service.

boto3 itself checks types and required members only: it sends `ml.bogus.xlarge`. The model also
holds enums, patterns, lengths and ranges, which AWS checks when the request arrives. How AWS words
what it finds is taken from error messages in public issues.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

import regex
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from formats.errors import SagesegError

ViolationKind = Literal["type", "unknown", "constraint"]
"""Whether a value has another type than the model's, a name that the model lacks (AWS passes over
those, so that a misspelt one is lost in silence), or breaks a rule."""

_ENDLESS = 10**308
_BOUNDS = {"integer": 2**31, "long": 2**63, "timestamp": 10**11}
_TYPE_NAMES = {"boolean": "a Boolean", "float": "a Float", "double": "a Double", "integer": "an Integer"}
_COLLECTIONS = ("structure", "list", "map")


@dataclass(frozen=True)
class Violation:
    """One thing wrong with a request. `path` is written as AWS writes it: `resourceConfig.instanceType`,
    `inputDataConfig.1.member.channelName`."""

    kind: ViolationKind
    path: str
    message: str


@dataclass(frozen=True)
class Rule:
    """One constraint of a shape, in AWS's words."""

    text: str
    holds: Callable[[Any], bool]


@cache
def load_service(service: str) -> ServiceModel:
    """botocore's model of a service (`sagemaker`, `logs`); the first call reads it from disk."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check_request(service: str, operation: str, request: Mapping[str, Any], *, file_uris: bool = False) -> None:
    """Raise SagesegError with all that is wrong with a request; see `find_violations`."""
    violations = find_violations(service, operation, request, file_uris=file_uris)
    if violations:
        raise SagesegError(f"{operation}: {describe_violations(violations)}")


def describe_violations(violations: Iterable[Violation]) -> str:
    """All violations in one line, counted as AWS counts them."""
    texts = [f"{v.path}: {v.message}" if v.kind == "type" else v.message for v in violations]
    return f"{len(texts)} validation error{'s' * (len(texts) > 1)} detected: {'; '.join(texts)}"


def find_violations(
    service: str, operation: str, request: Mapping[str, Any], *, file_uris: bool = False
) -> list[Violation]:
    """All that the service would refuse in a request to one of its operations.

    With `file_uris`, absolute `file:///` URIs are accepted where the model asks for `s3://`; only
    the emulator takes those.
    """
    shape = load_service(service).operation_model(operation).input_shape
    return [] if shape is None else list(_check(request, shape, "", file_uris))


def _check(value: Any, shape: Shape, path: str, file_uris: bool) -> Iterator[Violation]:
    problem = _type_problem(value, shape)
    if problem:
        yield Violation("type", path, problem)
        return
    for rule in _rules(shape, file_uris):
        if not rule.holds(value):
            yield _broken(value, path, rule.text)
    if shape.type_name in _COLLECTIONS:
        yield from _INSIDES[shape.type_name](value, shape, path, file_uris)


def missing_member(path: str) -> Violation:
    return _broken(None, path, "Member must not be null")


def _broken(value: Any, path: str, rule: str) -> Violation:
    shown = "null" if value is None else f"'{_as_java(value)}'"
    return Violation("constraint", path, f"Value {shown} at '{path}' failed to satisfy constraint: {rule}")


def _as_java(value: Any) -> str:
    """A value as AWS's messages show it: Java's toString."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_as_java(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_as_java, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _inside_structure(value: Any, shape: Any, path: str, file_uris: bool) -> Iterator[Violation]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield missing_member(join_path(path, name))
    for name, member in value.items():
        if name not in shape.members:
            where, known = path or "input", ", ".join(shape.members)
            message = f'Unknown parameter in {where}: "{name}", must be one of: {known}'
            yield Violation("unknown", join_path(path, str(name)), message)
        elif member is not None:
            yield from _check(member, shape.members[name], join_path(path, name), file_uris)


def _inside_list(value: Any, shape: Any, path: str, file_uris: bool) -> Iterator[Violation]:
    if shape.member.type_name in _COLLECTIONS:
        for number, item in enumerate(value, start=1):
            yield from _check(item, shape.member, f"{path}.{number}.member", file_uris)
    else:
        yield from _check_scalars(value, value, shape.member, path, subject="Member", file_uris=file_uris)


def _inside_map(value: Any, shape: Any, path: str, file_uris: bool) -> Iterator[Violation]:
    yield from _check_scalars(value, value, shape.key, path, subject="Map keys", file_uris=file_uris)
    if shape.value.type_name in _COLLECTIONS:
        for key, item in value.items():
            yield from _check(item, shape.value, f"{path}.{key}.member", file_uris)
    else:
        yield from _check_scalars(value.values(), value, shape.value, path, subject="Map value", file_uris=file_uris)


_INSIDES = {"structure": _inside_structure, "list": _inside_list, "map": _inside_map}


def _check_scalars(
    items: Iterable[Any], whole: Any, shape: Shape, path: str, *, subject: str, file_uris: bool
) -> Iterator[Violation]:
    """AWS reports plain items once for the whole list or map, with every rule that they have."""
    items = list(items)
    problems = [problem for item in items if (problem := _type_problem(item, shape))]
    if problems:
        yield Violation("type", path, problems[0])
        return
    rules = _rules(shape, file_uris)
    if not all(rule.holds(item) for item in items for rule in rules):
        texts = ", ".join(rule.text for rule in rules)
        yield _broken(whole, path, f"{subject} must satisfy constraint: [{texts}]")


def join_path(path: str, name: str) -> str:
    """The path of a structure's member; an empty one is the request's own."""
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _type_problem(value: Any, shape: Shape) -> str | None:
    """AWS's words when a value has another JSON type than the model's, else None."""
    kind = shape.type_name
    if kind in _COLLECTIONS:
        expected = list | tuple if kind == "list" else Mapping
        return None if isinstance(value, expected) else f"Expected {'list' if kind == 'list' else 'map'} or null"
    if isinstance(value, Mapping):
        return "Start of structure or map found where not expected."
    if isinstance(value, list | tuple):
        return "Start of list found where not expected"
    if _SCALARS[kind](value):
        return None
    return f"{_token(value)} can not be converted to {_TYPE_NAMES.get(kind, f'a {kind.title()}')}"


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE"


def _is_number(value: Any) -> bool:
    """A JSON number that a double can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ENDLESS


def _is_whole(kind: str) -> Callable[[Any], bool]:
    limit = _BOUNDS[kind]
    return lambda value: _is_number(value) and isinstance(value, int) and -limit <= value < limit


def _is_timestamp(value: Any) -> bool:
    """Epoch seconds on the wire; a datetime where boto3 still has to write them."""
    if isinstance(value, datetime):
        return True
    return _is_number(value) and math.isfinite(value) and abs(value) < _BOUNDS["timestamp"]


_SCALARS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_whole("integer"),
    "long": _is_whole("long"),
    "float": _is_number,
    "double": _is_number,
    "timestamp": _is_timestamp,
    "blob": lambda value: isinstance(value, str | bytes),
}


def _rules(shape: Shape, file_uris: bool) -> list[Rule]:
    """A shape's constraints, in the order in which AWS lists them."""
    rules = _size_rules(shape)
    pattern = shape.metadata.get("pattern")
    if pattern is not None:
        rules.append(_pattern_rule(pattern, file_uris and "s3)://" in pattern))
    enum = shape.metadata.get("enum")
    if enum:
        rules.append(Rule(f"Member must satisfy enum value set: [{', '.join(enum)}]", lambda value: value in enum))
    return rules


def _size_rules(shape: Shape) -> list[Rule]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    sized = shape.type_name in ("string", "list", "map", "blob")
    noun = "length" if sized else "value"
    measure: Callable[[Any], float] = len if sized else float
    rules = []
    if high is not None:
        rules.append(Rule(f"Member must have {noun} less than or equal to {high}", lambda v: measure(v) <= high))
    if low is not None:
        rules.append(Rule(f"Member must have {noun} greater than or equal to {low}", lambda v: measure(v) >= low))
    return rules


def _pattern_rule(pattern: str, file_uris: bool) -> Rule:
    compiled = compile_pattern(pattern)

    def holds(value: str) -> bool:
        return (file_uris and value.startswith("file:///")) or compiled.fullmatch(value) is not None

    return Rule(f"Member must satisfy regular expression pattern: {pattern}", holds)


@cache
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    r"""A pattern of the model for Python. Java spells characters beyond U+FFFF as pairs, `\uD800\uDC00`."""
    return regex.compile(regex.sub(r"\\u(D[89AB]..)\\u(D[C-F]..)", _one_character, pattern, flags=regex.IGNORECASE))


def _one_character(match: regex.Match[str]) -> str:
    high, low = int(match[1], 16), int(match[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"
