"""torch and the graphics card, as far as they can be known without importing torch, which takes seconds."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from formats.parallel import available_cores
from jobs.doctor.findings import Finding, State

_DRIVER = Path("/proc/driver/nvidia/version")
_CUDA = re.compile(r"^cuda\b[^=]*=\s*'([^']+)'", re.MULTILINE)
_ASK_CARD = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
_ASK_TORCH = (sys.executable, "-c", "import torch; print(torch.cuda.is_available())")
_CARD_SECONDS, _TORCH_SECONDS = 10.0, 60.0
_INDEX = "https://pytorch.org/get-started/locally/"


@dataclass(frozen=True)
class Torch:
    """An installed torch: the CUDA that it is built with, empty for a processor's build."""

    version: str
    cuda: str


def installed_torch() -> Torch | None:
    try:
        number, spec = version("torch"), find_spec("torch")
    except PackageNotFoundError:
        return None
    told = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    found = _CUDA.search(told.read_text(encoding="utf-8")) if told and told.is_file() else None
    return Torch(number, found[1] if found else "")


def cards() -> str:
    """NVIDIA's cards with memory and driver, as its own program tells them; empty where there is none."""
    told = _asked(_ASK_CARD, _CARD_SECONDS)
    if told:
        return "; ".join(line.strip() for line in told.splitlines())
    return "a card whose nvidia-smi does not answer" if _DRIVER.exists() else ""


def examine_torch(wrong: State) -> Finding:
    """Whether networks can be computed here, and on what. torch itself is asked only where there is a card that its
    build could use."""
    torch, card = installed_torch(), cards()
    sees = torch is not None and bool(torch.cuda and card) and _asked(_ASK_TORCH, _TORCH_SECONDS) == "True"
    return judge_torch(torch, card, sees=sees, wrong=wrong)


def judge_torch(torch: Torch | None, card: str, *, sees: bool, wrong: State) -> Finding:
    """`sees`: torch itself says that it can use the card."""
    if torch is None:
        there = f"; there is {card}" if card else ""
        return Finding(wrong, "torch", f"not installed, so nothing is trained here{there}", "pip install -e '.[local]'")
    build = f"CUDA {torch.cuda}" if torch.cuda else "a processor's build"
    told = f"{torch.version}, {build}"
    if not card:
        return Finding("ok", "torch", f"{told}; no NVIDIA card, so {available_cores()} processor cores compute")
    if not torch.cuda:
        return Finding("note", "torch", f"{told}; {card} is not used", f"install the line for CUDA of {_INDEX}")
    if not sees:
        cure = "install a driver that is new enough for this CUDA, or another build: " + _INDEX
        return Finding("note", "torch", f"{told}; it cannot use {card}", cure)
    return Finding("ok", "torch", f"{told}; computes on {card}")


def _asked(words: Sequence[str], seconds: float) -> str:
    """What a program answers; empty where it is missing, fails or takes too long."""
    try:
        ran = subprocess.run(words, capture_output=True, text=True, check=True, timeout=seconds)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip()
