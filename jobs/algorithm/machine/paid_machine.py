"""Whether a training runs on the machine that was paid for.

Developer guide, "How Amazon SageMaker Provides Training Information": Distributed Training Configuration.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from formats.errors import SagesegError
from jobs.contract.instances import EMULATED, has_gpus


def check_machine(config: Path, gpus: int) -> None:
    """Raise SagesegError where `resourceconfig.json` tells of several machines, which would each train
    the whole model, or of an instance with GPUs where `gpus`, those that can be seen, are none. Without
    the file, as outside SageMaker, anything goes."""
    if not config.is_file() or os.environ.get(EMULATED):
        return
    try:
        given = json.loads(config.read_text(encoding="utf-8"))
        hosts, instance = list(given["hosts"]), given.get("current_instance_type", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise SagesegError(f"{config}: cannot be read ({e!r}); expected the job's resources") from e
    if len(hosts) > 1:
        raise SagesegError(f"{len(hosts)} instances; expected InstanceCount 1: one machine trains, with all its GPUs")
    if has_gpus(instance) and not gpus:
        raise SagesegError(
            f"{instance} has GPUs, but none can be seen here; build the image for them "
            "(docker build --build-arg TORCH=…, as its Dockerfile says), or use an instance without"
        )
