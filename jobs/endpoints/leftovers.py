"""What this project left at a backend: what costs, what a lease should have ended, what nothing uses.

    sageseg jobs leftovers --delete

Ours is what carries a tag `sageseg:…`; of schedules, what is named `sageseg-<endpoint>` and deletes one; of scaling,
what has policies of our names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws.clients import aws_errors, make_client
from aws.errors import AwsError, is_missing
from aws.names import SCHEDULE_PREFIX, UNTIL_TAG, is_ours, parse_until
from formats.console import say
from jobs.backends import Place
from jobs.contract.instances import running_on
from jobs.cost.prices import Component, find_rate, find_serverless_rate
from jobs.endpoints.lease import endpoint_of_schedule
from jobs.endpoints.parts import CONFIG, ENDPOINT, MODEL, Capacity, Kind, capacity_of, describe_part, tags_of
from jobs.endpoints.scaling import scaled_endpoints

_THREADS = 8
_Price = Callable[[str, Component], float | None]
_UNDER_WAY = timedelta(minutes=15)
"""A model or configuration this young may belong to an endpoint or a transform that is just being made."""


@dataclass(frozen=True)
class Leftover:
    """One thing that is there. `created` has a time zone. `usd_per_day` is None where unknown, or where
    others are paid for it; `until` is the end of its lease. `unused`: nothing needs it any more. `about` is what else
    is to be known of its cost."""

    kind: str
    name: str
    backend: str
    region: str
    status: str
    created: datetime
    usd_per_day: float | None = 0.0
    until: datetime | None = None
    unused: bool = False
    about: str = ""

    def is_expired(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


@dataclass(frozen=True)
class _Jobs:
    """A kind of job: its word, SageMaker's name for it, where its instance stands, what it is billed as."""

    word: str
    call: str
    member: str
    listed: str
    resources: str = ""
    component: Component = "Train"


JOBS = (
    _Jobs("training job", "training_job", "TrainingJob", "TrainingJobSummaries", "ResourceConfig"),
    _Jobs(
        "tuning job", "hyper_parameter_tuning_job", "HyperParameterTuningJob", "HyperParameterTuningJobSummaries"
    ),  # paid for as its training jobs, which are listed too
    _Jobs("transform job", "transform_job", "TransformJob", "TransformJobSummaries", "TransformResources", "Tsform"),
    _Jobs(
        "processing job",
        "processing_job",
        "ProcessingJob",
        "ProcessingJobSummaries",
        "ProcessingResources",
        "Processing",
    ),
)


def find_leftovers(place: Place, now: datetime) -> list[Leftover]:
    """All of this project's endpoints, running jobs, schedules, models and configurations there.
    Raises SagesegError."""
    price = _prices(place)
    jobs = [found for kind in JOBS for found in _running(place, kind, price)]
    endpoints = _listed(place, "list_endpoints", "Endpoints", "EndpointName")
    described = [found for name in endpoints if (found := describe_part(place.sagemaker, ENDPOINT, name))]
    tags = _all_tags(place, [found["EndpointArn"] for found in described])
    ours = [_endpoint(place, found, tags[found["EndpointArn"]], price) for found in described if _ours(found, tags)]
    used = {found["EndpointConfigName"] for found in described}
    parts = _parts(place, used, now)
    schedules = _schedules(place, set(endpoints)) if place.backend == "aws" else []
    return [*ours, *jobs, *schedules, *_scalings(place, set(endpoints)), *parts]


def _ours(endpoint: Mapping[str, Any], tags: Mapping[str, Mapping[str, str]]) -> bool:
    return is_ours(tags[endpoint["EndpointArn"]])


def endpoint_leftover(place: Place, found: Mapping[str, Any], tags: Mapping[str, str]) -> Leftover:
    """One endpoint, as its backend describes it, with what it costs."""
    return _endpoint(place, found, tags, _prices(place))


def _endpoint(place: Place, found: Mapping[str, Any], tags: Mapping[str, str], price: _Price) -> Leftover:
    config = describe_part(place.sagemaker, CONFIG, found["EndpointConfigName"])
    failed = found["EndpointStatus"] == "Failed"
    usd_per_day, about = _costs(place, capacity_of(config, found), price) if config else (None, "")
    return Leftover(
        "endpoint",
        found["EndpointName"],
        place.backend,
        place.region,
        found["EndpointStatus"],
        found["CreationTime"],
        usd_per_day=0.0 if failed else usd_per_day,
        until=parse_until(tags.get(UNTIL_TAG, "")),
        unused=failed,
        about=about,
    )


def _costs(place: Place, capacity: Capacity, price: _Price) -> tuple[float | None, str]:
    """Dollars per day as it stands now, and what it may come to besides."""
    if capacity.serverless:
        memory = capacity.serverless.memory_mb
        usd = 0.0 if place.backend == "local" else find_serverless_rate(place.region, memory).usd_per_hour
        at_work = "" if not usd else f", ${usd:.4g} per hour of answering"
        return 0.0, f"{memory} MB serverless: nothing while nobody asks{at_work}"
    if not capacity.answers_uri:
        hourly = price(capacity.instance_type, "Host")
        return None if hourly is None else 24 * capacity.instances * hourly, ""
    hourly, awake = price(capacity.instance_type, "AsyncInf"), 1 if capacity.alive is None else capacity.alive
    each = "" if not hourly else f", ${24 * hourly:.2f}/day for each that is awake"
    usd_now = None if hourly is None and awake else 24 * awake * (hourly or 0)
    return usd_now, f"asynchronous, {f'{awake} awake' if awake else 'asleep'}{each}"


