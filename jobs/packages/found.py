"""A version of a model package group, by its ARN or as `GROUP`, `GROUP:VERSION`: where it is, and what it serves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError, is_missing
from aws.names import is_job_name
from formats.errors import SagesegError
from jobs.backends import LOCAL_REGION, Place, emulator_was_here, open_place
from jobs.contract.serving_requests import APPROVED
from jobs.creating import GROUP
from jobs.tracking.find_jobs import find_described

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):model-package/(?P<name>.+)")
_HERE = "000000000000"
"""The account of the emulator's ARNs."""
_EXPECTED = "a version's ARN, GROUP (its latest approved version) or GROUP:VERSION"


@dataclass(frozen=True)
class FoundPackage:
    """A version that is there. `image` and `artefact_uri` are its container's."""

    place: Place
    arn: str
    name: str
    status: str
    image: str
    artefact_uri: str

    @property
    def is_approved(self) -> bool:
        return self.status == APPROVED


def find_package(named: str, region: str | None) -> FoundPackage:
    """The version of that name, of a group alone the latest that is approved. Raises SagesegError for a name that is
    none, and for a version that cannot be deployed."""
    found = _ARN.fullmatch(named)
    if found and region not in (None, found["region"]):
        raise SagesegError(
            f"--model-package {named}: is in {found['region']}, and --region {region} is another; leave --region out"
        )
    if found:
        place = _place_of(found["account"], found["region"])
        return _deployable(place, _described(place, named, named))
    group, colon, version = named.partition(":")
    if not is_job_name(group) or (colon and not re.fullmatch(r"[1-9][0-9]{0,8}", version)):
        raise SagesegError(f"--model-package {named}: expected {_EXPECTED}")
    there = find_described(GROUP, group, region)
    if there is None:
        raise SagesegError(
            f"--model-package {named}: no model package group {group} at this folder's emulator, nor at AWS where a "
            "region is configured; sageseg jobs register MODEL --group makes one"
        )
    place, described = there
    if colon:
        arn = str(described["ModelPackageGroupArn"]).replace(":model-package-group/", ":model-package/", 1)
        return _deployable(place, _described(place, f"{arn}/{version}", named))
    for summary in versions_of(place, group):
        if summary["ModelApprovalStatus"] == APPROVED:
            return _deployable(place, _described(place, summary["ModelPackageArn"], named))
    raise SagesegError(
        f"--model-package {named}: none of its versions is approved; approve one in the registry, or register it with "
        "--approve"
    )


def versions_of(place: Place, group: str) -> Iterator[Mapping[str, Any]]:
    """The versions of a group as its list tells of them, the latest first."""
    with aws_errors(f"listing the versions of {group}"):
        pages = place.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        yield from (summary for page in pages for summary in page["ModelPackageSummaryList"])


def describe_package(place: Place, arn: str) -> dict[str, Any] | None:
    """A version as its backend describes it; None where there is none."""
    try:
        with aws_errors(f"describing {arn}"):
            answer: dict[str, Any] = place.sagemaker.describe_model_package(ModelPackageName=arn)
    except AwsError as e:
        if is_missing(e):
            return None
        raise
    return answer


def container_of(package: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a version serves; empty where it does not tell."""
    containers = package.get("InferenceSpecification", {}).get("Containers") or [{}]
    first: Mapping[str, Any] = containers[0]
    return first


def _place_of(account: str, region: str) -> Place:
    """An emulator's ARNs are this folder's, or, where none ever ran, of one that stands in AWS's place."""
    return open_place("local", LOCAL_REGION) if account == _HERE and emulator_was_here() else open_place("aws", region)


def _described(place: Place, arn: str, named: str) -> Mapping[str, Any]:
    package = describe_package(place, arn)
    if package is None:
        raise SagesegError(f"--model-package {named}: {place} has no such version; expected {_EXPECTED}")
    return package


def _deployable(place: Place, package: Mapping[str, Any]) -> FoundPackage:
    arn, container = str(package["ModelPackageArn"]), container_of(package)
    found = FoundPackage(
        place,
        arn,
        arn.partition("/")[2].replace("/", "-"),
        str(package.get("ModelApprovalStatus", APPROVED)),
        str(container.get("Image", "")),
        str(container.get("ModelDataUrl", "")),
    )
    if not found.artefact_uri or not found.image:
        raise SagesegError(f"{arn}: tells of no image and no artefact; register it with sageseg jobs register")
    if not found.is_approved:
        raise SagesegError(
            f"{arn}: is {found.status}, and only an Approved version is deployed; approve it: aws sagemaker "
            f"update-model-package --model-package-arn {arn} --model-approval-status Approved"
        )
    return found
