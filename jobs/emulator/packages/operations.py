"""SageMaker's operations on model packages and their groups."""

from __future__ import annotations

import re
import time
from typing import Any

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.packages.record import (
    MODEL_PACKAGE_GROUPS,
    MODEL_PACKAGES,
    change_package,
    check_package,
    new_package,
    specification_of,
    told,
)
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.state import Record, State

_OF_ITS_OWN = re.compile(r"arn:[^:]*:sagemaker:[^:]*:[^:]*:(model|model-package)/")
"""A SourceUri that a package is made of; any other is kept as it is."""
_VERSIONED = "instr(name, '/') > 0"
_NAME = "substr(name, 1, instr(name || '/', '/') - 1)"
"""That of its group, where a package is a version."""
_TYPES = {"Versioned": _VERSIONED, "Unversioned": f"NOT {_VERSIONED}"}


class ModelPackages:
    """Each operation takes a checked request and the caller's region."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.packages = Collection(state, MODEL_PACKAGES)
        self._groups = Collection(state, MODEL_PACKAGE_GROUPS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        named = {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "BatchDescribeModelPackage": self.describe_several,
            "ListModelPackages": self.list_packages,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }
        return {("sagemaker", name): operation for name, operation in named.items()}

    def create_group(self, request: Record, region: str) -> Record:
        if "ManagedConfiguration" in request:
            raise invalid("ManagedConfiguration is not emulated")
        members = {"ModelPackageGroupStatus": "Completed", "CreatedBy": {}, "_Versions": 0}
        return self._groups.create(request, region, None, members)

    def describe_group(self, request: Record, region: str) -> Record:
        return self._groups.named(request["ModelPackageGroupName"], region).record

    def list_groups(self, request: Record, region: str) -> Record:
        _one_account(request)
        return self._groups.page(request, region)

    def delete_group(self, request: Record, region: str) -> Record:
        """Forget a group, which must be empty (developer guide, Delete a Model Group)."""
        with self._state.alone():
            group = self._groups.named(request["ModelPackageGroupName"], region)
            left = self._of_group(group.name)
            if left:
                raise ServiceError(
                    "ConflictException",
                    f"Model package group {group.arn} still has model packages, such as {left[0]}; delete them with "
                    "DeleteModelPackage first",
                )
            self._groups.remove(group.name)
        return {}

    def _of_group(self, group: str) -> list[str]:
        """The ARNs of a group's versions."""
        condition = "kind = ? AND substr(name, 1, ?) = ?"
        found = self._state.select(condition, (MODEL_PACKAGES.word, len(group) + 1, f"{group}/"))
        return [package.arn for package in found]

    def create(self, request: Record, region: str) -> Record:
        check_package(request)
        with self._state.alone():
            before = self._asked_before(request)
            if before:
                return {"ModelPackageArn": before}
            given, request = request, request | self._of_source(request)
            name, version, owner, now = request.get("ModelPackageName", ""), None, None, time.time()
            if not name:
                group = self._groups.named(request["ModelPackageGroupName"], region)
                version = group.record["_Versions"] + 1
                name, owner = f"{group.name}/{version}", group.arn
                request = request | {"ModelPackageGroupName": group.name}
                self._groups.change(group.name, lambda record, _now: record.update(_Versions=version))
            arn = make_arn(MODEL_PACKAGES, name, region, owner)
            self.packages.add(new_package(request, name, arn, version, now) | {"_Asked": given}, request)
        return {"ModelPackageArn": arn}

    def _of_source(self, request: Record) -> Record:
        """What a package takes over of the package or the model that its SourceUri names by an ARN."""
        arn = request.get("SourceUri", "")
        if not _OF_ITS_OWN.match(arn):
            return {}
        source = self._state.by_arn(arn)
        if source is None:
            raise invalid(f"SourceUri {arn} does not exist")
        specification = specification_of(source.record)
        return {"InferenceSpecification": specification} if specification else {}

    def _asked_before(self, request: Record) -> str:
        """The ARN of what this very request has made already. Raises ServiceError for its token with another one."""
        token = request.get("ClientToken")
        condition = "kind = ? AND json_extract(record, '$._Token') = ?"
        for other in self._state.select(condition, (MODEL_PACKAGES.word, token)) if token else ():
            if other.record["_Asked"] != request:
                raise ServiceError("ConflictException", "ClientToken was used for another request")
            return other.arn
        return ""

    def describe(self, request: Record, region: str) -> Record:
        record = self.packages.named(request["ModelPackageName"], region).record
        return told(record, metadata_only=request.get("IncludedData") == "MetadataOnly")

    def describe_several(self, request: Record, region: str) -> Record:
        """Those of the ARNs that are there, and why the others are not told."""
        found, failed = {}, {}
        for arn in request["ModelPackageArnList"]:
            try:
                found[arn] = told(self.packages.named(arn, region).record)
            except ServiceError as e:
                failed[arn] = {"ErrorCode": e.code, "ErrorResponse": e.message}
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}

    def list_packages(self, request: Record, region: str) -> Record:
        """Without a type those of the group that is named, or without a group the unversioned ones."""
        given = request.get("ModelPackageGroupName")
        kind = request.get("ModelPackageType", "Versioned" if given else "Unversioned")
        also: list[tuple[str, tuple[Any, ...]]] = [(_TYPES[kind], ())] if kind in _TYPES else []
        if given:
            group = self._groups.named(given, region).name
            also.append((f"{_VERSIONED} AND {_NAME} = ?", (group,)))
        if "NameContains" in request:
            also.append((f"instr({_NAME}, ?) > 0", (request["NameContains"],)))
        if "ModelApprovalStatus" in request:
            also.append(("json_extract(record, '$.ModelApprovalStatus') = ?", (request["ModelApprovalStatus"],)))
        rest = {name: value for name, value in request.items() if name != "NameContains"}
        page = self.packages.page(rest, region, also)
        return page | {MODEL_PACKAGES.listed: [told(record) for record in page[MODEL_PACKAGES.listed]]}

    def update(self, request: Record, region: str) -> Record:
        found = self.packages.named(request["ModelPackageArn"], region)
        self.packages.change(found.name, lambda record, _now: change_package(record, request))
        return {"ModelPackageArn": found.arn}

    def delete(self, request: Record, region: str) -> Record:
        self.packages.remove(self.packages.named(request["ModelPackageName"], region).name)
        return {}


def _one_account(request: Record) -> None:
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        raise invalid("CrossAccountFilterOption CrossAccount is not emulated")
