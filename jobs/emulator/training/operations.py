"""SageMaker's operations on training jobs."""

from __future__ import annotations

import shutil
import time
from typing import Any

from jobs.contract.instances import running_on, wanted_types
from jobs.contract.log_lines import TRAINING_LOGS
from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.container import kill_survivor
from jobs.emulator.host.jobs import Jobs
from jobs.emulator.host.preferences import first_met
from jobs.emulator.host.rehearsal import RehearsalPlan, TrainingTrouble
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.store.collection import make_arn
from jobs.emulator.store.log_events import forget_streams
from jobs.emulator.store.state import Record
from jobs.emulator.training.record import TRAINING_JOBS, begin_stopping, new_record
from jobs.emulator.training.rules import check_training_request
from jobs.emulator.training.run import TrainingRun, finish_job, job_folder


class TrainingJobs(Jobs[TrainingRun]):
    """The operations on training jobs."""

    def __init__(self, place: Workplace) -> None:
        super().__init__(place, TRAINING_JOBS)

    def recover(self) -> None:
        """Settle what an earlier server left running: end its containers, mark its jobs."""
        for resource in self.jobs.with_status(*RUNNING):
            kill_survivor(job_folder(self._place.folder, resource.name))
            finish_job(self._place.folder, self.jobs, resource.name, "Failed", INTERRUPTED)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return super().operations() | {
            ("sagemaker", "CreateTrainingJob"): self.create_training_job,
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
        arn = make_arn(TRAINING_JOBS, name, region, request["RoleArn"])
        record = new_record(request, arn, time.time()) | also
        with self._place.state.alone():
            self._check_quotas(plan, record)
            self.jobs.add(record, request)
        kind, trouble = first_met(plan.training_jobs, TrainingTrouble(), name, wanted_types(record["ResourceConfig"]))
        self.runs.start(TrainingRun(self._place, self.jobs, record, kind, trouble))
        return arn

    def _check_quotas(self, plan: RehearsalPlan, record: Record) -> None:
        """Of a list every type's quota must suffice (developer guide, Instance preference lists)."""
        use = _use(record)
        running = [job.record for job in self.jobs.with_status(*RUNNING)]
        used = [running_on(other["ResourceConfig"]) for other in running if _use(other) == use]
        for kind in wanted_types(record["ResourceConfig"]):
            plan.check_quota(kind, use, used.count(kind))

    def begin_stopping(self, record: Record, now: float) -> None:
        begin_stopping(record, now)

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


def _use(record: Record) -> str:
    """What for a job uses its instance, as quotas are named."""
    return f"{'spot ' if record['EnableManagedSpotTraining'] else ''}training job"
