"""Lists of instance types: which are refused, and which type of one a job gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.contract.instances import preferences_of
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.rehearsal import T, trouble_of
from jobs.emulator.store.state import Record


def check_preferences(resources: Record, where: str) -> None:
    """Raise ServiceError for what the developer guide says that InstancePreferences may not be ("Instance preference
    lists for training jobs"); `where` the resources stand in their request. The words are ours."""
    offered = preferences_of(resources)
    given = [name for name in ("SelectedInstanceType", "SelectedInstanceCount") if name in resources]
    if given:
        raise invalid(f"{where}.{given[0]} is read-only")
    if not offered:
        return
    if "InstanceType" in resources:
        raise invalid(f"{where}.InstancePreferences and InstanceType are mutually exclusive")
    twice = [kind for kind in offered if offered.count(kind) > 1]
    if twice:
        raise invalid(f"{where}.InstancePreferences: {twice[0]} is given twice")


def select(resources: Record, instance_type: str) -> None:
    """Tell the instance type that was chosen from a job's list, where it has one."""
    if preferences_of(resources):
        resources.update(SelectedInstanceType=instance_type, SelectedInstanceCount=resources["InstanceCount"])


def first_met(troubles: Mapping[str, T], none: T, name: str, kinds: Sequence[str]) -> tuple[str, T]:
    """The first instance type that a rehearsal leaves capacity, else the last, and what a job meets on it."""
    met = [(kind, trouble_of(troubles, none, name, kind)) for kind in kinds]
    return next((one for one in met if not one[1].capacity_error), met[-1])
