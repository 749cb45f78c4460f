"""The optimizers against mxnet's own, step by step, and the schedules against GluonCV's."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from jobs.algorithm.data.batches import epoch_order
from jobs.algorithm.training.optimizers import Adam, build_optimizer
from jobs.algorithm.training.schedules import Schedule
from jobs.contract.hyperparameters import Hyperparameters, parse_hyperparameters
from tests.support.optimizer_cases import (
    EPOCHS,
    LEARNING_RATE,
    OPTIMIZERS,
    SCHEDULES,
    STEPS,
    STEPS_PER_EPOCH,
    gradient_values,
    start_values,
)

GOLDEN = Path(__file__).parents[1] / "data/golden/mxnet-optimizers.npz"
GIVEN = {
    "sgd": {"momentum": "0.8", "weight_decay": "0.01"},
    "rmsprop": {"gamma1": "0.7", "gamma2": "0.6"},
    "step": {"lr_scheduler_step": "1, 3", "lr_scheduler_factor": "0.3"},
}
"""As hyperparameters, what `optimizer_cases` gives mxnet."""


def golden(name: str) -> npt.NDArray[np.float64]:
    with np.load(GOLDEN) as arrays:
        return np.asarray(arrays[name], np.float64)


def case(optimizer: str, schedule: str) -> Hyperparameters:
    return settings(
        optimizer=optimizer,
        lr_scheduler=schedule,
        learning_rate=str(LEARNING_RATE),
        epochs=str(EPOCHS),
        mini_batch_size="20",
        num_training_samples=str(20 * STEPS_PER_EPOCH),
        **GIVEN.get(optimizer, {}),
        **GIVEN.get(schedule, {}),
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_rates_are_gluoncvs_at_every_step(schedule: str) -> None:
    built = Schedule(case("sgd", schedule))
    rates = [built.learning_rate(step) for step in range(STEPS)]
    np.testing.assert_allclose(rates, golden(f"{schedule}/rates"), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_are_mxnets_after_every_step(optimizer: str, schedule: str) -> None:
    expected, given = golden(f"{schedule}/{optimizer}"), case(optimizer, schedule)
    weight = torch.from_numpy(start_values()).requires_grad_()
    built, rates = build_optimizer([weight], given), Schedule(given)
    for step in range(STEPS):
        weight.grad = torch.from_numpy(gradient_values(step))
        built.param_groups[0]["lr"] = rates.learning_rate(step)
        built.step()
        # both compute in float32: what differs is the order of a few roundings
        np.testing.assert_allclose(weight.detach().numpy(), expected[step], rtol=2e-6, atol=2e-6)


def test_a_weight_without_gradient_stays() -> None:
    weight = torch.ones(2, requires_grad=True)
    Adam([weight], lr=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8).step()
    assert weight.tolist() == [1, 1]


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "nag", "rmsprop", "sgd"])
def test_every_optimizer_descends(optimizer: str) -> None:
    weight = torch.tensor([1.0, -1.0], requires_grad=True)
    built = build_optimizer([weight], settings(optimizer=optimizer, learning_rate="0.01"))
    for _ in range(50):
        weight.grad = 2 * weight.detach()
        built.step()
    assert float(weight.detach().square().sum()) < 1.8  # from 2


def moved(**given: str) -> list[float]:
    """Where two steps with gradients 1 and 0.25 take a weight of 1."""
    weight = torch.tensor([1.0], requires_grad=True)
    optimizer = build_optimizer([weight], settings(**given))
    for gradient in (1.0, 0.25):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
    return weight.detach().tolist()


@pytest.mark.parametrize(
    ("optimizer", "name", "value"),
    [
        ("sgd", "momentum", "0.5"),
        ("sgd", "weight_decay", "0.5"),
        ("rmsprop", "gamma1", "0.5"),
        ("rmsprop", "gamma2", "0.5"),
        *((optimizer, "learning_rate", "0.5") for optimizer in ("adam", "adagrad", "nag", "rmsprop", "sgd")),
    ],
)
def test_an_optimizers_own_hyperparameters_act(optimizer: str, name: str, value: str) -> None:
    assert moved(optimizer=optimizer, **{name: value}) != moved(optimizer=optimizer)


def test_the_five_optimizers_differ() -> None:
    places = [moved(optimizer=name)[0] for name in ("adam", "adagrad", "nag", "rmsprop", "sgd")]
    assert len(set(places)) == 5


def settings(**given: str) -> Hyperparameters:
    return parse_hyperparameters({"num_classes": "2", "num_training_samples": "100", **given}, "open")


def test_rates_are_those_of_a_real_log() -> None:
    # AWS's example, 2020: 1464 images in batches of 16, 10 epochs; epoch and steps taken of it, to the
    # rate that the container logged; what does not fill a batch opens the next epoch
    logged = {
        (0, 20): "0.000098",
        (0, 80): "0.000092",
        (1, 20): "0.000089",
        (1, 80): "0.000083",
        (2, 80): "0.000074",
        (4, 80): "0.000054",
        (7, 60): "0.000027",
        (9, 60): "0.000004",
        (9, 80): "0.000001",
    }
    schedule = Schedule(settings(learning_rate="0.0001", num_training_samples="1464", epochs="10"))
    begun = np.cumsum([0, *(len(epoch_order(1464, 16, epoch, 0)) for epoch in range(9))])
    found = {(e, i): f"{schedule.learning_rate(int(begun[e]) + i - 1):f}" for e, i in logged}
    assert found == logged


def test_one_planned_step_has_the_full_rate() -> None:
    schedule = Schedule(settings(learning_rate="0.5", num_training_samples="1", epochs="1"))
    assert [schedule.learning_rate(step) for step in (0, 1)] == [0.5, 0.5]


@pytest.mark.parametrize(("samples", "batch", "iterations"), [("5539", "16", 346), ("8", "16", 1)])
def test_num_training_samples_sets_the_iterations(samples: str, batch: str, iterations: int) -> None:
    # the first is the real container's log of 2025
    built = Schedule(settings(num_training_samples=samples, mini_batch_size=batch))
    assert built.iterations_per_epoch == iterations
