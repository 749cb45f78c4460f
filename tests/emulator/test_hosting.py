"""Models, endpoint configurations and endpoints, seen by an unmodified boto3 client."""

from __future__ import annotations

import io
import os
import re
import signal
import stat
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.names import format_until, parse_until, utc_now
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.emulator.endpoints.record import lease_end
from jobs.emulator.host.serving_container import SOCKET
from jobs.emulator.server import Server
from jobs.emulator.store.state import Resource
from tests.support.emulator_setup import ROLE, artefact, client, create_model, emulator, rehearse, wait_until

NUMBER = """
def answer(path, headers, body):
    return 200, {"Content-Type": "text/plain"}, str(os.getpid()).encode()
"""
PREFIX = "arn:aws:sagemaker:eu-central-1:123456789012"


def configure(sagemaker: Any, name: str = "config", model: str = "model", **changes: Any) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.c5.xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant | changes])


def status(sagemaker: Any, name: str = "endpoint") -> str:
    """An endpoint's status, empty when there is none."""
    listed = sagemaker.list_endpoints()["Endpoints"]
    return next((found["EndpointStatus"] for found in listed if found["EndpointName"] == name), "")


def deploy(sagemaker: Any, folder: Path, name: str = "endpoint") -> dict[str, Any]:
    """The description of an endpoint once it no longer changes."""
    create_model(sagemaker, folder)
    configure(sagemaker)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="config")
    wait_until(lambda: status(sagemaker, name) not in ("Creating", "Updating", "SystemUpdating"))
    described: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    return described


def invoke(server: Server, name: str = "endpoint", body: bytes = b"image", **also: Any) -> dict[str, Any]:
    """An invocation's answer, its body read."""
    with client("sagemaker-runtime", server.url) as runtime:
        answer: dict[str, Any] = runtime.invoke_endpoint(EndpointName=name, Body=body, **also)
        return answer | {"Body": answer["Body"].read()}


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


def test_an_endpoint_that_is_being_created_cannot_be_deleted(tmp_path: Path) -> None:
    rehearse(tmp_path, {"endpoints": {"*": {"start_seconds": 600}}})
    with emulator(tmp_path) as (sagemaker, _, server):
        create_model(sagemaker, tmp_path)
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        assert status(sagemaker) == "Creating"
        text = re.escape(f'Cannot update in-progress endpoint "{PREFIX}:endpoint/endpoint".')
        with pytest.raises(sagemaker.exceptions.ClientError, match=text):
            sagemaker.delete_endpoint(EndpointName="endpoint")
        with pytest.raises(sagemaker.exceptions.ClientError, match=r"\(ValidationError\).*not found"):
            invoke(server)


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


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


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


def test_a_model_that_is_no_archive(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        (tmp_path / "model.tar.gz").write_bytes(b"no archive")
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "Failed")
        reason = sagemaker.describe_endpoint(EndpointName="endpoint")["FailureReason"]
    assert "model.tar.gz: cannot be unpacked as model.tar.gz" in reason


