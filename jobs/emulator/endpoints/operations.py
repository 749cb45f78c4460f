"""SageMaker's operations on endpoints."""

from __future__ import annotations

import time
from dataclasses import asdict

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import invalid
from jobs.emulator.endpoints.record import ENDPOINTS, Deployment, deployment_of, make_deployment, new_record
from jobs.emulator.endpoints.run import EndpointRun, clear_endpoint, endpoint_folder, forget_endpoint
from jobs.emulator.host.rehearsal import EndpointTrouble, trouble_of
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.state import Record, Resource

IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "Deleting")
SERVING = ("InService", "Updating", "SystemUpdating")


class Endpoints:
    """The operations; each takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, models: Collection, configs: Collection) -> None:
        self._place, self._models, self._configs = place, models, configs
        self.endpoints = Collection(place.state, ENDPOINTS)
        # An endpoint in service holds no server up: the next one brings it back, and costs nothing meanwhile.
        self.runs: Runs[EndpointRun] = Runs(wakeful=False)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return self.endpoints.operations() | {
            ("sagemaker", "CreateEndpoint"): self.create_endpoint,
            ("sagemaker", "UpdateEndpoint"): self.update_endpoint,
            ("sagemaker", "DeleteEndpoint"): self.delete_endpoint,
        }

    def recover(self) -> None:
        """Bring back what an earlier server served. What it was deleting is deleted."""
        for resource in self.endpoints.with_status("Creating", *SERVING, "Deleting"):
            clear_endpoint(endpoint_folder(self._place.folder, resource.name))
            if resource.status == "Deleting":
                forget_endpoint(self._place, self.endpoints, resource.name)
                continue
            if resource.status != "Creating":
                self.endpoints.change(resource.name, lambda record, _: record.update(EndpointStatus="SystemUpdating"))
            self._begin(resource.name, deployment_of(resource.record).instance_type)

    def _begin(self, name: str, instance_type: str) -> None:
        endpoints = self._place.rehearsal.plan().endpoints
        trouble = trouble_of(endpoints, EndpointTrouble(), name, instance_type)
        self.runs.start(EndpointRun(self._place, self.endpoints, name, trouble))

    def settle(self, name: str) -> None:
        """Let an endpoint look at its record and its scaling again."""
        run = self.runs.get(name)
        if run is not None:
            run.settle()

    @property
    def has_waiting(self) -> bool:
        """Whether requests wait in the queue of an asynchronous endpoint, for which the server stays up."""
        return any(run.has_waiting for run in self.runs.all())

    def create_endpoint(self, request: Record, region: str) -> Record:
        config, deployment = self._wanted(request, region)
        name = request["EndpointName"]
        arn = make_arn(ENDPOINTS, name, region, config.arn)
        with self._place.state.alone():
            self._check_quota(deployment.instance_type)
            self.endpoints.add(new_record(name, arn, deployment, time.time()), request)
        self._begin(name, deployment.instance_type)
        return {"EndpointArn": arn}

    def _wanted(self, request: Record, region: str) -> tuple[Resource, Deployment]:
        """The configuration that a request names, and what comes of it."""
        for name in ("DeploymentConfig", "ExcludeRetainedVariantProperties"):
            if name in request:
                raise invalid(f"{name} is not emulated")
        config = self._configs.of_request(request, region)
        model = self._models.get(config.record["ProductionVariants"][0]["ModelName"], region)
        return config, make_deployment(config.record, model.record)

    def _check_quota(self, instance_type: str) -> None:
        if not instance_type:  # serverless has another quota
            return
        used = [deployment_of(e.record).instance_type for e in self.endpoints.with_status(*IN_PROGRESS, "InService")]
        self._place.rehearsal.plan().check_quota(instance_type, "endpoint", used.count(instance_type))

    def update_endpoint(self, request: Record, region: str) -> Record:
        _, deployment = self._wanted(request, region)
        endpoint = self.endpoints.of_request(request, region)
        self.endpoints.change(endpoint.name, lambda record, _: _begin_update(record, deployment))
        self.settle(endpoint.name)
        return {"EndpointArn": endpoint.arn}

    def delete_endpoint(self, request: Record, region: str) -> Record:
        name = self.endpoints.of_request(request, region).name
        self.endpoints.change(name, _begin_deletion)
        if self.runs.get(name) is None:  # failed before this server began
            forget_endpoint(self._place, self.endpoints, name)
        self.runs.stop(name)
        return {}


def _begin_update(record: Record, deployment: Deployment) -> None:
    _check_settled(record)
    status, arn = record["EndpointStatus"], record["EndpointArn"]
    if status != "InService":
        raise invalid(f'Cannot update endpoint "{arn}" in status {status}; delete it and create it again.')
    record.update(EndpointStatus="Updating", _Deployment=asdict(deployment))


def _begin_deletion(record: Record, _now: float) -> None:
    _check_settled(record)
    record["EndpointStatus"] = "Deleting"


def _check_settled(record: Record) -> None:
    if record["EndpointStatus"] in IN_PROGRESS:
        raise invalid(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
