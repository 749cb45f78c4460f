"""MXNet's update rules and GluonCV's schedules, against their formulas written out in numpy."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from jobs.algorithm.optimizers import AdaGrad, Adam, MxnetOptimizer, Nag, RmsProp, Sgd, build_optimizer
from jobs.algorithm.schedules import Schedule
from jobs.hyperparameters import Hyperparameters, parse_hyperparameters

Array = npt.NDArray[np.float64]
Rule = Callable[[Array, Array, dict[str, Array], int, float], Array]
RATES = (0.1, 0.05, 0.025, 0.01)


def sgd(w: Array, g: Array, s: dict[str, Array], _: int, lr: float) -> Array:
    s["m"] = 0.8 * s.get("m", 0 * w) - lr * (g + 0.01 * w)
    return w + s["m"]


def nag(w: Array, g: Array, s: dict[str, Array], _: int, lr: float) -> Array:
    old = 0.8 * s.get("m", 0 * w)
    s["m"] = old - lr * g
    return w - old + 1.8 * s["m"]


def adam(w: Array, g: Array, s: dict[str, Array], step: int, lr: float) -> Array:
    s["m"] = 0.9 * s.get("m", 0 * w) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0 * w) + 0.001 * g**2
    return w - lr * math.sqrt(1 - 0.999**step) / (1 - 0.9**step) * s["m"] / (np.sqrt(s["v"]) + 1e-3)


def adagrad(w: Array, g: Array, s: dict[str, Array], _: int, lr: float) -> Array:
    s["h"] = s.get("h", 0 * w) + g**2
    return w - lr * g / np.sqrt(s["h"] + 1e-3)


def rmsprop(w: Array, g: Array, s: dict[str, Array], _: int, lr: float) -> Array:
    s["n"] = 0.7 * s.get("n", 0 * w) + 0.3 * g**2
    s["g"] = 0.7 * s.get("g", 0 * w) + 0.3 * g
    s["d"] = 0.6 * s.get("d", 0 * w) - lr * g / np.sqrt(s["n"] - s["g"] ** 2 + 1e-3)
    return w + s["d"]


RULES: list[tuple[Rule, type[MxnetOptimizer], dict[str, float]]] = [
    (sgd, Sgd, {"momentum": 0.8, "weight_decay": 0.01}),
    (nag, Nag, {"momentum": 0.8}),
    (adam, Adam, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3}),
    (adagrad, AdaGrad, {"epsilon": 1e-3}),
    (rmsprop, RmsProp, {"gamma1": 0.7, "gamma2": 0.6, "epsilon": 1e-3}),
]


@pytest.mark.parametrize(("rule", "kind", "options"), RULES, ids=[kind.__name__ for _, kind, _ in RULES])
def test_update_rules_are_mxnets_under_a_falling_rate(
    rule: Rule, kind: type[MxnetOptimizer], options: dict[str, float]
) -> None:
    expected: list[Array] = [np.array([1.0, -2.0, 0.5]), np.array([[3.0]])]
    weights = [torch.tensor(w, requires_grad=True) for w in expected]
    optimizer = kind(weights, lr=math.nan, **options)
    memory: list[dict[str, Array]] = [{}, {}]
    for step, rate in enumerate(RATES, start=1):
        gradients = [np.sin(w * step) + 0.3 for w in expected]
        expected = [rule(w, g, s, step, rate) for w, g, s in zip(expected, gradients, memory, strict=True)]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    for weight, array in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), array, rtol=1e-12)


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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"lr_scheduler": "poly"}, {0: 1.0, 50: 0.5**0.9, 100: 0.0, 120: 0.0}),
        ({"lr_scheduler": "cosine"}, {0: 1.0, 25: (1 + math.cos(math.pi / 4)) / 2, 50: 0.5, 100: 0.0}),
        ({"lr_scheduler": "step", "lr_scheduler_step": "2, 5"}, {19: 1.0, 20: 0.1, 49: 0.1, 50: 0.01, 99: 0.01}),
        ({"lr_scheduler": "step", "lr_scheduler_step": "3", "lr_scheduler_factor": "0.5"}, {29: 1.0, 30: 0.5}),
    ],
)
def test_schedules_at_the_steps_of_ten_epochs_of_ten(given: dict[str, str], expected: dict[int, float]) -> None:
    schedule = Schedule(settings(learning_rate="1", mini_batch_size="10", epochs="10", **given))
    assert {i: schedule.learning_rate(i) for i in expected} == pytest.approx(expected)


@pytest.mark.parametrize(("samples", "batch", "iterations"), [("5539", "16", 346), ("8", "16", 1)])
def test_num_training_samples_sets_the_iterations(samples: str, batch: str, iterations: int) -> None:
    # the first is the real container's log of 2025
    built = Schedule(settings(num_training_samples=samples, mini_batch_size=batch))
    assert built.iterations_per_epoch == iterations
