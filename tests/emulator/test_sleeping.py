"""Serverless and asynchronous endpoints of the emulator, by an unmodified boto3 client: when they sleep, what wakes
them, and what becomes of the requests that wait."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.emulator.endpoints.capacity import Now, Scaling, is_wanted
from jobs.emulator.endpoints.record import Deployment
from jobs.emulator.server import Server
from tests.support.emulator_setup import (
    client,
    create_model,
    emulator,
    is_alive,
    killable_emulator,
    programs,
    rehearse,
    wait_until,
)
from tests.support.hosting_setup import invoke, status

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
WHERE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/endpoint/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 2.0,
    "CustomizedMetricSpecification": {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Statistic": "Average",
    },
}
STEP = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}
HOLDS = """
held = Path(__file__).with_name("held")
def answer(path, headers, body):
    if body == b"bad":
        return 415, {}, b"not an image"
    while body == b"held" and not held.exists():
        time.sleep(0.01)
    return 200, {"Content-Type": "text/plain"}, f"{os.getpid()} {headers.get('Accept')}".encode()
"""
"""Says which container answers; `held` is answered when a file is there."""


def configure(sagemaker: Any, **also: Any) -> None:
    variant = {"VariantName": "AllTraffic", "ModelName": "model", **also.pop("variant")}
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant], **also)


def put_in_service(sagemaker: Any, folder: Path, **also: Any) -> None:
    create_model(sagemaker, folder)
    configure(sagemaker, **also)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    wait_until(lambda: status(sagemaker) == "InService")


def asynchronous(folder: Path, **client_config: int) -> dict[str, Any]:
    output = {"S3OutputPath": (folder / "answers").as_uri(), "S3FailurePath": (folder / "failed").as_uri()}
    config = {"OutputConfig": output, "ClientConfig": client_config}
    return {"variant": {"InstanceType": "ml.c5.xlarge"}, "AsyncInferenceConfig": config}


def container(server: Server) -> int:
    return int(invoke(server)["Body"].split()[0])


def send(url: str, folder: Path, body: bytes, **also: Any) -> tuple[Path, Path]:
    """Queue a request; where its answer and its failure come."""
    image = folder / f"{body.decode()}.jpg"
    image.write_bytes(body)
    with client("sagemaker-runtime", url) as runtime:
        told = runtime.invoke_endpoint_async(EndpointName="endpoint", InputLocation=image.as_uri(), **also)
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 202
    places = told["OutputLocation"], told["FailureLocation"]
    answer, failure = (Path(place.removeprefix("file://")) for place in places)
    return answer, failure


def let_sleep(server: Server, *, step: bool = True, tracking: bool = True) -> None:
    with client("application-autoscaling", server.url) as made:
        made.register_scalable_target(**WHERE, MinCapacity=0, MaxCapacity=2)
        if tracking:
            made.put_scaling_policy(
                **WHERE,
                PolicyName="follows",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=TRACKING,
            )
        if step:
            made.put_scaling_policy(
                **WHERE, PolicyName="first", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP
            )


def instances(sagemaker: Any) -> int:
    (variant,) = sagemaker.describe_endpoint(EndpointName="endpoint")["ProductionVariants"]
    count: int = variant["CurrentInstanceCount"]
    return count


PLAIN = Deployment("config", "AllTraffic", "ml.c5.xlarge", 1.0, "image", None, {})
ASYNC = Deployment("config", "AllTraffic", "ml.c5.xlarge", 1.0, "image", None, {}, answers={})
LAMBDA = Deployment("config", "AllTraffic", "", 1.0, "image", None, {}, serverless=SERVERLESS)
BOTH, ONLY_FOLLOWS = Scaling(0, 5.0, from_none=True), Scaling(0, 5.0, from_none=False)
QUIET, BUSY = Now(awake=True, waiting=0, quiet=True), Now(awake=True, waiting=1, quiet=False)
PAUSES, ASLEEP = Now(awake=True, waiting=0, quiet=False), Now(awake=False, waiting=0, quiet=True)


@pytest.mark.parametrize(
    ("deployment", "told", "now", "wanted"),
    [
        (PLAIN, None, QUIET, True),
        (LAMBDA, None, QUIET, False),
        (LAMBDA, None, PAUSES, True),
        (LAMBDA, None, ASLEEP, False),
        (LAMBDA, None, Now(awake=False, waiting=1, quiet=False), True),
        (ASYNC, None, QUIET, True),  # nothing was told of scaling: it stays as it is
        (ASYNC, None, ASLEEP, False),
        (ASYNC, BOTH, QUIET, False),
        (ASYNC, BOTH, PAUSES, True),
        (ASYNC, BOTH, BUSY, True),
        (ASYNC, BOTH, Now(awake=False, waiting=1, quiet=False), True),
        (ASYNC, ONLY_FOLLOWS, Now(awake=False, waiting=5, quiet=False), False),
        (ASYNC, ONLY_FOLLOWS, Now(awake=False, waiting=6, quiet=False), True),
        (ASYNC, Scaling(0, None, from_none=True), QUIET, True),
        (ASYNC, Scaling(0, None, from_none=False), Now(awake=False, waiting=9, quiet=False), False),
        (ASYNC, Scaling(1, 5.0, from_none=True), QUIET, True),
        (ASYNC, Scaling(1, 5.0, from_none=True), ASLEEP, True),
    ],
)
def test_who_sleeps_and_who_is_awake(deployment: Deployment, told: Scaling | None, now: Now, wanted: bool) -> None:
    assert is_wanted(deployment, told, now) is wanted


def test_a_serverless_endpoint_is_described_sleeps_and_wakes_when_it_is_asked(tmp_path: Path) -> None:
    rehearse(tmp_path, {"endpoints": {"endpoint": {"sleeps_after_seconds": 0}}})
    with emulator(tmp_path, serve=HOLDS) as (sagemaker, _, server):
        put_in_service(sagemaker, tmp_path, variant={"ServerlessConfig": SERVERLESS})
        (variant,) = sagemaker.describe_endpoint(EndpointName="endpoint")["ProductionVariants"]
        first = container(server)
        wait_until(lambda: not is_alive(first))  # of a serverless endpoint nobody is told that it sleeps
        second = container(server)
    assert (variant["CurrentServerlessConfig"], variant["DesiredServerlessConfig"]) == (SERVERLESS, SERVERLESS)
    assert "CurrentInstanceCount" not in variant
    assert first != second


def test_a_serverless_endpoint_throttles_what_is_too_much_at_a_time(tmp_path: Path) -> None:
    with emulator(tmp_path, serve=HOLDS) as (sagemaker, _, server):
        put_in_service(sagemaker, tmp_path, variant={"ServerlessConfig": SERVERLESS})
        first = threading.Thread(target=invoke, args=(server,), kwargs={"body": b"held"})
        first.start()
        wait_until(lambda: server.services.endpoints.has_waiting)
        with pytest.raises(ClientError, match=r"\(ThrottlingException\).*Rate exceeded"):
            invoke(server)
        (tmp_path / "held").touch()
        first.join()
        assert container(server)
        with pytest.raises(ClientError, match=r"\(413\).*HTTP content length exceeded 4194304 bytes\."):
            invoke(server, body=bytes(4 * 2**20 + 1))


def test_requests_wait_are_answered_and_fail_where_they_say(tmp_path: Path) -> None:
    with emulator(tmp_path, serve=HOLDS) as (sagemaker, _, server):
        put_in_service(sagemaker, tmp_path, **asynchronous(tmp_path))
        described = sagemaker.describe_endpoint(EndpointName="endpoint")
        good, _ = send(server.url, tmp_path, b"good", Accept="image/png", ContentType="image/jpeg")
        _, refused = send(server.url, tmp_path, b"bad")
        (tmp_path / "gone.jpg").unlink(missing_ok=True)
        with client("sagemaker-runtime", server.url) as runtime:
            gone = (tmp_path / "gone.jpg").as_uri()
            told = runtime.invoke_endpoint_async(EndpointName="endpoint", InputLocation=gone, InferenceId="mine")
            with pytest.raises(ClientError, match="Endpoint endpoint is asynchronous: InvokeEndpointAsync asks it"):
                runtime.invoke_endpoint(EndpointName="endpoint", Body=b"good")
        missing = Path(told["FailureLocation"].removeprefix("file://"))
        wait_until(lambda: good.exists() and refused.exists() and missing.exists())
        assert good.read_text().endswith(" image/png")
        assert refused.read_text().startswith('Received client error (415) from primary with message "not an image".')
        assert "gone.jpg" in missing.read_text()
        assert told["InferenceId"] == "mine"
        wait_until(lambda: not server.services.busy)
    assert described["AsyncInferenceConfig"] == asynchronous(tmp_path)["AsyncInferenceConfig"]
    assert list((tmp_path / "home").rglob("waiting/*.json")) == []


def test_an_asynchronous_endpoint_sleeps_by_its_policies_and_wakes_by_them(tmp_path: Path) -> None:
    rehearse(tmp_path, {"endpoints": {"endpoint": {"sleeps_after_seconds": 0}}})
    with emulator(tmp_path, serve=HOLDS) as (sagemaker, _, server):
        put_in_service(sagemaker, tmp_path, **asynchronous(tmp_path))
        let_sleep(server, step=False)
        wait_until(lambda: instances(sagemaker) == 0)
        waits = [send(server.url, tmp_path, f"image{number}".encode())[0] for number in range(2)]
        assert server.services.busy  # who waits keeps the server up
        assert instances(sagemaker) == 0  # two may wait
        waits.append(send(server.url, tmp_path, b"image2")[0])
        wait_until(lambda: all(answer.exists() for answer in waits))
        wait_until(lambda: instances(sagemaker) == 0)
        let_sleep(server)
        answer, _ = send(server.url, tmp_path, b"image")
        wait_until(answer.exists)


def test_what_waits_outlives_the_server(tmp_path: Path) -> None:
    programs(tmp_path, serve=HOLDS)
    with killable_emulator(tmp_path) as (url, _), client("sagemaker", url) as sagemaker:
        put_in_service(sagemaker, tmp_path, **asynchronous(tmp_path, MaxConcurrentInvocationsPerInstance=1))
        held, _ = send(url, tmp_path, b"held")
        later, _ = send(url, tmp_path, b"later")
        wait_until(lambda: len(list((tmp_path / "home").rglob("waiting/*.json"))) == 2)
    with killable_emulator(tmp_path) as (_, _server):
        (tmp_path / "held").touch()
        wait_until(lambda: held.exists() and later.exists())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"variant": {"ServerlessConfig": {**SERVERLESS, "MemorySizeInMB": 1500}}}, "MemorySizeInMB 1500 is not supp"),
        ({"variant": {"ServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 1}}}, "ProvisionedConcurrency is n"),
        ({"variant": {"ServerlessConfig": SERVERLESS, "InitialInstanceCount": 1}}, "InitialInstanceCount must not be"),
        (
            {"variant": {"ServerlessConfig": SERVERLESS}, "AsyncInferenceConfig": {"OutputConfig": {}}},
            "is not supporte",
        ),
        (
            {"variant": {"InstanceType": "ml.c5.xlarge"}, "AsyncInferenceConfig": {"OutputConfig": {}}},
            "S3OutputPath is",
        ),
    ],
)
def test_configurations_that_are_refused(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with pytest.raises(ClientError, match=rf"\(ValidationException\).*{text}"):
            configure(sagemaker, **changes)


def test_scaling_is_told_found_and_forgotten_as_application_auto_scaling_does(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, server), client("application-autoscaling", server.url) as made:
        with pytest.raises(ClientError, match="There is no variant endpoint/endpoint/variant/AllTraffic to scale"):
            made.register_scalable_target(**WHERE, MinCapacity=0, MaxCapacity=1)
        put_in_service(sagemaker, tmp_path, **asynchronous(tmp_path))
        for call, also in (("put_scaling_policy", {"PolicyName": "first"}), ("deregister_scalable_target", {})):
            with pytest.raises(made.exceptions.ObjectNotFoundException, match="No scalable target registered for serv"):
                getattr(made, call)(**WHERE, **also)
        with pytest.raises(ClientError, match="Maximum capacity cannot be less than minimum capacity"):
            made.register_scalable_target(**WHERE, MinCapacity=2, MaxCapacity=1)
        let_sleep(server)
        arn = made.register_scalable_target(**WHERE, MaxCapacity=7)["ScalableTargetARN"]
        (target,) = made.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        assert (target["ScalableTargetARN"], target["MinCapacity"], target["MaxCapacity"]) == (arn, 0, 7)
        pages = made.get_paginator("describe_scaling_policies").paginate(
            ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}
        )
        policies = [policy for page in pages for policy in page["ScalingPolicies"]]
        assert [policy["PolicyName"] for policy in policies] == ["follows", "first"]
        assert policies[1]["StepScalingPolicyConfiguration"] == STEP
        made.delete_scaling_policy(**WHERE, PolicyName="first")
        with pytest.raises(made.exceptions.ObjectNotFoundException, match="No scaling policy registered"):
            made.delete_scaling_policy(**WHERE, PolicyName="first")
        made.deregister_scalable_target(**WHERE)
        assert made.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