def _prices(place: Place) -> _Price:
    """Dollars per hour of an instance type, asked once for each; nothing is paid on this machine."""

    @cache
    def price(instance_type: str, component: Component) -> float | None:
        if place.backend == "local":
            return 0.0
        return find_rate(place.region, instance_type, component).usd_per_hour

    return price


def _running(place: Place, kind: _Jobs, price: _Price) -> Iterator[Leftover]:
    names = _listed(place, f"list_{kind.call}s", kind.listed, f"{kind.member}Name", StatusEquals="InProgress")
    for name in names:
        with aws_errors(f"describing {kind.word} {name}"):
            found = getattr(place.sagemaker, f"describe_{kind.call}")(**{f"{kind.member}Name": name})
        if not is_ours(tags_of(place.sagemaker, found[f"{kind.member}Arn"])):
            continue
        resources = found.get(kind.resources, {})
        resources = resources.get("ClusterConfig", resources)
        instance_type = running_on(resources)
        hourly = price(instance_type, kind.component) if instance_type else None
        yield Leftover(
            kind.word,
            name,
            place.backend,
            place.region,
            found[f"{kind.member}Status"],
            found["CreationTime"],
            usd_per_day=None if hourly is None else 24 * resources.get("InstanceCount", 1) * hourly,
        )


def _parts(place: Place, used_configs: set[str], now: datetime) -> list[Leftover]:
    """Our configurations and models that no endpoint uses."""
    configs = _owned(place, CONFIG, "list_endpoint_configs", "EndpointConfigs")
    in_use = {
        variant.get("ModelName")
        for c in configs
        if _name(CONFIG, c) in used_configs
        for variant in c["ProductionVariants"]
    }
    models = _owned(place, MODEL, "list_models", "Models")
    loose = [(CONFIG, c) for c in configs if _name(CONFIG, c) not in used_configs]
    loose += [(MODEL, m) for m in models if _name(MODEL, m) not in in_use]
    return [
        Leftover(kind.word, _name(kind, found), place.backend, place.region, "", found["CreationTime"], unused=True)
        for kind, found in loose
        if now - found["CreationTime"] >= _UNDER_WAY
    ]


def _name(kind: Kind, found: Mapping[str, Any]) -> str:
    return str(found[f"{kind.member}Name"])


def _owned(place: Place, kind: Kind, call: str, listed: str) -> list[dict[str, Any]]:
    """Our parts of a kind, described."""
    arns = _listed(place, call, listed, f"{kind.member}Arn")
    tags = _all_tags(place, arns)
    names = [arn.rpartition("/")[2] for arn in arns if is_ours(tags[arn])]
    return [found for name in names if (found := describe_part(place.sagemaker, kind, name))]


def _all_tags(place: Place, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """By ARN; what has gone since it was listed has none, and is nobody's."""

    def read(arn: str) -> dict[str, str]:
        try:
            return tags_of(place.sagemaker, arn)
        except AwsError as e:
            if is_missing(e):
                return {}
            raise

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(arns, pool.map(read, arns), strict=True))


def _listed(place: Place, call: str, listed: str, member: str, **asked: str) -> list[str]:
    """One member of all that a list call tells of, all pages."""
    with aws_errors(call.replace("_", " ").replace("list", "listing", 1)):
        pages = place.sagemaker.get_paginator(call).paginate(**asked)
        return [found[member] for page in pages for found in page[listed]]


def _schedules(place: Place, endpoints: set[str]) -> list[Leftover]:
    """Schedules that delete endpoints of ours. Who may not look is told so: there may be some."""
    try:
        with aws_errors("listing schedules"):
            client = make_client("scheduler", place.region)
            pages = client.get_paginator("list_schedules").paginate(NamePrefix=SCHEDULE_PREFIX)
            found = [schedule for page in pages for schedule in page["Schedules"]]
    except AwsError as e:
        if not e.code.startswith("AccessDenied"):
            raise
        say(f"note: {e}; a schedule deletes itself when it has run")
        return []
    return [
        Leftover(
            "schedule",
            schedule["Name"],
            place.backend,
            place.region,
            schedule.get("State", ""),
            schedule["CreationDate"],
            unused=endpoint_of_schedule(schedule["Name"]) not in endpoints,
        )
        for schedule in found
        if schedule["Target"]["Arn"].endswith(":aws-sdk:sagemaker:deleteEndpoint")
    ]


def _scalings(place: Place, endpoints: set[str]) -> list[Leftover]:
    """How our asynchronous endpoints sleep and wake, which outlives an endpoint that its lease ended."""
    try:
        found = scaled_endpoints(place)
    except AwsError as e:
        if not e.code.startswith("AccessDenied"):
            raise
        say(f"note: {e}; of an endpoint that is gone its scaling costs nothing, but for its alarms some cents")
        return []
    return [
        Leftover("scaling", name, place.backend, place.region, "", created, unused=name not in endpoints)
        for name, created in found.items()
    ]
