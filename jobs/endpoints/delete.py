"""Deleting an endpoint with all that belongs to it: scaling, configuration, model, schedule, record.

    sageseg jobs delete cars

What carries none of this project's tags is somebody else's and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aws.clients import NoRegionError, aws_errors, configured_region
from aws.errors import AwsError
from aws.names import UNTIL_TAG, is_ours
from formats.console import say
from formats.errors import SagesegError
from jobs.backends import LOCAL_REGION, Place, emulator_was_here, open_place
from jobs.contract.statuses import RUNNING
from jobs.endpoints.lease import delete_schedule, schedule_name
from jobs.endpoints.parts import (
    CONFIG,
    ENDPOINT,
    MODEL,
    Capacity,
    Kind,
    capacity_of,
    delete_part,
    describe_part,
    tags_of,
)
from jobs.endpoints.records import endpoint_path, forget_endpoint, readable_endpoint
from jobs.endpoints.scaling import remove_scaling
from jobs.endpoints.stores import ASYNC, open_store

_JOBS = (
    ("training job", "describe_training_job", "TrainingJob"),
    ("tuning job", "describe_hyper_parameter_tuning_job", "HyperParameterTuningJob"),
)
_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


def find_endpoint(name: str, region: str | None) -> Place:
    """Where an endpoint is: as its record says, else on this machine when it is there, else at AWS."""
    record = readable_endpoint(name)
    if record is not None:
        return open_place(record.backend, record.region)
    if endpoint_path(name).exists():
        say(f"note: {endpoint_path(name)} is damaged, and does not tell where {name} is; it is looked for")
    if not emulator_was_here():
        return open_place("aws", configured_region(region))
    local = open_place("local", LOCAL_REGION)
    if any(describe_part(local.sagemaker, kind, name) for kind in (ENDPOINT, CONFIG, MODEL)):
        return local
    try:
        return open_place("aws", configured_region(region))
    except NoRegionError:
        if endpoint_path(name).exists():  # it may be at AWS, and cost
            raise
        return local  # nowhere else to look


def check_is_there(place: Place, name: str) -> None:
    """Raise SagesegError where nothing of an endpoint has this name, saying what else has it: a misspelt endpoint
    would go on costing."""
    kinds = (ENDPOINT, CONFIG, MODEL)
    if endpoint_path(name).exists() or any(describe_part(place.sagemaker, kind, name) for kind in kinds):
        return
    nothing = f"{name}: no endpoint of that name on {place}"
    job = _job_named(place, name)
    if job is None:
        raise SagesegError(f"{nothing}; sageseg jobs leftovers shows those there are")
    word, status = job
    if status in RUNNING:
        raise SagesegError(f"{nothing}, but a {word} ({status}); sageseg jobs stop {name} ends it")
    models = "says where its artefact lies" if word == "training job" else "lists its training jobs, whose models stay"
    raise SagesegError(
        f"{nothing}, but a {word} ({status}), which costs nothing any more; sageseg jobs show {name} {models}"
    )


def _job_named(place: Place, name: str) -> tuple[str, str] | None:
    """What job has this name, and its status."""
    for word, call, member in _JOBS:
        try:
            with aws_errors(f"describing {word} {name}"):
                described = getattr(place.sagemaker, call)(**{f"{member}Name": name})
            return word, described[f"{member}Status"]
        except AwsError:  # none of that name, or one may not ask: then nothing is known of it
            continue
    return None


def remove_endpoint(place: Place, name: str, *, force: bool = False) -> Iterator[str]:
    """Delete an endpoint and what belongs to it, telling of each part what became of it.

    The record stays where the scaling may. Raises SagesegError before anything is deleted when the endpoint is not
    this project's and not `force`, or when it is in the middle of a change.
    """
    endpoint = describe_part(place.sagemaker, ENDPOINT, name)
    tags = tags_of(place.sagemaker, endpoint["EndpointArn"]) if endpoint else {}
    if endpoint:
        _check_deletable(endpoint, tags, force=force)
    config_name = endpoint["EndpointConfigName"] if endpoint else name
    config = describe_part(place.sagemaker, CONFIG, config_name)
    ours = not config or is_ours(tags_of(place.sagemaker, config["EndpointConfigArn"]))
    capacity = _capacity(name, config) if ours or force else Capacity()
    scaling_remains = False
    if capacity.answers_uri:
        became, scaling_remains = _remove_scaling(place, name)
        yield became
    models = [v["ModelName"] for v in config["ProductionVariants"] if "ModelName" in v] if config else [name]
    if endpoint and endpoint["EndpointStatus"] == "Deleting":
        yield f"endpoint {name}: is being deleted already"
    else:
        yield _told(ENDPOINT, name, done=endpoint is not None and delete_part(place.sagemaker, ENDPOINT, name))
    yield _remove_part(place, CONFIG, config_name, config, force=force)
    for model in models:
        yield _remove_part(place, MODEL, model, describe_part(place.sagemaker, MODEL, model), force=force)
    if ours:
        yield from _empty_store(place, name, capacity)
    if place.backend == "aws":
        yield from _remove_schedule(place, name, leased=UNTIL_TAG in tags)
    if not scaling_remains:  # by the record the same command finds it again
        forget_endpoint(name)


def _capacity(name: str, config: dict[str, Any] | None) -> Capacity:
    """By its configuration, or what is recorded of that where it is gone."""
    record = readable_endpoint(name)
    told = config or (record.requests.get("CreateEndpointConfig") if record else None)
    return capacity_of(told, {}) if told else Capacity()


def _remove_scaling(place: Place, name: str) -> tuple[str, bool]:
    """What became of it, and whether it may remain: an endpoint costs more, and is deleted nevertheless."""
    try:
        return _told_of("scaling", name, done=remove_scaling(place, name)), False
    except SagesegError as e:
        known = endpoint_path(name).exists()
        way = f"sageseg jobs delete {name}, typed again," if known else "sageseg jobs leftovers --delete"
        return f"scaling {name}: may remain ({e}); {way} removes it", True


def _empty_store(place: Place, name: str, capacity: Capacity) -> Iterator[str]:
    """What callers that were killed left of images and answers. A place of any other name may hold what is not of
    sageseg."""
    if not capacity.answers_uri.endswith(f"/{ASYNC}/{name}"):
        return
    try:
        open_store(capacity.answers_uri, place.region).remove()
    except SagesegError as e:
        yield f"{capacity.answers_uri}: may remain ({e}); it is yours to delete"


def _check_deletable(endpoint: dict[str, Any], tags: dict[str, str], *, force: bool) -> None:
    name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
    if not force and not is_ours(tags):
        raise SagesegError(
            f"endpoint {name}: was not made by sageseg (no tag sageseg:…); --force deletes it nevertheless"
        )
    if status in _CHANGING:
        raise SagesegError(
            f"endpoint {name}: {status}, and until that is over it cannot be deleted; run sageseg jobs delete {name} "
            "again in a few minutes"
        )


def _remove_part(place: Place, kind: Kind, name: str, found: dict[str, Any] | None, *, force: bool) -> str:
    if found and not force and not is_ours(tags_of(place.sagemaker, found[f"{kind.member}Arn"])):
        return f"{kind.word} {name}: was not made by sageseg, so it is left"
    return _told(kind, name, done=found is not None and delete_part(place.sagemaker, kind, name))


def _told(kind: Kind, name: str, *, done: bool) -> str:
    return _told_of(kind.word, name, done=done)


def _told_of(word: str, name: str, *, done: bool) -> str:
    return f"{word} {name}: {'deleted' if done else 'gone already'}"


def _remove_schedule(place: Place, name: str, *, leased: bool) -> Iterator[str]:
    """Without a lease there need not be one, and who may not look need not be told."""
    record = readable_endpoint(name)
    try:
        if delete_schedule(name, place.region):
            yield f"schedule {schedule_name(name)}: deleted"
        elif record and record.scheduled:
            yield f"schedule {schedule_name(name)}: gone already"
    except AwsError as e:
        if (record and record.scheduled) or (leased and not record):
            yield f"schedule {schedule_name(name)}: may remain ({e}); it deletes itself at the end of the lease"
