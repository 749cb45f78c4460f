"""Whether a training runs on the machine that was paid for.

Developer guide, "How Amazon SageMaker Provides Training Information": Distributed Training Configuration.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NotRequired, TypedDict

from formats.errors import SagesegError
from formats.texts.typed_json import parse_told
from jobs.contract.instances import EMULATED, has_gpus


class _Resources(TypedDict):
    hosts: list[str]
    current_instance_type: NotRequired[str]


def check_machine(config: Path, gpus: int) -> None:
    """Raise SagesegError where `resourceconfig.json` tells of several machines, which would each train
    the whole model, or of an instance with GPUs where `gpus`, those that can be seen, are none. Without
    the file, as outside SageMaker, anything goes."""
    if not config.is_file() or os.environ.get(EMULATED):
        return
    try:
        content = config.read_bytes()
    except OSError as e:
        raise SagesegError(f"{config}: cannot be read ({e.strerror}); expected the job's resources") from e
    given = parse_told(content, _Resources, config, "expected the job's resources, as SageMaker writes them")
    hosts, instance = given["hosts"], given.get("current_instance_type", "")
    if len(hosts) > 1:
        raise SagesegError(f"{len(hosts)} instances; expected InstanceCount 1: one machine trains, with all its GPUs")
    if has_gpus(instance) and not gpus:
        raise SagesegError(
            f"{instance} has GPUs, but none can be seen here; build the image for them "
            "(docker build --build-arg TORCH=…, as its Dockerfile says), or use an instance without"
        )
