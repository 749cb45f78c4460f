"""Checkpoints: a resumed training is the undisturbed one, bit for bit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from opt_ml_samples import SETTINGS, write_root

from formats.errors import SagesegError
from jobs.algorithm import training
from jobs.algorithm.__main__ import main
from jobs.algorithm.artefact import BEST, LAST
from jobs.algorithm.batches import Batch
from jobs.algorithm.checkpoints import NAME, read_checkpoint
from jobs.algorithm.evaluation import Counts, evaluate
from jobs.algorithm.params import decode_params, encode_params
from jobs.algorithm.training import as_strings
from jobs.hyperparameters import parse_hyperparameters

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
    ],
)
def test_a_stopped_and_resumed_training_is_the_undisturbed_one(
    also: dict[str, str], step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_dropout_goes_on_where_it_was(tmp_path: Path) -> None:
    root = new_root(tmp_path, GIVEN | {"epochs": "1"})
    run(root)
    found = read_checkpoint(root / "checkpoints", as_strings(parse_hyperparameters(GIVEN | {"epochs": "1"}, "open")))
    assert found is not None
    states = found.arrays["random.cpu"]
    assert states.dtype == np.uint8
    assert states.shape == tuple(torch.get_rng_state().shape)


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
