"""RegisterModel steps, seen by an unmodified boto3 client: versions with their metrics, and models made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.emulator_setup import emulator, rehearse
from tests.support.package_setup import METRICS, PREFIX, specification
from tests.support.pipeline_setup import create, get, job_of, start, steps_of, training, wait_for_end


def register(folder: Path, name: str = "Register", **arguments: Any) -> dict[str, Any]:
    given = {"InferenceSpecification": specification(folder), **arguments}
    return {"Name": name, "Type": "RegisterModel", "Arguments": given}


def model_of(step: str) -> dict[str, Any]:
    container = {"ModelPackageName": get(f"Steps.{step}.ModelPackageArn")}
    return {"Name": "Serve", "Type": "Model", "Arguments": {"PrimaryContainer": container}}


def test_a_training_is_registered_and_a_model_is_made_of_it(tmp_path: Path) -> None:
    """The group is created by the first execution; each execution adds a version."""
    trained = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    given = specification(tmp_path)
    given["Containers"][0]["ModelDataUrl"] = trained
    group = {"Std:Join": {"On": "-", "Values": ["all", get("Parameters.Group")]}}
    with emulator(tmp_path) as (sagemaker, _, _):
        create(
            sagemaker,
            training(tmp_path),
            register(
                tmp_path,
                ModelPackageGroupName=group,
                InferenceSpecification=given,
                ModelApprovalStatus="Approved",
                ModelMetrics=METRICS,
            ),
            model_of("Register"),
            Parameters=[{"Name": "Group", "Type": "String", "DefaultValue": "cars"}],
        )
        for version in (1, 2):
            arn = start(sagemaker)
            assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(sagemaker, arn)
            step = steps_of(sagemaker, arn)["Register"]
            assert step["Metadata"] == {"RegisterModel": {"Arn": f"{PREFIX}:model-package/all-cars/{version}"}}
        package = sagemaker.describe_model_package(ModelPackageName="all-cars/2")
        job = sagemaker.describe_training_job(TrainingJobName=job_of(steps_of(sagemaker, arn)["Train"]))
        (container,) = package["InferenceSpecification"]["Containers"]
        assert container["ModelDataUrl"] == job["ModelArtifacts"]["S3ModelArtifacts"]
        assert package["ModelMetrics"] == METRICS
        model = sagemaker.describe_model(ModelName=job_of(steps_of(sagemaker, arn)["Serve"]))
        assert model["PrimaryContainer"]["ModelPackageName"] == package["ModelPackageArn"]


def test_a_package_without_group_is_called_like_a_job(tmp_path: Path) -> None:
    given = specification(tmp_path)
    with emulator(tmp_path) as (sagemaker, _, _):
        create(sagemaker, register(tmp_path, InferenceSpecification=given))
        arn = start(sagemaker)
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(sagemaker, arn)
        name = job_of(steps_of(sagemaker, arn)["Register"])
        assert name.startswith(f"pipelines-{arn.rpartition('/')[2]}-Register-")
        assert sagemaker.describe_model_package(ModelPackageName=name)["ModelPackageName"] == name


def test_what_is_not_approved_makes_no_model_and_what_is_throttled_is_registered_again(tmp_path: Path) -> None:
    rehearse(tmp_path, {"calls": {"CreateModelPackageGroup": 1, "CreateModelPackage": 1}})
    with emulator(tmp_path) as (sagemaker, _, _):
        again = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 0, "MaxAttempts": 2}
        step = register(tmp_path, ModelPackageGroupName="cars") | {"RetryPolicies": [again]}
        create(sagemaker, step, model_of("Register"))
        arn = start(sagemaker)
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
        steps = steps_of(sagemaker, arn)
        assert (steps["Register"]["StepStatus"], steps["Register"]["AttemptCount"]) == ("Succeeded", 3)
        assert "is PendingManualApproval; only an Approved one" in steps["Serve"]["FailureReason"]
        assert json.dumps(steps["Register"]["Metadata"]).count("/cars/1") == 1
