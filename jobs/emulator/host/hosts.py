"""The hosts of a job: their names, and what each finds in `resourceconfig.json` of itself and the others."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.emulator.store.state import Record


def host_names(count: int) -> list[str]:
    """`algo-1` and so on, one for each instance."""
    return [f"algo-{number}" for number in range(1, count + 1)]


def resource_config(instance_type: str, host: str, hosts: Sequence[str]) -> Record:
    """What one of the hosts is told. One group holds all, as where a request names no groups."""
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [*hosts]}
    return {
        "current_host": host,
        "current_instance_type": instance_type,
        "current_group_name": group["instance_group_name"],
        "hosts": [*hosts],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
