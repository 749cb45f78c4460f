"""Where a training computes, and how exactly.

SAGESEG_PRECISION says how: `float32`, or `bfloat16`, in which convolutions are two and more times
as fast while weights, statistics and losses stay float32. Without it a GPU takes bfloat16 and a
processor float32. It is no hyperparameter, because it belongs to the machine: one request serves both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from formats.errors import SagesegError

VARIABLE = "SAGESEG_PRECISION"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PROCESSOR_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls a processor's own bfloat16 arithmetic: x86's two, and ARM's."""
_PROCESSOR = Path("/proc/cpuinfo")
_MOST_WORKERS = 16


@dataclass(frozen=True)
class Device:
    """A processor or one GPU, and the type in which it convolves."""

    place: torch.device
    precision: torch.dtype = torch.float32

    @property
    def is_gpu(self) -> bool:
        return self.place.type == "cuda"

    def autocast(self) -> torch.autocast:
        """The context in which a network runs."""
        reduced = self.precision != torch.float32
        return torch.autocast(self.place.type, torch.bfloat16, enabled=reduced)

    def workers(self, processes: int = 1) -> int:
        """Threads that prepare samples, where so many processes share the machine. Beside a GPU all
        processors are free for it; without one they train, and two threads suffice."""
        return min(max((os.cpu_count() or 1) // processes, 2), _MOST_WORKERS) if self.is_gpu else 2

    def wait(self) -> None:
        """Return when all that was started has been computed."""
        if self.is_gpu:
            torch.cuda.synchronize(self.place)


def choose_device(rank: int = 0) -> Device:
    """The GPU of this number where there is one, else the processor, in the precision asked for.
    Raises SagesegError for a precision that is not known, or that the processor has not."""
    gpu = torch.cuda.is_available()
    place = torch.device("cuda", rank) if gpu else torch.device("cpu")
    name = os.environ.get(VARIABLE) or ("bfloat16" if gpu and torch.cuda.is_bf16_supported() else "float32")
    if name not in PRECISIONS:
        raise SagesegError(f"{VARIABLE} is {name!r}; expected one of {', '.join(PRECISIONS)}")
    if name == "bfloat16" and not gpu and not processor_has_bfloat16():
        raise SagesegError(f"{VARIABLE} bfloat16: this processor computes it slower than float32; leave it unset")
    return Device(place, PRECISIONS[name])


def processor_has_bfloat16(description: Path = _PROCESSOR) -> bool:
    """Whether the processor says that it computes bfloat16 itself; only Linux tells."""
    if not description.is_file():
        return False
    lines = description.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features")))
    return bool(PROCESSOR_FLAGS & set(next(flags, [])))
