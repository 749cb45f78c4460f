"""A processing job by its name, and what is asked of it while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors
from jobs.backends import Place
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.creating import PROCESSING
from jobs.tracking.find_jobs import find_described
from jobs.tracking.job_calls import LogTail


@dataclass(frozen=True)
class FoundProcessing:
    """A processing job. None has a record: its shards, and its description, tell all there is."""

    place: Place
    description: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.description["ProcessingJobName"])

    @property
    def status(self) -> str:
        return str(self.description["ProcessingJobStatus"])

    def log(self) -> LogTail:
        return LogTail(self.place.backend, self.place.region, f"{self.name}/", PROCESSING_LOGS)

    def stop(self) -> None:
        with aws_errors(f"stopping {self.name}"):
            self.place.sagemaker.stop_processing_job(ProcessingJobName=self.name)


def find_processing(name: str, region: str | None) -> FoundProcessing | None:
    """The processing job of a name, at this folder's emulator or at AWS; None where none is found."""
    found = find_described(PROCESSING, name, region)
    return FoundProcessing(*found) if found else None
