"""Several processes that train one network, here on the processor, and in which precision."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from formats.errors import SagesegError
from formats.masks import write_mask
from jobs.algorithm.__main__ import main
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.network.build import build_network
from jobs.algorithm.training import loop as training
from jobs.algorithm.training import members, team
from jobs.algorithm.training.members import MEETING, RANK, SIZE
from jobs.algorithm.training.optimizers import Sgd
from jobs.algorithm.training.steps import Step, take_step
from jobs.algorithm.training.team import share_statistics, team_size
from jobs.contract.artefact import BEST, LAST
from jobs.contract.hyperparameters import parse_hyperparameters
from tests.support.opt_ml_samples import SETTINGS, write_root
from tests.support.team_program import trained

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def one_thread_for_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


PARTS = (1, 2)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two members left what they came to, with a batch in one part and in two."""
    folder, running = tmp_path_factory.mktemp("pair"), []
    for rank in (0, 1):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            RANK: str(rank),
            SIZE: "2",
            MEETING: str(folder / "meeting"),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "tests.support.team_program", str(folder), *map(str, PARTS)]
        running.append(subprocess.Popen(command, env=environment))
    assert [process.wait(120) for process in running] == [0, 0]
    return folder


@pytest.mark.parametrize("parts", PARTS)
def test_a_team_takes_the_steps_of_one_process_with_the_whole_batch(parts: int, pair: Path) -> None:
    alone = trained()
    for member in (torch.load(pair / f"{rank}-{parts}.pt", weights_only=True) for rank in (0, 1)):
        for name in ("losses", "counts", *(n for n in alone if n.startswith("layers"))):
            torch.testing.assert_close(member[name], alone[name], rtol=1e-5, atol=1e-6)
        assert member["statistic"].item() == 0.5
        assert member["agreed"].tolist() == [False, True]


def test_a_team_leaves_one_model_and_one_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "team_size", lambda _settings: 2)
    root = write_root(tmp_path, SETTINGS)
    (root / "checkpoints").mkdir()
    assert main(["train", "--root", str(root)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len([line for line in lines if re.search(r"epoch: 1, train loss: \d", line)]) == 1
    assert sorted(path.name for path in (root / "model").iterdir()) == ["hyperparams.json", LAST, BEST]
    assert [path.name for path in (root / "checkpoints").iterdir()] == ["checkpoint.params"]


def test_where_one_member_fails_all_end_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "team_size", lambda _settings: 2)
    root = write_root(tmp_path, SETTINGS)
    for mask in (root / "input/data/train_annotation").iterdir():
        write_mask(mask, np.full((32, 40), 9, np.uint8))
    assert main(["train", "--root", str(root)]) == 1
    assert "value 9 is no class" in (root / "output/failure").read_text()


def test_sigterm_goes_to_all_members_and_a_silent_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "def end(*_):\n    pathlib.Path(sys.argv[1], os.environ['SAGESEG_RANK']).touch(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path(sys.argv[1], 'up' + os.environ['SAGESEG_RANK']).touch()\n"
        "signal.pause()\n"
    )
    start = members._start

    def stand_in(arguments: object, rank: int, size: int, meeting: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env={**os.environ, RANK: str(rank)})

    monkeypatch.setattr(members, "_start", stand_in)
    stop = threading.Event()

    def stop_when_up() -> None:
        pause = threading.Event()
        while not ((tmp_path / "up0").exists() and (tmp_path / "up1").exists()):
            pause.wait(0.01)
        stop.set()

    threading.Thread(target=stop_when_up, daemon=True).start()
    assert members.run_members([], 2, stop, tmp_path / "failure")
    assert (tmp_path / "0").exists()
    assert (tmp_path / "1").exists()
    monkeypatch.setattr(members, "_start", start)
    killed = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"]
    monkeypatch.setattr(members, "_start", lambda *_: subprocess.Popen(killed))
    with pytest.raises(SagesegError, match="the process of GPU 0 ended with exit code -9"):
        members.run_members([], 2, threading.Event(), tmp_path / "failure")


