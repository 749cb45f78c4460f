"""torch and other packages that a plain installation does without: asked for before any work begins, and
imported nowhere here at the top."""

from __future__ import annotations

import os
from importlib import import_module

from formats.errors import SagesegError

WANTED = {
    # torch asks for huge pages: without them page faults take half of a small network's training step
    "THP_MEM_ALLOC_ENABLE": "1",
    # OpenMP's threads sleep rather than spin while they wait: beside any other work on the same
    # cores, spinning makes a step five to ten times as long
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Variables that make torch's training on a processor fast."""


def load_torch(doing: str, extras: str = "local") -> None:
    """Import torch, prepared for a processor. Call before the modules that import it. Raises
    SagesegError, which begins with `doing`, where torch is missing."""
    prepare_processor()
    need_packages(doing, extras, "torch")


def need_packages(doing: str, extras: str, *packages: str) -> None:
    """Raise SagesegError for the first package that cannot be imported. `extras` are setup.cfg's names
    of what installs them all, divided by commas."""
    for package in packages:
        try:
            import_module(package)
        except ImportError as e:
            problem = f"{doing}: needs {package}, which cannot be imported ({e})"
            raise SagesegError(f"{problem}; run pip install -e '.[{extras}]' in the checkout") from e


def prepare_processor() -> None:
    """Set what the user has not set. Call before the process first imports torch, which reads it once."""
    for name, value in WANTED.items():
        os.environ.setdefault(name, value)
