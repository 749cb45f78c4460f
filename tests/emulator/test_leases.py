"""The lease of an endpoint, in its tags: the emulator ends what its end has come for, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aws.names import format_until, parse_until, utc_now
from jobs.emulator.endpoints.record import lease_end
from jobs.emulator.store.state import Resource
from tests.support.emulator_setup import create_model, emulator, wait_until


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
