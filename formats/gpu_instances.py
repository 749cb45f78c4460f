"""GPU instances that the built-in algorithm is documented to train on.

Families: developer guide, "Semantic Segmentation Algorithm", EC2 Instance Recommendation (P2, P3,
G4dn, G5). Counts, memory and local storage: the EC2 instance type pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


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

_FAMILY = re.compile(r"ml\.(p|g|gr)\d")


def has_gpus(instance_type: str) -> bool:
    """Whether an instance type is of a family with GPUs of NVIDIA's, also of those that the built-in
    is not documented to train on."""
    return _FAMILY.match(instance_type) is not None
