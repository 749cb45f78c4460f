"""Model packages and their groups, seen by an unmodified boto3 client, and what is served of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.contract.registry import OPEN_IMAGE
from jobs.emulator.server import Server
from tests.support import transform_setup
from tests.support.emulator_setup import ROLE, create_model, emulator, wait_until
from tests.support.hosting_setup import configure, invoke, status
from tests.support.package_setup import METRICS, PREFIX, approve, register, specification

SHOWS = """
def answer(path, headers, body):
    return 200, {"Content-Type": "text/plain"}, f"{os.environ.get('SHADE')} {os.environ.get('SIZE')}".encode()
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Any, Server]]:
    with emulator(tmp_path, serve=SHOWS) as (sagemaker, _, server):
        yield sagemaker, server


@pytest.fixture
def sagemaker(served: tuple[Any, Server]) -> Any:
    return served[0]


def versions(sagemaker: Any, **given: Any) -> list[str]:
    """The packages that a list has, by the ends of their ARNs."""
    listed = sagemaker.list_model_packages(**given)["ModelPackageSummaryList"]
    return [each["ModelPackageArn"].partition("/")[2] for each in listed]


def test_a_version_from_its_group_to_its_deletion(sagemaker: Any, tmp_path: Path) -> None:
    made = sagemaker.create_model_package_group(
        ModelPackageGroupName="cars", ModelPackageGroupDescription="all cars", Tags=[{"Key": "a", "Value": "b"}]
    )
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=made["ModelPackageGroupArn"])
    assert made["ModelPackageGroupArn"] == group["ModelPackageGroupArn"] == f"{PREFIX}:model-package-group/cars"
    assert (group["ModelPackageGroupStatus"], group["ModelPackageGroupDescription"]) == ("Completed", "all cars")
    assert sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    arn = register(sagemaker, tmp_path, ModelMetrics=METRICS, CustomerMetadataProperties={"mean_iou": "0.97"})
    told = sagemaker.describe_model_package(ModelPackageName=arn)
    assert arn == told["ModelPackageArn"] == f"{PREFIX}:model-package/cars/1"
    assert (told["ModelPackageGroupName"], told["ModelPackageVersion"]) == ("cars", 1)
    assert (told["ModelPackageStatus"], told["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
    assert "ModelPackageName" not in told
    assert (told["ModelMetrics"], told["CustomerMetadataProperties"]) == (METRICS, {"mean_iou": "0.97"})
    assert told["InferenceSpecification"] == specification(tmp_path)
    assert sagemaker.describe_model_package(ModelPackageName="cars/1")["ModelPackageArn"] == arn
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    with pytest.raises(ClientError, match="ConflictException.*still has model packages, such as .*/cars/1"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="cars")
    sagemaker.delete_model_package(ModelPackageName=arn)
    with pytest.raises(ClientError, match=r"\(ValidationException\).*ModelPackage .*/cars/1 does not exist"):
        sagemaker.describe_model_package(ModelPackageName=arn)
    assert register(sagemaker, tmp_path).endswith("/cars/2")  # a number is never given twice
    sagemaker.delete_model_package(ModelPackageName="cars/2")
    sagemaker.delete_model_package_group(ModelPackageGroupName="cars")
    with pytest.raises(ClientError, match="ModelPackageGroup .*model-package-group/cars does not exist"):
        sagemaker.create_model_package(ModelPackageGroupName="cars", InferenceSpecification=specification(tmp_path))


def test_lists_have_types_filters_orders_and_pages(sagemaker: Any, tmp_path: Path) -> None:
    for group in ("cars", "cars", "vans", "cars-old"):
        register(sagemaker, tmp_path, group)
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=specification(tmp_path))
    approve(sagemaker, f"{PREFIX}:model-package/cars/2")
    assert versions(sagemaker) == ["alone"]
    assert versions(sagemaker, ModelPackageGroupName="cars") == ["cars/2", "cars/1"]
    assert versions(sagemaker, ModelPackageGroupName="cars", SortOrder="Ascending") == ["cars/1", "cars/2"]
    assert versions(sagemaker, ModelPackageGroupName="cars", ModelApprovalStatus="Approved") == ["cars/2"]
    assert versions(sagemaker, ModelPackageType="Both", SortBy="Name", SortOrder="Ascending") == [
        "alone",
        "cars-old/1",
        "cars/1",
        "cars/2",
        "vans/1",
    ]
    assert versions(sagemaker, ModelPackageType="Versioned", NameContains="van") == ["vans/1"]
    assert versions(sagemaker, ModelPackageType="Both", NameContains="1") == []  # of a name, not of a number
    assert versions(sagemaker, ModelPackageType="Unversioned") == ["alone"]
    assert versions(sagemaker, ModelPackageGroupName="cars", ModelPackageType="Both") == ["cars/2", "cars/1"]
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageType="Both", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 2, 1]
    created = sagemaker.describe_model_package(ModelPackageName="alone")["CreationTime"]
    assert versions(sagemaker, CreationTimeAfter=created + timedelta(hours=1)) == []
    with pytest.raises(ClientError, match="ModelPackageGroup .*/trams does not exist"):
        versions(sagemaker, ModelPackageGroupName="trams")
    groups = sagemaker.list_model_package_groups(SortBy="Name", SortOrder="Ascending", NameContains="cars")
    assert [each["ModelPackageGroupName"] for each in groups["ModelPackageGroupSummaryList"]] == ["cars", "cars-old"]


