"""What `sageseg jobs show` tells of a training's course: epochs, time left, early stopping, settings, artefact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aws.clients import make_client
from aws.errors import AwsError
from aws.s3 import parse_s3_object
from formats.console import say
from formats.texts.wording import format_roughly
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.hyperparameters import TABLE, whole_number, without_the_services
from jobs.contract.statuses import ENDED
from jobs.tracking.job_calls import log_lines
from jobs.tracking.progress import Progress, advance
from jobs.tracking.records import JobRecord

_VALIDATED = ("validation_mIOU", "validation_pixel_accuracy", "validation_throughput")
"""Of an epoch that is done, its record holds one of these."""


def moment(when: datetime | None) -> str | None:
    return None if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def describe_course(record: JobRecord, description: Mapping[str, Any]) -> dict[str, str]:
    """Early stopping, how many epochs are done and the time left, by what each line is called. Where the log may not be
    read, that is said, and what only the log tells is left out."""
    settings = description.get("HyperParameters", {})
    stops_early = settings.get("early_stopping", str(TABLE["early_stopping"].default)) == "True"
    told = {"early stopping": "on" if stops_early else "off"}
    try:
        done, left = _how_far(record)
    except AwsError as e:
        say(f"note: {e}; so its epochs are not known")
        return told
    most = whole_number(settings, "epochs")
    if stops_early and description["TrainingJobStatus"] == "Completed":
        told["early stopping"] += f", stopped after {done} of {most} epochs" if done < most else ", but not needed"
    told["epochs"] = f"{done} of {most} done"
    is_over = description["TrainingJobStatus"] in ENDED
    return told if left is None or is_over else told | {"time left": f"about {format_roughly(left)}"}


def _how_far(record: JobRecord) -> tuple[int, float | None]:
    """How many epochs are done, and the seconds left: by the record of a job that was followed to its end, else by the
    log."""
    if record.epochs:
        return sum(any(epoch.get(name) is not None for name in _VALIDATED) for epoch in record.epochs), None
    progress = advance(Progress(), log_lines(record))
    return progress.validated, progress.seconds_left


def describe_settings(description: Mapping[str, Any]) -> list[str]:
    """The hyperparameters that were given, `epochs 10` each; all others have their defaults."""
    given = without_the_services(description.get("HyperParameters", {}))
    known = [name for name in TABLE if name in given]
    return [f"{name} {given[name]}" for name in (*known, *sorted(given.keys() - TABLE.keys()))]


def missing_artefact(record: JobRecord, description: Mapping[str, Any]) -> str:
    """Why a job has no artefact, although its description may say where one would be; empty where it has one."""
    status = description["TrainingJobStatus"]
    uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if status not in ENDED:
        return f"none yet ({status})"
    if status == "Failed":
        return "none (a job that failed leaves none)"
    if uri and _may_exist(uri, record.region, sure=status == "Completed"):
        return ""
    return "none (stopped before there was one)" if status == "Stopped" else f"none (gone from {uri})"


def _may_exist(uri: str, region: str, *, sure: bool) -> bool:
    """Whether there is such a file or object, as far as one may ask; with `sure` S3 is not asked."""
    if is_file_uri(uri):
        return file_uri_path(uri).is_file()
    if sure:
        return True
    folder, name = parse_s3_object(uri)
    try:
        found: Sequence[str] = [one["Key"] for one in folder.objects(make_client("s3", region), deep=False)]
    except AwsError:
        return True
    return folder.prefix + name in found


def four_places(value: float | None) -> str:
    """A metric of an epoch, which not every epoch has."""
    return "–" if value is None else f"{value:.4f}"
