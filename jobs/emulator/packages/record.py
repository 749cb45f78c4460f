"""Model packages and their groups as they are described, how a package changes, and what a model takes of one.

Pure functions: times are epoch seconds and come in as arguments. Members that begin with `_` are told to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from formats.texts.json_text import parse_json
from jobs.emulator.api.faults import invalid
from jobs.emulator.store.collection import ResourceKind, without_tags
from jobs.emulator.store.state import Record

MODEL_PACKAGES = ResourceKind(
    word="model-package",
    prefix="ModelPackage",
    listed="ModelPackageSummaryList",
    missing=("ValidationException", "ModelPackage {arn} does not exist."),
    taken=("ValidationException", "Model Package already exists: {arn}"),
)
"""A version is stored by the name `<group>/<version>`, as its ARN has it."""
MODEL_PACKAGE_GROUPS = ResourceKind(
    word="model-package-group",
    prefix="ModelPackageGroup",
    listed="ModelPackageGroupSummaryList",
    missing=("ValidationException", "ModelPackageGroup {arn} does not exist."),
    taken=("ValidationException", "Model Package Group already exists: {arn}"),
)
MAX_SPECIFICATIONS, MAX_PROPERTIES = 15, 50
"""AdditionalInferenceSpecifications and CustomerMetadataProperties of a package, in the service's model."""
_NOT_EMULATED = ("ValidationSpecification", "SourceAlgorithmSpecification", "ManagedStorageType")
_REPLACED = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
"""What UpdateModelPackage puts in the place of what was there."""
_DESCRIPTIVE = frozenset(
    (
        "ImageDigest",
        "ProductId",
        "ModelInput",
        "Framework",
        "FrameworkVersion",
        "NearestModelName",
        "ModelDataETag",
        "IsCheckpoint",
        "BaseModel",
    )
)
"""Members of a package's container that say of it what it is, and change nothing of how it serves."""

_MODELLED = ("Image", "ModelDataUrl", "Environment")
"""What a package takes of a model's container."""
_BOTH = "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use."


def check_package(request: Record) -> None:
    """Raise ServiceError for a package that the service does not take, or that is not emulated."""
    versioned = "ModelPackageGroupName" in request
    if versioned == ("ModelPackageName" in request):
        raise invalid(_BOTH if versioned else "Missing ARN. (expected ModelPackageGroupName or ModelPackageName)")
    for problem in _not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    for name in ("Tags", "CertifyForMarketplace") if versioned else ("ModelApprovalStatus",):
        if request.get(name):
            raise invalid(f"{name} does not apply to {'a version of a group' if versioned else 'unversioned packages'}")
    _check_source(request)
    if "InferenceSpecification" not in request and "SourceUri" not in request:
        raise invalid("Expected one of InferenceSpecification and SourceUri")
    if not versioned and any("Environment" in container for container in _containers(request)):
        raise invalid(
            "1 validation errors detected:Environment variable map cannot be specified when using non-versioned "
            "ModelPackages"
        )
    _check_names(request.get("AdditionalInferenceSpecifications", []))


def _check_source(request: Record) -> None:
    if "InferenceSpecification" in request and "SourceUri" in request:
        raise invalid(
            "InferenceSpecification and SourceUri in one request; expected one, and UpdateModelPackage after it"
        )


def _not_emulated(request: Record) -> Iterator[str]:
    yield from (name for name in _NOT_EMULATED if name in request)
    if "ModelPackageGroupName" not in request and request.get("CertifyForMarketplace"):
        yield "CertifyForMarketplace"


def _containers(request: Record) -> Iterator[Record]:
    for each in (request.get("InferenceSpecification", {}), *request.get("AdditionalInferenceSpecifications", [])):
        yield from each.get("Containers", [])


def _check_names(specifications: list[Record]) -> None:
    names = [each["Name"] for each in specifications]
    if len(set(names)) < len(names) or len(names) > MAX_SPECIFICATIONS:
        raise invalid(
            f"AdditionalInferenceSpecifications {', '.join(names)}; expected up to {MAX_SPECIFICATIONS}, each with a "
            "name of its own"
        )