def test_a_package_is_approved_and_changed(sagemaker: Any, tmp_path: Path) -> None:
    arn = register(sagemaker, tmp_path, CustomerMetadataProperties={"a": "1", "b": "2"})
    small = {"Name": "small", **specification(tmp_path, Environment={"SIZE": "small"})}
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        ApprovalDescription="below the gate",
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
        AdditionalInferenceSpecificationsToAdd=[small],
        SourceUri="https://example.com/runs/7",
    )
    told = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (told["ModelApprovalStatus"], told["ApprovalDescription"]) == ("Rejected", "below the gate")
    assert (told["CustomerMetadataProperties"], told["SourceUri"]) == (
        {"b": "3", "c": "4"},
        "https://example.com/runs/7",
    )
    assert told["AdditionalInferenceSpecifications"] == [small]
    assert told["LastModifiedTime"] >= told["CreationTime"]
    absent = f"{PREFIX}:model-package/cars/9"
    several = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, absent])
    assert several["ModelPackageSummaries"][arn]["ModelApprovalStatus"] == "Rejected"
    assert several["BatchDescribeModelPackageErrorMap"][absent]["ErrorCode"] == "ValidationException"
    with pytest.raises(ClientError, match="each with a name of its own"):
        sagemaker.update_model_package(ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=[small])
    with pytest.raises(ClientError, match="ModelPackage .*/cars/9 does not exist"):
        approve(sagemaker, absent)


def test_the_content_of_a_model_card_may_be_left_out(sagemaker: Any, tmp_path: Path) -> None:
    content = '{"intended_uses": {"risk_rating": "Low", "purpose_of_model": "cars"}}'
    card = {"ModelCardContent": content, "ModelCardStatus": "Draft"}
    arn = register(sagemaker, tmp_path, ModelCard=card)
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"] == card
    told = sagemaker.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")["ModelCard"]
    assert told == {"ModelCardContent": '{"intended_uses": {"risk_rating": "Low"}}', "ModelCardStatus": "Draft"}


def test_the_same_request_again_makes_no_second_version(sagemaker: Any, tmp_path: Path) -> None:
    arns = {register(sagemaker, tmp_path, ClientToken="once") for _ in range(2)}
    assert arns == {f"{PREFIX}:model-package/cars/1"}
    with pytest.raises(ClientError, match="ConflictException.*another request"):
        register(sagemaker, tmp_path, ClientToken="once", Domain="COMPUTER_VISION")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ModelPackageName": "a", "ModelPackageGroupName": "cars"}, "Both ModelPackageName and ModelPackageGroupName"),
        ({}, "Missing ARN"),
        ({"ModelPackageName": "alone"}, "Model Package already exists: .*:model-package/alone"),
        ({"ModelPackageName": "a", "ModelApprovalStatus": "Approved"}, "ModelApprovalStatus does not apply"),
        ({"ModelPackageName": "a", "CertifyForMarketplace": True}, "CertifyForMarketplace is not emulated"),
        ({"ModelPackageGroupName": "cars", "Tags": [{"Key": "a", "Value": "b"}]}, "Tags does not apply to a version"),
        ({"ModelPackageGroupName": "cars", "ManagedStorageType": "Restricted"}, "ManagedStorageType is not emulated"),
        ({"ModelPackageGroupName": "cars", "SourceUri": "x"}, "InferenceSpecification and SourceUri in one request"),
        (
            {"ModelPackageGroupName": "cars", "InferenceSpecification": None},
            "one of InferenceSpecification and SourceUri",
        ),
        (
            {"ModelPackageName": "a", "InferenceSpecification": {"Environment": {"A": "b"}}},
            "Environment variable map cannot be specified when using non-versioned ModelPackages",
        ),
    ],
)
def test_what_is_no_package_is_refused(sagemaker: Any, tmp_path: Path, given: dict[str, Any], problem: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="cars")
    whole = specification(tmp_path)
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=whole)
    changes = given.get("InferenceSpecification", {})
    filled = {} if changes is None else {"InferenceSpecification": specification(tmp_path, **changes)}
    rest = {name: value for name, value in given.items() if name != "InferenceSpecification"}
    with pytest.raises(ClientError, match=rf"\(ValidationException\).*{problem}"):
        sagemaker.create_model_package(**rest, **filled)
    with pytest.raises(ClientError, match="Model Package Group already exists: .*:model-package-group/cars"):
        sagemaker.create_model_package_group(ModelPackageGroupName="cars")
    assert versions(sagemaker, ModelPackageType="Both") == ["alone"]


