"""What torch must find in the environment to use a processor well; reads nothing of torch itself."""

from __future__ import annotations

import os

WANTED = {
    # torch asks for huge pages: without them page faults take half of a small network's training step
    "THP_MEM_ALLOC_ENABLE": "1",
    # OpenMP's threads sleep rather than spin while they wait: beside any other work on the same
    # cores, spinning makes a step five to ten times as long
    "OMP_WAIT_POLICY": "PASSIVE",
}


def prepare_processor() -> None:
    """Set what the user has not set. Call before the process first imports torch, which reads it once."""
    for name, value in WANTED.items():
        os.environ.setdefault(name, value)
