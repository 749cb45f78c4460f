"""A pipeline's definition, parsed and checked as far as can be before it runs (SageMaker Pipeline Definition JSON
Schema, version 2020-12-01)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from formats.texts.json_text import parse_json
from jobs.emulator.api.wire import without_nulls
from jobs.emulator.pipelines.cache import parse_cache
from jobs.emulator.pipelines.conditions import check_condition
from jobs.emulator.pipelines.expressions import (
    EXECUTION,
    Expression,
    expression_at,
    expressions_in,
    json_path,
    parse_path,
    unparsable,
)
from jobs.emulator.pipelines.kinds import JOBS, check_arguments, knows_property
from jobs.emulator.pipelines.parameters import Parameter, parse_parameters
from jobs.emulator.pipelines.retries import RetryPolicy, parse_retries
from jobs.emulator.store.state import Record

VERSION = "2020-12-01"
TYPES = (*JOBS, "Condition", "Fail")
_TOP = {"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps"}
_STEP = {"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"}
_JOB_STEP = _STEP | {"CacheConfig", "RetryPolicies"}
_CONDITION = {"Conditions", "IfSteps", "ElseSteps"}
_MOST_TOLD = 10
"""Steps of a circle that a refusal names."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Step:
    """`needs` are the steps that must succeed before it, those of its arguments too; `branch` is the condition that it
    stands below, and the outcome that lets it run; `files` are property files: the output that holds each, and the path
    in it."""

    name: str
    type: str
    arguments: Record
    needs: frozenset[str]
    branch: tuple[str, bool] | None
    files: Mapping[str, tuple[str, str]]
    retries: tuple[RetryPolicy, ...]
    cache: float | None
    """For how many seconds an earlier run of it counts; None to run it always."""
    told: Record
    """What lists of steps tell of it: its names and its description."""


@dataclass(frozen=True)
class Definition:
    """Steps stand in the order of the definition, those of a condition after it."""

    parameters: Mapping[str, Parameter]
    experiment: Mapping[str, Any]
    steps: Mapping[str, Step]


def parse_definition(text: str, role: str) -> Definition:
    """Raises ServiceError for a definition that cannot be carried out here; `role` is the pipeline's."""
    try:
        content = without_nulls(parse_json(text.encode("utf-8", "surrogatepass")))
    except ValueError as e:
        raise unparsable(f"It is not JSON ({e}).") from e
    if not isinstance(content, Mapping):
        raise unparsable("Expecting start of Json Object.")
    _refuse_others(content, _TOP, "The definition")
    if content.get("Version") != VERSION:
        raise unparsable(f"Version {content.get('Version')!r}; expected {VERSION!r}")
    experiment = content.get("PipelineExperimentConfig") or {}
    if not isinstance(experiment, Mapping):
        raise unparsable(f"PipelineExperimentConfig is {experiment!r}; expected an object")
    steps: dict[str, Step] = {}
    for step in _parse_steps(content.get("Steps"), "Steps", None):
        if step.name in steps:
            raise unparsable(f"Two steps are called {step.name}; expected a name of its own for each")
        steps[step.name] = step
    if not steps:
        raise unparsable("Steps is empty; expected at least one")
    found = Definition(parse_parameters(content.get("Parameters") or []), experiment, steps)
    _check(found, role)
    return found


def _refuse_others(given: Mapping[str, Any], known: set[str], where: str) -> None:
    others = sorted(given.keys() - known)
    if others:
        raise unparsable(f"{where}: {others[0]} is not emulated; expected {', '.join(sorted(known))}")


def _parse_steps(listed: Any, where: str, branch: tuple[str, bool] | None) -> Iterator[Step]:
    if not isinstance(listed, list):
        raise unparsable(f"{where} is {type(listed).__name__}. Expecting start of Json Array.")
    for each in listed:
        step = _parse_step(each, where, branch)
        yield step
        if step.type == "Condition":
            for member, outcome in (("IfSteps", True), ("ElseSteps", False)):
                inner = each["Arguments"].get(member) or []
                yield from _parse_steps(inner, f"Step {step.name}: {member}", (step.name, outcome))


def _parse_step(each: Any, where: str, branch: tuple[str, bool] | None) -> Step:
    if not isinstance(each, Mapping):
        raise unparsable(f"{where}: {each!r}. Expecting start of Json Object.")
    name, kind, arguments = each.get("Name"), each.get("Type"), each.get("Arguments")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise unparsable(f"{where}: a step's Name {name!r}; expected up to 64 letters, digits, - and _")
    where = f"Step {name}"
    if kind not in TYPES:
        raise unparsable(f"{where}: Type {kind!r} is not emulated; expected one of {', '.join(TYPES)}")
    if not isinstance(arguments, Mapping):
        raise unparsable(f"{where}: Arguments is {arguments!r}. Expecting start of Json Object.")
    known = (_JOB_STEP if kind in JOBS else _STEP) | ({"PropertyFiles"} if kind == "Processing" else set())
    _refuse_others(each, known, where)
    for label, most in (("DisplayName", 256), ("Description", 3072)):
        if not isinstance(each.get(label, ""), str) or len(each.get(label, "")) > most:
            raise unparsable(f"{where}: {label} {each[label]!r:.100}; expected a text up to {most} characters")
    if kind == "Condition":
        _refuse_others(arguments, _CONDITION, f"{where}: Arguments")
        arguments = {"Conditions": arguments.get("Conditions")}
    return Step(
        name,
        kind,
        dict(arguments),
        _parse_depends(each.get("DependsOn") or [], where) | set(_steps_named(arguments)) | {*((branch or ())[:1])},
        branch,
        _parse_files(each.get("PropertyFiles") or [], where),
        parse_retries(each.get("RetryPolicies") or [], where),
        parse_cache(each.get("CacheConfig") or {}, str(kind), where),
        {f"Step{label}": each[label] for label in ("DisplayName", "Description") if each.get(label)}
        | {"StepName": name},
    )


