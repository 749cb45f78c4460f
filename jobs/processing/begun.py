"""A processing job from the moment before AWS is asked for it until its end: `$SAGESEG_HOME/processing/<place>.json`,
one for each place to which shards go.

AWS's answer may be lost, or its list not tell of a job yet. The same command looks for the job by the name that is kept
here, and where it is not there asks for it under that name, which AWS never takes twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from aws.clients import aws_errors
from aws.names import is_job_name, numbered, utc_now
from formats.console import say
from formats.disk.private_files import private_folder, write_private
from formats.errors import SagesegError
from formats.state_home import home
from formats.texts.json_text import format_json
from formats.texts.typed_json import parse_as, short
from jobs.backends import Place
from jobs.contract.statuses import RUNNING
from jobs.creating import PROCESSING, UnknownOutcomeError, create, described, maybe_there
from jobs.processing.request import output_of

_MEND = "look for it with sageseg jobs list, and remove the file"


@dataclass(frozen=True)
class Begun:
    """A job that was asked for, and when."""

    name: str
    created: str

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.created)


class _Shape(TypedDict):
    name: str
    created: datetime


def begun_path(place: Place, uri: str) -> Path:
    digest = hashlib.sha256(f"{place.backend} {place.region} {uri}".encode()).hexdigest()
    return home() / "processing" / f"{digest[:24]}.json"


def parse_begun(content: bytes, path: Path) -> Begun:
    """The counterpart of what `begin` writes. Raises SagesegError that names the file: what it told of may run and
    cost."""
    begun = parse_as(content, Begun, path, _MEND, _Shape)
    if not is_job_name(begun.name):
        raise SagesegError(f"{path}: damaged (name is {short(begun.name)}; expected a job's); {_MEND}")
    return begun


def read_begun(place: Place, uri: str) -> Begun | None:
    path = begun_path(place, uri)
    return parse_begun(path.read_bytes(), path) if path.exists() else None


def forget_begun(place: Place, uri: str) -> None:
    """The job has ended, or there is none."""
    begun_path(place, uri).unlink(missing_ok=True)


def free_name(place: Place, uri: str, wanted: str | None, default: str) -> Begun:
    """Under which name a job is to be asked for. One that was asked for and is not there keeps its name; of a name that
    is `wanted` and taken by an earlier job with the same shards the next: NAME-2."""
    begun = read_begun(place, uri)
    now = utc_now().isoformat(timespec="seconds")
    if wanted is None:
        return begun or Begun(default, now)
    number = 1
    while _is_of_place(place, numbered(wanted, number), uri):
        number += 1
    name = numbered(wanted, number)
    return begun if begun and begun.name == name else Begun(name, now)


def _is_of_place(place: Place, name: str, uri: str) -> bool:
    found = described(place.sagemaker, PROCESSING, name)
    return found is not None and output_of(found) == uri


def begin(place: Place, uri: str, begun: Begun, request: Mapping[str, Any]) -> None:
    """Ask for the job. Raises SagesegError where AWS refuses it, UnknownOutcomeError where nobody knows."""
    path = begun_path(place, uri)
    private_folder(home(), path.parent.name)
    write_private(path, format_json(asdict(begun)) + "\n", durable=True)
    try:
        create(place.sagemaker, PROCESSING, request, begun.since)
    except UnknownOutcomeError:
        raise
    except SagesegError:
        forget_begun(place, uri)
        raise
    except KeyboardInterrupt:
        say(maybe_there(PROCESSING, begun.name))
        raise


def under_way(place: Place, uri: str) -> str | None:
    """The job that makes shards there now, whoever began it: it is gone on with, so that none is made twice."""
    begun = read_begun(place, uri)
    found = described(place.sagemaker, PROCESSING, begun.name) if begun else None
    if begun and found and found["ProcessingJobStatus"] in RUNNING:
        name: str | None = begun.name
    else:
        if found:
            forget_begun(place, uri)
        name = _listed(place, uri)
    if name:
        say(f"note: {PROCESSING.word} {name} makes shards there now; it goes on with that")
    return name


def _listed(place: Place, uri: str) -> str | None:
    with aws_errors(f"listing {PROCESSING.word}s"):
        paginate = place.sagemaker.get_paginator("list_processing_jobs").paginate
        for status in RUNNING:
            for page in paginate(StatusEquals=status):
                for name in (each["ProcessingJobName"] for each in page["ProcessingJobSummaries"]):
                    if output_of(place.sagemaker.describe_processing_job(ProcessingJobName=name)) == uri:
                        return str(name)
    return None
