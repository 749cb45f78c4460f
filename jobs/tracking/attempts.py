"""What became of a job that was moved on to another instance type: NAME was asked for, NAME-2 or NAME-3 runs.

A later attempt's request carries the name that was asked for as a tag, so that its record here tells it, and at
AWS it is found without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aws.clients import aws_errors, make_client
from aws.errors import is_about_capacity
from aws.names import ATTEMPT_TAG, number_of_attempt
from jobs.tracking.records import JobRecord, Kind, readable_records, record_names

QUOTA = "ResourceLimitExceeded"
_SHORTER = 3
"""What a later attempt's name may lack of the name that was asked for: the room of its number."""
_LISTS = {
    "training": ("list_training_jobs", "TrainingJob"),
    "tuning": ("list_hyper_parameter_tuning_jobs", "HyperParameterTuningJob"),
}


def is_moved_on_from(reason: str) -> bool:
    """Whether a job that failed for this reason is tried on another instance type: AWS had none free,
    or a tuning job's training jobs met a quota."""
    return is_about_capacity(reason) or QUOTA in reason


def last_attempt_here(name: str) -> JobRecord | None:
    """The last recorded attempt of a job after its first; None where there is none."""
    later = readable_records(_latest_first(record_names(), name))
    return next((record for record in later if record.first_name == name), None)


def last_attempt_at_aws(name: str, region: str, kind: Kind) -> str | None:
    """The name of the last attempt after the first, None where there is none; by its tag."""
    operation, member = _LISTS[kind]
    client = make_client("sagemaker", region)
    with aws_errors(f"looking for what became of {name}"):
        pages = client.get_paginator(operation).paginate(NameContains=name[:-_SHORTER].rstrip("-") or name)
        arns = {job[f"{member}Name"]: job[f"{member}Arn"] for page in pages for job in page[f"{member}Summaries"]}
        names = _latest_first(arns, name)
        return next((attempt for attempt in names if _asked_name(client, arns[attempt]) == name), None)


def _latest_first(names: Iterable[str], name: str) -> Iterator[str]:
    # a name that ends in a number, as one with the time does, is no attempt of its own
    numbers = {attempt: number_of_attempt(attempt, name) for attempt in names if attempt != name}
    return iter(sorted((attempt for attempt in numbers if numbers[attempt] > 1), key=lambda a: -numbers[a]))


def _asked_name(client: Any, arn: str) -> str | None:
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return next((tag["Value"] for page in pages for tag in page["Tags"] if tag["Key"] == ATTEMPT_TAG), None)
