"""The step as a graph: on the processor with a stand-in that replays by calling again, on a GPU itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from jobs.algorithm.__main__ import main
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device, choose_device
from jobs.algorithm.network.batch_norm import without_counts
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.training import batch_memory, captured_step, loading
from jobs.algorithm.training import loop as training
from jobs.algorithm.training.captured_step import PLAIN_STEPS, GpuRecorder, Recorder, Recording, Steps, steps_of
from jobs.algorithm.training.checkpoints import NAME
from jobs.algorithm.training.evaluation import Counts, evaluate
from jobs.algorithm.training.optimizers import MxnetOptimizer, build_optimizer
from jobs.algorithm.training.steps import Step, add_gradients
from jobs.algorithm.training.team import ALONE, Team
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.log_lines import epoch_metrics
from tests.algorithm.test_checkpoints import model_files, new_root, run, stop_at_step
from tests.support.opt_ml_samples import SETTINGS
from tests.support.small_network import shrink_networks

CPU = Device(torch.device("cpu"))
GIVEN = SETTINGS | {"epochs": "5", "num_training_samples": "4", "learning_rate": "0.001"}
"""Ten steps."""


class Playback:
    """Like a GPU's graphs: recording computes nothing, and a replay writes into the tensors of the recording,
    whatever the weights hold as their gradients by then."""

    def __init__(self, network: nn.Module) -> None:
        self.network, self.replayed = network, 0

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def record(self, work: Callable[[], torch.Tensor]) -> Recording:
        assert all(weight.grad is None for weight in self.network.parameters())  # else a graph would add to them
        weights, random = deepcopy(self.network.state_dict()), torch.get_rng_state()
        loss = work()
        self.network.load_state_dict(weights)
        torch.set_rng_state(random)
        own = {weight: weight.grad for weight in self.network.parameters() if weight.grad is not None}
        for tensor in (loss, *own.values()):
            tensor.fill_(torch.nan)

        def replay() -> None:
            self.replayed += 1
            held = {weight: weight.grad for weight in own}
            for weight in own:
                weight.grad = None
            loss.copy_(work())
            for weight, gradient in own.items():
                assert weight.grad is not None
                gradient.copy_(weight.grad)
                weight.grad = held[weight]

        return Recording(loss, replay)


class Refusing(Playback):
    """A recorder that fails as torch does: the end of a spoilt capture raises after what spoilt it."""

    def record(self, work: Callable[[], torch.Tensor]) -> Recording:
        super().record(work)
        end = RuntimeError("capture_end: invalidated")
        end.__context__ = RuntimeError("operation not permitted when stream is capturing\nCompile with more")
        raise end


def record_with(patch: pytest.MonkeyPatch, kind: type[Playback]) -> list[Playback]:
    """Let trainings record with it; returns the recorders as they come to be."""
    made: list[Playback] = []

    def stand_in(network: nn.Module, optimizer: MxnetOptimizer, step: Step, team: Team) -> Steps:
        made.append(kind(network))
        return Steps(network, optimizer, step, team, made[-1])

    patch.setattr(training, "steps_of", stand_in)
    return made


@pytest.mark.parametrize(
    "also",
    [
        {"optimizer": "adam"},
        {"optimizer": "sgd", "loss": "cross-entropy+dice", "gradient_accumulation": "2"},
        {"algorithm": "psp", "use_pretrained_model": "False", "optimizer": "rmsprop"},  # it has dropout
    ],
    ids=lambda also: also["optimizer"],
)
def test_a_captured_training_is_the_plain_one_also_when_it_goes_on_from_a_checkpoint(
    also: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shrink_networks(monkeypatch)
    plain = new_root(tmp_path / "plain", GIVEN | also)
    run(plain)
    losses = [epoch.train_loss for epoch in epoch_metrics(capsys.readouterr().out.splitlines())]
    recorders = record_with(monkeypatch, Playback)
    captured = new_root(tmp_path / "captured", GIVEN | also)
    run(captured)
    assert model_files(captured) == model_files(plain)
    assert [epoch.train_loss for epoch in epoch_metrics(capsys.readouterr().out.splitlines())] == losses
    stopped = new_root(tmp_path / "stopped", GIVEN | also)
    with monkeypatch.context() as patch:
        stop_at_step(patch, 5)
        run(stopped)
    resumed = new_root(tmp_path / "resumed", GIVEN | also)
    (resumed / "checkpoints" / NAME).write_bytes((stopped / "checkpoints" / NAME).read_bytes())
    run(resumed)
    assert model_files(resumed) == model_files(plain)
    assert [recorder.replayed for recorder in recorders] == [10 - PLAIN_STEPS, 5 - PLAIN_STEPS, 5 - PLAIN_STEPS]


@pytest.mark.parametrize("algorithm", ["unet", "psp"])
def test_what_is_done_before_the_first_step_leaves_no_trace(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink_networks(monkeypatch)
    given = GIVEN | {"algorithm": algorithm, "use_pretrained_model": "False", "epochs": "1"}
    plain, prepared = new_root(tmp_path / "plain", given), new_root(tmp_path / "prepared", given)
    run(plain)
    steps: list[Steps] = []

    def prepare(begun: training.Training) -> None:
        before = deepcopy(begun.network.state_dict())
        training._prepare(begun)
        assert all(torch.equal(tensor, before[name]) for name, tensor in begun.network.state_dict().items())
        steps.append(begun.steps)
        take_all(begun)

    take_all = training.run_training
    monkeypatch.setattr(training, "run_training", prepare)
    run(prepared)
    assert [each.taken for each in steps] == [2]
    assert model_files(prepared) == model_files(plain)


def test_too_little_memory_is_found_before_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def too_large(_steps: Steps, batch: Batch) -> None:
        seen.append(tuple(batch.masks.shape))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Steps, "prepare", too_large)
    monkeypatch.setattr(Device, "is_gpu", True)
    monkeypatch.setattr(Device, "__str__", lambda _: "this GPU")
    monkeypatch.setattr(batch_memory, "step_fits", lambda _n, _o, _s, batch: len(batch.images) < 2)
    monkeypatch.setattr(batch_memory, "_room", lambda _: "this GPU")
    monkeypatch.setattr(training, "steps_of", Steps)
    monkeypatch.setattr(loading, "make_batches", None)
    root = new_root(tmp_path, GIVEN)
    assert main(["train", "--root", str(root)]) == 1
    assert (
        (root / "output/failure")
        .read_text()
        .startswith("mini_batch_size 2 at crop_size 32 does not fit into this GPU; 1")
    )
    assert seen == [(2, 32, 32)]


def test_a_capture_that_fails_is_told_and_the_steps_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, refused = new_root(tmp_path / "plain", GIVEN), new_root(tmp_path / "refused", GIVEN)
    run(plain)
    record_with(monkeypatch, Refusing)
    capsys.readouterr()
    run(refused)
    assert model_files(refused) == model_files(plain)
    told = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line and "graph" in line]
    assert len(told) == 1
    assert told[0].endswith(
        "steps are not captured as a graph (RuntimeError: operation not permitted when stream is capturing); "
        "they are taken one by one"
    )


def test_validation_that_lacks_memory_takes_the_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, short = new_root(tmp_path / "plain", GIVEN), new_root(tmp_path / "short", GIVEN)
    run(plain)
    recorders = record_with(monkeypatch, Playback)

    def too_large(*given: object) -> Counts:
        if recorders[0].replayed and holds_graph[0]:
            holds_graph[0] = False
            raise torch.OutOfMemoryError("CUDA out of memory")
        return evaluate(*given)  # type: ignore[arg-type]

    holds_graph = [True]
    monkeypatch.setattr(training, "evaluate", too_large)
    capsys.readouterr()
    run(short)
    assert model_files(short) == model_files(plain)
    assert recorders[0].replayed == 1  # the fourth step, which ends the second epoch
    assert "validation needs the memory of the captured step" in capsys.readouterr().out


def test_validation_that_lacks_memory_without_a_graph_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object) -> Counts:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training, "evaluate", too_large)
    root = new_root(tmp_path, GIVEN)
    assert main(["train", "--root", str(root)]) == 1
    assert (root / "output/failure").read_text().startswith("OutOfMemoryError: CUDA out of memory; lower")


class ValuesStay(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses what a capture does: to read a value on the processor, and to send one from it."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> object:
        made = func(*args, **(kwargs or {}))
        places = {
            tensor.device.type for tensor in tree_leaves((args, kwargs, made)) if isinstance(tensor, torch.Tensor)
        }
        assert places <= {"meta"}, f"{func} mixes {places}"
        return made


@pytest.mark.parametrize(
    ("algorithm", "loss"),
    [
        ("fcn", "cross-entropy"),
        ("psp", "cross-entropy"),
        ("deeplab", "cross-entropy"),
        ("unet", "cross-entropy+dice"),
        ("unet", "cross-entropy+jaccard"),
    ],
)
def test_a_step_neither_reads_nor_sends_a_value(algorithm: str, loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On torch's device without values, from which none can be read."""
    shrink_networks(monkeypatch)
    monkeypatch.setattr(Device, "autocast", lambda _self: nullcontext())  # torch has none for that device
    given = {"num_classes": "3", "num_training_samples": "32", "algorithm": algorithm}
    nowhere = torch.device("meta")
    network = without_counts(build_network(parse_hyperparameters(given, "open")).to(nowhere).train())
    images = torch.empty((4, 64, 64, 3), dtype=torch.uint8, device=nowhere)
    batch = Batch(images, torch.empty((4, 64, 64), dtype=torch.uint8, device=nowhere))
    normalise(images)  # what it sends it keeps: the plain steps before a capture send it
    with ValuesStay():  # type: ignore[no-untyped-call]
        add_gradients(network, batch, Step(Device(nowhere), loss, 2))
    assert all(weight.grad is not None for weight in network.parameters())


