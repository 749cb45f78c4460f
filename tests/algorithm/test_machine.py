"""Where a training runs: the instance that was paid for, its GPUs, and their precision."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from formats.errors import SagesegError
from jobs.algorithm.__main__ import main
from jobs.algorithm.machine import device as devices
from jobs.algorithm.machine.device import VARIABLE, Device, choose_device, processor_has_bfloat16
from jobs.algorithm.machine.paid_machine import check_machine
from jobs.algorithm.training import captured_step
from jobs.algorithm.training import loop as training
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.instances import EMULATED
from tests.support.opt_ml_samples import SETTINGS, write_root


@pytest.fixture(autouse=True)
def on_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EMULATED, raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)


def resources(folder: Path, instance: str, hosts: int = 1) -> Path:
    path = folder / "resourceconfig.json"
    names = [f"algo-{number}" for number in range(1, hosts + 1)]
    path.write_text(json.dumps({"current_host": "algo-1", "hosts": names, "current_instance_type": instance}))
    return path


def test_an_instance_with_gpus_that_cannot_be_seen_is_not_trained_on(tmp_path: Path) -> None:
    root = write_root(tmp_path, SETTINGS)
    for instance in ("ml.p3.2xlarge", "ml.g5.xlarge", "ml.g6.xlarge", "ml.gr6.4xlarge", "ml.p5e.48xlarge"):
        resources(root / "input/config", instance)
        assert main(["train", "--root", str(root)]) == 1
        assert f"{instance} has GPUs, but none can be seen here" in (root / "output/failure").read_text()


def test_what_is_checked_before_a_training_needs_no_torch() -> None:
    modules = "__main__ data.samples data.streamed_channels data.augment machine.paid_machine training.members"
    also = "training.schedules weights.parameter_names serving.replies"
    names = ", ".join(f"jobs.algorithm.{module}" for module in f"{modules} {also}".split())
    code = f"import sys, jobs.contract.artefact, {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_other_machines_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_machine(tmp_path / "absent.json", 0)
    check_machine(resources(tmp_path, "ml.m5.xlarge"), 0)
    check_machine(resources(tmp_path, "ml.g5.xlarge"), 1)
    monkeypatch.setenv(EMULATED, "1")
    check_machine(resources(tmp_path, "ml.g5.xlarge"), 0)


def test_several_instances_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="2 instances; expected InstanceCount 1"):
        check_machine(resources(tmp_path, "ml.m5.xlarge", hosts=2), 0)


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", "[" * 100_000])
def test_resources_that_cannot_be_read_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "resourceconfig.json").write_text(text)
    with pytest.raises(SagesegError, match=r"resourceconfig\.json: damaged.*; expected the job.s resources"):
        check_machine(tmp_path / "resourceconfig.json", 0)


@pytest.mark.parametrize(
    ("error", "advised"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nof 16"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError("no array of 2 TiB"), True),
        (RuntimeError("the network is torn"), False),
    ],
)
def test_a_training_without_memory_says_what_takes_less(
    error: Exception, advised: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(captured_step, "take_step", fail)
    root = write_root(tmp_path, SETTINGS)
    assert main(["train", "--root", str(root)]) == 1
    reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    advice = "; lower mini_batch_size or crop_size, or use an instance with more memory"
    assert (root / "output/failure").read_text() == reason + advice * advised


def test_precision_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device() == Device(torch.device("cpu"), torch.float32)
    monkeypatch.setenv(VARIABLE, "float16")
    with pytest.raises(SagesegError, match=f"{VARIABLE} is 'float16'; expected one of float32, bfloat16"):
        choose_device()
    monkeypatch.setenv(VARIABLE, "bfloat16")
    monkeypatch.setattr(devices, "processor_has_bfloat16", lambda: False)
    with pytest.raises(SagesegError, match="this processor computes it slower than float32"):
        choose_device()
    monkeypatch.setattr(devices, "processor_has_bfloat16", lambda: True)
    assert choose_device().precision == torch.bfloat16


@pytest.mark.parametrize(
    ("capability", "own"), [((7, 0), False), ((7, 5), False), ((8, 0), True), ((8, 6), True), ((9, 0), True)]
)
def test_a_gpu_without_bfloat16_of_its_own_computes_float32(
    capability: tuple[int, int], own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V100 has 7.0, T4 7.5, A100 8.0, A10G 8.6, H100 and H200 9.0; torch emulates it on the first two."""
    gpu = SimpleNamespace(
        is_available=lambda: True,
        get_device_capability=lambda _: capability,
        get_device_name=lambda _: "a GPU",
        is_bf16_supported=lambda: True,
    )
    monkeypatch.setattr(torch, "cuda", gpu)
    assert choose_device(1) == Device(torch.device("cuda", 1), torch.bfloat16 if own else torch.float32)
    monkeypatch.setenv(VARIABLE, "bfloat16")
    if own:
        assert choose_device().precision == torch.bfloat16
        return
    with pytest.raises(SagesegError, match="this GPU computes it slower than float32"):
        choose_device()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_takes_the_precision_asked_for(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, precision)
    monkeypatch.setattr(devices, "processor_has_bfloat16", lambda: True)
    root = write_root(tmp_path, SETTINGS)
    settings, places = parse_hyperparameters(SETTINGS, "open"), training.Places(root)
    started = training.start_training(root / "input/data", settings, places, threading.Event())
    assert started.device.precision == getattr(torch, precision)


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("processor : 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("flags : fpu avx512f amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("model name : avx512_bf16\nflags : fpu avx2\n", False),
        ("", False),
    ],
)
def test_a_processors_bfloat16_is_read_from_its_flags(text: str, has: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert processor_has_bfloat16(tmp_path / "cpuinfo") is has
    assert not processor_has_bfloat16(tmp_path / "absent")
