"""Errors that say that a device has no memory left. Needs no torch."""

from __future__ import annotations

import sys


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device has no memory left; on a processor torch has no error of its own for
    that."""
    torch = sys.modules.get("torch")  # where it was not imported, it has raised nothing
    of_torch = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return of_torch or isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)
