"""A pipeline created or brought up to date, and one execution of it: started, or followed where one is under way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from aws.clients import NetworkError, aws_errors, make_client
from aws.errors import AwsError
from aws.names import utc_now
from aws.s3 import parse_s3_object
from formats.console import result, result_json, say
from formats.errors import SagesegError
from jobs.backends import Place, emulator_lives, open_place
from jobs.contract.file_uris import for_people
from jobs.contract.service_model import check_request
from jobs.contract.training_request import tag_list
from jobs.creating import PIPELINE, alone, create, described
from jobs.pipelines.costs import agree_on_execution
from jobs.pipelines.definition import Experiment
from jobs.pipelines.follow import follow_execution
from jobs.pipelines.options import PipelineOptions
from jobs.processing.request import CODE, COMMAND, Given
from jobs.processing.wheel import Wheel
from jobs.tracking.pipelines.found import NEVER, latest_execution, under_way


@dataclass(frozen=True)
class Sent:
    """What instances read of this machine: files by the URIs that they are to have, and a wheel with its place."""

    files: Mapping[Path, str]
    wheel: tuple[Wheel, Given] | None = None


def start_pipeline(
    experiment: Experiment,
    definition: Mapping[str, Any],
    sent: Sent,
    options: PipelineOptions,
    region: str,
) -> None:
    """Bring the pipeline up to date, start it, and follow it to its end. Raises SagesegError where an execution does
    not succeed, and for what the user does not agree to."""
    request = _request(experiment, definition)
    check_request("sagemaker", "CreatePipeline", {**request, "ClientRequestToken": "0" * 32})
    if options.dry_run:
        _agree(experiment, options, region)
        result_json(definition)
        return
    place = open_place(options.backend, region)
    _check_ours(described(place.sagemaker, PIPELINE, experiment.name))
    execution = _under_way(place, experiment.name)
    if execution is None:
        ended = _to_retry(place, experiment.name) if options.retry else None
        _agree(experiment, options, region)
        if ended is None:
            _send(sent, experiment.hosts.kms_key, region)
        with alone(PIPELINE.word, place.backend, region, experiment.name):
            execution = _under_way(place, experiment.name)  # begun elsewhere meanwhile
            if execution is None:
                if ended is None:
                    _bring_up_to_date(place, request)
                execution = _begin(place, experiment.name, ended)
                say(f"started {experiment.name}{' again' if ended else ''}: {execution}")
    ways_on = (
        f"{experiment.name} goes on; the same command again follows it, sageseg jobs stop {experiment.name} ends it"
    )
    if not options.wait:
        say(ways_on)
        result(execution)
        return
    try:
        left = follow_execution(place, experiment.name, execution)
    except (KeyboardInterrupt, NetworkError, AwsError):  # only the watching failed
        if options.backend == "aws" or emulator_lives():
            say(ways_on)
        raise
    if left.report.startswith("s3://"):
        say(f"aws s3 sync {left.report} report brings the report here")
    if left.report:
        result(for_people(f"{left.report}/index.html"))
    result(left.package)


def _under_way(place: Place, name: str) -> str | None:
    """The ARN of an execution that goes on, which is said."""
    execution = under_way(place, name)
    if execution:
        say(f"note: an execution of {name} is under way, begun as it was then; it goes on with that")
    return execution


def is_ours(definition: str) -> bool:
    """Whether a pipeline's definition is one of this project's, by how its containers begin."""
    return re.search(rf'"ContainerEntrypoint":\s*\["({COMMAND}"|python3",\s*"{CODE}/)', definition) is not None


def _check_ours(found: Mapping[str, Any] | None) -> None:
    """Raise SagesegError for a pipeline that this project did not make, which must not become another."""
    if found and not is_ours(found["PipelineDefinition"]):
        name = found["PipelineName"]
        raise SagesegError(f"pipeline {name}: is there already, and is none of this project's; choose another --name")


def _to_retry(place: Place, name: str) -> str:
    """The ARN of the latest execution, which did not succeed. Raises SagesegError where there is none such."""
    latest = latest_execution(place, name) or {}
    if latest.get("PipelineExecutionStatus") not in ("Failed", "Stopped"):
        told = latest.get("PipelineExecutionStatus", NEVER)
        raise SagesegError(f"--retry: the latest execution of {name}: {told}; leave it out, and another one starts")
    return str(latest["PipelineExecutionArn"])


def _begin(place: Place, name: str, ended: str | None) -> str:
    """Start an execution, or go on with one that `ended`; its ARN. Whoever asks again after the same execution, since
    the answer was lost or at the same time, gets the same one by its token."""
    try:
        if ended:
            with aws_errors(f"going on with an execution of {name}"):
                place.sagemaker.retry_pipeline_execution(PipelineExecutionArn=ended)
            return ended
        latest = latest_execution(place, name) or {}
        since = (described(place.sagemaker, PIPELINE, name) or {}).get("CreationTime")
        token = sha256(f"{name} {since} {latest.get('PipelineExecutionArn')}".encode()).hexdigest()
        with aws_errors(f"starting {name}"):
            started = place.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token)
        return str(started["PipelineExecutionArn"])
    except (KeyboardInterrupt, NetworkError, AwsError) as e:
        if not isinstance(e, AwsError) or e.failed or e.tries > 1:
            say(
                f"note: an execution of {name} may have begun; the same command again finds out and goes on with it, "
                f"sageseg jobs stop {name} ends it"
            )
        raise


def _request(experiment: Experiment, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "PipelineName": experiment.name,
        "PipelineDefinition": json.dumps(definition, sort_keys=True),
        "RoleArn": experiment.hosts.role,
        "Tags": tag_list(experiment.tags),
    }


def _agree(experiment: Experiment, options: PipelineOptions, region: str) -> None:
    if options.backend == "aws":
        agree_on_execution(experiment, region, max_cost=options.max_cost, yes=options.yes or options.dry_run)


def _send(sent: Sent, kms_key: str | None, region: str) -> None:
    for path, uri in sent.files.items():
        where, name = parse_s3_object(uri)
        where.put(make_client("s3", region), name, path.read_bytes(), kms_key=kms_key)
        say(f"{uri}: sent")
    if sent.wheel:
        wheel, given = sent.wheel
        wheel.send(given, lambda: make_client("s3", region), kms_key)


def _bring_up_to_date(place: Place, request: Mapping[str, Any]) -> None:
    name = request["PipelineName"]
    found = described(place.sagemaker, PIPELINE, name)
    if found is None:
        create(place.sagemaker, PIPELINE, request, utc_now())
        say(f"created pipeline {name}")
        return
    members = ("PipelineDefinition", "RoleArn")
    if any(found.get(member) != request[member] for member in members):
        with aws_errors(f"updating pipeline {name}"):
            place.sagemaker.update_pipeline(PipelineName=name, **{member: request[member] for member in members})
        say(f"updated pipeline {name}")
    _tag(place, found["PipelineArn"], request["Tags"])


def _tag(place: Place, arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    """Give a pipeline that is there the tags that it lacks, or has with another value; others may be somebody's, and
    stay."""
    if not tags:
        return
    with aws_errors(f"tagging {arn}"):
        pages = place.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        there = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        lacking = [tag for tag in tags if there.get(tag["Key"]) != tag["Value"]]
        if lacking:
            place.sagemaker.add_tags(ResourceArn=arn, Tags=lacking)
            say(f"tagged the pipeline: {', '.join(tag['Key'] for tag in lacking)}")
