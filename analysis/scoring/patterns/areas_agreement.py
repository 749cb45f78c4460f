"""How predicted areas agree with true ones, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LIMITS = 1.96
"""Standard deviations, between which 95 of 100 differences lie where they are normally distributed."""


@dataclass(frozen=True)
class AreasAgreement:
    """The mean difference of predicted and true areas, and the limits of agreement, None with one image.

    J. M. Bland, D. G. Altman, Statistical methods for assessing agreement between two methods of clinical measurement,
    Lancet 1986.
    """

    images: int
    bias: float
    low: float | None
    high: float | None


def areas_agreement(true: Sequence[float], predicted: Sequence[float]) -> AreasAgreement | None:
    """The areas of one class in all images, in one unit; images that have neither do not count, None where none has."""
    pairs = np.array([(t, p) for t, p in zip(true, predicted, strict=True) if t or p], np.float64).reshape(-1, 2)
    if not len(pairs):
        return None
    difference = pairs[:, 1] - pairs[:, 0]
    bias = float(difference.mean())
    if len(pairs) == 1:
        return AreasAgreement(1, bias, None, None)
    spread = LIMITS * float(difference.std(ddof=1))
    return AreasAgreement(len(pairs), bias, bias - spread, bias + spread)
