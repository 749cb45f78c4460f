"""Models, endpoint configurations and endpoints, seen by an unmodified boto3 client."""

from __future__ import annotations

import os
import re
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.emulator.host.serving_container import SOCKET
from jobs.emulator.server import Server
from tests.support.emulator_setup import ROLE, artefact, create_model, emulator, is_alive, rehearse, wait_until
from tests.support.hosting_setup import PREFIX, configure, deploy, invoke, status

NUMBER = """
def answer(path, headers, body):
    return 200, {"Content-Type": "text/plain"}, str(os.getpid()).encode()
"""


def test_an_endpoint_from_its_model_to_its_deletion(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, logs, server):
        described = deploy(sagemaker, tmp_path)
        answer = invoke(server, body=b"\xff\xd8\x00image", ContentType="image/jpeg", Accept="image/png")
        group = "/aws/sagemaker/Endpoints/endpoint"
        (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        sagemaker.delete_endpoint(EndpointName="endpoint")
        wait_until(lambda: status(sagemaker) == "")
        with pytest.raises(sagemaker.exceptions.ClientError, match="Endpoint endpoint of account"):
            invoke(server)
        sagemaker.delete_endpoint_config(EndpointConfigName="config")
        sagemaker.delete_model(ModelName="model")
        assert sagemaker.list_models()["Models"] == []
    assert (described["EndpointStatus"], described["EndpointArn"]) == ("InService", f"{PREFIX}:endpoint/endpoint")
    variant = described["ProductionVariants"][0]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == OPEN_IMAGE
    assert (answer["Body"], answer["ContentType"]) == (b"egami\x00\xd8\xff", "image/png")
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert re.fullmatch(r"AllTraffic/i-[0-9a-f]{17}", stream["logStreamName"])
    assert events[0]["message"] == "serving ['weights']"
    assert not (tmp_path / "home/emulator/endpoints/endpoint").exists()


def test_models_and_configurations_are_described_and_listed(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        arn = create_model(sagemaker, tmp_path, Environment={"SHADE": "blue"})
        configure(sagemaker)
        model = sagemaker.describe_model(ModelName="model")
        config = sagemaker.describe_endpoint_config(EndpointConfigName="config")
        listed = sagemaker.list_endpoint_configs(NameContains="conf")["EndpointConfigs"]
    assert arn == model["ModelArn"] == f"{PREFIX}:model/model"
    assert model["PrimaryContainer"] == {
        "Image": OPEN_IMAGE,
        "Mode": "SingleModel",
        "ModelDataUrl": (tmp_path / "model.tar.gz").as_uri(),
        "Environment": {"SHADE": "blue"},
    }
    assert config["ProductionVariants"][0]["InitialVariantWeight"] == 1.0
    assert [found["EndpointConfigArn"] for found in listed] == [f"{PREFIX}:endpoint-config/config"]


@pytest.mark.parametrize(
    "serve",
    ["sys.exit(1)", "def healthy():\n    return False\nimport threading\nthreading.Timer(0.2, os._exit, (1,)).start()"],
    ids=["ends at once", "never healthy"],
)
def test_a_container_that_is_not_healthy(tmp_path: Path, serve: str) -> None:
    with emulator(tmp_path, serve=serve) as (sagemaker, _, server):
        described = deploy(sagemaker, tmp_path)
        assert described["EndpointStatus"] == "Failed"
        assert described["FailureReason"] == (
            "The primary container for production variant AllTraffic did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )
        with pytest.raises(sagemaker.exceptions.ClientError, match="not found"):
            invoke(server)
        sagemaker.delete_endpoint(EndpointName="endpoint")
        wait_until(lambda: status(sagemaker) == "")


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"capacity_error": True}, "Unable to provision requested ML compute capacity due to InsufficientInstance"),
        ({"ping_fails": True}, "did not pass the ping health check"),
    ],
)
def test_rehearsed_failures_of_a_deployment(tmp_path: Path, trouble: dict[str, Any], reason: str) -> None:
    rehearse(tmp_path, {"endpoints": {"ml.c5.xlarge": trouble}})
    with emulator(tmp_path) as (sagemaker, _, _):
        described = deploy(sagemaker, tmp_path)
    assert (described["EndpointStatus"], reason in described["FailureReason"]) == ("Failed", True)


