"""Service Quotas' operation, as far as the rehearsal speaks of quotas for training, batches and processing."""

from __future__ import annotations

from jobs.contract.service_model import load_service
from jobs.emulator.api.app import Operation
from jobs.emulator.host.rehearsal import Rehearsal
from jobs.emulator.store.state import Record

_USES = {
    "training job": "TrainingInstanceType",
    "spot training job": "TrainingInstanceType",
    "processing job": "ProcessingInstanceType",
    "transform job": "TransformInstanceType",
}
"""What instances are used for, and the service model's name for the types that can be."""


class ServiceQuotas:
    """The quotas of `rehearsal.yaml`, each pattern for every instance type that fits it."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {("service-quotas", "ListServiceQuotas"): self.list_service_quotas}

    def list_service_quotas(self, request: Record, _region: str) -> Record:
        """All on one page."""
        if request["ServiceCode"] != "sagemaker":
            return {"Quotas": []}
        plan = self._rehearsal.plan()
        model = load_service("sagemaker")
        kinds = {use: model.shape_for(shape).metadata["enum"] for use, shape in _USES.items()}
        usages = [f"{kind} for {use} usage" for use, them in kinds.items() for kind in them]
        limits = {usage: plan.quota_of(usage) for usage in usages}
        told = [{"QuotaName": name, "Value": value} for name, value in limits.items() if value is not None]
        return {"Quotas": [{"ServiceCode": "sagemaker", "Unit": "None", **quota} for quota in told]}
