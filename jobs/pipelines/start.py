"""A pipeline created or brought up to date, and one execution of it: started, or followed where one is under way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws.clients import aws_errors, make_client
from aws.names import utc_now
from aws.s3 import parse_s3_object
from formats.console import result, result_json, say
from jobs.backends import Place, open_place
from jobs.contract.file_uris import for_people
from jobs.contract.service_model import check_request
from jobs.contract.training_request import tag_list
from jobs.creating import PIPELINE, create, described
from jobs.pipelines.costs import agree_on_execution
from jobs.pipelines.definition import Experiment
from jobs.pipelines.follow import follow_execution
from jobs.pipelines.options import PipelineOptions
from jobs.tracking.pipelines.found import under_way


def start_pipeline(
    experiment: Experiment,
    definition: Mapping[str, Any],
    uploads: Mapping[Path, str],
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
    execution = under_way(place, experiment.name)
    if execution:
        say(f"note: an execution of {experiment.name} is under way, begun as it was then; it goes on with that")
    else:
        _agree(experiment, options, region)
        _send(uploads, region)
        _bring_up_to_date(place, request)
        with aws_errors(f"starting {experiment.name}"):
            execution = place.sagemaker.start_pipeline_execution(PipelineName=experiment.name)["PipelineExecutionArn"]
        say(f"started {experiment.name}: {execution}")
    ways_on = (
        f"{experiment.name} goes on; the same command again follows it, sageseg jobs stop {experiment.name} ends it"
    )
    if not options.wait:
        say(ways_on)
        result(execution)
        return
    try:
        made = follow_execution(place, experiment.name, execution)
    except KeyboardInterrupt:
        say(ways_on)
        raise
    report = f"{experiment.out}/{execution.rpartition('/')[2]}/report"
    if report.startswith("s3://"):
        say(f"aws s3 sync {report} report brings the report here")
    result(for_people(f"{report}/index.html"))
    if made:
        result(made)


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


def _send(uploads: Mapping[Path, str], region: str) -> None:
    for path, uri in uploads.items():
        where, name = parse_s3_object(uri)
        where.put(make_client("s3", region), name, path.read_bytes())
        say(f"{uri}: sent")


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
