"""The shards of a verb by one processing job: which are missing, on what they are made, and that job to its end."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from aws.clients import configured_region
from aws.names import PROCESS_TAG, check_name, default_name, tag_value, utc_now
from aws.s3 import parse_s3_object, parse_s3_uri
from formats.console import result_json, say
from formats.errors import SagesegError
from formats.shards.markers import LINE
from formats.texts.wording import name_first
from formats.verbs.mounting import typed_words
from jobs.backends import LOCAL_REGION, LOCAL_ROLE, Place, make_client, open_place
from jobs.contract.registry import OPEN_IMAGE
from jobs.contract.service_model import check_request
from jobs.cost.quotes import count_instances
from jobs.creating import PROCESSING, alone
from jobs.processing.begun import begin, forget_begun, free_name, under_way
from jobs.processing.given import Found, Told, find_at_aws, find_here, find_in_s3, tell_places
from jobs.processing.machines import agree, settle_types
from jobs.processing.options import ProcessOptions
from jobs.processing.request import COMMAND, PLAN_INPUT, Given, ProcessingJob, processing_request, words_of
from jobs.processing.same_line import Line, check_same
from jobs.processing.shards_there import FolderOutput, Output, S3Output, There, look
from jobs.processing.wheel import Wheel, check_way_out, read_wheel
from jobs.tracking.hosts.follow import follow_processing, told_end
from jobs.tracking.hosts.spent import spent_on
from jobs.training.options import SecurityOptions

_STEM = "sageseg-process"
_ELSEWHERE = "choose another --out or --shards"


@dataclass(frozen=True)
class Work:
    """A verb, the words behind it without --out, which of them are mere texts, which places the verb itself reads from
    S3, where its shards go: a folder of this machine, or `s3://`, and which extras of setup.cfg it may need."""

    verb: tuple[str, ...]
    words: Sequence[str]
    texts: frozenset[str]
    from_s3: frozenset[str]
    shards: str
    extras: tuple[str, ...] = ()

    @property
    def inputs(self) -> str:
        """Below which lies what is sent to the instances."""
        return f"{self.shards.rstrip('/')}-inputs"

    @property
    def line(self) -> Line:
        return Line((*self.verb, *self.words), self.texts)


def process(work: Work, options: ProcessOptions, security: SecurityOptions) -> bool:
    """Make the shards that are missing. Whether all are there then: without `wait` they may not be."""
    _check_names(options)
    place, output = _open(work, options, security)
    there = look(output, options.instances)
    if there.command:
        check_same(f"{output.shown}: its shards are made", work.line, there.command, there.line, _ELSEWHERE)
    if not there.missing(options.instances):
        say(f"note: {output.shown}: all {options.instances} shards are there; their sources are not looked at again")
        forget_begun(place, output.uri)
        return not options.dry_run
    name = _under_way(work, place, output, there.line) or _start(work, options, security, place, output, there)
    if name is None:
        return False
    if options.dry_run or not options.wait:
        say(_goes_on(name))
        return False
    with _leaving(name):
        description = follow_processing(place, name)
    return _conclude(place, name, description, output, options)


def _under_way(work: Work, place: Place, output: Output, line: str = "") -> str | None:
    """The job that makes these shards now. Raises SagesegError where it makes others in their place."""
    name = under_way(place, output.uri)
    if name:
        told = words_of(place.sagemaker.describe_processing_job(ProcessingJobName=name))
        making = f"{PROCESSING.word} {name}: makes the shards of {output.shown}"
        check_same(making, work.line, told, line, f"wait for its end, or {_ELSEWHERE}")
    return name


def _start(
    work: Work, options: ProcessOptions, security: SecurityOptions, place: Place, output: Output, there: There
) -> str | None:
    """Start a job for what is missing; its name, None for a dry run."""
    if there.shards:
        missing = name_first(there.missing(options.instances))
        say(f"{len(there.shards)} of {options.instances} shards are there; missing: {missing}")
    told, wheel = _told(work, options, output), _wheel(work, options, security)
    begun = free_name(place, output.uri, options.name, _default_name(work))
    job = _job(begun.name, work, options, security, place, output, there, told, wheel)
    request = processing_request(job)
    check_request("sagemaker", "CreateProcessingJob", request, file_uris=options.backend == "local")
    agree(job, options, place)
    if options.dry_run:
        result_json(request)
        return None
    _send(place, told, security.kms_key)
    if wheel:
        wheel.send(job.inputs[-1], lambda: _s3(options), security.kms_key)
    with alone(PROCESSING.word, place.backend, place.region, output.uri):
        if name := _under_way(work, place, output):  # begun elsewhere while somebody was asked about the price
            return name
        if typed_words():
            output.put(LINE, f"sageseg jobs {shlex.join(typed_words())}\n")
        begun = free_name(place, output.uri, options.name, begun.name)  # one that AWS does not show yet keeps its name
        begin(place, output.uri, begun, {**request, "ProcessingJobName": begun.name})
    with _leaving(begun.name):
        machines = count_instances(len(job.shards), " or ".join(job.preferences) or job.instance_type)
        say(f"started {PROCESSING.word} {begun.name} on {machines}: shards {name_first(job.shards)}")
    return begun.name


@contextmanager
def _leaving(name: str) -> Iterator[None]:
    """Ctrl-C leaves the job."""
    try:
        yield
    except KeyboardInterrupt:
        say(_goes_on(name))
        raise


def _goes_on(name: str) -> str:
    return f"{name} goes on; the same command again follows it, {PROCESSING.ends.format(name)} ends it"


def _default_name(work: Work) -> str:
    return f"{default_name(_STEM, *work.verb, now=utc_now())}-{token_hex(2)}"


def _check_names(options: ProcessOptions) -> None:
    if options.name is not None:
        check_name(options.name)


def _open(work: Work, options: ProcessOptions, security: SecurityOptions) -> tuple[Place, Output]:
    local = options.backend == "local"
    region = LOCAL_REGION if local else configured_region(options.region)
    if not work.shards.startswith("s3://"):
        if not local:
            raise SagesegError(
                f"{work.shards}: on AWS the shards go to S3; expected s3://bucket/prefix as --shards, or as --out, or "
                "add --backend local"
            )
        return open_place("local", region), FolderOutput(Path(work.shards))
    place = parse_s3_uri(work.shards)
    if not place.prefix:
        raise SagesegError(
            f"{work.shards}: a whole bucket; expected a prefix in it, such as {work.shards.rstrip('/')}/cars"
        )
    output = S3Output(place, make_client("s3", "aws", options.region), security.kms_key)
    return open_place(options.backend, region), output


def _told(work: Work, options: ProcessOptions, output: Output) -> Told:
    def find(value: str) -> Found:
        if options.backend == "aws":
            return find_at_aws(value, _s3(options), work.inputs)
        return find_in_s3(value, _s3(options)) if value.startswith("s3://") else find_here(value)

    told = tell_places(work.words, work.texts, work.from_s3, find)
    for typed, there in told.shown:
        _check_apart(typed, output)
        say(f"input {typed} ({there})")
    return told


def _check_apart(read: str, output: Output) -> None:
    """Raise SagesegError where shards would lie in a place that is read: who begins later would read them too."""
    uri = read.rstrip("/") if read.startswith("s3://") else Path(read).resolve().as_uri()
    if f"{output.uri}/".startswith(f"{uri}/"):
        raise SagesegError(f"{output.shown}: lies in {read}, which is to be read; choose another --out or --shards")


def _wheel(work: Work, options: ProcessOptions, security: SecurityOptions) -> Wheel | None:
    if options.wheel is None:
        return None
    check_way_out(security.network)
    return read_wheel(options.wheel, work.extras)


def _s3(options: ProcessOptions) -> Any:
    return make_client("s3", "aws", options.region)


def _job(
    name: str,
    work: Work,
    options: ProcessOptions,
    security: SecurityOptions,
    place: Place,
    output: Output,
    there: There,
    told: Told,
    wheel: Wheel | None,
) -> ProcessingJob:
    local = place.backend == "local"
    role = security.role or os.environ.get("SAGESEG_ROLE") or (LOCAL_ROLE if local else None)
    image = options.image or (OPEN_IMAGE if local else None)
    for value, option, expected in (
        (role, "--role", "the ARN of a role for SageMaker"),
        (
            image,
            "--image",
            "an image with Python 3.11 or newer"
            if wheel
            else "this project's image in your registry, made by its Dockerfile, or a stock one with --wheel",
        ),
    ):
        if value is None:
            raise SagesegError(f"{option}: missing; expected {expected} (or --backend local, which needs none)")
    plans = [Given(f"{output.uri}/{file}", f"{PLAN_INPUT}/{number}") for number, file in enumerate(there.beside, 1)]
    missing = there.missing(options.instances)
    inputs_uri = work.inputs if work.inputs.startswith("s3://") else Path(work.inputs).resolve().as_uri()
    types = settle_types(options, security, place, len(missing))
    return ProcessingJob(
        name=name,
        image=str(image),
        role=str(role),
        words=(*work.verb, *told.words),
        shards=missing,
        inputs=[*told.inputs, *plans, *([wheel.given(inputs_uri)] if wheel else [])],
        output_uri=output.uri,
        instance_type=types[0],
        volume_gb=options.volume_gb,
        max_runtime_seconds=options.max_runtime_seconds,
        tags={PROCESS_TAG: tag_value(output.uri), **(security.tags or {})},
        kms_key=security.kms_key,
        network=security.network,
        preferences=types if len(types) > 1 else (),
        entrypoint=wheel.entrypoint if wheel else (COMMAND,),
    )


def _send(place: Place, told: Told, kms_key: str | None) -> None:
    for path, uri in told.uploads.items():
        where, name = parse_s3_object(uri)
        where.put(make_client("s3", "aws", place.region), name, path.read_bytes(), kms_key=kms_key)
        say(f"{uri}: sent")


def _conclude(place: Place, name: str, description: dict[str, Any], output: Output, options: ProcessOptions) -> bool:
    """What a job that has ended cost, and whether it made all. Raises SagesegError where shards are missing."""
    forget_begun(place, output.uri)
    spent = spent_on(description, place, options.rate)
    if spent:
        say(f"it cost ${spent[0]:.2f} ({spent[1]})")
    of = options.instances
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
