"""Which instance types a job may have, and which come next when one is refused or too small."""

from __future__ import annotations

from collections.abc import Sequence

from formats.errors import SagesegError
from formats.gpu_instances import GPU_INSTANCES

DEFAULT_GPUS = ("ml.p3.2xlarge", "ml.g5.2xlarge", "ml.g4dn.2xlarge")
"""Tried in this order: EC2 retired P3, so that an account may be refused it."""
DEFAULT_CPU = "ml.m5.large"


def check_builtin_instance(instance_type: str) -> None:
    """Raise SagesegError unless the built-in algorithm is documented to train on this type."""
    if instance_type not in GPU_INSTANCES:
        raise SagesegError(
            f"instance type {instance_type}: the built-in algorithm trains on P2, P3, G4dn and G5 only; "
            f"expected one of {', '.join(GPU_INSTANCES)}"
        )


def local_storage_gb(instance_type: str) -> int:
    """The instance's own disk in GB, 0 where SageMaker attaches a volume."""
    return GPU_INSTANCES[instance_type].storage_gb if instance_type in GPU_INSTANCES else 0


def check_volume(instance_type: str, volume_gb: int) -> None:
    """Raise SagesegError when the data needs more disk than the instance can have."""
    available = local_storage_gb(instance_type)
    if available and volume_gb > available:
        raise SagesegError(
            f"instance type {instance_type}: has {available} GB of disk and cannot be given more, "
            f"but {volume_gb} GB are needed; use a larger type, such as {_roomier(volume_gb)}"
        )


def _roomier(volume_gb: int) -> str:
    fitting = [name for name, gpus in GPU_INSTANCES.items() if not gpus.storage_gb or gpus.storage_gb >= volume_gb]
    return ", ".join(name for name in fitting if not name.startswith("ml.p2"))


def larger_memory(instance_type: str) -> str | None:
    """The next documented type with more GPU memory in all, for a job that ran out of it."""
    now = GPU_INSTANCES.get(instance_type)
    if now is None:
        return None
    more = [name for name in GPU_INSTANCES if _memory(name) > now.count * now.memory_gib and "p2" not in name]
    return min(more, key=_memory, default=None)


def _memory(instance_type: str) -> int:
    gpus = GPU_INSTANCES[instance_type]
    return gpus.count * gpus.memory_gib


def parse_instance_types(text: str) -> tuple[str, ...]:
    """`ml.p3.2xlarge,ml.g5.2xlarge`, in the order in which they are tried."""
    names: Sequence[str] = [part.strip() for part in text.split(",")]
    wrong = [name for name in names if not name.startswith("ml.")]
    if wrong:
        raise SagesegError(f"--instance-type {text}: expected names such as ml.p3.2xlarge, comma between")
    return tuple(dict.fromkeys(names))
