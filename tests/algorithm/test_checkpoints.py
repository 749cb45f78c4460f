"""Checkpoints: a resumed training is the undisturbed one, bit for bit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from formats.errors import SagesegError
from jobs.algorithm.__main__ import main
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.training import captured_step
from jobs.algorithm.training import loop as training
from jobs.algorithm.training.checkpoints import NAME, Progress, read_checkpoint
from jobs.algorithm.training.evaluation import Counts, evaluate
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.training.team import ALONE, Team
from jobs.contract.artefact import BEST, LAST
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.mxnet_params import decode_params, encode_params
from tests.support.opt_ml_samples import SETTINGS, write_root
from tests.support.small_network import shrink_networks

GIVEN = SETTINGS | {"epochs": "3", "num_training_samples": "4"}


def model_files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / "model").iterdir())}


def new_root(root: Path, given: dict[str, str]) -> Path:
    write_root(root, given)
    (root / "checkpoints").mkdir()
    return root


def run(root: Path) -> None:
    assert main(["train", "--root", str(root)]) == 0


def stop_at_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """SIGTERM while this step, counted over all epochs, is taken."""
    plain, taken = training._train_step, 0

    def counted(run: training.Training, batch: Batch) -> torch.Tensor:
        nonlocal taken
        taken += 1
        if taken == step:
            signal.raise_signal(signal.SIGTERM)
        return plain(run, batch)

    monkeypatch.setattr(training, "_train_step", counted)


@pytest.mark.parametrize(
    ("also", "step"),
    [
        ({"optimizer": "adam"}, 1),
        ({"optimizer": "adam"}, 3),
        ({"optimizer": "sgd"}, 4),
        ({"optimizer": "rmsprop"}, 5),
        ({"augmentation": "strong", "gradient_accumulation": "2"}, 3),
        ({"algorithm": "psp", "use_pretrained_model": "False"}, 3),  # it has dropout
    ],
)
def test_a_stopped_and_resumed_training_is_the_undisturbed_one(
    also: dict[str, str], step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink_networks(monkeypatch)
    given = GIVEN | {"learning_rate": "0.001"} | also
    undisturbed = new_root(tmp_path / "undisturbed", given)
    run(undisturbed)
    stopped = new_root(tmp_path / "stopped", given)
    with monkeypatch.context() as patch:
        stop_at_step(patch, step)
        run(stopped)
    assert set(model_files(stopped)) == {"hyperparams.json", BEST, LAST}
    assert model_files(stopped)[LAST] != model_files(undisturbed)[LAST]
    resumed = new_root(tmp_path / "resumed", given)
    (resumed / "checkpoints" / NAME).write_bytes((stopped / "checkpoints" / NAME).read_bytes())
    run(resumed)
    assert model_files(resumed) == model_files(undisturbed)


def test_a_training_stopped_while_it_validates_validates_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopping(network: torch.nn.Module, batches: Iterator[Batch], *rest: object) -> Counts:
        signal.raise_signal(signal.SIGTERM)
        return evaluate(network, batches, *rest)  # type: ignore[arg-type]

    root = new_root(tmp_path / "a", GIVEN)
    with monkeypatch.context() as patch:
        patch.setattr(training, "evaluate", stopping)
        run(root)
    run(root)
    run(new_root(tmp_path / "b", GIVEN))
    assert model_files(root) == model_files(tmp_path / "b")


def test_dropout_differs_from_step_to_step_and_between_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def draw(*_: object) -> torch.Tensor:
        drawn.append(torch.rand(()).item())
        return torch.zeros(())

    monkeypatch.setattr(captured_step, "take_step", draw)
    root = new_root(tmp_path, GIVEN)
    run(root)
    assert len(set(drawn)) == len(drawn) == 6
    first = drawn[0]
    settings = parse_hyperparameters(GIVEN, "open")
    places = training.Places(root / "model")
    alone = training.start_training(root / "input/data", settings, places, threading.Event())
    for team in (ALONE, Team(1, 2)):
        member = replace(alone, team=team, progress=Progress())
        training._train_step(member, Batch(torch.zeros(0), torch.zeros(0)))
    assert drawn[-2] == first != drawn[-1]


def test_losses_of_an_epoch_that_goes_on_lie_where_its_steps_put_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = new_root(tmp_path, GIVEN)
    with monkeypatch.context() as patch:
        stop_at_step(patch, 1)
        run(root)
    elsewhere = Device(torch.device("meta"))  # a GPU's stand-in: its tensors do not mix with the processor's
    monkeypatch.setattr(training, "choose_device", lambda _rank: elsewhere)
    monkeypatch.setattr(training, "restore", lambda *_: None)
    settings, places = parse_hyperparameters(GIVEN, "open"), training.Places(root / "model", root / "checkpoints")
    resumed = training.start_training(root / "input/data", settings, places, threading.Event())
    assert [loss.device for loss in resumed.progress.losses] == [elsewhere.place]


def test_without_the_folder_no_checkpoint_is_kept(tmp_path: Path) -> None:
    run(write_root(tmp_path, GIVEN | {"epochs": "1"}))
    assert not (tmp_path / "checkpoints").exists()


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    root = new_root(tmp_path / "a", GIVEN | {"epochs": "1"})
    run(root)
    other = as_strings(parse_hyperparameters(GIVEN | {"epochs": "2"}, "open"))
    with pytest.raises(SagesegError, match=r"checkpoint\.params: of a training with epochs 1, and this one has 2"):
        read_checkpoint(root / "checkpoints", other)


def test_a_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(encode_params({"x": np.zeros(1, np.float32)}))
    with pytest.raises(SagesegError, match="no checkpoint"):
        read_checkpoint(tmp_path, {})
    (tmp_path / NAME).write_bytes(b"\x80\x04" + bytes(30))
    with pytest.raises(SagesegError, match=r"no \.params file"):
        read_checkpoint(tmp_path, {})
    assert decode_params(encode_params({}), "x") == {}


def test_the_signal_goes_back_to_who_had_it(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert threading.current_thread() is threading.main_thread()
    run(write_root(tmp_path, GIVEN | {"epochs": "1"}))
    assert signal.getsignal(signal.SIGTERM) is before