def test_only_a_gpu_alone_captures(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    network = nn.Conv2d(3, 2, 1)
    monkeypatch.setattr(captured_step, "GpuRecorder", lambda: Playback(network))
    optimizer = build_optimizer(network.parameters(), parse_hyperparameters(SETTINGS, "open"))
    gpu = Device(torch.device("cuda"))
    caplog.set_level(logging.INFO)
    captures = [
        steps_of(network, optimizer, Step(device), team)._recorder is not None
        for device, team in ((CPU, ALONE), (gpu, ALONE), (gpu, Team(0, 2)))
    ]
    assert captures == [False, True, False]
    assert [record.message[:34] for record in caplog.records] == ["steps are not captured as a graph "]


def test_the_first_step_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(new_root(tmp_path, GIVEN))
    lines = [line for line in capsys.readouterr().out.splitlines() if "after the start of the program" in line]
    assert len(lines) == 1
    assert re.search(r"\] first step \d+\.\d s after the start of the program$", lines[0])


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="shows on a GPU alone: SAGESEG_TEST_GPU=1")


def taken_on_gpu(algorithm: str, loss: str, recorder: Recorder | None) -> tuple[torch.Tensor, ...]:
    """Losses of eight steps with dropout, and the weights after them."""
    given = {"num_classes": "3", "num_training_samples": "32", "algorithm": algorithm, "learning_rate": "0.001"}
    settings, device = parse_hyperparameters(given | {"use_pretrained_model": "False"}, "open"), choose_device()
    torch.manual_seed(0)
    network = build_network(settings).to(device.place).train()
    steps = Steps(network, build_optimizer(network.parameters(), settings), Step(device, loss), recorder=recorder)
    losses = []
    for number in range(8):
        drawn = torch.Generator().manual_seed(number)
        images = torch.randint(0, 256, (4, 64, 64, 3), dtype=torch.uint8, generator=drawn).pin_memory()
        masks = torch.randint(0, 3, (4, 64, 64), dtype=torch.uint8, generator=drawn).pin_memory()
        device.seed(number)
        losses.append(steps.take(Batch(images, masks)))
    weights = torch.cat([weight.detach().flatten() for weight in network.parameters()])
    return torch.stack(losses).cpu(), weights.cpu()


