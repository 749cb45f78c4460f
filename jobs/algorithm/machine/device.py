"""Where a network computes, and how exactly.

SAGESEG_PRECISION says how: `float32`, or `bfloat16`, in which convolutions are two and more times
as fast while weights, statistics and losses of a training stay float32. Without it a GPU that computes
bfloat16 itself takes that, a processor that does so takes it for prediction, and all else is float32. It
is no hyperparameter, because it belongs to the machine: one request serves both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from formats.console import detail
from formats.errors import SagesegError
from formats.parallel import available_cores

VARIABLE = "SAGESEG_PRECISION"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PROCESSOR_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls a processor's own bfloat16 arithmetic: x86's two, and ARM's."""
GPUS_WITH_BFLOAT16 = (8, 0)
"""The first compute capability with bfloat16 arithmetic: A100's. What is older (V100, T4) torch lets
emulate it, without tensor cores."""
_PROCESSOR = Path("/proc/cpuinfo")
_MOST_WORKERS = 16


@dataclass(frozen=True)
class Device:
    """A processor or one GPU, and the type in which it convolves. `exact` is a prediction that must be
    computed as training computes."""

    place: torch.device
    precision: torch.dtype = torch.float32
    exact: bool = False

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
        return min(max(available_cores() // processes, 2), _MOST_WORKERS) if self.is_gpu else 2

    def seed(self, value: int) -> None:
        """Let dropout's random numbers on this device begin at a value."""
        if self.is_gpu:
            torch.cuda.manual_seed(value)
        else:
            torch.default_generator.manual_seed(value)  # torch.manual_seed also looks for GPUs, every time

    def wait(self) -> None:
        """Return when all that was started has been computed."""
        if self.is_gpu:
            torch.cuda.synchronize(self.place)

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.place) if self.is_gpu else f"{available_cores()} processor cores"
        return f"{name}, {str(self.precision).removeprefix('torch.')}"


EXACT = Device(torch.device("cpu"), exact=True)
"""The processor, for what must be the network itself, number by number."""


def choose_device(rank: int = 0, *, predicts: bool = False) -> Device:
    """The GPU of this number where there is one, else the processor, in the precision asked for.
    Raises SagesegError for a precision that is not known, or that the device has not."""
    gpu = torch.cuda.is_available()
    place = torch.device("cuda", rank) if gpu else torch.device("cpu")
    has_bfloat16 = gpu_has_bfloat16(place) if gpu else processor_has_bfloat16()
    named = os.environ.get(VARIABLE)
    name = named or ("bfloat16" if has_bfloat16 and (gpu or predicts) else "float32")
    if name not in PRECISIONS:
        raise SagesegError(f"{VARIABLE} is {name!r}; expected one of {', '.join(PRECISIONS)}")
    if name == "bfloat16" and not has_bfloat16:
        kind = "GPU" if gpu else "processor"
        raise SagesegError(f"{VARIABLE} bfloat16: this {kind} computes it slower than float32; leave it unset")
    device = Device(place, PRECISIONS[name], exact=named == "float32")
    detail(f"computes on {device}{f', as {VARIABLE} says' if named else ''}")
    return device


def gpu_has_bfloat16(place: torch.device) -> bool:
    """Whether a GPU computes bfloat16 itself."""
    return torch.cuda.get_device_capability(place) >= GPUS_WITH_BFLOAT16


def processor_has_bfloat16(description: Path = _PROCESSOR) -> bool:
    """Whether the processor says that it computes bfloat16 itself; only Linux tells."""
    return bool(PROCESSOR_FLAGS & processor_flags(description))


def processor_flags(description: Path = _PROCESSOR) -> set[str]:
    """What the processor can do, in Linux's words; empty elsewhere."""
    if not description.is_file():
        return set()
    lines = description.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features")))
    return set(next(flags, []))