def test_one_process_for_each_gpu_but_never_more_than_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    given = {"num_classes": "2", "num_training_samples": "100"}
    assert team_size(parse_hyperparameters(given)) == 8
    assert team_size(parse_hyperparameters(given | {"mini_batch_size": "4"})) == 4
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert team_size(parse_hyperparameters(given)) == 1


@pytest.mark.parametrize(("syncbn", "size", "shared"), [("True", 2, True), ("False", 2, False), ("True", 1, False)])
def test_syncbn_shares_batchnorm_under_the_same_names(syncbn: str, size: int, shared: bool) -> None:
    settings = parse_hyperparameters(SETTINGS | {"syncbn": syncbn}, "open")
    plain = build_network(settings)
    names = list(plain.state_dict())
    network = share_statistics(plain, settings, team.Team(0, size))
    kinds = {type(module) for module in network.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)}
    assert (kinds == {torch.nn.SyncBatchNorm}) is shared
    assert list(network.state_dict()) == names


def test_a_training_with_syncbn_shares_batchnorm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team.Team, "joined", lambda _self, network, _device: network)
    root = write_root(tmp_path, SETTINGS)
    for syncbn in ("True", "False"):
        settings = parse_hyperparameters(SETTINGS | {"syncbn": syncbn}, "open")
        started = training.start_training(
            root / "input/data", settings, training.Places(root), threading.Event(), team.Team(0, 2)
        )
        shared = any(isinstance(module, torch.nn.SyncBatchNorm) for module in started.network.modules())
        assert shared is (syncbn == "True")


def test_a_member_is_not_killed_by_a_signal_that_comes_before_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "team_size", lambda _settings: 2)
    root = write_root(tmp_path, SETTINGS | {"epochs": "100"})
    stop = threading.Event()
    stop.set()
    arguments = ("train", "--root", str(root), "--data", str(root / "input/data"))
    assert members.run_members(arguments, 2, stop, root / "output/failure")
    assert (root / "model" / LAST).exists()


def test_a_team_agrees_to_stop_once_in_so_many_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(training, "LOGGING_FREQUENCY", 2)
    monkeypatch.setattr(training, "_train_step", lambda *_: torch.zeros(()))
    root = write_root(tmp_path, SETTINGS, samples=6)
    settings = parse_hyperparameters(SETTINGS | {"num_training_samples": "6"}, "open")
    started = training.start_training(root / "input/data", settings, training.Places(root), threading.Event())

    def ask(self: training.Training) -> bool:
        asked.append(len(self.progress.losses))
        return False

    monkeypatch.setattr(training.Training, "check_stop", ask)
    training._train_epoch(started)
    assert asked == [1, 2, 3]
    asked.clear()
    started.progress.losses.clear()
    training._train_epoch(replace(started, team=team.Team(0, 2)))
    assert asked == [2]


def test_bfloat16_convolves_in_it_and_leaves_weights_and_scores_float32() -> None:
    network = build_network(parse_hyperparameters(SETTINGS, "open")).train()
    inside: list[torch.dtype] = []
    scores: list[torch.dtype] = []
    network.get_submodule("stem").register_forward_hook(lambda _m, _i, output: inside.append(output.dtype))
    network.register_forward_hook(lambda _m, _i, output: scores.append(output[0].dtype))
    images = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    batch = Batch(images, torch.randint(0, 2, (2, 32, 32), dtype=torch.uint8))
    optimizer = Sgd(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for precision in (torch.float32, torch.bfloat16):
        loss = take_step(network, optimizer, batch, Step(Device(torch.device("cpu"), precision)))
        assert loss.dtype == torch.float32
    assert inside == [torch.float32, torch.bfloat16]
    assert scores == [torch.float32, torch.float32]
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
