"""SageMaker's operations on transform jobs."""

from __future__ import annotations

import time

from jobs.contract.statuses import RUNNING
from jobs.emulator.api.app import Operation
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.state import Record
from jobs.emulator.transform.record import TRANSFORM_JOBS, begin_stopping, check_transform_request, new_record
from jobs.emulator.transform.run import TransformRun, recover_transforms


class TransformJobs:
    """The operations; each takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, models: Collection) -> None:
        self._place, self._models = place, models
        self.jobs = Collection(place.state, TRANSFORM_JOBS)
        self.runs: Runs[TransformRun] = Runs()

    def recover(self) -> None:
        recover_transforms(self._place, self.jobs)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", "CreateTransformJob"): self.create_transform_job,
            ("sagemaker", "DescribeTransformJob"): self.jobs.describe,
            ("sagemaker", "ListTransformJobs"): self.jobs.page,
            ("sagemaker", "StopTransformJob"): self.stop_transform_job,
        }

    def create_transform_job(self, request: Record, region: str) -> Record:
        model = self._models.get(request["ModelName"], region)
        check_transform_request(request, self._place.storage)
        plan = self._place.rehearsal.plan()
        name, instance_type = request["TransformJobName"], request["TransformResources"]["InstanceType"]
        arn = make_arn(TRANSFORM_JOBS, name, region, model.arn)
        record = new_record(request, arn, time.time())
        with self._place.state.alone():
            used = [job.record["TransformResources"]["InstanceType"] for job in self.jobs.with_status(*RUNNING)]
            plan.check_quota(instance_type, "transform job", used.count(instance_type))
            self.jobs.add(record, request)
        trouble = plan.transform(name, instance_type)
        self.runs.start(TransformRun(self._place, self.jobs, record, model.record["PrimaryContainer"], trouble))
        return {"TransformJobArn": arn}

    def stop_transform_job(self, request: Record, region: str) -> Record:
        name = self.jobs.of_request(request, region).name
        self.jobs.change(name, begin_stopping)
        self.runs.stop(name)
        return {}
