"""The shards of a verb by one processing job: which are missing, on what they are made, and that job to its end."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from aws.clients import aws_errors, configured_region
from aws.names import PROCESS_TAG, check_name, default_name, tag_value, utc_now
from aws.s3 import parse_s3_object, parse_s3_uri
from formats.console import result_json, say
from formats.errors import SagesegError
from formats.shards.shard import Shard
from formats.texts.wording import name_first
from jobs.backends import LOCAL_REGION, LOCAL_ROLE, Place, make_client, open_place
from jobs.contract.registry import OPEN_IMAGE
from jobs.contract.service_model import check_request
from jobs.cost.agreement import agree_on_processing
from jobs.cost.prices import STORAGE, find_rate
from jobs.cost.quotes import ProcessingQuote, count_instances
from jobs.cost.spent import usd_of
from jobs.creating import PROCESSING, create
from jobs.processing.follow import follow_processing, seconds_of, told_end
from jobs.processing.given import Found, Told, find_at_aws, find_here, find_in_s3, tell_places
from jobs.processing.options import ProcessOptions
from jobs.processing.request import PLAN_INPUT, Given, ProcessingJob, output_of, processing_request
from jobs.processing.shards_there import FolderOutput, Output, S3Output, There, look
from jobs.quotas import find_quotas, quota_name

_STEM = "sageseg-process"


@dataclass(frozen=True)
class Work:
    """A verb's words without --out, which of them are mere texts, and which places that the verb itself reads from S3;
    and where its shards go: a folder of this machine, or `s3://`."""

    verb: str
    words: Sequence[str]
    texts: frozenset[str]
    from_s3: frozenset[str]
    out: str


def process(work: Work, options: ProcessOptions) -> bool:
    """Make the shards that are missing. Whether all are there then: without `wait` they may not be."""
    _check_names(options)
    place, output = _open(work, options)
    there = look(output, options.instances)
    missing = there.missing(options.instances)
    if not missing:
        say(f"note: {work.out}: all {options.instances} shards are there; their sources are not looked at again")
        return True
    name = _running(place, output.uri)
    usd_per_hour: float | None = None
    if name is None:
        if there.shards:
            say(f"{len(there.shards)} of {options.instances} shards are there; missing: {name_first(missing)}")
        told = _told(work, options)
        job = _job(work, options, place, told, output, there, missing)
        request = processing_request(job)
        check_request("sagemaker", "CreateProcessingJob", request, file_uris=options.backend == "local")
        usd_per_hour = _agree(job, options, place.region)
        if options.dry_run:
            result_json(request)
            return False
        _start(place, job, request, told)
        name = job.name
    if not options.wait:
        say(f"{name} goes on; the same command again follows it, {PROCESSING.ends.format(name)} ends it")
        return False
    return _follow(place, name, output, options.instances, usd_per_hour)


def _check_names(options: ProcessOptions) -> None:
    if options.name is not None:
        check_name(options.name)


def _open(work: Work, options: ProcessOptions) -> tuple[Place, Output]:
    local = options.backend == "local"
    region = LOCAL_REGION if local else configured_region(options.region)
    if not work.out.startswith("s3://"):
        if not local:
            raise SagesegError(
                f"--out {work.out}: on AWS the shards go to S3; expected s3://bucket/prefix, or add --backend local"
            )
        return open_place("local", region), FolderOutput(Path(work.out))
    place = parse_s3_uri(work.out)
    if not place.prefix:
        raise SagesegError(
            f"--out {work.out}: a whole bucket; expected a prefix in it, such as {work.out.rstrip('/')}/cars"
        )
    return open_place(options.backend, region), S3Output(place, make_client("s3", "aws", options.region))


def _told(work: Work, options: ProcessOptions) -> Told:
    def find(value: str) -> Found:
        if options.backend == "aws":
            return find_at_aws(value, _s3(options), f"{work.out.rstrip('/')}-inputs")
        return find_in_s3(value, _s3(options)) if value.startswith("s3://") else find_here(value)

    told = tell_places(work.words, work.texts, work.from_s3, find)
    for typed, there in told.shown:
        say(f"input {typed} ({there})")
    return told


def _s3(options: ProcessOptions) -> Any:
    return make_client("s3", "aws", options.region)


def _job(
    work: Work,
    options: ProcessOptions,
    place: Place,
    told: Told,
    output: Output,
    there: There,
    missing: Sequence[Shard],
) -> ProcessingJob:
    local = place.backend == "local"
    role = options.role or os.environ.get("SAGESEG_ROLE") or (LOCAL_ROLE if local else None)
    image = options.image or (OPEN_IMAGE if local else None)
    for value, name, expected in (
        (role, "--role", "the ARN of a role for SageMaker"),
        (image, "--image", "this project's image in your registry, made by its Dockerfile"),
    ):
        if value is None:
            raise SagesegError(f"{name}: missing; expected {expected} (or --backend local, which needs none)")
    plans = [Given(f"{output.uri}/{name}", f"{PLAN_INPUT}/{number}") for number, name in enumerate(there.beside, 1)]
    return ProcessingJob(
        name=options.name or f"{default_name(_STEM, work.verb, now=utc_now())}-{token_hex(2)}",
        image=str(image),
        role=str(role),
        words=told.words,
        shards=missing,
        inputs=[*told.inputs, *plans],
        output_uri=output.uri,
        instance_type=options.instance_type,
        volume_gb=options.volume_gb,
        max_runtime_seconds=options.max_runtime_seconds,
        tags={PROCESS_TAG: tag_value(output.uri), **(options.tags or {})},
    )


def _agree(job: ProcessingJob, options: ProcessOptions, region: str) -> float | None:
    """Dollars per hour of all instances, said and agreed to; None on this machine, and where unknown."""
    if options.backend == "local":
        return None
    count = len(job.shards)
    quota = find_quotas(region, [job.instance_type], "processing job").get(job.instance_type)
    if quota is not None and quota < count:
        raise SagesegError(
            f"{count_instances(count, job.instance_type)}: this account's quota "
            f"'{quota_name(job.instance_type, 'processing job')}' is {quota:g}; lower --instances, ask for more under "
            "Service Quotas, or name another --instance-type"
        )
    rate = find_rate(region, job.instance_type, "Processing", own=options.rate)
    quote = ProcessingQuote(job.instance_type, rate, count, job.max_runtime_seconds, job.volume_gb, STORAGE.get(region))
    agree_on_processing(quote, max_cost=options.max_cost, yes=options.yes or options.dry_run)
    return quote.usd_per_hour


def _start(place: Place, job: ProcessingJob, request: Mapping[str, Any], told: Told) -> None:
    for path, uri in told.uploads.items():
        where, name = parse_s3_object(uri)
        where.put(make_client("s3", "aws", place.region), name, path.read_bytes())
        say(f"{uri}: sent")
    create(place.sagemaker, PROCESSING, request, utc_now())
    say(
        f"started {PROCESSING.word} {job.name} on {count_instances(len(job.shards), job.instance_type)}: shards "
        f"{name_first(job.shards)}"
    )


def _running(place: Place, uri: str) -> str | None:
    """The job that makes shards there now, whoever began it: it is gone on with, so that none is made twice."""
    with aws_errors(f"listing {PROCESSING.word}s"):
        pages = place.sagemaker.get_paginator("list_processing_jobs").paginate(StatusEquals="InProgress")
        names = [each["ProcessingJobName"] for page in pages for each in page["ProcessingJobSummaries"]]
        for name in names:
            if output_of(place.sagemaker.describe_processing_job(ProcessingJobName=name)) == uri:
                say(f"note: {PROCESSING.word} {name} makes shards there now; it goes on with that")
                return str(name)
    return None


def _follow(place: Place, name: str, output: Output, of: int, usd_per_hour: float | None) -> bool:
    try:
        description = follow_processing(place, name)
    except KeyboardInterrupt:
        say(f"{name} goes on; the same command again follows it, {PROCESSING.ends.format(name)} ends it")
        raise
    usd = usd_of(seconds_of(description), usd_per_hour)
    if usd is not None:
        say(f"it cost ${usd:.2f}")
    missing = look(output, of).missing(of)
    if missing:
        raise told_end(
            name,
            description,
            f"shards that are missing: {name_first(missing)} of {of}; the same command again makes these alone",
        )
    if description["ProcessingJobStatus"] != "Completed":
        say(f"note: {name} is {description['ProcessingJobStatus']}, and all its shards are there")
    return True