def new_package(request: Record, name: str, arn: str, version: int | None, now: float) -> Record:
    """The record of a package that was just accepted; `version` is None for one without a group."""
    approval = {"ModelApprovalStatus": "PendingManualApproval", "ModelPackageVersion": version} if version else {}
    return {
        "CertifyForMarketplace": False,
        "SkipModelValidation": "None",
        **approval,
        **without_tags(request),
        "ModelPackageName": name,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreationTime": now,
        "_Token": request.get("ClientToken"),
    }


def specification_of(source: Record) -> Record | None:
    """InferenceSpecification of a package that is made of another one, or of a model, by its SourceUri."""
    if "ModelPackageArn" in source:
        return source.get("InferenceSpecification")
    container = {name: source["_Container"][name] for name in _MODELLED if source["_Container"].get(name)}
    return {"Containers": [container]}


def told(record: Record, *, metadata_only: bool = False) -> Record:
    """A package as it is described and listed: a version is told by its group and number, and has no name."""
    hidden = {"ModelPackageName"} if "ModelPackageVersion" in record else set()
    found = {name: value for name, value in record.items() if name not in hidden and not name.startswith("_")}
    if metadata_only and "ModelCard" in found:
        found["ModelCard"] = {**found["ModelCard"], "ModelCardContent": _risk_alone(found["ModelCard"])}
    return found


def _risk_alone(card: Record) -> str:
    """What MetadataOnly leaves of a model card's content (API reference, DescribeModelPackage): its risk rating."""
    try:
        uses = parse_json(card.get("ModelCardContent", "{}").encode())["intended_uses"]
        return json.dumps({"intended_uses": {"risk_rating": uses["risk_rating"]}})
    except (ValueError, TypeError, KeyError):
        return "{}"


def change_package(record: Record, request: Record) -> None:
    """Raises ServiceError for a change that the package cannot take."""
    if "ModelPackageVersion" not in record and "ModelApprovalStatus" in request:
        raise invalid("ModelApprovalStatus does not apply to unversioned packages")
    _check_source(request)
    specifications = [
        *record.get("AdditionalInferenceSpecifications", []),
        *request.get("AdditionalInferenceSpecificationsToAdd", []),
    ]
    _check_names(specifications)
    properties = {
        **record.get("CustomerMetadataProperties", {}),
        **request.get("CustomerMetadataProperties", {}),
    }
    for key in request.get("CustomerMetadataPropertiesToRemove", []):
        properties.pop(key, None)
    if len(properties) > MAX_PROPERTIES:
        raise invalid(f"CustomerMetadataProperties would be {len(properties)}; expected up to {MAX_PROPERTIES}")
    record.update({name: request[name] for name in _REPLACED if name in request})
    record["AdditionalInferenceSpecifications"] = specifications or None
    record["CustomerMetadataProperties"] = properties or None


def container_of(package: Record, given: Record) -> Record:
    """The container of a model whose own, `given`, names a package: image and model data are the package's, and its
    variables where the model has no others. Raises ServiceError for a package that no model can be made of."""
    arn = package["ModelPackageArn"]
    approval = package.get("ModelApprovalStatus", "Approved")
    if approval != "Approved":
        raise invalid(
            f"Model package {arn} is {approval}; only an Approved one can be deployed: approve it by UpdateModelPackage"
        )
    own = dict(given)
    del own["ModelPackageName"]
    containers = _specification(package, own.pop("InferenceSpecificationName", None)).get("Containers", [])
    if len(containers) != 1:
        raise invalid(f"Model package {arn} has {len(containers)} containers; one is emulated")
    container: dict[str, Any] = {key: value for key, value in containers[0].items() if key not in _DESCRIPTIVE}
    environment = {**container.get("Environment", {}), **given.get("Environment", {})}
    return {**container, **own, "Environment": environment}


def _specification(package: Record, name: str | None) -> Record:
    if name is None:
        main: Record = package.get("InferenceSpecification") or {}
        return main
    for each in package.get("AdditionalInferenceSpecifications") or []:
        if each["Name"] == name:
            found: Record = each
            return found
    raise invalid(f"Model package {package['ModelPackageArn']} has no inference specification {name!r}")
