"""What only the open implementation offers: stronger augmentation, and batches in parts."""

from __future__ import annotations

import copy
import math
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from formats.classes import IGNORE
from formats.errors import SagesegError
from jobs.algorithm.__main__ import main
from jobs.algorithm.data import augment
from jobs.algorithm.data.augment import MAX_SHEAR, MAX_SHIFT, MAX_TURN, training_crop
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.network.build import build_network
from jobs.algorithm.training import loop as training
from jobs.algorithm.training.optimizers import Sgd
from jobs.algorithm.training.steps import Step, step_of, take_step
from jobs.algorithm.training.team import Team
from jobs.contract.hyperparameters import parse_hyperparameters
from tests.support.opt_ml_samples import SETTINGS, last_weights, write_root

CPU = Device(torch.device("cpu"))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def bar() -> tuple[np.ndarray, np.ndarray]:
    """A bright bar through the middle, class 1, from top to bottom."""
    mask = np.zeros((96, 96), np.uint8)
    mask[:, 44:52] = 1
    return np.stack([mask * 200] * 3, 2), mask


def turn_of(mask: np.ndarray) -> float:
    """The direction in degrees, from upright, of the pixels of class 1."""
    rows, columns = np.nonzero(mask == 1)
    return math.degrees(math.atan(np.polyfit(rows, columns, 1)[0]))


def test_strong_crops_are_turned_to_both_sides_within_the_limits() -> None:
    turns = [turn_of(augment._warped(*bar(), rng(seed))[1]) for seed in range(60)]
    slack = math.degrees(MAX_SHEAR) + 2
    assert min(turns) < -15
    assert max(turns) > 15
    assert max(map(abs, turns)) < MAX_TURN + slack
    assert MAX_TURN <= 25


def test_a_warp_turns_shears_and_shifts() -> None:
    warps = np.array([augment._random_warp((100, 200), rng(seed)) for seed in range(300)])
    linear = warps[:, :, :2]
    np.testing.assert_allclose(np.linalg.det(linear), 1)  # nothing becomes larger or smaller
    angle = np.arctan2(linear[:, 1, 0], linear[:, 0, 0])
    shear = (np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1) @ linear)[
        :, 0, 1
    ]
    shift = warps @ np.array([99.5, 49.5, 1]) - [99.5, 49.5]
    for values, limit in (
        (np.degrees(angle), MAX_TURN),
        (shear, MAX_SHEAR),
        (shift[:, 0] / 200, MAX_SHIFT),
        (shift[:, 1] / 100, MAX_SHIFT),
    ):
        assert limit * 0.9 < abs(values).max() <= limit
        assert values.min() < -limit / 2 < limit / 2 < values.max()


def test_beyond_the_edge_is_the_mirror_image() -> None:
    image, mask = bar()
    for seed in range(20):
        warped, warped_mask = training_crop(image, mask, 400, 96, rng(seed), strong=True)
        assert set(np.unique(warped_mask)) <= {0, 1}  # nothing to ignore, unlike padding
        assert warped.shape == (96, 96, 3)
    marked = np.full((40, 40), 7, np.uint8)
    assert (augment._warped(np.stack([marked] * 3, 2), marked, rng(1))[1] == 7).all()


def test_image_and_mask_are_turned_alike_and_the_mask_keeps_its_values() -> None:
    image, mask = bar()
    for seed in range(20):
        warped, warped_mask = augment._warped(image, mask, rng(seed))
        assert set(np.unique(warped_mask)) <= {0, 1}
        assert ((warped[..., 0] > 100) != warped_mask).mean() < 0.02
        small = cv2.erode(warped_mask, np.ones((3, 3), np.uint8))
        assert (warped[small == 1] == 200).all()


