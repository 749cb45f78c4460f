"""A job from the moment its record is written until AWS has answered, and what an earlier call left in between.

The record is written before AWS is asked, and gets its ARN after. One without is a job that may be there, run and cost:
the same command again looks for it, and goes on with it or makes it under the same name, which AWS never takes twice.
It goes on with a job that is there, too, when nobody saw its end: its caller was killed, or left it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from aws.errors import AwsError, is_missing
from formats.console import say
from formats.errors import SagesegError
from jobs.backends import make_client
from jobs.creating import UnknownOutcomeError, described, is_of, maybe_there
from jobs.creating import create as create_at
from jobs.tracking.attempts import last_attempt_here
from jobs.tracking.find_jobs import publish_record
from jobs.tracking.job_calls import describe
from jobs.tracking.records import (
    JobRecord,
    forget_record,
    format_record,
    parse_record,
    read_record,
    record_path,
    unended_records,
    write_record,
)
from jobs.training.plan import Attempt, JobPlan


def create(record: JobRecord) -> JobRecord:
    """Create the job and record it. A refused job leaves no record; one of which nobody knows whether it is there
    leaves one without an ARN."""
    check_name_free(record.name)
    client = make_client("sagemaker", record.backend, record.region)
    try:
        write_record(record)
        return _known(record, create_at(client, record.call, record.request, datetime.fromisoformat(record.created)))
    except UnknownOutcomeError:
        raise
    except SagesegError:
        forget_record(record.name)
        raise
    except KeyboardInterrupt:
        say(maybe_there(record.call, record.name))
        raise


def _known(record: JobRecord, arn: str) -> JobRecord:
    record = replace(record, arn=arn)
    publish_record(record)
    write_record(record)  # last: until then the same command again does all of this
    return record


def begun_before(plan_as: Callable[[str], JobPlan], plan: JobPlan, backend: str, region: str) -> JobPlan:
    """The plan under the name that an earlier call of the same command chose, where that was not followed to its end;
    else the plan. `plan_as` makes the plan under a name."""
    for record in unended_records(plan.first.kind, backend, region):
        again = plan_as(record.first_name)
        if any(_is_recorded(record, attempt) for attempt in _all_attempts(again)) and (
            record.is_begun or _found(record) is not None
        ):
            return again
    return plan


def taken_over(plan: JobPlan, backend: str, region: str) -> tuple[JobPlan, JobRecord | None]:
    """The plan without the attempts before one that was only begun, and the job to go on with where one is there.

    Raises SagesegError where a job is there that was begun otherwise than the plan has it.
    """
    for number, attempt in enumerate(plan.attempts):
        name = attempt.job.name
        record = read_record(name) if record_path(name).exists() else None
        if record is None or record.description:
            continue
        found = _found(record)
        if found is not None:
            if not _is_planned(record, plan, backend, region):
                raise SagesegError(
                    f"{name}: is there already, begun with other settings; sageseg jobs logs {name} --follow follows "
                    f"it, sageseg jobs stop {name} ends it, or choose another --name"
                )
            begun = f"{name} was begun at {record.created} with these settings"
            say(f"note: {begun}; it goes on with that, and another --name starts another")
            return plan, found
        if record.is_begun:
            say(f"note: {name} was begun at {record.created}, and nothing came of it; it is begun anew")
            return (replace(plan, attempts=plan.attempts[number:], listed=None) if number else plan), None
    return plan, None


def _found(record: JobRecord) -> JobRecord | None:
    """The record of a job that is there, with its ARN; None where nothing came of it, where somebody else has the name,
    or where it has ended without a model."""
    client = make_client("sagemaker", record.backend, record.region)
    try:
        found = described(client, record.call, record.name)
    except SagesegError as e:
        raise SagesegError(
            f"{record.name}: was begun at {record.created}, may run and cost, and cannot be looked for ({e}); run the "
            "same command again"
        ) from e
    if found is None:
        return None
    if not record.is_begun:
        # who did not wait has what was asked for once it is over: the same command tomorrow asks for another
        followed = ("InProgress",) if "--no-wait" in record.command else ("InProgress", "Completed")
        return record if found[f"{record.call.member}Status"] in followed else None
    if not is_of(record.request, found, datetime.fromisoformat(record.created)):
        forget_record(record.name)
        return None
    return _known(record, str(found[record.call.arn]))


def _is_planned(record: JobRecord, plan: JobPlan, backend: str, region: str) -> bool:
    same_place = (record.backend, record.region) == (backend, region)
    return same_place and any(_is_recorded(record, attempt) for attempt in _all_attempts(plan))


def _all_attempts(plan: JobPlan) -> list[Attempt]:
    return [*([plan.listed] if plan.listed else []), *plan.attempts]


def _is_recorded(record: JobRecord, attempt: Attempt) -> bool:
    """Whether a record is of this attempt: its request as it would be read back."""
    written = format_record(replace(record, request=attempt.request))
    return parse_record(written, record.name).request == record.request


def check_names_free(attempts: Sequence[Attempt], backend: str, region: str) -> None:
    """Raise SagesegError when a job is recorded here, or known to AWS, under the name of an attempt."""
    for attempt in attempts:
        check_name_free(attempt.job.name)
    later = last_attempt_here(attempts[0].job.name)
    if later:
        raise SagesegError(
            f"{later.first_name}: a job of that name was started from this folder, and runs as {later.name}; choose "
            "another --name"
        )
    for attempt in attempts if backend == "aws" else ():
        _check_unknown_to_aws(attempt, region)


def _check_unknown_to_aws(attempt: Attempt, region: str) -> None:
    """AWS never takes a job's name twice, and would say so only after the upload."""
    name = attempt.job.name
    try:
        describe(JobRecord(name, "aws", region, "", "", [], {}, kind=attempt.kind))
    except AwsError as e:
        if is_missing(e):
            return
        raise
    raise SagesegError(
        f"{name}: a {attempt.kind} job of that name is at AWS in {region} already; choose another --name"
    )


def check_name_free(name: str) -> None:
    """Raise SagesegError when a job of that name is recorded here, and more than begun."""
    if record_path(name).exists() and not (record := read_record(name)).is_begun:
        frees = "" if record.backend == "aws" else f", sageseg jobs forget {name} frees the name"
        raise SagesegError(
            f"{name}: a job of that name was started from this folder; sageseg jobs logs {name} --follow follows it"
            f"{frees}, or choose another --name"
        )
