"""The steps of a pipeline, each the request of an operation without its name: checked first as one that could be sent,
with samples for what an execution settles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import (
    Package,
    ServedModel,
    Transform,
    model_request,
    package_request,
    transform_request,
)
from jobs.pipelines.references import Expression, join, parameter, place
from jobs.processing.request import COMMAND, INPUT, OUTPUT, Given, Hosts, Taken, processing_body

HOST_VERB = ("jobs", "pipeline-host")
"""The command of this project that an instance of a step runs."""
THEN = ";"
"""Stands between the command lines of one step."""
TOO_LOW = "TooLow"
"""The step in which an execution fails whose scores do not pass the gate."""
MADE = "/opt/ml/processing/made"
"""Where they work: what each makes goes whole to the step's output of that name, when all are done."""
_SAMPLE = "sageseg-pipeline"
Step = dict[str, Any]


def taken(name: str) -> str:
    """The folder of an input in a step's container."""
    return f"{INPUT}/{name}"


def made(name: str) -> str:
    return f"{MADE}/{name}"


def given_away(*names: str) -> dict[str, str]:
    """The folders of outputs, each called as what was made."""
    return {name: f"{OUTPUT}/{name}" for name in names}


def chained(lines: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Command lines that one container runs, one after the other, as its words. A word of theirs that is like what
    stands between them gets one more of it."""
    return tuple(word for line in lines for word in (THEN, *(word + THEN * _is_then(word) for word in line)))[1:]


def _is_then(word: str) -> bool:
    return bool(word) and not word.strip(THEN)


def unchained(words: Sequence[str]) -> list[list[str]]:
    """The counterpart of `chained`."""
    lines: list[list[str]] = [[]]
    for word in words:
        if word == THEN:
            lines.append([])
        else:
            lines[-1].append(word[_is_then(word) :])
    return lines


def processing_step(
    name: str,
    words: Sequence[str],
    inputs: Sequence[Given],
    outputs: Mapping[str, str],
    hosts: Hosts,
    *,
    verb: Sequence[str] = HOST_VERB,
    kind: str = "ProcessInstanceType",
    files: Mapping[str, str] | None = None,
    command: Sequence[str] = (COMMAND,),
) -> Step:
    """A step that runs command lines of this project, `chained`.

    `outputs` are names with their folders in the container. `files` are property files by their names: each in the
    output that is called so in small letters. `kind` is the parameter of the instance type. `command` is this
    project's, or what installs it first.
    Raises SagesegError for what the service would refuse.
    """
    goes = [Taken(output, place(f"to-{output}"), folder) for output, folder in outputs.items()]
    body = processing_body([*command, *verb], words, inputs, goes, hosts)
    _check("CreateProcessingJob", {"ProcessingJobName": _SAMPLE, **body})
    body["AppSpecification"]["ImageUri"] = parameter("Image")
    body["ProcessingResources"]["ClusterConfig"]["InstanceType"] = parameter(kind)
    step = {"Name": name, "Type": "Processing", "Arguments": body}
    listed = [
        {"PropertyFileName": file, "OutputName": file.lower(), "FilePath": path} for file, path in (files or {}).items()
    ]
    return {**step, "PropertyFiles": listed} if listed else step


def model_step(served: ServedModel) -> Step:
    request = model_request(served)
    _check("CreateModel", request)
    return _step("Model", "Model", request, "ModelName")


def transform_step(transform: Transform) -> Step:
    request = transform_request(transform)
    _check("CreateTransformJob", request)
    request["TransformResources"] |= {
        "InstanceType": parameter("PredictInstanceType"),
        "InstanceCount": parameter("PredictInstances"),
    }
    step = _step("Transform", "Transform", request, "TransformJobName")
    step["Arguments"]["ModelName"] = {"Get": "Steps.Model.ModelName"}
    return step


def register_step(group: str, image: str, artefact: str, scores: str, tags: Sequence[Mapping[str, str]]) -> Step:
    """A version of a model package in a group, with where its scores lie, which waits for a person's approval."""
    request = package_request(Package(group, image, artefact, scores, tags=tags))
    _check("CreateModelPackage", request)
    return {"Name": "Register", "Type": "RegisterModel", "Arguments": request}


def training_step(request: Mapping[str, Any]) -> Step:
    """A training job's or a tuning job's request, which was checked when it was planned."""
    if "TrainingJobDefinition" not in request:
        step = _step("Train", "Training", dict(request), "TrainingJobName")
        step["Arguments"]["ResourceConfig"] = _on_parameter(request)
        return step
    step = _step("Tune", "Tuning", dict(request), "HyperParameterTuningJobName")
    definition = request["TrainingJobDefinition"]
    step["Arguments"]["TrainingJobDefinition"] = {**definition, "ResourceConfig": _on_parameter(definition)}
    return step


def _on_parameter(request: Mapping[str, Any]) -> dict[str, Any]:
    return {**request["ResourceConfig"], "InstanceType": parameter("TrainInstanceType")}


def gate_steps(low: Mapping[str, tuple[Expression, Expression]], passed: Sequence[Step]) -> Step:
    """Goes on with `passed` where each score's lower bound, the first of its pair, is at least the second; else the
    execution fails and says how low they are."""
    conditions = [
        {"Type": "GreaterThanOrEqualTo", "LeftValue": bound, "RightValue": least} for bound, least in low.values()
    ]
    told: list[Any] = ["the scores are too low, or too unsure"]
    for score, (bound, least) in low.items():
        told += [f"; {score} may be as low as ", bound, ", and is to be at least ", least]
    fail = {"Name": TOO_LOW, "Type": "Fail", "Arguments": {"ErrorMessage": join(*told)}}
    return {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {"Conditions": conditions, "IfSteps": list(passed), "ElseSteps": [fail]},
    }


def _step(name: str, kind: str, request: dict[str, Any], name_member: str) -> Step:
    """A pipeline names its jobs itself."""
    return {
        "Name": name,
        "Type": kind,
        "Arguments": {key: value for key, value in request.items() if key != name_member},
    }


def _check(operation: str, request: Mapping[str, Any]) -> None:
    check_request("sagemaker", operation, request, file_uris=True)
