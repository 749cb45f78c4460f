"""Service Quotas' operation, as far as the rehearsal speaks of quotas for training."""

from __future__ import annotations

from jobs.contract.service_model import load_service
from jobs.emulator.api.app import Operation
from jobs.emulator.host.rehearsal import Rehearsal
from jobs.emulator.store.state import Record

_USES = ("training job", "spot training job")


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
        kinds = load_service("sagemaker").shape_for("TrainingInstanceType").metadata["enum"]
        limits = {usage: plan.quota_of(usage) for usage in (f"{k} for {use} usage" for k in kinds for use in _USES)}
        told = [{"QuotaName": name, "Value": value} for name, value in limits.items() if value is not None]
        return {"Quotas": [{"ServiceCode": "sagemaker", "Unit": "None", **quota} for quota in told]}
