"""On which machines a training is tried: types, regions, quotas, Spot, volumes, GPU memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from aws.names import numbered
from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.contract.instances import GPU_INSTANCES, larger_memory
from jobs.contract.registry import ACCOUNTS, builtin_image, is_builtin
from jobs.training.machines import volume_gb
from jobs.training.options import SecurityOptions, TrainOptions
from jobs.training.plan import JobPlan, plan_training, settle_jobs
from tests.support.training_plans import ON_AWS, around, on_machine, plan, twenty_cars


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return twenty_cars(tmp_path)


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
@pytest.mark.parametrize("backbone", ["resnet-50", "resnet-101"])
@pytest.mark.parametrize("instance_type", GPU_INSTANCES)
def test_every_network_on_every_documented_gpu_passes_the_service_model(
    dataset: Dataset, algorithm: str, backbone: str, instance_type: str
) -> None:
    options = on_machine(instance_type=(instance_type,))
    request = plan(dataset, {"algorithm": algorithm, "backbone": backbone}, options)
    assert request["ResourceConfig"]["InstanceType"] == instance_type


def test_each_instance_type_has_a_job_of_its_own_name(dataset: Dataset) -> None:
    def plan_all(options: TrainOptions) -> list[tuple[str, str]]:
        return [(job.name, job.instance_type) for job in settle_jobs(dataset, {}, options, around()).jobs]

    assert plan_all(ON_AWS) == [("fcn-cars", "ml.g5.2xlarge"), ("fcn-cars-2", "ml.g4dn.2xlarge")]
    assert plan_all(on_machine(volume_size=300)) == [("fcn-cars", "ml.g5.2xlarge")]
    with pytest.raises(SagesegError, match=r"ml\.g5\.2xlarge: has 450 GB .* but 451 GB are needed; use a larger type"):
        plan_all(on_machine(volume_size=451))
    assert plan_all(on_machine(instance_type=("ml.g5.xlarge",))) == [("fcn-cars", "ml.g5.xlarge")]
    assert [len(numbered("x" * 63, number)) for number in (1, 2, 10)] == [63, 63, 63]
    assert numbered("a" * 60 + "-bc", 2) == "a" * 60 + "-2"


@pytest.mark.parametrize(
    ("machine", "security", "offered"),
    [
        ({}, {}, ["ml.g5.2xlarge", "ml.g4dn.2xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.g5.xlarge")}, {}, ["ml.p3.2xlarge", "ml.g5.xlarge"]),
        ({"instance_type": ("ml.g5.xlarge",)}, {}, None),
        ({"spot": True}, {}, None),
        ({"instance_type": tuple(GPU_INSTANCES)[:5]}, {}, list(GPU_INSTANCES)[:5]),
        ({"instance_type": tuple(GPU_INSTANCES)[:6]}, {}, None),
        ({}, {"kms_key": "alias/cars"}, ["ml.g5.2xlarge", "ml.g4dn.2xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.p3.8xlarge")}, {"kms_key": "a"}, ["ml.p3.2xlarge", "ml.p3.8xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.g5.xlarge")}, {"kms_key": "alias/cars"}, None),
    ],
)
def test_the_service_gets_the_list_wherever_it_takes_one(
    dataset: Dataset, machine: dict[str, Any], security: dict[str, Any], offered: list[str] | None
) -> None:
    options = replace(on_machine(**machine), security=SecurityOptions(**security))
    planned = plan_training(dataset, {}, options, around())
    assert (planned.listed is None) == (offered is None)
    resources = planned.first.request["ResourceConfig"]
    if offered is None:
        assert "InstancePreferences" not in resources
        return
    assert resources["InstancePreferences"] == [{"InstanceType": kind} for kind in offered]
    assert "InstanceType" not in resources
    # a disk of the instance's own takes no key, a volume must have the one that was asked for
    assert ("VolumeKmsKeyId" in resources) == (bool(security) and offered[0].startswith("ml.p3"))
    assert [attempt.job.instance_type for attempt in planned.attempts] == offered
    assert planned.first.request["TrainingJobName"] == planned.attempts[0].request["TrainingJobName"] == "fcn-cars"


def test_a_type_of_which_the_account_may_have_none_is_left_out_and_named(dataset: Dataset) -> None:
    def planned(quotas: dict[str, float], **machine: Any) -> JobPlan:
        return plan_training(dataset, {}, on_machine(**machine), replace(around(), quotas=quotas))

    one = planned({"ml.g5.2xlarge": 0.0, "ml.g4dn.2xlarge": 1.0})
    assert one.listed is None
    assert [(attempt.job.name, attempt.job.instance_type) for attempt in one.attempts] == [
        ("fcn-cars", "ml.g4dn.2xlarge")
    ]
    quota = "this account's quota 'ml.g5.2xlarge for training job usage' is 0"
    assert one.lines == (f"note: ml.g5.2xlarge is not tried: {quota}",)
    (line,) = planned({"ml.g5.2xlarge": 0.0}, spot=True).lines
    assert "'ml.g5.2xlarge for spot training job usage'" in line
    assert planned({"ml.g4dn.2xlarge": 4.0}).lines == ()  # what is not known is tried
    kinds = ("ml.p3.2xlarge", "ml.p2.xlarge")
    with pytest.raises(SagesegError, match=r"ml\.p3\.2xlarge,ml\.p2\.xlarge: .* quota for training jobs is 0 for all"):
        planned(dict.fromkeys(kinds, 0.0), instance_type=kinds)


def test_spot_checkpoints_lie_under_the_jobs_own_name(dataset: Dataset) -> None:
    attempts = plan_training(dataset, {}, on_machine(spot=True), around()).attempts
    jobs = [attempt.job for attempt in attempts]
    assert [job.spot.checkpoint_uri.rpartition("/")[2] for job in jobs if job.spot] == [job.name for job in jobs]
    request = attempts[0].request
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 172800}


def test_more_gpu_memory_is_found_in_the_documented_families() -> None:
    assert larger_memory("ml.p3.2xlarge") == "ml.g5.xlarge"  # 16 → 24 GiB
    assert larger_memory("ml.g5.2xlarge") == "ml.g4dn.12xlarge"  # 24 → 64 GiB, and no P3, which was retired
    assert larger_memory("ml.g5.48xlarge") is None
    assert larger_memory("ml.m5.large") is None


def test_images_stand_in_37_regions_under_the_partitions_own_domain() -> None:
    assert len(ACCOUNTS) == 37
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    for region, account in ACCOUNTS.items():
        endpoint = boto3.client(
            "ecr", region_name=region, **keys
        ).meta.endpoint_url  # https://api.ecr.<region>.<domain>
        host = endpoint.removeprefix("https://api.")
        assert builtin_image(region) == f"{account}.dkr.{host}/semantic-segmentation:1"
        assert is_builtin(builtin_image(region))
    assert not is_builtin("sageseg:local")
    with pytest.raises(SagesegError, match=r"region mars-1: .* expected one of af-south-1"):
        builtin_image("mars-1")


def test_the_volume_holds_the_dataset_twice(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert volume_gb(dataset) == 30
    monkeypatch.setattr("jobs.training.machines._GIB", 100)  # the sample's few kilobytes pass for gigabytes
    stored = sum(
        path.stat().st_size for kind in ("JPEGImages", "SegmentationClass") for path in (dataset.root / kind).iterdir()
    )
    assert volume_gb(dataset) == int(2 * stored / 100) + 10
