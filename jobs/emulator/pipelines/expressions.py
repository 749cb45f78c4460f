"""What stands in a pipeline's definition for a value that an execution settles: `{"Get": …}`, `{"Std:Join": …}` and
`{"Std:JsonGet": …}` (SageMaker Pipeline Definition JSON Schema, version 2020-12-01)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from jobs.emulator.api.faults import ServiceError, invalid

Path = tuple[str | int, ...]
_PART = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_FUNCTIONS = {"Get": None, "Std:Join": {"On", "Values"}, "Std:JsonGet": {"PropertyFile", "S3Uri", "Path"}}
"""The functions that are emulated, with the members of their arguments."""
EXECUTION = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
)
_NAMED_BY = ("OutputName", "InputName", "ChannelName", "MetricName", "Name")
"""What an item of a list is called by, where a path has a name for it."""


@dataclass(frozen=True)
class Expression:
    """One that stands somewhere in a value: `place` are the names and numbers that lead to it."""

    place: Path
    function: str
    argument: Any


@dataclass(frozen=True)
class Values:
    """Where an execution's values come from. `fixed` holds what is settled when it starts, by `Parameters`, `Execution`
    and `PipelineExperimentConfig`; a step's properties, the URI of its property file (step, file) and the content of a
    JSON file are asked for when they are needed. All raise SagesegError or ServiceError for what is not there."""

    fixed: Mapping[str, Mapping[str, Any]]
    properties_of: Callable[[str], Any]
    file_uri: Callable[[str, str], str]
    read_json: Callable[[str], Any]


def unparsable(problem: str) -> ServiceError:
    """CreatePipeline's refusal of a definition, as it begins in public issues."""
    return invalid(f"Unable to parse pipeline definition. {problem}")


def parse_path(text: str) -> Path:
    """The names and numbers of `Steps.A.Outputs['b'].Values[0]`. Raises ServiceError for a text that is no path."""
    parts: list[str | int] = []
    at = 0
    for match in _PART.finditer(text):
        if match.start() != at:
            break
        name, number, *quoted = match.groups()
        parts.append(int(number) if number else next(part for part in (name, *quoted) if part is not None))
        at = match.end()
    if at != len(text) or not parts:
        raise unparsable(f"{text!r} is no path; expected one such as Steps.Train.ModelArtifacts.S3ModelArtifacts")
    return tuple(parts)


def expression_at(value: Any, place: Path = ()) -> Expression | None:
    """The expression that a value is, if it is one. Raises ServiceError for one that is not emulated."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((function, argument),) = value.items()
    if function != "Get" and not function.startswith("Std:"):
        return None
    if function not in _FUNCTIONS:
        raise unparsable(f"Function {function} is not emulated; expected one of {', '.join(_FUNCTIONS)}")
    _check_form(function, argument)
    return Expression(place, function, argument)


def _check_form(function: str, argument: Any) -> None:
    members = _FUNCTIONS[function]
    if members is None:
        if not isinstance(argument, str):
            raise unparsable(f"Get of {argument!r}; expected a path")
        return
    if not isinstance(argument, Mapping) or not argument.keys() <= members:
        raise unparsable(f"{function} of {argument!r}; expected the members {', '.join(sorted(members))}")
    if function == "Std:Join" and not (
        isinstance(argument.get("On", ""), str) and isinstance(argument.get("Values"), list)
    ):
        raise unparsable(f"Std:Join of {argument!r}; expected a text On and a list Values")
    if function == "Std:JsonGet" and (
        not isinstance(argument.get("Path"), str) or ("PropertyFile" in argument) == ("S3Uri" in argument)
    ):
        raise unparsable(f"Std:JsonGet of {argument!r}; expected a text Path, and PropertyFile or S3Uri")


def expressions_in(value: Any, place: Path = ()) -> Iterator[Expression]:
    """All expressions of a value, those inside others too."""
    found = expression_at(value, place)
    if found is not None:
        yield found
        if found.function == "Get":
            return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from expressions_in(inner, (*place, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from expressions_in(inner, (*place, number))


def resolve(value: Any, values: Values) -> Any:
    """A value with every expression in its place settled. Raises SagesegError or ServiceError for what is not there."""
    found = expression_at(value)
    if found is not None:
        return _settle(found, values)
    if isinstance(value, Mapping):
        return {name: resolve(inner, values) for name, inner in value.items()}
    return [resolve(inner, values) for inner in value] if isinstance(value, list) else value


def _settle(found: Expression, values: Values) -> Any:
    if found.function == "Get":
        root, *rest = parse_path(found.argument)
        if root == "Steps":
            return follow(values.properties_of(str(rest[0])), tuple(rest[1:]), found.argument)
        return follow(values.fixed[str(root)], tuple(rest), found.argument)
    if found.function == "Std:Join":
        parts = [as_text(resolve(part, values)) for part in found.argument["Values"]]
        return str(found.argument.get("On", "")).join(parts)
    return _json_get(found.argument, values)


def _json_get(argument: Mapping[str, Any], values: Values) -> Any:
    """What a JSON file has at a path: a value that is no object and no list."""
    if "PropertyFile" in argument:
        _, step, _, name = parse_path(argument["PropertyFile"]["Get"])
        uri = values.file_uri(str(step), str(name))
    else:
        uri = resolve(argument["S3Uri"], values)
    found = follow(values.read_json(uri), json_path(argument["Path"]), f"{uri}: {argument['Path']}")
    if isinstance(found, Mapping | list):
        raise SagesegError(f"{uri}: {argument['Path']} is no single value; expected the path of a text or number")
    return found


def json_path(text: str) -> Path:
    """The names and numbers of a JSON path, which may begin with `$`."""
    return parse_path(text.removeprefix("$").removeprefix("."))


def as_text(value: Any) -> str:
    """A value as a part of a text: what is no text as JSON writes it."""
    if isinstance(value, Mapping | list):
        raise SagesegError(f"Std:Join of {json.dumps(value)[:200]}; expected single values")
    return value if isinstance(value, str) else json.dumps(value)


def follow(value: Any, path: Path, told: str) -> Any:
    """What lies at a path; an item of a list is found by its number or by its name."""
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[int(part)]
        elif isinstance(value, list) and isinstance(part, str):
            named = [item for item in value if isinstance(item, Mapping) and part in map(item.get, _NAMED_BY)]
            if not named:
                raise SagesegError(f"{told}: nothing is called {part!r}")
            value = named[0]
        else:
            raise SagesegError(f"{told}: nothing is at {part!r}")
    return value
