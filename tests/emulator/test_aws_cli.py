"""The AWS CLI, unmodified, against the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.aws_cli import aws as typed
from tests.support.emulator_setup import ROLE, create_model, emulator, request, wait_until
from tests.support.keys import KEYS
from tests.support.package_setup import specification
from tests.support.pipeline_setup import compare, condition
from tests.support.pipeline_setup import definition as pipeline_definition
from tests.support.processing_setup import TELLS, fill
from tests.support.processing_setup import asked as processing_request

AWS = Path(sys.executable).with_name("aws")
TEXT = [{"Name": "A", "Type": "String"}]
REFUSED = 255
"""The exit code of version 1 when the service refused."""

Aws = Callable[..., Any]


def started(words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AWS, *words], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Calls the CLI with a server's URL and words, as a process of its own where asked for; answers what it
    prints, read as JSON."""
    settings = {
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": KEYS.access_key,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # the emulator's own would remember these

    def call(url: str, *words: str, code: int = 0, process: bool = False) -> Any:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        ran = started(words, tmp_path) if process else typed(words, tmp_path)
        assert ran.returncode == code, ran.stderr
        return ran.stderr if code else json.loads(ran.stdout or "null")

    return call


def test_a_training_job_and_its_log(tmp_path: Path, aws: Aws) -> None:
    (tmp_path / "request.json").write_text(json.dumps(request(tmp_path)))
    with emulator(tmp_path) as (_, logs, server):
        words = ("sagemaker", "create-training-job", "--cli-input-json", "file://request.json")
        made = aws(server.url, *words, process=True)
        wait_until(lambda: not server.services.busy)  # `wait` itself polls every 120 s
        named = ("--training-job-name", "job")
        aws(server.url, "sagemaker", "wait", "training-job-completed-or-stopped", *named)
        described = aws(server.url, "sagemaker", "describe-training-job", *named)
        group = "/aws/sagemaker/TrainingJobs"
        stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
        events = aws(server.url, "logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream)
        refused = aws(server.url, *words, code=REFUSED)
    assert described["TrainingJobStatus"] == "Completed"
    assert described["TrainingJobArn"] == made["TrainingJobArn"]
    assert [event["message"] for event in events["events"]][-1].endswith("epoch: 1, train loss: 0.25 .")
    assert "(ResourceInUse) when calling the CreateTrainingJob operation" in refused


def test_an_invocation_and_a_transform_job(tmp_path: Path, aws: Aws) -> None:
    variant = json.dumps([{"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}])
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"\xff\xd8image")
    (tmp_path / "request.json").write_text(json.dumps(transform_request(tmp_path)))
    with emulator(tmp_path) as (sagemaker, _, server):
        create_model(sagemaker, tmp_path)
        config = ("--endpoint-config-name", "config")
        aws(server.url, "sagemaker", "create-endpoint-config", *config, "--production-variants", variant)
        endpoint = ("--endpoint-name", "endpoint")
        aws(server.url, "sagemaker", "create-endpoint", *endpoint, *config)
        wait_until(lambda: sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"] == "InService")
        aws(server.url, "sagemaker", "wait", "endpoint-in-service", *endpoint)
        types = ("--content-type", "image/jpeg", "--accept", "image/png")
        body = ("--body", "fileb://in/a.jpg")
        answer = aws(server.url, "sagemaker-runtime", "invoke-endpoint", *endpoint, *types, *body, "out")
        aws(server.url, "sagemaker", "create-transform-job", "--cli-input-json", "file://request.json")
        wait_until(lambda: not server.services.busy)
        aws(server.url, "sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", "batch")
    assert answer == {"ContentType": "image/png", "InvokedProductionVariant": "AllTraffic"}
    assert (tmp_path / "out").read_bytes() == (tmp_path / "predicted/a.jpg.out").read_bytes() == b"egami\xd8\xff"


def test_a_processing_job(tmp_path: Path, aws: Aws) -> None:
    fill(tmp_path, "a.jpg")
    (tmp_path / "request.json").write_text(json.dumps(processing_request(tmp_path, count=2)))
    named = ("--processing-job-name", "process")
    with emulator(tmp_path, process=TELLS) as (_, _, server):
        words = ("sagemaker", "create-processing-job", "--cli-input-json", "file://request.json")
        made = aws(server.url, *words, process=True)
        wait_until(lambda: not server.services.busy)  # `wait` itself polls every 60 s
        aws(server.url, "sagemaker", "wait", "processing-job-completed-or-stopped", *named)
        described = aws(server.url, "sagemaker", "describe-processing-job", *named)
        listed = aws(server.url, "sagemaker", "list-processing-jobs", "--status-equals", "Completed")
        refused = aws(server.url, "sagemaker", "stop-processing-job", *named, code=REFUSED)
        aws(server.url, "sagemaker", "delete-processing-job", *named)
        gone = aws(server.url, "sagemaker", "describe-processing-job", *named, code=REFUSED)
    assert described["ProcessingJobArn"] == made["ProcessingJobArn"]
    assert (described["ProcessingJobStatus"], described["ExitMessage"]) == ("Completed", "algo-1 done. algo-2 done. ")
    assert [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]] == ["process"]
    assert "(ValidationException) when calling the StopProcessingJob operation" in refused
    assert "Could not find requested job with name: process" in gone


def test_a_model_package(tmp_path: Path, aws: Aws) -> None:
    asked = {"ModelPackageGroupName": "cars", "InferenceSpecification": specification(tmp_path)}
    (tmp_path / "request.json").write_text(json.dumps(asked))
    group = ("--model-package-group-name", "cars")
    with emulator(tmp_path) as (_, _, server):
        aws(server.url, "sagemaker", "create-model-package-group", *group)
        words = ("sagemaker", "create-model-package", "--cli-input-json", "file://request.json")
        arn = aws(server.url, *words)["ModelPackageArn"]
        approval = ("--model-approval-status", "Approved")
        aws(server.url, "sagemaker", "update-model-package", "--model-package-arn", arn, *approval)
        listed = aws(server.url, "sagemaker", "list-model-packages", *group, *approval)["ModelPackageSummaryList"]
        refused = aws(server.url, "sagemaker", "delete-model-package-group", *group, code=REFUSED)
        container = ("--primary-container", f"ModelPackageName={arn}")
        aws(server.url, "sagemaker", "create-model", "--model-name", "model", "--execution-role-arn", ROLE, *container)
    assert [(each["ModelPackageArn"], each["ModelPackageVersion"]) for each in listed] == [(arn, 1)]
    assert "(ConflictException) when calling the DeleteModelPackageGroup operation" in refused


def transform_request(folder: Path) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (folder / "in").as_uri()}}
    return {
        "TransformJobName": "batch",
        "ModelName": "model",
        "TransformInput": {"DataSource": source},
        "TransformOutput": {"S3OutputPath": (folder / "predicted").as_uri()},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def test_an_unknown_instance_type_is_refused_as_by_aws(tmp_path: Path, aws: Aws) -> None:
    asked = request(tmp_path)
    asked["ResourceConfig"]["InstanceType"] = "ml.bogus.xlarge"
    (tmp_path / "request.json").write_text(json.dumps(asked))
    with emulator(tmp_path) as (_, _, server):
        words = ("sagemaker", "create-training-job", "--cli-input-json", "file://request.json")
        refused = aws(server.url, *words, code=REFUSED, process=True)
    assert "(ValidationException) when calling the CreateTrainingJob operation: 1 validation error detected" in refused
    assert "Value 'ml.bogus.xlarge' at 'resourceConfig.instanceType'" in refused


def test_a_pipeline_and_its_steps(tmp_path: Path, aws: Aws) -> None:
    text = pipeline_definition(condition("Check", compare("Equals", {"Get": "Parameters.A"}, "a")), Parameters=TEXT)
    (tmp_path / "pipeline.json").write_text(text)
    words = ("--pipeline-name", "cars", "--role-arn", ROLE, "--pipeline-definition", "file://pipeline.json")
    with emulator(tmp_path) as (_, _, server):
        aws(server.url, "sagemaker", "create-pipeline", *words)
        started = aws(
            server.url, "sagemaker", "start-pipeline-execution", "--pipeline-name", "cars",
            "--pipeline-parameters", "Name=A,Value=a",
        )  # fmt: skip
        arn = ("--pipeline-execution-arn", started["PipelineExecutionArn"])

        def status() -> Any:
            return aws(server.url, "sagemaker", "describe-pipeline-execution", *arn)["PipelineExecutionStatus"]

        wait_until(lambda: status() != "Executing")
        assert status() == "Succeeded"
        (step,) = aws(server.url, "sagemaker", "list-pipeline-execution-steps", *arn)["PipelineExecutionSteps"]
        assert (step["StepName"], step["Metadata"]) == ("Check", {"Condition": {"Outcome": "True"}})
