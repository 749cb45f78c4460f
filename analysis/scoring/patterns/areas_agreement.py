"""How predicted areas agree with true ones, image by image."""

from __future__ import annotations

from dataclasses import dataclass

from formats.arrays import Floats

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


def areas_agreement(true: Floats, predicted: Floats) -> AreasAgreement | None:
    """The areas of one class in all images, shape (N,), in one unit; images that have neither do not count, None where
    none has."""
    there = (true > 0) | (predicted > 0)
    difference = predicted[there] - true[there]
    if not len(difference):
        return None
    bias = float(difference.mean())
    if len(difference) == 1:
        return AreasAgreement(1, bias, None, None)
    spread = LIMITS * float(difference.std(ddof=1))
    return AreasAgreement(len(difference), bias, bias - spread, bias + spread)
