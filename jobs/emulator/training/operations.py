"""SageMaker's operations on training jobs."""

from __future__ import annotations

import shutil
import time
from typing import Any

from jobs.contract.log_lines import TRAINING_LOGS
from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.log_events import forget_streams
from jobs.emulator.store.state import Record
from jobs.emulator.training.record import TRAINING_JOBS, begin_stopping, new_record
from jobs.emulator.training.rules import check_training_request
from jobs.emulator.training.run import TrainingRun, job_folder, recover_training


class TrainingJobs:
    """The operations; each takes a checked request and the caller's region."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.jobs = Collection(place.state, TRAINING_JOBS)
        self.runs: Runs[TrainingRun] = Runs()

    def recover(self) -> None:
        recover_training(self._place, self.jobs)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", "CreateTrainingJob"): self.create_training_job,
            ("sagemaker", "DescribeTrainingJob"): self.jobs.describe,
            ("sagemaker", "ListTrainingJobs"): self.jobs.page,
            ("sagemaker", "StopTrainingJob"): self.stop_training_job,
            ("sagemaker", "DeleteTrainingJob"): self.delete_training_job,
        }

    def create_training_job(self, request: Record, region: str) -> Record:
        check_training_request(request, self._place.storage)
        return {"TrainingJobArn": self.begin(request, region)}

    def begin(self, request: Record, region: str, **also: Any) -> str:
        """Store and start a job whose request was checked; answers its ARN. `also` are further
        members of its record."""
        name = request["TrainingJobName"]
        plan = self._place.rehearsal.plan()
        instance_type = request["ResourceConfig"]["InstanceType"]
        arn = make_arn(TRAINING_JOBS, name, region, request["RoleArn"])
        record = new_record(request, arn, time.time()) | also
        with self._place.state.alone():
            use = _use(record)
            current = sum(_use(job.record) == use for job in self.jobs.with_status(*RUNNING))
            plan.check_quota(*use, current)
            self.jobs.add(record, request)
        self.runs.start(TrainingRun(self._place, self.jobs, record, plan.training(name, instance_type)))
        return arn

    def stop_training_job(self, request: Record, region: str) -> Record:
        name = self.jobs.of_request(request, region).name
        self.jobs.change(name, begin_stopping)
        self.runs.stop(name)
        return {}

    def delete_training_job(self, request: Record, _region: str) -> Record:
        """Forget a job that has ended, with its log."""
        name = request["TrainingJobName"]
        resource = self.jobs.find(name)
        if resource is None:
            raise ServiceError("ResourceNotFound", "Requested resource not found.")
        if resource.status in RUNNING:
            raise ServiceError("ResourceInUse", f"The training job {resource.arn} is in status {resource.status}.")
        self.runs.wait(name)  # its thread may be a moment behind its record
        forget_streams(self._place.state, TRAINING_LOGS, f"{name}/")
        shutil.rmtree(job_folder(self._place.folder, name), ignore_errors=True)
        self.jobs.remove(name)
        return {}


def _use(record: Record) -> tuple[str, str]:
    """The instance type that a job uses, and for what, as its quota is named."""
    spot = "spot " if record["EnableManagedSpotTraining"] else ""
    return record["ResourceConfig"]["InstanceType"], f"{spot}training job"
