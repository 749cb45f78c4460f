"""A processing job by its name: what is asked of it while it lives, and how `jobs show` and `jobs logs` tell of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors, configured_region
from formats.console import result, result_json, say
from formats.errors import SagesegError
from jobs.backends import LOCAL_REGION, emulator_was_here, make_client
from jobs.contract.file_uris import for_people
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.cost.quotes import count_instances
from jobs.creating import PROCESSING, described
from jobs.tracking.course import moment
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

    def show(self, *, as_json: bool) -> None:
        """Print its status, times, instances and place; as JSON its whole description."""
        told = self.description
        if as_json:
            result_json(told)
            return
        cluster = told["ProcessingResources"]["ClusterConfig"]
        outputs = told.get("ProcessingOutputConfig", {}).get("Outputs", [])
        headlines = {
            "status": self.status,
            "reason": told.get("ExitMessage") or told.get("FailureReason"),
            "instances": count_instances(cluster["InstanceCount"], cluster.get("InstanceType", "")),
            "created": moment(told["CreationTime"]),
            "started": moment(told.get("ProcessingStartTime")),
            "ended": moment(told.get("ProcessingEndTime")),
            "shards": ", ".join(for_people(one["S3Output"]["S3Uri"]) for one in outputs if "S3Output" in one),
        }
        for key, value in headlines.items():
            if value:
                result(f"{key:15} {value}")

    def show_logs(self, *, follow: bool) -> None:
        """Print its log, each line behind its host."""
        if follow:
            raise SagesegError(f"{self.name}: a processing job; the command that started it follows it, typed again")
        with aws_errors(f"reading the log of {self.name}"):
            lines = [
                f"{stream.rpartition('/')[2].rpartition('-')[0]}: {line}" for stream, line in self.log().new_events()
            ]
        for line in lines:
            result(line)
        if not lines:
            say(f"{self.name}: {self.status}, and nothing in its log")

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
