"""Instance types: their GPUs and disks, which of them a job may have, and which come next when one is
refused or too small."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from formats.texts.wording import nearest_or_all

DEFAULT_GPUS = ("ml.g5.2xlarge", "ml.g4dn.2xlarge")
"""Tried in this order. P3 is not among them: EC2 retired it, and a list for the service is refused whole
where an account may not have one of its types."""
DEFAULT_CPU = "ml.m5.large"
MOST_TRANSFORM_INSTANCES = 100
"""Of one transform job (API reference, TransformResources)."""
MOST_PREFERENCES = 5
"""How many types the service takes in a list (API reference, ResourceConfig)."""
EMULATED = "SAGESEG_EMULATED"
"""Set where the emulator stands for SageMaker: its instance types are names only."""
_RETIRED = ("ml.p2", "ml.p3")
"""EC2 has them no longer."""
_OWN_DISK = re.compile(r"ml\.(p[4-9]|g[5-9]|gr\d|trn\d|i\d|[a-z]+\d[a-z]*d)[a-z0-9-]*\.")
"""Families whose instances have a disk of their own, by EC2's table of instance types: accelerated ones of today, and
those whose name has a d behind the number of its generation."""
_GPU_FAMILY = re.compile(r"ml\.(p|g|gr)\d")


@dataclass(frozen=True)
class Gpus:
    """The GPUs of an instance type, memory in GiB each, and its own disk in GB.

    Where there is one, SageMaker uses it in place of a volume: no larger VolumeSizeInGB is accepted
    and no VolumeKmsKeyId, since the disk's hardware encrypts (API reference, ResourceConfig).
    """

    count: int
    memory_gib: int
    storage_gb: int = 0


GPU_INSTANCES = {
    "ml.p2.xlarge": Gpus(1, 12),
    "ml.p2.8xlarge": Gpus(8, 12),
    "ml.p2.16xlarge": Gpus(16, 12),
    "ml.p3.2xlarge": Gpus(1, 16),
    "ml.p3.8xlarge": Gpus(4, 16),
    "ml.p3.16xlarge": Gpus(8, 16),
    "ml.p3dn.24xlarge": Gpus(8, 32, 1800),
    "ml.g4dn.xlarge": Gpus(1, 16, 125),
    "ml.g4dn.2xlarge": Gpus(1, 16, 225),
    "ml.g4dn.4xlarge": Gpus(1, 16, 225),
    "ml.g4dn.8xlarge": Gpus(1, 16, 900),
    "ml.g4dn.12xlarge": Gpus(4, 16, 900),
    "ml.g4dn.16xlarge": Gpus(1, 16, 900),
    "ml.g5.xlarge": Gpus(1, 24, 250),
    "ml.g5.2xlarge": Gpus(1, 24, 450),
    "ml.g5.4xlarge": Gpus(1, 24, 600),
    "ml.g5.8xlarge": Gpus(1, 24, 900),
    "ml.g5.12xlarge": Gpus(4, 24, 3800),
    "ml.g5.16xlarge": Gpus(1, 24, 1900),
    "ml.g5.24xlarge": Gpus(4, 24, 3800),
    "ml.g5.48xlarge": Gpus(8, 24, 7600),
}
"""Those that the built-in is documented to train on."""


def parse_instance_types(text: str) -> tuple[str, ...]:
    """`ml.p3.2xlarge,ml.g5.2xlarge`, in the order in which they are tried."""
    names: list[str] = [part.strip() for part in text.split(",")]
    wrong = [name for name in names if not name.startswith("ml.")]
    if wrong:
        raise SagesegError(f"--instance-type {text}: expected names such as ml.p3.2xlarge, comma between")
    return tuple(dict.fromkeys(names))


def has_gpus(instance_type: str) -> bool:
    """Whether an instance type is of a family with GPUs of NVIDIA's, also of those that the built-in
    is not documented to train on."""
    return _GPU_FAMILY.match(instance_type) is not None


def running_on(resources: Mapping[str, Any]) -> str | None:
    """The instance type of a job by its ResourceConfig; None while the service has chosen none from a list."""
    kind: str | None = resources.get("InstanceType") or resources.get("SelectedInstanceType")
    return kind


def preferences_of(resources: Mapping[str, Any]) -> tuple[str, ...]:
    """The list in a ResourceConfig from which the service chooses, the most wanted first; empty without one."""
    return tuple(each["InstanceType"] for each in resources.get("InstancePreferences", ()))


def wanted_types(resources: Mapping[str, Any]) -> tuple[str, ...]:
    """All types on which a job may run by its ResourceConfig."""
    return preferences_of(resources) or (resources["InstanceType"],)


def describe_instance(resources: Mapping[str, Any]) -> str:
    """What a job runs on, in words: `ml.g5.2xlarge`, and where the service chose it, from what."""
    kind, offered = running_on(resources), " or ".join(preferences_of(resources))
    if kind is None:
        return f"{offered}: none chosen yet"
    return f"{kind} (chosen from {offered})" if offered else kind


def local_storage_gb(instance_type: str) -> int:
    """The instance's own disk in GB, 0 where SageMaker attaches a volume."""
    return GPU_INSTANCES[instance_type].storage_gb if instance_type in GPU_INSTANCES else 0


def has_own_disk(instance_type: str) -> bool:
    """Whether SageMaker uses the instance's own disk, and so takes no key for a volume, also where nobody here knows
    how large it is."""
    return _OWN_DISK.match(instance_type) is not None


def check_builtin_instance(instance_type: str) -> None:
    """Raise SagesegError unless the built-in algorithm is documented to train on this type."""
    if instance_type not in GPU_INSTANCES:
        raise SagesegError(
            f"instance type {instance_type}: the built-in algorithm trains on P2, P3, G4dn and G5 only; "
            f"{nearest_or_all(instance_type, list(GPU_INSTANCES))}"
        )


def check_volume(instance_type: str, volume_gb: int) -> None:
    """Raise SagesegError when the data needs more disk than the instance can have."""
    available = local_storage_gb(instance_type)
    if available and volume_gb > available:
        raise SagesegError(
            f"instance type {instance_type}: has {available} GB of disk and cannot be given more, "
            f"but {volume_gb} GB are needed; use {_roomier(volume_gb)}"
        )


def _roomier(volume_gb: int) -> str:
    fitting = [name for name, gpus in GPU_INSTANCES.items() if gpus.storage_gb >= volume_gb]
    named = ", ".join(name for name in fitting if not name.startswith(_RETIRED))
    return f"a larger type, such as {named}" if named else "an ml.p3 type, which takes any volume"


def larger_memory(instance_type: str) -> str | None:
    """The next documented type with more GPU memory in all that is still to be had, for a job that ran out of it."""
    if instance_type not in GPU_INSTANCES:
        return None
    more = [name for name in GPU_INSTANCES if _memory(name) > _memory(instance_type) and not name.startswith(_RETIRED)]
    return min(more, key=_memory, default=None)


def _memory(instance_type: str) -> int:
    gpus = GPU_INSTANCES[instance_type]
    return gpus.count * gpus.memory_gib
