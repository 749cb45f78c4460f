"""Options of endpoints that cost nothing while nobody asks: what goes together, what fits, what it may cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.contract.serving_requests import SERVERLESS_MEMORY
from jobs.cost.agreement import agree_on_endpoint
from jobs.cost.prices import Rate, find_serverless_rate
from jobs.cost.quotes import AsyncQuote, ServerlessQuote
from jobs.endpoints.options import DeployOptions
from jobs.endpoints.plan import plan_deployment, requests_of
from jobs.endpoints.serverless_memory import MEASURED, Taken, by_onnxruntime
from jobs.tracking.trained_model import TrainedModel

NOW = datetime(2026, 11, 29, tzinfo=UTC)
REQUEST = {
    "HyperParameters": {"num_classes": "2", "num_training_samples": "4", "crop_size": "512"},
    "AlgorithmSpecification": {"TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1"},
    "RoleArn": "arn:aws:iam::123456789012:role/SageMaker",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
}


def planned(options: DeployOptions, **changes: Any) -> dict[str, dict[str, Any]]:
    uri = "s3://bucket/output/cars/output/model.tar.gz"
    trained = TrainedModel("cars", "aws", "us-east-1", uri, request=REQUEST | changes)
    return requests_of(plan_deployment(trained, options, role=None, scheduler_role=None, now=NOW))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"serverless": True, "asynchronous": True}, "--serverless and --async: an endpoint is one of the two"),
        (
            {"serverless": True, "instance_type": "ml.g5.xlarge"},
            "--instance-type: not with --serverless, which runs on",
        ),
        ({"serverless": True, "instance_count": 2}, "--instance-count: not with --serverless"),
        ({"serverless": True, "memory": 4000}, "--memory 4000: expected 1024, 2048, 3072, 4096, 5120 or 6144 (MB)"),
        ({"serverless": True, "memory": 0}, "--memory 0: expected 1024"),
        ({"serverless": True, "memory": 7168}, "--memory 7168: expected 1024"),
        ({"serverless": True, "max_concurrency": 0}, "--max-concurrency 0: expected 1 to 200"),
        ({"serverless": True, "max_concurrency": 201}, "--max-concurrency 201: expected 1 to 200"),
        ({"serverless": True, "max_instances": 2}, "--max-instances: only with --async; add that, or leave it out"),
        ({"memory": 2048}, "--memory: only with --serverless; add that, or leave it out"),
        ({"asynchronous": True, "max_concurrency": 2}, "--max-concurrency: only with --serverless"),
        (
            {"asynchronous": True, "instance_count": 2},
            "--instance-count: not with --async, whose instances come and go",
        ),
        ({"asynchronous": True, "max_instances": 0}, "--max-instances 0: expected 1 or more"),
        ({"asynchronous": True, "wait": False}, "--no-wait: not with --async"),
        (
            {"asynchronous": True, "instance_type": "ml.bogus"},
            "--instance-type ml.bogus: no instance type for endpoint",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(SagesegError) as raised:
        planned(DeployOptions(**given))
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "runs in a VPC"),
        ({"EnableNetworkIsolation": True}, "is kept from all networks"),
    ],
)
def test_a_job_with_a_network_of_its_own_is_not_served_serverless(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(SagesegError, match=f"--serverless: cars {what}, and serverless endpoints know neither VPC"):
        planned(DeployOptions(serverless=True), **changes)
    assert "VpcConfig" in planned(DeployOptions(asynchronous=True), **changes)["CreateModel"] or "Enable" in str(
        changes
    )


def test_memory_that_a_model_would_not_fit_into_is_refused_with_what_is_enough() -> None:
    large = {"HyperParameters": REQUEST["HyperParameters"] | {"crop_size": "1024", "algorithm": "fcn"}}  # type: ignore[operator]
    with pytest.raises(SagesegError) as raised:
        planned(DeployOptions(serverless=True, memory=1024), **large)
    assert str(raised.value) == (
        "--memory 1024: fcn with resnet-50 takes about 1382 MB for an image of 1024 × 1024 (by our serving program; "
        "the built-in's is not known); take --memory 2048"
    )
    huge = {"HyperParameters": REQUEST["HyperParameters"] | {"crop_size": "4096"}}  # type: ignore[operator]
    with pytest.raises(SagesegError, match="no serverless container has so much: take --async"):
        planned(DeployOptions(serverless=True, memory=6144), **huge)
    assert planned(DeployOptions(serverless=True, memory=1024))["CreateEndpointConfig"]


def test_memory_grows_with_the_pixels_from_one_measured_image_to_the_other() -> None:
    taken = Taken(300, 400, 1000)
    assert [taken.by_image(side) for side in (512, 1024, 16)] == [400, 1000, 300]
    assert taken.by_image(724) == pytest.approx(600, abs=1)  # twice the pixels: a third of the way
    assert all(each.ready <= each.small <= each.large for each in MEASURED.values())
    assert {(algorithm, backbone) for algorithm, backbone in MEASURED if algorithm != "unet"} == {
        (algorithm, backbone) for algorithm in ("fcn", "psp", "deeplab") for backbone in ("resnet-50", "resnet-101")
    }


def test_an_onnx_model_takes_memory_by_its_size_and_no_less_than_was_measured() -> None:
    """`benchmarks/serving_memory.py --form float32` and `int8`, 2026-11-29: MB of the model, then the peaks."""
    measured = {
        ("fcn", "resnet-50"): [(126, 637, 637, 1062), (32, 184, 233, 433)],
        ("fcn", "resnet-101"): [(199, 861, 861, 1143)],
        ("psp", "resnet-50"): [(179, 890, 890, 1589), (45, 219, 283, 524)],
        ("deeplab", "resnet-101"): [(224, 913, 1034, 1321)],
    }
    for network, models in measured.items():
        for size, ready, small, large in models:
            taken = by_onnxruntime(MEASURED[network], size)
            assert taken.ready >= ready
            assert (1.2 * taken.by_image(512) >= small, 1.2 * taken.by_image(1024) >= large) == (True, True)


def test_a_dry_run_of_an_asynchronous_endpoint_holds_its_scaling() -> None:
    requests = planned(DeployOptions(asynchronous=True, max_instances=3))
    assert list(requests) == [
        *("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "RegisterScalableTarget"),
        *("PutScalingPolicy", "PutScalingPolicy sageseg-from-none", "PutMetricAlarm"),
    ]
    target = requests["RegisterScalableTarget"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    config = requests["CreateEndpointConfig"]["AsyncInferenceConfig"]
    assert config["OutputConfig"]["S3OutputPath"] == "s3://bucket/output/cars/async/cars"
    assert config["ClientConfig"] == {
        "MaxConcurrentInvocationsPerInstance": 1
    }  # the built-in's deeplab hangs with more
    json.dumps(requests)


RATE = Rate(0.5, "a test")


@pytest.mark.parametrize(
    ("quote", "lowers"),
    [
        (AsyncQuote("ml.x", RATE, 4), "lower --max-instances or --ttl, choose a cheaper --instance-type or raise"),
        (ServerlessQuote(2048, RATE, 4), "lower --max-concurrency, --memory or --ttl or raise --max-cost"),
    ],
)
def test_what_counts_against_the_most_is_all_of_it_without_pause(quote: Any, lowers: str) -> None:
    agree_on_endpoint(quote, timedelta(hours=2), max_cost=4, yes=False)
    with pytest.raises(SagesegError, match=f"may cost \\$4.00, more than --max-cost 3.99; {lowers}"):
        agree_on_endpoint(quote, timedelta(hours=2), max_cost=3.99, yes=False)


@pytest.mark.parametrize(
    "quote", [AsyncQuote("ml.x", Rate(None, "nobody"), 1), ServerlessQuote(1024, Rate(None, "nobody"), 1)]
)
def test_an_unknown_price_is_said_and_keeps_no_limit(quote: Any) -> None:
    assert "price unknown (nobody); nothing while" in quote.describe()
    with pytest.raises(SagesegError, match="its price is unknown, so --max-cost 1 cannot be kept"):
        agree_on_endpoint(quote, None, max_cost=1, yes=False)


def product(usage: str, *usd: str) -> str:
    dimensions = {str(number): {"pricePerUnit": {"USD": each}} for number, each in enumerate(usd)}
    terms = {"OnDemand": {"a": {"priceDimensions": dimensions}}}
    return json.dumps({"product": {"attributes": {"usagetype": usage}}, "terms": terms})


@pytest.mark.parametrize("memory", SERVERLESS_MEMORY)
def test_the_price_list_names_a_serverless_rate_by_its_memory(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = range(1, 7)
    listed = [product(f"USE1-ServerlessInf:Mem-{size}GB", "0.0000000000", f"{size * 2e-5:.10f}") for size in sizes]
    warm = product("USE1-ServerlessInf-ProvisionedConcurrency:Mem-1GB", "9")
    monkeypatch.setattr("jobs.cost.prices._ask", lambda *_: [*listed, warm])
    rate = find_serverless_rate("us-east-1", memory)
    assert rate.usd_per_hour == pytest.approx(3600 * memory / 1024 * 2e-5)
    assert rate.source == "AWS's price list"


def test_without_a_price_list_the_table_tells_a_rate_where_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise SagesegError("not allowed")

    monkeypatch.setattr("jobs.cost.prices._ask", refuse)
    assert find_serverless_rate("us-east-1", 4096).usd_per_hour == pytest.approx(0.288)
    elsewhere = find_serverless_rate("eu-central-1", 4096)
    assert elsewhere.usd_per_hour is None
    assert elsewhere.source == "no price of serverless in eu-central-1 in this project's table of 2026-11-29"
    assert find_serverless_rate("eu-central-1", 4096, own=0.4) == Rate(0.4, "your --rate")
