"""Pipelines of the emulator, for the tests of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support import processing_setup
from tests.support.emulator_setup import ROLE, request, wait_until

FINISHED = ("Succeeded", "Failed", "Stopped")
SCORES = """
import json
out = root / "processing" / "out"
config = json.loads((root / "config" / "processingjobconfig.json").read_text())
environment = config["Environment"] or {}
print("arguments", sys.argv[2:])
(out / "scores.json").write_text(json.dumps({"iou": {"low": float(environment.get("LOW", "0.5")), "name": "car"}}))
if "FAILS" in environment and not Path(environment["FAILS"]).exists():
    sys.exit(3)
"""
"""A container program that writes a score, and fails until a file is there if it is told one."""


def processing(folder: Path, name: str, **also: Any) -> dict[str, Any]:
    """A processing step over `folder/in` to `folder/<name>`."""
    arguments = processing_setup.asked(folder) | also.pop("Arguments", {})
    del arguments["ProcessingJobName"]
    arguments["ProcessingOutputConfig"] = {"Outputs": [processing_setup.target((folder / name).as_uri())]}
    return {"Name": name, "Type": "Processing", "Arguments": arguments} | also


def training(folder: Path, name: str = "Train", **also: Any) -> dict[str, Any]:
    arguments = request(folder) | also.pop("Arguments", {})
    del arguments["TrainingJobName"]
    return {"Name": name, "Type": "Training", "Arguments": arguments} | also


def fail(name: str = "Stop", message: Any = "too bad", **also: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}} | also


def condition(name: str, *conditions: Any, then: Any = (), otherwise: Any = (), **also: Any) -> dict[str, Any]:
    arguments = {"Conditions": list(conditions), "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments} | also


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def definition(*steps: Any, **also: Any) -> str:
    """The text of a definition of these steps."""
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps)} | also)


def create(sagemaker: Any, *steps: Any, name: str = "cars", **also: Any) -> str:
    """Create a pipeline of these steps; its ARN. `also`: members of the definition."""
    given = {"PipelineName": name, "PipelineDefinition": definition(*steps, **also), "RoleArn": ROLE}
    arn: str = sagemaker.create_pipeline(**given)["PipelineArn"]
    return arn


def start(sagemaker: Any, name: str = "cars", **given: Any) -> str:
    """Start an execution with parameters as boto3 takes them; its ARN."""
    parameters = [{"Name": key, "Value": value} for key, value in given.pop("parameters", {}).items()]
    also = {"PipelineParameters": parameters} if parameters else {}
    arn: str = sagemaker.start_pipeline_execution(PipelineName=name, **also, **given)["PipelineExecutionArn"]
    return arn


def describe(sagemaker: Any, arn: str) -> dict[str, Any]:
    described: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    return described


def wait_for_end(sagemaker: Any, arn: str) -> dict[str, Any]:
    """The description of an execution once it has ended."""
    wait_until(lambda: describe(sagemaker, arn)["PipelineExecutionStatus"] in FINISHED)
    return describe(sagemaker, arn)


def steps_of(sagemaker: Any, arn: str) -> dict[str, dict[str, Any]]:
    """The steps of an execution that have begun, in that order, by their names."""
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=100)
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def statuses(sagemaker: Any, arn: str) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in steps_of(sagemaker, arn).items()}


def job_of(step: dict[str, Any]) -> str:
    """The name of a step's job."""
    (told,) = step["Metadata"].values()
    return str(told["Arn"]).rpartition("/")[2]