def test_the_seed_decides_and_plain_crops_stay_as_they_were() -> None:
    first, again, other = (training_crop(*bar(), 60, 96, rng(seed), strong=True) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()
    assert (training_crop(*bar(), 60, 96, rng(1))[0] != first[0]).any()


class Plain(nn.Module):
    """A network without batch statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
        self.seen: list[int] = []

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen.append(len(images))
        scores = self.layers(images)
        return scores, scores.flip(1)


def batch_of(count: int) -> Batch:
    """Images of which each has another number of ignored pixels."""
    generator = torch.Generator().manual_seed(3)
    masks = torch.randint(0, 2, (count, 16, 16), generator=generator, dtype=torch.uint8)
    for number, mask in enumerate(masks):
        mask[: 3 * number] = IGNORE
    return Batch(torch.randint(0, 256, (count, 16, 16, 3), generator=generator, dtype=torch.uint8), masks)


def stepped(network: nn.Module, step: Step, count: int = 5) -> tuple[float, list[torch.Tensor]]:
    optimizer = Sgd(network.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4)
    losses = [take_step(network, optimizer, batch_of(count), step).item() for _ in range(2)]
    return losses[-1], [weight.detach() for weight in network.parameters()]


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_parts_of_a_batch_give_the_whole_batchs_step(parts: int) -> None:
    torch.manual_seed(0)
    whole = Plain()
    cut = copy.deepcopy(whole)
    loss, weights = stepped(whole, Step(CPU))
    loss_in_parts, weights_in_parts = stepped(cut, Step(CPU, parts=parts))
    assert whole.seen == [5, 5]
    assert len(cut.seen) == 2 * parts
    assert max(cut.seen) == math.ceil(5 / parts)  # the memory that is asked for
    assert loss_in_parts == pytest.approx(loss, rel=1e-5)
    for one, other in zip(weights, weights_in_parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_an_overlap_loss_is_the_mean_of_its_parts() -> None:
    torch.manual_seed(0)
    network = Plain()
    name, images = "cross-entropy+dice", batch_of(4)
    halves = [Batch(images.images[i : i + 2], images.masks[i : i + 2]) for i in (0, 2)]
    still = Sgd(network.parameters(), lr=0.0, momentum=0.0, weight_decay=0.0)

    def added(batch: Batch, parts: int = 1) -> float:
        """What Dice adds to the cross-entropy."""
        steps = [Step(CPU, loss, parts) for loss in (name, "cross-entropy")]
        both, plain = (take_step(network, still, batch, step).item() for step in steps)
        return both - plain

    assert added(images, 2) == pytest.approx((added(halves[0]) + added(halves[1])) / 2, abs=1e-5)


def test_with_batchnorm_the_statistics_are_the_parts() -> None:
    torch.manual_seed(0)
    settings = parse_hyperparameters(SETTINGS | {"gradient_accumulation": "2"}, "open")
    network = build_network(settings).train()
    frozen = copy.deepcopy(network).eval()
    for one, parts_agree in ((network, False), (frozen, True)):
        other = copy.deepcopy(one)
        _, weights = stepped(one, Step(CPU), 4)
        _, in_parts = stepped(other, step_of(settings, CPU, 4), 4)
        close = all(torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(weights, in_parts, strict=True))
        assert close is parts_agree


def trained_weights(root: Path, settings: dict[str, str]) -> dict[str, bytes]:
    assert main(["train", "--root", str(write_root(root, settings))]) == 0
    return last_weights(root)


@pytest.fixture(scope="module")
def plain_weights(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return trained_weights(tmp_path_factory.mktemp("plain"), SETTINGS)


@pytest.mark.parametrize(
    "given",
    [
        {"augmentation": "strong"},
        {"gradient_accumulation": "2"},
        {"loss": "cross-entropy+dice"},
        {"loss": "cross-entropy+jaccard"},
    ],
    ids=lambda given: "-".join(*given.items()),
)
def test_each_changes_a_training_of_unet_and_no_other(
    given: dict[str, str], plain_weights: dict[str, bytes], tmp_path: Path
) -> None:
    assert trained_weights(tmp_path, SETTINGS | given) != plain_weights
    fcn = {"num_classes": "2", "num_training_samples": "4"}
    assert step_of(replace(parse_hyperparameters(fcn | given, "open")), CPU, 2) == Step(CPU)
    with pytest.raises(SagesegError, match=f"{next(iter(given))} .*not part of the built-in algorithm"):
        parse_hyperparameters(fcn | given, "builtin")


def test_members_take_equally_many_parts_whatever_their_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch 9 of 4 members: shares of 3, 2, 2 and 2. With 3 parts the first would pass the network
    once more than the others, who would wait for it in SyncBatchNorm for ever."""
    given = SETTINGS | {"mini_batch_size": "9", "gradient_accumulation": "3", "num_training_samples": "9"}
    monkeypatch.setattr(Team, "joined", lambda _self, network, _device: network)
    root = write_root(tmp_path, given, samples=9)
    settings, places = parse_hyperparameters(given, "open"), training.Places(root)
    teams = (Team(), Team(0, 4), Team(3, 4))
    begun = [training.start_training(root / "input/data", settings, places, threading.Event(), t) for t in teams]
    assert [each.steps.step.parts for each in begun] == [3, 2, 2]


def test_more_parts_than_images_are_refused() -> None:
    with pytest.raises(SagesegError, match="gradient_accumulation 3: over mini_batch_size 2"):
        parse_hyperparameters(SETTINGS | {"gradient_accumulation": "3"}, "open")
