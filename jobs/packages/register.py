"""A model registered as a version of a group, with what its report says of it.

The same again finds the version that is there, and with another approval changes that alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import Any

from aws.clients import aws_errors, make_client
from aws.names import check_name, utc_now
from aws.s3 import parse_s3_object
from formats.console import say
from formats.disk.whole_files import write_bytes
from formats.texts.json_text import format_json
from formats.texts.told_scores import ToldScore
from jobs.backends import Place, open_place
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import APPROVED, Package, group_request, package_request
from jobs.creating import GROUP, PACKAGE, alone, create, described
from jobs.packages.found import container_of, describe_package, versions_of
from jobs.packages.scores_file import property_of, scores_file
from jobs.tracking.records import JobRecord
from jobs.tracking.trained_model import TrainedModel, served_image

GROUP_TAG = "sageseg:group"
_LOOKED_AT = 20
"""Of a group's versions the latest so many, when a model is looked for that may be registered already."""


@dataclass(frozen=True)
class Scored:
    """What a report says of a model. `level` is that of its intervals, None where it has none."""

    scores: tuple[ToldScore, ...]
    level: float | None
    groups: int
    images: int


@dataclass(frozen=True)
class Registered:
    """A version that is there, and whether it was there before."""

    arn: str
    status: str
    was_there: bool


def plan_package(trained: TrainedModel, group: str, scored: Scored | None, *, approved: bool) -> tuple[Package, bytes]:
    """The version to be made, and the content of the file of scores that it names; without a report both have none.

    Raises SagesegError for what the service would refuse.
    """
    check_name(group, "--group")
    package = Package(
        group,
        served_image(trained),
        trained.artefact_uri,
        approved=approved,
        description=f"{trained.name}, by sageseg",
        properties=_properties(trained.record, scored.scores if scored else ()),
    )
    content = b""
    if scored:
        content, digest = scores_file(scored.scores, level=scored.level, groups=scored.groups, images=scored.images)
        folder = trained.artefact_uri.rpartition("/")[0]  # by its content: no later report changes what a version names
        package = replace(package, scores_uri=f"{folder}/scores-{digest[:16]}.json", scores_sha256=digest)
    request = package_request(package)
    check_request("sagemaker", "CreateModelPackage", request, file_uris=trained.backend == "local")
    return package, content


def register(trained: TrainedModel, package: Package, content: bytes) -> Registered:
    """Make the version, and its group where there is none; a version of the same model and scores is taken as it is.

    Raises SagesegError for what is refused.
    """
    place = open_place(trained.backend, trained.region)
    with alone(GROUP.word, place.backend, trained.region, package.group):  # two commands would make two versions
        return _made_or_found(place, trained, package, content)


def _made_or_found(place: Place, trained: TrainedModel, package: Package, content: bytes) -> Registered:
    latest = _group(place, package.group)
    there = _same_version(place, package)
    if there is not None:
        return _as_wanted(place, there, package)
    if package.scores_uri:
        _put(package.scores_uri, content, trained)
    request = package_request(replace(package, token=_token(package, latest)))
    arn = create(place.sagemaker, PACKAGE, request, utc_now())
    return Registered(arn, str(request["ModelApprovalStatus"]), was_there=False)


def _group(place: Place, group: str) -> str:
    """Make the group where there is none; the ARN of its latest version, empty where it has none."""
    if described(place.sagemaker, GROUP, group) is None:
        create(place.sagemaker, GROUP, group_request(group, {GROUP_TAG: group}), utc_now())
        say(f"created model package group {group}")
        return ""
    return next((str(one["ModelPackageArn"]) for one in versions_of(place, group)), "")


def _same_version(place: Place, package: Package) -> Mapping[str, Any] | None:
    """One of the latest versions that serves the same artefact in the same image, and names the same scores, where some
    are to be told."""
    for summary in islice(versions_of(place, package.group), _LOOKED_AT):
        found = describe_package(place, summary["ModelPackageArn"])
        if found is None or _serves(found) != (package.image, package.artefact_uri):
            continue
        if package.scores_uri in ("", _scores_of(found)):
            return found
    return None


def _serves(package: Mapping[str, Any]) -> tuple[Any, Any]:
    container = container_of(package)
    return container.get("Image"), container.get("ModelDataUrl")


def _scores_of(package: Mapping[str, Any]) -> str:
    statistics = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {})
    return str(statistics.get("S3Uri", ""))


def _as_wanted(place: Place, there: Mapping[str, Any], package: Package) -> Registered:
    arn, status = str(there["ModelPackageArn"]), str(there["ModelApprovalStatus"])
    if package.approved and status != APPROVED:
        with aws_errors(f"approving {arn}"):
            place.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=APPROVED)
        status = APPROVED
    return Registered(arn, status, was_there=True)


def _token(package: Package, latest: str) -> str:
    """Of this model and these scores after the group's latest version: whoever asks again, since the answer was lost,
    asks for the same one."""
    return sha256(f"{format_json(package_request(package))} {latest}".encode()).hexdigest()[:36]


def _put(uri: str, content: bytes, trained: TrainedModel) -> None:
    if is_file_uri(uri):
        write_bytes(file_uri_path(uri), content)
        return
    folder, name = parse_s3_object(uri)
    s3 = make_client("s3", trained.region)
    folder.put(s3, name, content, kms_key=trained.kms_key, content_type="application/json")


def _properties(record: JobRecord | None, scores: Iterable[ToldScore]) -> dict[str, str]:
    """What the registry shows in words: the job, and the scores that are of no one class."""
    told = {} if record is None else {"job": record.name, "dataset_sha256": record.dataset_sha256}
    if record is not None:
        told |= {"git_commit": record.git_commit, "sageseg": record.tool_version}
    means = {score.name: property_of(score) for score in scores if "." not in score.name}
    return {name: text for name, text in (told | means).items() if text}