@needs_gpu
@pytest.mark.parametrize(
    ("algorithm", "loss"),
    [
        ("fcn", "cross-entropy"),
        ("psp", "cross-entropy"),
        ("deeplab", "cross-entropy"),
        ("unet", "cross-entropy+dice"),
        ("unet", "cross-entropy+jaccard"),
    ],
)
def test_on_a_gpu_captured_steps_are_the_plain_ones_and_go_alike(
    algorithm: str, loss: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shrink_networks(monkeypatch)
    monkeypatch.setenv("SAGESEG_PRECISION", "float32")
    caplog.set_level(logging.INFO)
    plain, captured, again = (
        taken_on_gpu(algorithm, loss, recorder) for recorder in (None, GpuRecorder(), GpuRecorder())
    )
    told = [record.message for record in caplog.records if record.name == captured_step.__name__]
    assert told == ["steps are captured as a graph"] * 2
    for one in (captured, again):  # sums are not taken in one order there
        for found, expected in zip(one, plain, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3)


@needs_gpu
def test_on_a_gpu_a_replay_draws_dropout_by_the_seed_of_that_moment() -> None:
    ones, device = torch.ones(1000, device="cuda"), choose_device()
    recorder = GpuRecorder()
    with recorder.aside():
        F.dropout(ones)
    recording = recorder.record(lambda: F.dropout(ones))
    for seed in (5, 6, 5):
        device.seed(seed)
        recording.replay()
        replayed = recording.loss.clone()
        device.seed(seed)
        assert torch.equal(replayed, F.dropout(ones))


@needs_gpu
def test_on_a_gpu_what_cannot_be_captured_leaves_torch_in_order() -> None:
    """Last: before torch 2.12 (pytorch#180395) no more graphs can be captured in this process then."""
    ones, device = torch.ones(1000, device="cuda"), choose_device()
    device.seed(5)
    expected = F.dropout(ones)
    with pytest.raises(RuntimeError):
        GpuRecorder().record(lambda: F.dropout(ones) * F.dropout(ones).sum().item())
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    device.seed(5)
    assert torch.equal(F.dropout(ones), expected)
