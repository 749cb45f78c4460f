"""job.json: what was started, with which request, on which dataset; under $SAGESEG_HOME, and for
AWS beside the artefact too, where another machine finds it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from aws.names import ATTEMPT_TAG, is_job_name
from formats.console import say
from formats.disk.private_files import private_folder, write_private
from formats.errors import SagesegError, shown
from formats.state_home import home
from formats.texts.json_text import format_json
from formats.texts.typed_json import parse_as
from jobs.contract.instances import running_on
from jobs.creating import TRAINING, TUNING, CreatingCall
from jobs.tracking.record_shape import RecordShape

_GIT_SECONDS = 5
Kind = Literal["training", "tuning"]
_MEND = "restore it, or remove it: then only its backend tells of the job"
RECORD = "job.json"
"""The file's name in a job's folder, here and beside its artefact."""


@dataclass(frozen=True)
class JobRecord:
    """One started job.

    `created` is when it was started (ISO 8601, UTC); `git_commit` is the current folder's, empty
    outside a repository. `cost` holds `usd_per_hour`, `source`, `worst_usd` and, at the end,
    `actual_usd`, each None where unknown; where the service chooses the instance type, also `rates`, the first
    two of each type. `preparation` is how its images were resized and cut, `label_map`
    the label maps that it trains by (both: `formats.prepared`), each empty where there is none.
    `description` is the last answer of the service's Describe call that was seen; `epochs` are the metrics
    of a training's log. `command` are the words after `sageseg jobs` as they were typed, `tool_version` is that of
    sageseg; empty where a program started the job. A tuning job is one record; its training jobs have none,
    `jobs.tracking.tuning_records` makes theirs from it.

    A record is written before AWS is asked for the job: without `arn` nobody knows yet whether there is one.
    """

    name: str
    backend: str
    region: str
    dataset: str
    dataset_sha256: str
    classes: list[str]
    request: dict[str, Any]
    arn: str = ""
    created: str = ""
    git_commit: str = ""
    preparation: dict[str, str] = field(default_factory=dict)
    label_map: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    kind: Kind = "training"
    command: list[str] = field(default_factory=list)
    tool_version: str = ""

    @property
    def is_tuning(self) -> bool:
        return self.kind == "tuning"

    @property
    def call(self) -> CreatingCall:
        """What made it, and tells of it."""
        return TUNING if self.is_tuning else TRAINING

    @property
    def is_begun(self) -> bool:
        """Whether it was only begun: what became of the request for it is not known here."""
        return bool(self.created) and not self.arn and not self.description

    @property
    def first_name(self) -> str:
        """The name that was asked for: another than its own where it is a later attempt."""
        tags = {tag["Key"]: tag["Value"] for tag in self.request.get("Tags", ())}
        return str(tags.get(ATTEMPT_TAG, self.name))

    def cost_on(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """The cost, with the rate of the instance type that the service chose by the job's description."""
        kind = running_on(description.get("ResourceConfig", {}))
        return {**self.cost, **self.cost.get("rates", {}).get(kind, {})}

    @property
    def training(self) -> dict[str, Any]:
        """The part of the request that says how and where it trains."""
        part: dict[str, Any] = self.request["TrainingJobDefinition"] if self.is_tuning else self.request
        return part


def record_path(name: str) -> Path:
    """Where a job's record is. Raises SagesegError for what is no job's name: it may come from a file or an answer."""
    if not is_job_name(name):
        raise SagesegError(f"{name}: no such file, nor could a job be called so; sageseg jobs list shows the jobs")
    return home() / "jobs" / name / RECORD


def format_record(record: JobRecord) -> str:
    """The text of job.json, the counterpart of `parse_record`."""
    return format_json(asdict(record), ascii_only=True) + "\n"


def parse_record(text: str | bytes, where: str, mend: str = _MEND) -> JobRecord:
    """The record in a text. Raises SagesegError naming `where`, and how to `mend` it, when it is none."""
    record = parse_as(text, JobRecord, where, mend, RecordShape)
    if not is_job_name(record.name):
        raise SagesegError(f"{where}: damaged (name is {record.name!r}; expected a job's); {mend}")
    return record


def write_record(record: JobRecord) -> None:
    private_folder(home(), "jobs", record.name)
    write_private(record_path(record.name), format_record(record), durable=True)


def read_record(name: str) -> JobRecord:
    """The record of a job that was started from this folder."""
    path, mend = record_path(name), f"restore it, or sageseg jobs forget {name} removes it"
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as e:
        raise SagesegError(
            f"{name}: no job of that name under {home()}; sageseg jobs list shows those there are"
        ) from e
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); {mend}") from e
    return parse_record(text, str(path), mend)


def readable_records(names: Iterable[str]) -> Iterator[JobRecord]:
    """The records of these jobs, but for those that are damaged: each is said in a line."""
    for name in names:
        try:
            yield read_record(name)
        except SagesegError as e:
            say(f"warning: {shown(e)}")


def forget_record(name: str) -> None:
    shutil.rmtree(record_path(name).parent, ignore_errors=True)


def unended_records(kind: Kind, backend: str, region: str) -> list[JobRecord]:
    """Those whose end was not seen from here, the latest first; some were only begun. Raises SagesegError for a damaged
    one: it may be of a job that runs and costs, which would be started again."""
    found = (read_record(name) for name in record_names())
    where = (kind, backend, region)
    here = [one for one in found if not one.description and (one.kind, one.backend, one.region) == where]
    return sorted(here, key=lambda record: record.created, reverse=True)


def record_names() -> list[str]:
    """The names of all recorded jobs."""
    return sorted(filter(is_job_name, (path.parent.name for path in (home() / "jobs").glob(f"*/{RECORD}"))))


def git_commit() -> str:
    """The commit of the current folder, with `-dirty` when files differ from it; empty outside a
    repository or without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
