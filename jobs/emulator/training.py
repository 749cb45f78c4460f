"""SageMaker's operations on training jobs."""

from __future__ import annotations

import time
from typing import Any

from jobs.emulator.app import Operation
from jobs.emulator.faults import ServiceError, invalid
from jobs.emulator.paging import make_token, read_token
from jobs.emulator.state import Record, Resource, State
from jobs.emulator.storage import Storage
from jobs.emulator.training_record import KIND, begin_stopping, new_record
from jobs.emulator.training_rules import check_training_request
from jobs.emulator.training_run import TrainingRuns, change_record

NOT_FOUND = "Requested resource not found."
DEFAULT_PAGE = 10
_SORT_COLUMNS = {"Name": "name", "CreationTime": "created", "Status": "status"}
_FILTERS = {
    "NameContains": "instr(name, ?) > 0",
    "CreationTimeAfter": "created > ?",
    "CreationTimeBefore": "created < ?",
    "LastModifiedTimeAfter": "modified > ?",
    "LastModifiedTimeBefore": "modified < ?",
}


class TrainingJobs:
    """The operations; each takes a checked request and the caller's region."""

    def __init__(self, state: State, runs: TrainingRuns, storage: Storage) -> None:
        self._state, self._runs, self._storage = state, runs, storage

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", "CreateTrainingJob"): self.create_training_job,
            ("sagemaker", "DescribeTrainingJob"): self.describe_training_job,
            ("sagemaker", "ListTrainingJobs"): self.list_training_jobs,
            ("sagemaker", "StopTrainingJob"): self.stop_training_job,
            ("sagemaker", "ListTags"): self.list_tags,
        }

    def create_training_job(self, request: Record, region: str) -> Record:
        check_training_request(request, self._storage)
        name, now = request["TrainingJobName"], time.time()
        arn = job_arn(name, request["RoleArn"], region)
        record = new_record(request, arn, now)
        resource = Resource(KIND, name, arn, record["TrainingJobStatus"], now, now, record, request.get("Tags", []))
        if not self._state.insert(resource):
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, "
                f"and a training job with this name already exists ({self._get(name).arn})",
            )
        self._runs.start(record)
        return {"TrainingJobArn": arn}

    def describe_training_job(self, request: Record, _region: str) -> Record:
        return self._get(request["TrainingJobName"]).record

    def stop_training_job(self, request: Record, _region: str) -> Record:
        name = request["TrainingJobName"]
        self._get(name)
        change_record(self._state, name, _ask_to_stop)
        self._runs.halt(name, "Stopped")
        return {}

    def list_tags(self, request: Record, _region: str) -> Record:
        resource = self._state.by_arn(request["ResourceArn"])
        if resource is None:
            raise invalid(NOT_FOUND)
        return {"Tags": resource.tags}

    def list_training_jobs(self, request: Record, _region: str) -> Record:
        """One page. StatusEquals is applied to the page after it was cut, as documented."""
        size = request.get("MaxResults", DEFAULT_PAGE)
        column = _SORT_COLUMNS[request.get("SortBy", "CreationTime")]
        found = self._select(request, column, size + 1)
        wanted = request.get("StatusEquals")
        page = [resource for resource in found[:size] if wanted in (None, resource.status)]
        response: Record = {"TrainingJobSummaries": [_summary(resource) for resource in page]}
        if len(found) > size:
            last = found[size - 1]
            response["NextToken"] = make_token([getattr(last, column), last.name])
        return response

    def _select(self, request: Record, column: str, limit: int) -> list[Resource]:
        conditions, parameters = ["kind = ?"], [KIND]
        for name, condition in _FILTERS.items():
            if name in request:
                conditions.append(condition)
                parameters.append(request[name])
        # The documentation names both orders as the default; its example lists the newest first.
        order, beyond = ("ASC", ">") if request.get("SortOrder") == "Ascending" else ("DESC", "<")
        if "NextToken" in request:
            conditions.append(f"({column}, name) {beyond} (?, ?)")
            parameters += _place(request["NextToken"])
        rest = f"ORDER BY {column} {order}, name {order} LIMIT ?"
        return self._state.select(" AND ".join(conditions), (*parameters, limit), rest)

    def _get(self, name: str) -> Resource:
        resource = self._state.get(KIND, name)
        if resource is None:
            raise invalid(NOT_FOUND)
        return resource


def job_arn(name: str, role: str, region: str) -> str:
    """A job's ARN, in the partition and account of its role."""
    _, partition, _, _, account, _ = role.split(":", 5)
    return f"arn:{partition}:sagemaker:{region}:{account}:{KIND}/{name}"


def _ask_to_stop(record: Record, now: float) -> None:
    if record["TrainingJobStatus"] != "InProgress":
        status = record["TrainingJobStatus"]
        raise invalid(f"The request was rejected because the training job is in status {status}.")
    begin_stopping(record, now)


def _place(token: str) -> list[Any]:
    place = read_token(token, 2)
    if place is None:
        raise invalid("The token in NextToken is not valid.")
    return place


def _summary(resource: Resource) -> Record:
    members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime")
    statuses = ("TrainingJobStatus", "SecondaryStatus")
    return {name: resource.record[name] for name in (*members, *statuses) if name in resource.record}
