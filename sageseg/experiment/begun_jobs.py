"""What has become of a job that an earlier call of an experiment began: none is paid for twice."""

from __future__ import annotations

from typing import Literal

from aws.errors import AwsError, is_missing
from jobs.tracking.attempts import last_attempt_here
from jobs.tracking.find_jobs import find_job
from jobs.tracking.records import read_record, record_path
from jobs.tracking.tuning_ranking import best

State = Literal["begun", "there", "enough", "over"]
"""It is yet to be made; to be followed to its end; a tuning that did not end well and has trained a model; a job that
ended without one."""


def state_of(job: str) -> State:
    """Of a training or tuning job by its name."""
    if not last_attempt_here(job) and (not record_path(job).exists() or read_record(job).is_begun):
        return "begun"
    try:
        found = find_job(job)
        ended_well, is_tuning = found.status == "Completed", found.record.is_tuning
        if found.status == "InProgress" or (ended_well and not is_tuning):
            return "there"
        if not is_tuning or best(found.training_jobs) is None:
            return "over"
    except AwsError as e:
        if is_missing(e):
            return "over"
        raise
    return "there" if ended_well else "enough"
