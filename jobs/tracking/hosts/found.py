"""A processing job by its name, and what is asked of it while it lives."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors, configured_region
from formats.errors import SagesegError
from jobs.backends import LOCAL_REGION, emulator_was_here, make_client
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.creating import PROCESSING, described
from jobs.tracking.job_calls import LogTail


@dataclass(frozen=True)
class FoundProcessing:
    """A processing job. None has a record: its shards, and its description, tell all there is."""

    backend: str
    region: str
    description: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.description["ProcessingJobName"])

    @property
    def status(self) -> str:
        return str(self.description["ProcessingJobStatus"])

    def log(self) -> LogTail:
        return LogTail(self.backend, self.region, f"{self.name}/", PROCESSING_LOGS)

    def stop(self) -> None:
        with aws_errors(f"stopping {self.name}"):
            make_client("sagemaker", self.backend, self.region).stop_processing_job(ProcessingJobName=self.name)


def find_processing(name: str, region: str | None) -> FoundProcessing | None:
    """The processing job of a name, at this folder's emulator or at AWS; None where none is found."""
    places = [("local", LOCAL_REGION)] if emulator_was_here() else []
    with suppress(SagesegError):  # no region: there is nothing else to ask
        places.append(("aws", configured_region(region)))
    for backend, where in places:
        with suppress(SagesegError):
            found = described(make_client("sagemaker", backend, where), PROCESSING, name)
            if found:
                return FoundProcessing(backend, where, found)
    return None
