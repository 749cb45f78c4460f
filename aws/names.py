"""Names and tags of what this project makes at AWS, by which it is found again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from formats.errors import SagesegError

PROJECT_TAG = "sageseg:"
"""What the keys of this project's tags begin with: what carries none is somebody else's."""
JOB_TAG = "sageseg:job"
"""The tag that says which job an endpoint serves, or the file that it was made of."""
DATASET_TAG = "sageseg:dataset"
"""The tag by which this project's jobs are found again; its value is the dataset's digest."""
PROCESS_TAG = "sageseg:process"
"""The tag by which this project's processing jobs are found; its value is where their shards go."""
ATTEMPT_TAG = "sageseg:attempt-of"
"""The tag of a job's second and later attempts: the name that was asked for, which the first one has."""
MAX_NAME = 63
UNTIL_TAG = "sageseg:until"
"""The end of an endpoint's lease, `2026-11-21T07:00:00Z`."""
_STAMP = "%Y-%m-%dT%H:%M:%S"
SCHEDULE_PREFIX = "sageseg-"
MAX_ENDPOINT_NAME = 64 - len(SCHEDULE_PREFIX)
"""An endpoint's name, so that a schedule's 64 characters hold it."""


def is_ours(tags: Mapping[str, str]) -> bool:
    return any(key.startswith(PROJECT_TAG) for key in tags)


def tag_value(text: str) -> str:
    """A text as a tag's value: its end, where it is too long."""
    return "".join(c if c.isalnum() or c in "_.:/=+-@ " else "-" for c in text)[-256:]


def is_job_name(text: str) -> bool:
    """Whether a job could have this name (API reference, CreateTrainingJob)."""
    return re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", text) is not None and len(text) <= MAX_NAME


def check_name(name: str, option: str = "--name") -> None:
    if len(name) > MAX_NAME:
        raise SagesegError(f"{option} {name}: {len(name)} characters; expected at most {MAX_NAME}")
    if not is_job_name(name):
        raise SagesegError(
            f"{option} {name}: expected letters of A to Z, digits, and hyphens between them, such as {name_stem(name)}"
        )


def default_name(*parts: str, now: datetime, most: int = MAX_NAME) -> str:
    """A job name that says what and when, within so many letters, digits and hyphens: its front is cut."""
    when = f"{now:-%Y%m%d-%H%M%S}"
    return name_stem(*parts)[: most - len(when)].rstrip("-") + when


def name_stem(*parts: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", "-".join(parts)).strip("-")[:42].strip("-") or "job"


def numbered(name: str, number: int) -> str:
    """NAME, NAME-2, NAME-3: a job's name for each instance type that is tried."""
    if number == 1:
        return name
    suffix = f"-{number}"
    return name[: MAX_NAME - len(suffix)].rstrip("-") + suffix


def number_of_attempt(attempt: str, name: str) -> int:
    """The counterpart of `numbered`: which attempt of NAME a job's name may be; 0 where it is none.
    A tuning job's names are cut shorter, so that the front only has to be NAME's."""
    front, _, number = attempt.rpartition("-")
    return int(number) if front and re.fullmatch(r"[0-9]{1,9}", number) and name.startswith(front) else 0


def format_until(until: datetime) -> str:
    return f"{until.astimezone(UTC):{_STAMP}}Z"


def parse_until(text: str) -> datetime | None:
    """The time in a `format_until`; None for a tag that somebody else wrote."""
    try:
        return datetime.strptime(text, f"{_STAMP}Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def utc_now() -> datetime:
    return datetime.now(UTC)
