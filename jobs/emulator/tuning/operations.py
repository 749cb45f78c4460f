"""SageMaker's operations on hyperparameter tuning jobs."""

from __future__ import annotations

from typing import Any

from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.jobs import Jobs
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.store.collection import bad_token
from jobs.emulator.store.job_records import settle_job
from jobs.emulator.store.paging import cut_page
from jobs.emulator.store.state import Record
from jobs.emulator.training.operations import TrainingJobs
from jobs.emulator.training.record import TRAINING_JOBS
from jobs.emulator.tuning.record import TUNING_JOBS, progress, summarize_child
from jobs.emulator.tuning.rules import check_tuning_request
from jobs.emulator.tuning.run import TuningRun


class TuningJobs(Jobs[TuningRun]):
    """The operations on tuning jobs."""

    def __init__(self, place: Workplace, training: TrainingJobs) -> None:
        super().__init__(place, TUNING_JOBS)
        self._training = training

    def operations(self) -> dict[tuple[str, str], Operation]:
        return super().operations() | {
            ("sagemaker", "CreateHyperParameterTuningJob"): self.create_tuning_job,
            ("sagemaker", "DeleteHyperParameterTuningJob"): self.delete_tuning_job,
            ("sagemaker", "DescribeHyperParameterTuningJob"): self.describe_tuning_job,
            ("sagemaker", "ListHyperParameterTuningJobs"): self.list_tuning_jobs,
            ("sagemaker", "ListTrainingJobsForHyperParameterTuningJob"): self.list_training_jobs,
        }

    def recover(self) -> None:
        """Settle what an earlier server left running; its training jobs settle by themselves."""
        for resource in self.jobs.with_status(*RUNNING):
            settle_job(self.jobs, resource.name, "Failed", INTERRUPTED)

    def create_tuning_job(self, request: Record, region: str) -> Record:
        ranges = check_tuning_request(request, self._place.storage)
        role = request["TrainingJobDefinition"]["RoleArn"]
        answer = self.jobs.create(request, region, role, {"HyperParameterTuningJobStatus": "InProgress"})
        self.runs.start(TuningRun(self.jobs, self._training, request, ranges, region))
        return answer

    def delete_tuning_job(self, request: Record, region: str) -> Record:
        """Forget a tuning job that has ended; its training jobs stay."""
        resource = self.jobs.of_request(request, region)
        if resource.status in RUNNING:
            raise ServiceError("ResourceInUse", f"The tuning job {resource.arn} is in status {resource.status}.")
        self.runs.wait(resource.name)
        self.jobs.remove(resource.name)
        return {}

    def describe_tuning_job(self, request: Record, region: str) -> Record:
        record = self.jobs.of_request(request, region).record
        return record | progress(self._children(record))

    def list_tuning_jobs(self, request: Record, region: str) -> Record:
        page = self.jobs.page(request, region)
        for record in page[TUNING_JOBS.listed]:
            config = record["HyperParameterTuningJobConfig"]
            record.update(Strategy=config["Strategy"], ResourceLimits=config["ResourceLimits"])
            record.update(progress(self._children(record)))
        return page

    def list_training_jobs(self, request: Record, region: str) -> Record:
        """One page of the training jobs that a tuning job started."""
        children = self._children(self.jobs.of_request(request, region).record)
        wanted = request.get("StatusEquals")
        found = [child for child in children if wanted in (None, child["TrainingJobStatus"])]
        descending = request.get("SortOrder", "Descending") == "Descending"
        found.sort(key=_sort_key(request.get("SortBy", "CreationTime")), reverse=descending)
        page, token = cut_page(found, request, bad_token())
        return {"TrainingJobSummaries": page} | ({"NextToken": token} if token else {})

    def _children(self, tuning: Record) -> list[Record]:
        condition = "kind = ? AND json_extract(record, '$.TuningJobArn') = ?"
        parameters = (TRAINING_JOBS.word, tuning["HyperParameterTuningJobArn"])
        found = self._place.state.select(condition, parameters, "ORDER BY created, name")
        return [summarize_child(child.record, tuning) for child in found]


def _sort_key(column: str) -> Any:
    members = {"Name": "TrainingJobName", "CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
    if column in members:
        return lambda child: (child[members[column]], child["TrainingJobName"])
    metric = "FinalHyperParameterTuningJobObjectiveMetric"
    return lambda child: child[metric]["Value"] if metric in child else float("-inf")
