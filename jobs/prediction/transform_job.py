"""A batch transform from its start to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from aws.clients import aws_errors
from aws.errors import is_about_capacity
from formats.console import open_screen, say
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs.backends import Place
from jobs.contract.log_lines import TRANSFORM_LOGS
from jobs.contract.statuses import ENDED
from jobs.cost.quotes import count_instances
from jobs.cost.spent import usd_of
from jobs.creating import MODEL, TRANSFORM, UnknownOutcomeError, create, described
from jobs.endpoints.container_log import show_log
from jobs.prediction.batch_record import BatchRecord, read_batch, write_batch
from jobs.tracking.job_calls import POLL_SECONDS


def start_transform(place: Place, record: BatchRecord) -> BatchRecord:
    """Send the two requests; the record has the transform's ARN then. Raises UnknownOutcomeError where nobody knows
    whether there is one; after a refusal the record says that nothing was asked for."""
    write_batch(record)
    since = datetime.fromisoformat(record.created)
    try:
        create(place.sagemaker, MODEL, record.model, since)
        arn = create(place.sagemaker, TRANSFORM, record.transform, since)
    except UnknownOutcomeError:
        raise
    except SagesegError:
        write_batch(replace(record, images={}))
        raise
    started = replace(record, arn=arn)
    write_batch(started)
    machines = record.transform["TransformResources"]
    on = count_instances(machines["InstanceCount"], machines["InstanceType"])
    say(f"started transform job {record.name} on {on}")
    return started


def may_run(place: Place, name: str) -> bool:
    """Whether a transform that was asked for may run, or begin to, as far as is known."""
    record = read_batch(name)
    if record is None or not record.images:
        return False
    if not record.arn:
        return True
    try:
        found = described(place.sagemaker, TRANSFORM, name)
    except SagesegError:
        return True
    return found is not None and found["TransformJobStatus"] == "InProgress"


def is_completed(place: Place, name: str) -> bool:
    """Whether a transform has ended with all its answers, as far as is known."""
    try:
        found = described(place.sagemaker, TRANSFORM, name)
    except SagesegError:
        return False
    return found is not None and found["TransformJobStatus"] == "Completed"


@dataclass(frozen=True)
class SpendingLimit:
    """What a transform may cost. It has no time limit of its own: the caller's is kept from here.
    `usd_per_hour` is of all its instances."""

    name: str
    max_cost: float | None
    usd_per_hour: float | None

    def check(self, seconds: float) -> None:
        limit, usd = self.max_cost, usd_of(seconds, self.usd_per_hour)
        if limit is not None and usd is not None and usd >= limit:
            raise SagesegError(
                f"transform job {self.name}: has cost --max-cost {limit:g} after {format_roughly(seconds)} and is "
                "stopped; predict fewer images, raise --max-cost, or use --via artefact"
            )


def await_transform(place: Place, name: str, limit: SpendingLimit) -> dict[str, Any]:
    """The description of a transform that has completed. Raises SagesegError when it did not; a transform
    that is not waited for is stopped."""
    try:
        description = _follow(place, name, limit)
    except BaseException:
        _stop(place, name)
        raise
    status = description["TransformJobStatus"]
    if status != "Completed":
        show_log(TRANSFORM_LOGS, place.backend, place.region, prefix=f"{name}/")
        raise SagesegError(f"transform job {name}: {status}: {_explain(description)}")
    return description


def _follow(place: Place, name: str, limit: SpendingLimit) -> dict[str, Any]:
    since, shown = monotonic(), False
    with open_screen() as screen:
        while True:
            with aws_errors(f"describing transform job {name}"):
                described: dict[str, Any] = place.sagemaker.describe_transform_job(TransformJobName=name)
            if described["TransformJobStatus"] in ENDED:
                return described
            if not shown:
                screen.line("InProgress")
                shown = True
            limit.check(monotonic() - since)
            screen.live(f"{name}  InProgress  {format_roughly(monotonic() - since)}")
            sleep(POLL_SECONDS[place.backend])


def _stop(place: Place, name: str) -> None:
    try:
        with aws_errors(f"stopping transform job {name}"):
            place.sagemaker.stop_transform_job(TransformJobName=name)
        say(f"transform job {name}: stopping")
    except SagesegError as e:
        say(f"transform job {name}: could not be stopped ({e})")


def _explain(description: Mapping[str, Any]) -> str:
    reason: str = description.get("FailureReason", "somebody stopped it").rstrip(".")
    if is_about_capacity(reason):
        return f"{reason}; name another --instance-type, or try again later"
    return f"{reason}; --via artefact needs no transform"


def transform_seconds(description: Mapping[str, Any]) -> float | None:
    """How long a transform ran, in seconds."""
    started, ended = description.get("TransformStartTime"), description.get("TransformEndTime")
    return (ended - started).total_seconds() if started and ended else None
