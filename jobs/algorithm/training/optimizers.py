"""MXNet 1.x's update rules, which are not torch.optim's.

Each class follows the formula of mxnet 1.9's `python/mxnet/optimizer` and `src/operator/
optimizer_op-inl.h`, with its defaults; `lr` may change before every step. All weights of a group
are updated together.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from jobs.contract.hyperparameters import Hyperparameters

NAG_MOMENTUM = 0.9
"""The documentation gives `momentum` to sgd alone. With MXNet's default of 0, nag would be plain
gradient descent, so it takes the hyperparameter's default."""


class MxnetOptimizer:
    """What the rules share: gathering weights, gradients and state, and counting steps.

    Has what we use of torch.optim.Optimizer without being one, for making one imports torch's compiler,
    which takes longer than all else of a small training's start.
    """

    states: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], **group: float) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), **group}]
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)

    def zero_grad(self) -> None:
        """Forget the gradients, and let their memory go."""
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Change the weights that have gradients."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                group["steps"] = group.get("steps", 0) + 1
                states = [[self._state(weight, name) for weight in weights] for name in self.states]
                self.update(group, weights, [weight.grad for weight in weights], *states)

    def _state(self, weight: Tensor, name: str) -> Tensor:
        state = self.state[weight]
        if name not in state:
            state[name] = torch.zeros_like(weight)
        return state[name]

    @abstractmethod
    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        """Change weights and states (lists of one tensor per weight, in the order of `states`)."""


class Sgd(MxnetOptimizer):
    """`sgd_mom_update`: m = momentum·m - lr·(g + wd·w); w += m."""

    states = ("momentum",)

    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        (moments,) = states
        torch._foreach_mul_(moments, group["momentum"])
        torch._foreach_add_(moments, gradients, alpha=-group["lr"])
        torch._foreach_add_(moments, weights, alpha=-group["lr"] * group["weight_decay"])
        torch._foreach_add_(weights, moments)


class Nag(MxnetOptimizer):
    """`nag_mom_update`: m' = momentum·m - lr·g; w += (momentum + 1)·m' - momentum·m."""

    states = ("momentum",)

    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        (moments,) = states
        torch._foreach_mul_(moments, group["momentum"])
        torch._foreach_sub_(weights, moments)
        torch._foreach_add_(moments, gradients, alpha=-group["lr"])
        torch._foreach_add_(weights, moments, alpha=group["momentum"] + 1)


class Adam(MxnetOptimizer):
    """`adam_update`: m = β1·m + (1-β1)·g; v = β2·v + (1-β2)·g²; w -= lr·√(1-β2ᵗ)/(1-β1ᵗ) · m/(√v + ε).

    ε stands outside the bias correction, unlike torch's.
    """

    states = ("mean", "variance")

    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        means, variances = states
        beta1, beta2, steps = group["beta1"], group["beta2"], group["steps"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(variances, beta2)
        torch._foreach_addcmul_(variances, gradients, gradients, 1 - beta2)
        divisors = torch._foreach_sqrt(variances)
        torch._foreach_add_(divisors, group["epsilon"])
        rate = group["lr"] * math.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        torch._foreach_addcdiv_(weights, means, divisors, -rate)


class AdaGrad(MxnetOptimizer):
    """`AdaGrad.update`: h += g²; w -= lr·g/√(h + ε)."""

    states = ("history",)

    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        (histories,) = states
        torch._foreach_addcmul_(histories, gradients, gradients)
        divisors = torch._foreach_add(histories, group["epsilon"])
        torch._foreach_sqrt_(divisors)
        torch._foreach_addcdiv_(weights, gradients, divisors, -group["lr"])


class RmsProp(MxnetOptimizer):
    """`rmspropalex_update`, the centered form, the only one in which gamma2 acts:
    n = γ1·n + (1-γ1)·g²; a = γ1·a + (1-γ1)·g; δ = γ2·δ - lr·g/√(n - a² + ε); w += δ."""

    states = ("squares", "average", "delta")

    def update(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor], *states: Any) -> None:
        squares, averages, deltas = states
        gamma1 = group["gamma1"]
        torch._foreach_mul_(squares, gamma1)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - gamma1)
        torch._foreach_lerp_(averages, gradients, 1 - gamma1)
        divisors = torch._foreach_addcmul(squares, averages, averages, -1)
        torch._foreach_clamp_min_(divisors, 0)  # rounding can leave a variance just below 0
        torch._foreach_add_(divisors, group["epsilon"])
        torch._foreach_sqrt_(divisors)
        torch._foreach_mul_(deltas, group["gamma2"])
        torch._foreach_addcdiv_(deltas, gradients, divisors, -group["lr"])
        torch._foreach_add_(weights, deltas)


def build_optimizer(parameters: Iterable[Tensor], settings: Hyperparameters) -> MxnetOptimizer:
    """The optimizer that the hyperparameters name, with those of them that are its own."""
    rate = settings.learning_rate
    match settings.optimizer:
        case "sgd":
            return Sgd(parameters, lr=rate, momentum=settings.momentum, weight_decay=settings.weight_decay)
        case "nag":
            return Nag(parameters, lr=rate, momentum=NAG_MOMENTUM)
        case "adam":
            return Adam(parameters, lr=rate, beta1=0.9, beta2=0.999, epsilon=1e-8)
        case "adagrad":
            return AdaGrad(parameters, lr=rate, epsilon=1e-7)
        case _:
            return RmsProp(parameters, lr=rate, gamma1=settings.gamma1, gamma2=settings.gamma2, epsilon=1e-8)
