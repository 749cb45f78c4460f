"""Model packages of the emulator, for the tests of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.contract.registry import OPEN_IMAGE
from tests.support.emulator_setup import artefact

PREFIX = "arn:aws:sagemaker:eu-central-1:000000000000"
METRICS = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://bucket/scores.json"}}}


def specification(folder: Path, **changes: Any) -> dict[str, Any]:
    """An InferenceSpecification of our own image over a small artefact in `folder`."""
    container = {"Image": OPEN_IMAGE, "ModelDataUrl": artefact(folder), "Framework": "MXNET"} | changes
    return {
        "Containers": [container],
        "SupportedContentTypes": ["image/jpeg"],
        "SupportedResponseMIMETypes": ["image/png"],
    }


def register(sagemaker: Any, folder: Path, group: str = "cars", **given: Any) -> str:
    """The ARN of a new version in a group, which is created where it is not there."""
    listed = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    if group not in [each["ModelPackageGroupName"] for each in listed]:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    if "SourceUri" not in given:
        given = {"InferenceSpecification": specification(folder)} | given
    arn: str = sagemaker.create_model_package(ModelPackageGroupName=group, **given)["ModelPackageArn"]
    return arn


def approve(sagemaker: Any, arn: str) -> None:
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
