"""Compile the kernels of fused BatchNorms for GPUs, without one: Triton's interpreter takes more than its compiler.

    make oracles

runs this in an environment of its own, which holds what `oracles/triton_requirements.txt` names. The calls are those
by which a training compiles; a stand-in for the driver names the card and starts nothing. Fails where a kernel does
not compile, keeps registers in memory or reads bfloat16 one by one, and where later calls compile again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp()  # else a kernel of an earlier time would do

import torch
import triton
from triton.backends.compiler import GPUTarget

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.algorithm.network import norm_kernels  # noqa: E402
from jobs.algorithm.network.batch_norm import normalised  # noqa: E402
from jobs.algorithm.network.fused_norm import FusedBatchNorm2d  # noqa: E402
from jobs.algorithm.network.fusing import calls_of_all  # noqa: E402

WIDTHS = (16, 32, 64)
KERNELS = 9 * len(WIDTHS) + 1
"""One of ten is the same for all widths."""
CAPABILITIES = {80: "A100", 90: "H100"}
LATER = ((1, 64, 1, 1), (3, 128, 5, 7), (2, 64, 129, 129), (16, 64, 32, 32), (2, 96, 9, 9), (2, 16, 65, 65))
CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"


def main() -> None:
    for capability, card in CAPABILITIES.items():
        compiled = stand_in(capability)
        started = time.perf_counter()
        for width in WIDTHS:
            for call in calls_of_all(norm_kernels, width, torch.device("cpu")):
                call()
        seconds = time.perf_counter() - started
        need(len(compiled) == KERNELS, f"sm_{capability}: {len(compiled)} kernels, expected {KERNELS}")
        for shape in LATER:
            train_a_layer(shape)
        need(len(compiled) == KERNELS, f"sm_{capability}: {len(compiled) - KERNELS} compiled again for other sizes")
        for kernel in compiled.values():
            check(kernel, capability)
        sys.stderr.write(f"sm_{capability} ({card}): {KERNELS} kernels compile, one by one, in {seconds:.1f} s\n")


def stand_in(capability: int) -> dict[str, Any]:
    """Let starting a kernel only compile it, for a card of that compute capability; what is compiled, by its hash."""
    driver = SimpleNamespace(
        get_current_target=lambda: GPUTarget("cuda", capability, 32),
        get_current_device=lambda: capability,
        get_current_stream=lambda _: 0,
    )
    triton.runtime.driver.set_active(driver)
    compiled: dict[str, Any] = {}

    def start(kernel: Any, grid: tuple[int]) -> Callable[..., None]:
        def warm_up(*given: object, **named: object) -> None:
            found = kernel.warmup(*given, grid=grid, **named)
            compiled[found.hash] = found

        return warm_up

    triton.runtime.jit.KernelInterface.__getitem__ = start
    return compiled


def train_a_layer(shape: tuple[int, int, int, int]) -> None:
    layer = FusedBatchNorm2d(torch.nn.BatchNorm2d(shape[1]), norm_kernels)
    features, shortcut = (torch.zeros(shape, dtype=torch.bfloat16, requires_grad=True) for _ in range(2))
    for result in (layer(features), normalised(layer, features), normalised(layer, features, shortcut)):
        result.sum().backward()


def check(kernel: Any, capability: int) -> None:
    name = f"{kernel.name} for sm_{capability}"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        used = subprocess.run([CUOBJDUMP, "-res-usage", file.name], check=True, capture_output=True, text=True).stdout
    need(set(re.findall(r"(?:STACK|LOCAL):(\d+)", used)) == {"0"}, f"{name} keeps registers in memory: {used}")
    one_by_one = re.search(r"\.global[\w.:]*\.b16", kernel.asm["ptx"])
    need(not one_by_one, f"{name} reads or writes bfloat16 one by one")


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    main()
