"""job.json: what was started, with which request, on which dataset; under $SAGESEG_HOME."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.staging import write_text


@dataclass(frozen=True)
class JobRecord:
    """One started job. `description` is the last DescribeTrainingJob answer that was seen;
    `epochs` are the metrics of its log."""

    name: str
    backend: str
    region: str
    dataset: str
    dataset_sha256: str
    classes: list[str]
    request: dict[str, Any]
    arn: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)


def home() -> Path:
    """Where state is kept: $SAGESEG_HOME, by default .sageseg in the current folder."""
    return Path(os.environ.get("SAGESEG_HOME", ".sageseg")).absolute()


def record_path(name: str) -> Path:
    return home() / "jobs" / name / "job.json"


def write_record(record: JobRecord) -> None:
    path = record_path(record.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(record), indent=2, default=str) + "\n")


def read_record(name: str) -> JobRecord:
    """The record of a job that was started from this folder."""
    path = record_path(name)
    try:
        return JobRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError) as e:
        raise SagesegError(
            f"{name}: no job of that name under {home()}; sageseg jobs list shows those there are"
        ) from e
    except (ValueError, TypeError) as e:
        raise SagesegError(f"{path}: not a job's record ({e}); remove it or restore it") from e


def record_names() -> list[str]:
    """The names of all recorded jobs."""
    return sorted(path.parent.name for path in (home() / "jobs").glob("*/job.json"))
