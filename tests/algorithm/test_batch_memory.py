"""A batch that is too large for a GPU: told with one that fits."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from formats.errors import SagesegError
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.training import batch_memory, captured_step
from jobs.algorithm.training.batch_memory import largest_fitting, within_memory
from jobs.algorithm.training.captured_step import PLAIN_STEPS, Steps
from jobs.algorithm.training.optimizers import build_optimizer
from jobs.algorithm.training.steps import Step
from jobs.algorithm.training.team import ALONE, Team
from jobs.contract.hyperparameters import Hyperparameters, parse_hyperparameters

GPU = Device(torch.device("cuda"))
BATCH = Batch(torch.zeros((16, 2, 2, 3), dtype=torch.uint8), torch.zeros((16, 2, 2), dtype=torch.uint8))


@given(st.integers(1, 300), st.integers(0, 300))
def test_the_largest_that_fits_is_found_in_few_tries(too_many: int, room: int) -> None:
    tried: list[int] = []

    def fits(count: int) -> bool:
        tried.append(count)
        return count <= room

    assert largest_fitting(too_many, fits) == min(room, too_many - 1)
    assert len(tried) <= too_many.bit_length()
    assert all(0 < count < too_many for count in tried)


@dataclass
class SmallGpu:
    """Steps on a GPU with room for so many images; a step holds memory while it or its error lives."""

    room: int
    networks: list[nn.Module] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    held: weakref.ref[torch.Tensor] | None = None

    def take_step(self, network: nn.Module, _optimizer: object, batch: Batch, step: Step, *_: Team) -> torch.Tensor:
        assert self.held is None or self.held() is None, "an earlier step still holds its memory"
        self.networks.append(network)
        self.parts.append(step.parts)
        activations = torch.zeros(1)
        self.held = weakref.ref(activations)
        if len(batch.images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return torch.zeros(())


def stand_in(room: int, patch: pytest.MonkeyPatch) -> SmallGpu:
    gpu = SmallGpu(room)
    patch.setattr(captured_step, "take_step", gpu.take_step)
    patch.setattr(batch_memory, "take_step", gpu.take_step)
    patch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=15_664_000_000))
    return gpu


def settings(**also: str) -> Hyperparameters:
    given = {"num_classes": "2", "num_training_samples": "100", "mini_batch_size": "16", "crop_size": "480"}
    return parse_hyperparameters(given | also, "open")


def steps(step: Step | None = None, team: Team = ALONE, network: nn.Module | None = None) -> Steps:
    network = network or nn.Conv2d(3, 2, 1)
    return Steps(network, build_optimizer(network.parameters(), settings()), step or Step(GPU), team)


def take(taking: Steps, given: Hyperparameters) -> torch.Tensor:
    return within_memory(taking.take, BATCH, taking, given)


def test_the_first_steps_name_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(11, monkeypatch)
    told = (
        "mini_batch_size 16 at crop_size 480 does not fit into the 14.6 GiB of this GPU; 11 does: lower "
        "mini_batch_size to 11, lower crop_size, or use a GPU with more memory"
    )
    with pytest.raises(SagesegError, match=f"^{told}$"):
        take(steps(), settings())


def test_where_no_image_fits_the_crop_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(0, monkeypatch)
    with pytest.raises(SagesegError, match=r"^one crop of crop_size 480 does not fit into the 14\.6 GiB of this GPU; "):
        take(steps(), settings())


def test_no_more_parts_are_tried_than_there_are_images(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = stand_in(1, monkeypatch)
    with pytest.raises(SagesegError, match="; 1 does"):
        take(steps(Step(GPU, parts=4)), settings())
    assert gpu.parts == [4, 4, 4, 2, 1]  # 16, 8, 4, 2 and 1 images


def test_a_member_answers_for_its_team_and_tries_with_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = stand_in(11, monkeypatch)
    joined = object.__new__(DistributedDataParallel)
    nn.Module.__init__(joined)
    joined.module = nn.Conv2d(3, 2, 1)
    with pytest.raises(SagesegError, match="mini_batch_size 64 at crop_size 480 .*; 44 does"):
        take(steps(team=Team(1, 4), network=joined), settings(mini_batch_size="64"))
    assert gpu.networks[0] is joined
    assert not {id(joined), id(joined.module)} & {id(network) for network in gpu.networks[1:]}


@pytest.mark.parametrize("why", ["later", "shared", "processor"])
def test_where_a_search_cannot_be_made_the_error_stays(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = stand_in(11, monkeypatch)
    taking = {
        "later": steps(),
        "shared": steps(team=Team(0, 2)),
        "processor": steps(Step(Device(torch.device("cpu")))),
    }[why]
    taking.taken = PLAIN_STEPS if why == "later" else 0
    with pytest.raises(torch.OutOfMemoryError):
        take(taking, settings(syncbn="True"))
    assert len(gpu.parts) == 1


def test_a_batch_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = stand_in(16, monkeypatch)
    taking = steps()
    assert take(taking, settings()).item() == 0
    assert taking.taken == len(gpu.parts) == 1