def test_a_package_is_made_of_a_model_and_of_another_package(sagemaker: Any, tmp_path: Path) -> None:
    model = create_model(sagemaker, tmp_path, Environment={"SHADE": "blue"})
    first = register(sagemaker, tmp_path, SourceUri=model)
    made = sagemaker.describe_model_package(ModelPackageName=first)
    (container,) = made["InferenceSpecification"]["Containers"]
    assert (container["Image"], container["Environment"], made["SourceUri"]) == (OPEN_IMAGE, {"SHADE": "blue"}, model)
    second = register(sagemaker, tmp_path, SourceUri=first)
    assert sagemaker.describe_model_package(ModelPackageName=second)["InferenceSpecification"] == {
        "Containers": [container]
    }
    with pytest.raises(ClientError, match="SourceUri .*:model/absent does not exist"):
        register(sagemaker, tmp_path, SourceUri=model.replace("/model", "/absent"))


@pytest.mark.parametrize("member", ["PrimaryContainer", "Containers"])
def test_an_endpoint_serves_an_approved_version(served: tuple[Any, Server], tmp_path: Path, member: str) -> None:
    sagemaker, server = served
    environment = {"SHADE": "blue", "SIZE": "large"}
    small = {"Name": "small", **specification(tmp_path, Environment=environment)}
    arn = register(sagemaker, tmp_path, AdditionalInferenceSpecifications=[small])
    container = {
        "ModelPackageName": arn,
        "InferenceSpecificationName": "small",
        "Environment": {"SIZE": "larger"},
    }
    asked = {
        "ModelName": "model",
        "ExecutionRoleArn": ROLE,
        member: [container] if member == "Containers" else container,
    }
    with pytest.raises(ClientError, match="cars/1 is PendingManualApproval; only an Approved one can be deployed"):
        sagemaker.create_model(**asked)
    approve(sagemaker, arn)
    sagemaker.create_model(**asked)
    told = sagemaker.describe_model(ModelName="model")[member]
    assert (told[0] if member == "Containers" else told) == {**container, "Mode": "SingleModel"}
    sagemaker.delete_model_package(ModelPackageName=arn)  # what the model took of it stays
    configure(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    wait_until(lambda: status(sagemaker) == "InService")
    assert invoke(server)["Body"] == b"blue larger"


def test_a_batch_runs_over_an_unversioned_package(sagemaker: Any, tmp_path: Path) -> None:
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=specification(tmp_path))
    sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": "alone"})
    transform_setup.fill(tmp_path, a=b"one")
    asked = transform_setup.asked(tmp_path, ModelName="model")
    sagemaker.create_transform_job(**asked)
    name = asked["TransformJobName"]
    wait_until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Completed")


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        ({"ModelPackageName": "cars/2"}, "ModelPackage .*:model-package/cars/2 does not exist"),
        ({"ModelPackageName": f"{PREFIX}:model-package-group/cars"}, "ModelPackage .*-group/cars does not exist"),
        ({"ModelPackageName": "cars/1", "Image": OPEN_IMAGE}, "ModelPackageName beside PrimaryContainer.Image"),
        ({"ModelPackageName": "cars/1", "InferenceSpecificationName": "big"}, "no inference specification 'big'"),
        ({"ModelPackageName": "two"}, "has 2 containers; one is emulated"),
        ({"ModelPackageName": "foreign"}, "'alpine:3' cannot run here"),
        ({"ModelPackageName": "nowhere"}, "Could not find model data at file:///nowhere"),
    ],
)
def test_packages_that_no_model_is_made_of(
    sagemaker: Any, tmp_path: Path, container: dict[str, Any], problem: str
) -> None:
    register(sagemaker, tmp_path, ModelApprovalStatus="Approved")
    one = specification(tmp_path)
    two = one | {"Containers": one["Containers"] * 2}
    for name, content in (
        ("two", two),
        ("foreign", specification(tmp_path, Image="alpine:3")),
        ("nowhere", specification(tmp_path, ModelDataUrl="file:///nowhere/model.tar.gz")),
    ):
        sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification=content)
    with pytest.raises(ClientError, match=rf"\(ValidationException\).*{problem}"):
        sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container)