def _parse_depends(listed: Any, where: str) -> frozenset[str]:
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise unparsable(f"{where}: DependsOn {listed!r}; expected a list of steps' names (a Trigger is not emulated)")
    return frozenset(listed)


def _steps_named(arguments: Any) -> Iterator[str]:
    """The steps whose properties or files a value takes."""
    for found in expressions_in(arguments):
        if found.function == "Get":
            root, *rest = parse_path(found.argument)
            if root == "Steps" and rest:
                yield str(rest[0])


def _parse_files(listed: Any, where: str) -> dict[str, tuple[str, str]]:
    members = {"PropertyFileName", "OutputName", "FilePath"}
    if not isinstance(listed, list) or not all(
        isinstance(each, Mapping) and each.keys() == members and all(isinstance(v, str) for v in each.values())
        for each in listed
    ):
        raise unparsable(f"{where}: PropertyFiles {listed!r}; expected a list of {', '.join(sorted(members))}")
    return {each["PropertyFileName"]: (each["OutputName"], each["FilePath"]) for each in listed}


def _check(definition: Definition, role: str) -> None:
    """What needs the whole definition: names that must be there, no cycle, arguments that its service would take."""
    for step in definition.steps.values():
        where = f"Step {step.name}"
        for name in sorted(step.needs):
            if name not in definition.steps:
                raise unparsable(f"{where} depends on {name}, which is no step of the pipeline")
        for found in expressions_in(step.arguments):
            _check_expression(found, definition, where)
        if step.type == "Condition":
            _check_conditions(step.arguments["Conditions"], where)
        elif step.type == "Fail":
            _check_fail(step.arguments, where)
        else:
            check_arguments(step.type, step.arguments, role, where)
    for found in expressions_in(dict(definition.experiment)):
        if found.function == "Std:JsonGet" or (found.function == "Get" and not _is_settled_first(found.argument)):
            raise unparsable("PipelineExperimentConfig takes values of Parameters and Execution alone")
        _check_expression(found, definition, "PipelineExperimentConfig")
    try:
        TopologicalSorter({step.name: step.needs for step in definition.steps.values()}).prepare()
    except CycleError as e:
        circle = e.args[1] if len(e.args[1]) <= _MOST_TOLD else [*e.args[1][:_MOST_TOLD], "…"]
        raise unparsable(f"Steps wait for each other in a circle: {' -> '.join(circle)}") from e


def _is_settled_first(path: str) -> bool:
    return parse_path(path)[0] in ("Parameters", "Execution")


def _check_conditions(conditions: Any, where: str) -> None:
    if not isinstance(conditions, list) or not conditions:
        raise unparsable(f"{where}: Conditions {conditions!r}; expected a list of at least one")
    for condition in conditions:
        check_condition(condition, where)


def _check_fail(arguments: Record, where: str) -> None:
    _refuse_others(arguments, {"ErrorMessage"}, f"{where}: Arguments")
    message = arguments.get("ErrorMessage", "")
    if not isinstance(message, str) and expression_at(message) is None:
        raise unparsable(f"{where}: ErrorMessage {message!r}; expected a text")


def _check_expression(found: Expression, definition: Definition, where: str) -> None:
    """Raise ServiceError for an expression that can lead nowhere."""
    if found.function == "Get":
        _check_path(found.argument, definition, where)
    elif found.function == "Std:JsonGet":
        json_path(found.argument["Path"])
        if "PropertyFile" in found.argument:
            inner = expression_at(found.argument["PropertyFile"])
            if inner is None or inner.function != "Get" or parse_path(inner.argument)[2:3] != ("PropertyFiles",):
                raise unparsable(
                    f"{where}: Std:JsonGet of {found.argument!r}; expected a Get of Steps.X.PropertyFiles.Y"
                )


def _check_path(text: str, definition: Definition, where: str) -> None:
    root, *rest = parse_path(text)
    first = str(rest[0]) if rest else ""
    known: Mapping[str, Any] | tuple[str, ...]
    if root == "Steps":
        if first not in definition.steps:
            raise unparsable(f"{where}: {text} names no step of the pipeline")
        if not _leads(definition.steps[first], rest[1:]):
            raise unparsable(f"{where}: {text} is no property of a step of type {definition.steps[first].type}")
        return
    if root == "Parameters":
        known = definition.parameters
    elif root == "Execution":
        known = EXECUTION
    elif root == "PipelineExperimentConfig":
        known = definition.experiment
    else:
        raise unparsable(f"{where}: {text}; expected Parameters, Steps, Execution or PipelineExperimentConfig")
    if first not in known or len(rest) != 1:
        raise unparsable(f"{where}: {text} is not known; expected one of {', '.join(known) or '-'}")


def _leads(step: Step, rest: list[str | int]) -> bool:
    if not rest:
        return False
    if rest[0] == "PropertyFiles":
        return len(rest) == 2 and rest[1] in step.files
    if step.type == "Condition":
        return rest == ["Outcome"]
    return step.type in JOBS and knows_property(step.type, str(rest[0]))
