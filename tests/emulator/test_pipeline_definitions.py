"""What CreatePipeline refuses of a definition, and how values of expressions are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.pipelines.definition import parse_definition
from jobs.emulator.pipelines.expressions import Values, follow, json_path, parse_path, resolve
from jobs.emulator.pipelines.kinds import JOBS, job_name
from jobs.emulator.pipelines.record import ready
from tests.support.emulator_setup import ROLE
from tests.support.pipeline_setup import compare, condition, definition, fail, get, processing, training

NOWHERE = Path("/nowhere")
A = processing(NOWHERE, "A")
EQUAL = compare("Equals", 1, 1)


def changed(step: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return step | {"Arguments": step["Arguments"] | arguments}


def without(step: dict[str, Any], name: str) -> dict[str, Any]:
    return step | {"Arguments": {key: value for key, value in step["Arguments"].items() if key != name}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        ("[]", "Expecting start of Json Object"),
        ("{}", "Version None"),
        (json.dumps({"Version": "2021-01-01", "Steps": [A]}), "expected '2020-12-01'"),
        (definition(), "Steps is empty"),
        (definition(A, Triggers=[]), "Triggers is not emulated"),
        (definition(A, A), "Two steps are called A"),
        (definition(A | {"Name": "a b"}), "Name 'a b'"),
        (definition(A | {"Type": "Lambda"}), "Type 'Lambda' is not emulated"),
        (definition(A | {"Type": "RegisterModel"}), "Unknown Argument member 'AppSpecification'"),
        (
            definition({"Name": "R", "Type": "RegisterModel", "Arguments": {"ModelPackageName": "x"}}),
            "ModelPackageName, a name of one's own",
        ),
        (definition(A | {"Timeout": 1}), "Timeout is not emulated"),
        (definition(A | {"CacheConfig": {"Enabled": "yes"}}), "CacheConfig.Enabled 'yes'; expected true or false"),
        (definition(A | {"CacheConfig": {"Enabled": True, "For": "1d"}}), "expected Enabled and ExpireAfter"),
        (
            definition(A | {"CacheConfig": {"Enabled": True, "ExpireAfter": "soon"}}),
            "ExpireAfter 'soon'; expected an ISO",
        ),
        (
            definition({"Name": "M", "Type": "Model", "Arguments": {}, "CacheConfig": {"Enabled": True}}),
            "CacheConfig of a step of type Model; expected one of Processing",
        ),
        (definition(A | {"DependsOn": ["B"]}), "depends on B, which is no step"),
        (definition(A | {"DependsOn": [{"Step": "B", "Trigger": "Failed"}]}), "a Trigger is not emulated"),
        (definition(A | {"DependsOn": ["A"]}), "circle: A -> A"),
        (definition(changed(A, ModelPackageName="x")), "Unknown Argument member 'ModelPackageName'"),
        (definition(changed(A, ProcessingJobName="x")), "ProcessingJobName, a name of one's own"),
        (definition(without(A, "AppSpecification")), "'appSpecification' failed to satisfy constraint"),
        (definition(changed(A, ProcessingInputs="x")), "Expected list or null"),
        (definition(changed(A, Environment={"A": get("Parameters.X")})), "Parameters.X is not known"),
        (definition(changed(A, Environment={"A": get("Execution.Now")})), "Execution.Now is not known"),
        (definition(changed(A, Environment={"A": get("Steps.B.ProcessingJobName")})), "depends on B"),
        (definition(A, fail(message=get("Steps.A.ModelArtifacts"))), "no property of a step of type Processing"),
        (definition(A, fail(message=get("Steps.A"))), "no property of a step of type Processing"),
        (definition(A, fail(message=get("Elsewhere.A"))), "expected Parameters, Steps, Execution"),
        (definition(A, fail(message=get("Steps.A..B"))), "is no path"),
        (definition(fail(message={"Std:Split": {}})), "Function Std:Split is not emulated"),
        (definition(fail(message={"Std:Join": {"On": "-"}})), "Std:Join of"),
        (definition(fail(message={"Std:JsonGet": {"Path": "a"}})), "PropertyFile or S3Uri"),
        (
            definition(A, fail(message={"Std:JsonGet": {"PropertyFile": get("Steps.A.PropertyFiles.F"), "Path": "a"}})),
            "no property of a step",
        ),
        (definition(fail(message={"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a[*]"}})), "is no path"),
        (
            definition(A, PipelineExperimentConfig={"TrialName": get("Steps.A.RoleArn")}),
            "Parameters and Execution alone",
        ),
        (definition(*[fail(f"S{n}", DependsOn=[f"S{(n + 1) % 99}"]) for n in range(99)]), " -> …"),
        (definition(condition("C")), "expected a list of at least one"),
        (definition(condition("C", {"Type": "Like"})), "Type 'Like'"),
        (definition(condition("C", EQUAL | {"Extra": 1})), "expected Type, LeftValue, RightValue"),
        (definition(condition("C", {"Type": "Or", "Conditions": []})), "a list of at least one"),
        (definition(condition("C", EQUAL, then=[A], otherwise=[A])), "Two steps are called A"),
        (definition(A, Parameters=[{"Name": "P", "Type": "Date"}]), "of Type 'Date'"),
        (definition(A, Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]), "is no Integer"),
        (definition(A, Parameters=[{"Name": "P", "Type": "String"}] * 2), "declared twice"),
        (definition(A | {"RetryPolicies": [{"ExceptionType": ["Any"], "MaxAttempts": 1}]}), "ExceptionType ['Any']"),
        (
            definition(A | {"RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}]}),
            "MaxAttempts 21; expected a number that is not negative up to 20",
        ),
        (
            definition(
                A
                | {
                    "RetryPolicies": [
                        {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 43201, "MaxAttempts": 1}
                    ]
                }
            ),
            "IntervalSeconds 43201; expected a number that is not negative up to 43200",
        ),
    ],
)
def test_a_definition_that_cannot_be_carried_out_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ServiceError) as refusal:
        parse_definition(text, ROLE)
    assert refusal.value.message.startswith("Unable to parse pipeline definition. ")
    assert problem in refusal.value.message


def test_expressions_may_stand_where_the_service_wants_a_value_of_another_type(tmp_path: Path) -> None:
    parameters = [{"Name": "N", "Type": "Integer", "DefaultValue": 1}, {"Name": "U", "Type": "String"}]
    step = training(
        tmp_path,
        Arguments={
            "ResourceConfig": {
                "InstanceType": get("Parameters.U"),
                "InstanceCount": get("Parameters.N"),
                "VolumeSizeInGB": 1,
            },
            "HyperParameters": {"num_classes": {"Std:Join": {"On": "", "Values": [get("Parameters.N")]}}},
            "OutputDataConfig": {"S3OutputPath": get("Parameters.U")},
        },
    )
    found = parse_definition(definition(step, Parameters=parameters), ROLE)
    assert found.steps["Train"].needs == frozenset()


def test_members_that_are_null_are_as_those_that_are_not_there() -> None:
    nulls = {"CacheConfig": None, "DisplayName": None, "DependsOn": None}
    text = definition(changed(A, ExperimentConfig=None) | nulls, MlflowConfig=None, PipelineExperimentConfig=None)
    assert parse_definition(text, ROLE) == parse_definition(definition(A), ROLE)


def test_a_step_needs_those_whose_values_it_takes_and_the_condition_above_it() -> None:
    inner = changed(processing(NOWHERE, "B"), Environment={"A": {"Std:Join": {"Values": [get("Steps.A.RoleArn")]}}})
    found = parse_definition(definition(condition("C", EQUAL, then=[inner]), A, fail(DependsOn=["B"])), ROLE)
    assert {step.name: set(step.needs) for step in found.steps.values()} == {
        "C": set(),
        "B": {"A", "C"},
        "A": set(),
        "Stop": {"B"},
    }


@given(st.data())
def test_every_step_begins_once_all_that_it_needs_has_succeeded(data: st.DataObject) -> None:
    """Of any definition without circles and conditions all steps begin, each after what it needs."""
    names = [f"S{number}" for number in range(data.draw(st.integers(1, 7)))]
    needs = {
        name: data.draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else []
        for at, name in enumerate(names)
    }
    steps = data.draw(st.permutations([fail(name, DependsOn=needs[name]) for name in names]))
    found = parse_definition(definition(*steps), ROLE)
    done: dict[str, dict[str, Any]] = {}
    while beginning := ready(found, done):
        assert all(done[need]["StepStatus"] == "Succeeded" for step in beginning for need in step.needs)
        done |= {step.name: {"StepStatus": "Succeeded"} for step in beginning[: data.draw(st.integers(1, 3))]}
    assert done.keys() == set(names)


PLAIN = st.text(alphabet="abcXYZ-_09", min_size=1)


@given(
    st.lists(
        st.one_of(PLAIN, st.integers(0, 9), st.text(alphabet=st.characters(exclude_characters="'", codec="utf-8")))
    )
)
def test_a_path_is_parsed_as_it_is_written(parts: list[str | int]) -> None:
    def written(part: str | int) -> str:
        return f"[{part}]" if isinstance(part, int) else f"['{part}']"

    assert parse_path("Steps" + "".join(map(written, parts))) == ("Steps", *parts)


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b", 1), ("$.a.b", 1), ("c[1].d", 2), ("c['x'].d", 3), ("['e.f']", 4)],
)
def test_what_lies_at_a_json_path(path: str, value: int) -> None:
    content = {"a": {"b": 1}, "c": [{"Name": "x", "d": 3}, {"d": 2}], "e.f": 4}
    assert follow(content, json_path(path), path) == value


@pytest.mark.parametrize("path", ["a.c", "c[2]", "c['y']", "a.b.c"])
def test_what_lies_nowhere_is_told_by_its_path(path: str) -> None:
    with pytest.raises(SagesegError) as told:
        follow({"a": {"b": 1}, "c": [{"Name": "x"}]}, json_path(path), path)
    assert str(told.value).startswith(f"{path}: ")


def test_a_value_without_expressions_stays_as_it_is() -> None:
    value = {"a": [1, "b", {"Std": 1, "Get": "x"}], "c": None}
    none = Values({}, lambda _: None, lambda *_: "", lambda _: None)
    assert resolve(value, none) == value


@given(st.sampled_from(sorted(JOBS)), st.text(alphabet="abcXYZ-_09", min_size=1, max_size=64))
def test_names_of_jobs_keep_to_their_limits(kind: str, step: str) -> None:
    name = job_name(kind, "abcdefghijkl", step, "R" * 10)
    assert len(name) <= JOBS[kind].longest
    assert name.startswith("abcdefghijkl-" if kind == "Tuning" else "pipelines-abcdefghijkl-")
    assert name.endswith("-RRRRRRRRRR")
    assert "_" not in name
