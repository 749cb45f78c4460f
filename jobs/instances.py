"""GPU instances that the built-in algorithm is documented to train on.

Families: developer guide, "Semantic Segmentation Algorithm", EC2 Instance Recommendation (P2, P3,
G4dn, G5). Counts and memory: the EC2 instance type pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from formats.errors import SagesegError

DEFAULT_GPU, DEFAULT_CPU = "ml.p3.2xlarge", "ml.m5.large"


@dataclass(frozen=True)
class Gpus:
    """The GPUs of an instance type; memory in GiB each."""

    count: int
    memory_gib: int


GPU_INSTANCES = {
    "ml.p2.xlarge": Gpus(1, 12),
    "ml.p2.8xlarge": Gpus(8, 12),
    "ml.p2.16xlarge": Gpus(16, 12),
    "ml.p3.2xlarge": Gpus(1, 16),
    "ml.p3.8xlarge": Gpus(4, 16),
    "ml.p3.16xlarge": Gpus(8, 16),
    "ml.p3dn.24xlarge": Gpus(8, 32),
    "ml.g4dn.xlarge": Gpus(1, 16),
    "ml.g4dn.2xlarge": Gpus(1, 16),
    "ml.g4dn.4xlarge": Gpus(1, 16),
    "ml.g4dn.8xlarge": Gpus(1, 16),
    "ml.g4dn.12xlarge": Gpus(4, 16),
    "ml.g4dn.16xlarge": Gpus(1, 16),
    "ml.g5.xlarge": Gpus(1, 24),
    "ml.g5.2xlarge": Gpus(1, 24),
    "ml.g5.4xlarge": Gpus(1, 24),
    "ml.g5.8xlarge": Gpus(1, 24),
    "ml.g5.12xlarge": Gpus(4, 24),
    "ml.g5.16xlarge": Gpus(1, 24),
    "ml.g5.24xlarge": Gpus(4, 24),
    "ml.g5.48xlarge": Gpus(8, 24),
}


def check_builtin_instance(instance_type: str) -> None:
    """Raise SagesegError unless the built-in algorithm is documented to train on this type."""
    if instance_type not in GPU_INSTANCES:
        raise SagesegError(
            f"instance type {instance_type}: the built-in algorithm trains on P2, P3, G4dn and G5 only; "
            f"expected one of {', '.join(GPU_INSTANCES)}"
        )
