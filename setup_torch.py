"""Which build of torch `make setup` installs: `python setup_torch.py [ARGUMENTS FOR PIP …]`, before all else.

On Linux the package index has the build for NVIDIA's GPUs, which brings gigabytes of CUDA. Where no driver is found
that could use them, PyTorch's own index has one for processors. This runs in an empty environment: standard library
alone.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

INDEX = "https://download.pytorch.org/whl/cpu"
_MOST_SECONDS = 4
_CONSTRAINTS = Path(__file__).with_name("constraints.txt")


def main(pip_arguments: list[str]) -> int:
    """Install the build for processors where it is the right one and can be had, and say what was decided."""
    processor_build, why = decide(_installed(), platform.system(), has_driver(), answers)
    _say(why)
    if processor_build and _install(pip_arguments):
        _say(f"pip could not install it from {INDEX}: the package index's torch instead, which may bring CUDA")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"setup: {line}\n")
    sys.stderr.flush()


def decide(installed: str | None, system: str, driver: bool, answers: Callable[[], bool]) -> tuple[bool, str]:
    """Whether to install the build for processors, and why, in words.

    `installed` is the version of a torch that is there, `system` what Python calls this one; the index is asked only
    where its answer matters.
    """
    if installed is not None:
        return False, f"torch {installed} is there already, and stays"
    if system != "Linux":
        return False, f"{system}: the package index's torch, which brings no CUDA there"
    if driver:
        return False, "an NVIDIA driver is here: the package index's torch"
    if not answers():
        return False, f"no NVIDIA driver, but {INDEX} does not answer: the package index's torch, which may bring CUDA"
    return True, f"no NVIDIA driver is here: torch's build for processors, from {INDEX}"


def has_driver() -> bool:
    """Whether NVIDIA's driver is loaded, or its program is on the path, as where Windows has the driver (WSL)."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def answers(index: str = INDEX, most_seconds: float = _MOST_SECONDS) -> bool:
    """Whether an index can be reached, within seconds; its name's own look-up, which urlopen does not limit, too."""
    found: list[bool] = []
    asking = Thread(target=lambda: found.append(_opens(f"{index}/torch/", most_seconds)), daemon=True)
    asking.start()
    asking.join(most_seconds)
    return found == [True]


def _opens(url: str, most_seconds: float) -> bool:
    with suppress(OSError, HTTPException), urlopen(url, timeout=most_seconds):  # noqa: S310 (a URL of this file)
        return True
    return False


def _installed() -> str | None:
    with suppress(PackageNotFoundError):
        return version("torch")
    return None


def _install(pip_arguments: list[str]) -> int:
    """What torch needs comes with all else, in the versions of constraints.txt. Returns pip's exit code."""
    (pinned,) = re.findall(r"^torch==\S+$", _CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    pip = [sys.executable, "-m", "pip", "install", *pip_arguments, "--no-deps", "--index-url", INDEX]
    return subprocess.run([*pip, pinned], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
