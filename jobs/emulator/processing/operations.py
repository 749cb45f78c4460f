"""SageMaker's operations on processing jobs."""

from __future__ import annotations

import shutil
import time

from jobs.contract.instances import running_on, wanted_types
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.container import kill_survivor
from jobs.emulator.host.jobs import Jobs
from jobs.emulator.host.preferences import first_met
from jobs.emulator.host.rehearsal import ProcessingTrouble, RehearsalPlan
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.processing.record import PROCESSING_JOBS, cluster_of, new_record
from jobs.emulator.processing.rules import check_processing_request
from jobs.emulator.processing.run import ProcessingRun, finish_job, processing_folder, worker_folders
from jobs.emulator.store.collection import make_arn
from jobs.emulator.store.log_events import forget_streams
from jobs.emulator.store.state import Record


class ProcessingJobs(Jobs[ProcessingRun]):
    """The operations on processing jobs."""

    def __init__(self, place: Workplace) -> None:
        super().__init__(place, PROCESSING_JOBS)

    def recover(self) -> None:
        """Settle what an earlier server left running: end its containers, mark its jobs."""
        for resource in self.jobs.with_status(*RUNNING):
            for folder in worker_folders(processing_folder(self._place.folder, resource.name)):
                kill_survivor(folder)
            finish_job(self._place.folder, self.jobs, resource.name, "Failed", INTERRUPTED)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return super().operations() | {
            ("sagemaker", "CreateProcessingJob"): self.create_processing_job,
            ("sagemaker", "DeleteProcessingJob"): self.delete_processing_job,
        }

    def create_processing_job(self, request: Record, region: str) -> Record:
        check_processing_request(request, self._place.storage)
        plan, name = self._place.rehearsal.plan(), request["ProcessingJobName"]
        arn = make_arn(PROCESSING_JOBS, name, region, request["RoleArn"])
        record = new_record(request, arn, time.time())
        with self._place.state.alone():
            self._check_quotas(plan, record)
            self.jobs.add(record, request)
        kinds = wanted_types(cluster_of(record))
        kind, trouble = first_met(plan.processing_jobs, ProcessingTrouble(), name, kinds)
        self.runs.start(ProcessingRun(self._place, self.jobs, record, kind, trouble))
        return {"ProcessingJobArn": arn}

    def _check_quotas(self, plan: RehearsalPlan, record: Record) -> None:
        """A job takes as many instances as it has hosts; of a list every type's quota must suffice."""
        running = [cluster_of(job.record) for job in self.jobs.with_status(*RUNNING)]
        for kind in wanted_types(cluster_of(record)):
            used = sum(other["InstanceCount"] for other in running if running_on(other) == kind)
            plan.check_quota(kind, "processing job", used, cluster_of(record)["InstanceCount"])

    def delete_processing_job(self, request: Record, _region: str) -> Record:
        """Forget a job that has ended, with its log."""
        name = request["ProcessingJobName"]
        resource = self.jobs.find(name)
        if resource is None:
            raise ServiceError("ResourceNotFound", "Requested resource not found.")
        if resource.status in RUNNING:
            raise ServiceError("ResourceInUse", f"The processing job {resource.arn} is in status {resource.status}.")
        self.runs.wait(name)  # its thread may be a moment behind its record
        forget_streams(self._place.state, PROCESSING_LOGS, f"{name}/")
        shutil.rmtree(processing_folder(self._place.folder, name), ignore_errors=True)
        self.jobs.remove(name)
        return {}
