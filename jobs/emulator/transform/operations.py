"""SageMaker's operations on transform jobs."""

from __future__ import annotations

import time

from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.host.jobs import Jobs
from jobs.emulator.host.rehearsal import TransformTrouble, trouble_of
from jobs.emulator.host.workplace import INTERRUPTED, Workplace
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.job_records import settle_job
from jobs.emulator.store.state import Record
from jobs.emulator.transform.instance import kill_survivors
from jobs.emulator.transform.record import TRANSFORM_JOBS, check_transform_request, new_record
from jobs.emulator.transform.run import TransformRun


class TransformJobs(Jobs[TransformRun]):
    """The operations on transform jobs."""

    def __init__(self, place: Workplace, models: Collection) -> None:
        super().__init__(place, TRANSFORM_JOBS)
        self._models = models

    def recover(self) -> None:
        """Settle what an earlier server left running: end its containers, mark its jobs."""
        for resource in self.jobs.with_status(*RUNNING):
            kill_survivors(self._place.folder, resource.name)
            settle_job(self.jobs, resource.name, "Failed", INTERRUPTED)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return super().operations() | {("sagemaker", "CreateTransformJob"): self.create_transform_job}

    def create_transform_job(self, request: Record, region: str) -> Record:
        model = self._models.get(request["ModelName"], region)
        check_transform_request(request, self._place.storage)
        plan = self._place.rehearsal.plan()
        name, wanted = request["TransformJobName"], request["TransformResources"]
        instance_type = wanted["InstanceType"]
        arn = make_arn(TRANSFORM_JOBS, name, region, model.arn)
        record = new_record(request, arn, time.time())
        with self._place.state.alone():
            running = [job.record["TransformResources"] for job in self.jobs.with_status(*RUNNING)]
            used = sum(each["InstanceCount"] for each in running if each["InstanceType"] == instance_type)
            plan.check_quota(instance_type, "transform job", used, wanted["InstanceCount"])
            self.jobs.add(record, request)
        trouble = trouble_of(plan.transform_jobs, TransformTrouble(), name, instance_type)
        self.runs.start(TransformRun(self._place, self.jobs, record, model.record["_Container"], trouble))
        return {"TransformJobArn": arn}