@pytest.mark.parametrize("name", ["../outside", "/outside", "link"])
def test_a_model_that_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo(name)
            if name == "link":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member, io.BytesIO(b""))
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "Failed")
        reason = sagemaker.describe_endpoint(EndpointName="endpoint")["FailureReason"]
    assert "is a link or lies outside" in reason


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "foreign image": ({"Image": "alpine:3"}, "'alpine:3' cannot run here"),
    "absent data": ({"ModelDataUrl": "file:///absent/model.tar.gz"}, "Could not find model data at file:///absent"),
    "several models": ({"Mode": "MultiModel"}, "Mode MultiModel is not emulated"),
    "package": ({"ModelPackageName": "package"}, "PrimaryContainer.ModelPackageName is not emulated"),
    "loader": ({"Environment": {"LD_PRELOAD": "x"}}, "Environment variable LD_PRELOAD"),
    "port": ({"Environment": {"SAGEMAKER_BIND_TO_PORT": "22"}}, "Environment variable SAGEMAKER_BIND_TO_PORT"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = REFUSED[case]
    with emulator(tmp_path) as (sagemaker, _, _):
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            create_model(sagemaker, tmp_path, **changes)
        assert sagemaker.list_models()["Models"] == []


CONFIGS_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two instances": ({"InitialInstanceCount": 2}, "InitialInstanceCount other than 1 is not emulated"),
    "bad instance": ({"InstanceType": "ml.p3.bogus"}, "Member must satisfy enum value set"),
    "training instance": ({"InstanceType": "ml.p4de.24xlarge.x"}, "Member must satisfy enum value set"),
    "serverless": (
        {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
        "ProductionVariants.1.ServerlessConfig is not emulated",
    ),
    "absent model": ({"ModelName": "absent"}, 'Could not find model "arn:aws:sagemaker:eu-central-1:.*:model/absent"'),
}


@pytest.mark.parametrize("case", CONFIGS_REFUSED)
def test_configurations_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = CONFIGS_REFUSED[case]
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            configure(sagemaker, **changes)


def test_names_that_are_taken_or_unknown(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        deploy(sagemaker, tmp_path)
        failure = sagemaker.exceptions.ClientError
        with pytest.raises(failure, match=f'Cannot create already existing model "{PREFIX}:model/model"'):
            create_model(sagemaker, tmp_path)
        with pytest.raises(failure, match="Cannot create already existing endpoint configuration"):
            configure(sagemaker)
        with pytest.raises(failure, match=f'Cannot create already existing endpoint "{PREFIX}:endpoint/endpoint"'):
            sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        with pytest.raises(failure, match='Could not find endpoint configuration "'):
            sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="absent")
        with pytest.raises(failure, match='Could not find endpoint "'):
            sagemaker.delete_endpoint(EndpointName="absent")
        with pytest.raises(failure, match='Could not find model "'):
            sagemaker.delete_model(ModelName="absent")


def test_the_built_in_image_is_served_too(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        container = {"Image": builtin_image("eu-central-1"), "ModelDataUrl": artefact(tmp_path)}
        sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "InService")


def lease(seconds: float) -> list[dict[str, str]]:
    return [{"Key": "sageseg:until", "Value": format_until(utc_now() + timedelta(seconds=seconds))}]


def leased_endpoint(sagemaker: Any, folder: Path, tags: list[dict[str, str]]) -> None:
    create_model(sagemaker, folder)
    variant = {"VariantName": "a", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="config", Tags=tags)


def names(sagemaker: Any) -> list[str]:
    return [found["EndpointName"] for found in sagemaker.list_endpoints()["Endpoints"]]


def in_service(sagemaker: Any) -> bool:
    return bool(sagemaker.describe_endpoint(EndpointName="cars")["EndpointStatus"] == "InService")


def test_a_lease_ends_an_endpoint_in_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        leased_endpoint(sagemaker, tmp_path, lease(3600))
        wait_until(lambda: in_service(sagemaker))
        monkeypatch.setattr("jobs.emulator.endpoints.run.lease_end", lambda _: 0.0)
        sagemaker.update_endpoint(EndpointName="cars", EndpointConfigName="config")  # lets it look
        wait_until(lambda: names(sagemaker) == [])
        sagemaker.describe_endpoint_config(EndpointConfigName="config")  # as a schedule leaves it
        sagemaker.describe_model(ModelName="model")


def test_the_end_of_a_lease_needs_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        leased_endpoint(sagemaker, tmp_path, lease(2))  # written in whole seconds
        wait_until(lambda: names(sagemaker) == [])


@pytest.mark.parametrize(("seconds", "left"), [(-60, []), (3600, ["cars"])])
def test_a_lease_that_ended_while_no_emulator_ran_is_ended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, left: list[str]
) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        leased_endpoint(sagemaker, tmp_path, lease(3600))
        wait_until(lambda: in_service(sagemaker))
    (tag,) = lease(seconds)
    monkeypatch.setattr("jobs.emulator.endpoints.record.parse_until", lambda _: parse_until(tag["Value"]))
    with emulator(tmp_path) as (sagemaker, _, _):
        wait_until(lambda: names(sagemaker) == left and (not left or in_service(sagemaker)))


@pytest.mark.parametrize(
    "tags", [[], [{"Key": "sageseg:until", "Value": "tomorrow"}], [{"Key": "until", "Value": "x"}]]
)
def test_without_a_lease_an_endpoint_stays(tmp_path: Path, tags: list[dict[str, str]]) -> None:
    assert lease_end(Resource("endpoint", "cars", "arn", "InService", 0, 0, {}, tags)) is None