def test_an_endpoint_takes_a_new_configuration(tmp_path: Path) -> None:
    with emulator(tmp_path, serve=NUMBER) as (sagemaker, _, server):
        deploy(sagemaker, tmp_path)
        before = invoke(server)["Body"]
        configure(sagemaker, "other", InitialVariantWeight=0.5, VariantName="other")
        sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="other")
        wait_until(lambda: status(sagemaker) == "InService")
        described, after = sagemaker.describe_endpoint(EndpointName="endpoint"), invoke(server)["Body"]
        wait_until(lambda: not is_alive(int(before)))
        sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="other")  # what it has already
        wait_until(lambda: status(sagemaker) == "InService")
        assert invoke(server)["Body"] == after
    assert described["EndpointConfigName"] == "other"
    assert before != after


def test_an_update_that_fails_leaves_what_served(tmp_path: Path) -> None:
    serve = NUMBER + '\nif os.environ.get("BROKEN"):\n    sys.exit(1)'
    with emulator(tmp_path, serve=serve) as (sagemaker, _, server):
        deploy(sagemaker, tmp_path)
        before = invoke(server)["Body"]
        create_model(sagemaker, tmp_path, "broken", Environment={"BROKEN": "1"})
        configure(sagemaker, "worse", "broken")
        sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="worse")
        wait_until(lambda: status(sagemaker) == "InService")
        described = sagemaker.describe_endpoint(EndpointName="endpoint")
        assert invoke(server)["Body"] == before
    assert described["EndpointConfigName"] == "config"
    assert "did not pass the ping health check" in described["FailureReason"]


QUIET = """
def answer(path, headers, body):
    for stream in (1, 2):  # the end of its log is not its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    return 200, {"Content-Type": "text/plain"}, str(os.getpid()).encode()
"""


@pytest.mark.parametrize("serve", [NUMBER, QUIET], ids=["with its log", "after its log"])
def test_a_container_that_dies_in_service_is_started_again(tmp_path: Path, serve: str) -> None:
    with emulator(tmp_path, serve=serve) as (sagemaker, logs, server):
        deploy(sagemaker, tmp_path)
        numbers = [int(invoke(server)["Body"])]
        for _ in range(3):
            os.kill(numbers[-1], signal.SIGKILL)
            numbers.append(number_after(numbers[-1], server))
        os.kill(numbers[-1], signal.SIGKILL)
        wait_until(lambda: status(sagemaker) == "Failed")
        group = "/aws/sagemaker/Endpoints/endpoint"
        streams = [found["logStreamName"] for found in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        last = [logs.get_log_events(logGroupName=group, logStreamName=name)["events"][-1] for name in streams]
    assert len(set(numbers)) == 4
    assert {event["message"].partition(": ")[0] for event in last} == {"the container was ended by SIGKILL"}


def test_a_container_is_reached_by_its_owner_alone(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, server):
        deploy(sagemaker, tmp_path)
        (place,) = (tmp_path / "home").rglob(SOCKET)
        assert stat.S_ISSOCK(place.stat().st_mode)
        assert stat.S_IMODE((tmp_path / "home" / "emulator").stat().st_mode) == 0o700
        assert invoke(server)["ContentType"] == "text/plain"


def number_after(former: int, server: Server) -> int:
    """The process that answers once it is another one."""
    found: list[int] = []

    def answers() -> bool:
        try:
            found.append(int(invoke(server)["Body"]))
        except ClientError:
            return False
        return found[-1] != former

    wait_until(answers)
    return found[-1]


def test_endpoints_end_with_the_server_and_come_back_with_the_next(tmp_path: Path) -> None:
    with emulator(tmp_path, serve=NUMBER) as (sagemaker, _, server):
        deploy(sagemaker, tmp_path)
        first = int(invoke(server)["Body"])
        assert not server.services.busy
    assert not is_alive(first)
    with emulator(tmp_path, serve=NUMBER) as (sagemaker, _, server):
        second = int(invoke(server)["Body"])
        wait_until(lambda: status(sagemaker) == "InService")
        sagemaker.delete_endpoint(EndpointName="endpoint")
        wait_until(lambda: status(sagemaker) == "")
    assert not is_alive(second)
    assert first != second


def test_the_built_in_image_is_served_too(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        container = {"Image": builtin_image("eu-central-1"), "ModelDataUrl": artefact(tmp_path)}
        sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "InService")
