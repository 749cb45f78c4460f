"""What the kernels of a fused BatchNorm compute, in plain torch: for tests where there is no Triton."""

from __future__ import annotations

from typing import Literal

import torch

from jobs.algorithm.network.fused_norm import Normalisation


class PlainKernels:
    """`wrong` names a part that gives a wrong answer."""

    def __init__(self, wrong: Literal["", "measure", "apply", "sums", "differentiate"] = "") -> None:
        self._wrong = wrong
        self.called: list[str] = []

    def measure(
        self,
        features: torch.Tensor,
        running_mean: torch.Tensor,
        running_var: torch.Tensor,
        momentum: float,
        epsilon: float,
    ) -> torch.Tensor:
        rows = _rows(features)
        mean, variance = rows.mean(0), rows.var(0, unbiased=False)
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(variance * len(rows) / max(len(rows) - 1, 1), momentum)
        return torch.stack([mean, (variance + epsilon).rsqrt()]) + self._error("measure")

    def apply(
        self, features: torch.Tensor, shortcut: torch.Tensor | None, norm: Normalisation, relu: bool
    ) -> torch.Tensor:
        rows = _standardised(features, norm) * norm.weight + norm.bias
        rows = rows if shortcut is None else rows + _rows(shortcut)
        return _like(features, (rows.relu() if relu else rows) + self._error("apply"))

    def sums(
        self,
        gradient: torch.Tensor,
        features: torch.Tensor,
        result: torch.Tensor | None,
        norm: Normalisation,
        relu: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        standardised = _standardised(features, norm)
        before = standardised * norm.weight + norm.bias if result is None else _rows(result)
        rows = _rows(gradient) * (before > 0) if relu else _rows(gradient)
        totals = torch.stack([rows.sum(0), (rows * standardised).sum(0)]) * (1 + self._error("sums"))
        return totals, gradient if result is None else _like(gradient, rows)

    def differentiate(
        self, gradient: torch.Tensor, features: torch.Tensor, totals: torch.Tensor, norm: Normalisation, relu: bool
    ) -> torch.Tensor:
        standardised, rows = _standardised(features, norm), _rows(gradient)
        rows = rows * (standardised * norm.weight + norm.bias > 0) if relu else rows
        rows = rows - totals[0] / len(rows) - standardised * totals[1] / len(rows)
        return _like(features, rows * norm.weight * norm.statistics[1] * (1 + self._error("differentiate")))

    def _error(self, part: str) -> float:
        self.called.append(part)
        return 0.1 if self._wrong == part else 0.0


def _rows(features: torch.Tensor) -> torch.Tensor:
    assert features.is_contiguous(memory_format=torch.channels_last)
    return features.float().permute(0, 2, 3, 1).flatten(0, 2)


def _standardised(features: torch.Tensor, norm: Normalisation) -> torch.Tensor:
    return (_rows(features) - norm.statistics[0]) * norm.statistics[1]


def _like(features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    count, channels, height, width = features.shape
    return rows.view(count, height, width, channels).permute(0, 3, 1, 2).to(features.dtype)
