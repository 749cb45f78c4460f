"""The built-in's networks in small: every kind of layer, little to compute, to store and to export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from torch import nn

from jobs.algorithm.network import build, resnet
from jobs.algorithm.network.build import SegmentationNetwork

_NARROWER, _LEAST = 8, 64


def shrink_networks(patch: pytest.MonkeyPatch) -> None:
    """resnet-50 gets one block a stage, and every layer an eighth of its channels; unet stays."""
    plain = SegmentationNetwork.__init__

    def small(self: SegmentationNetwork, *given: Any) -> None:
        with _narrow_layers():
            plain(self, *given)

    patch.setitem(resnet.BLOCKS, "resnet-50", (1, 1, 1, 1))
    patch.setattr(SegmentationNetwork, "__init__", small)
    # sums of an eighth of the terms: scores keep their spread
    patch.setattr(build, "INITIAL_WEIGHT", build.INITIAL_WEIGHT * _NARROWER**0.5)


def flatten_stages(patch: pytest.MonkeyPatch) -> None:
    """Each stage of the encoder becomes one convolution of its stride: for what only looks at the head."""

    def flat(inputs: int, planes: int, blocks: int, stride: int, dilations: tuple[int, int]) -> nn.Module:
        return nn.Conv2d(inputs, planes * resnet.EXPANSION, 1, stride)

    patch.setattr(resnet, "_stage", flat)


@contextmanager
def _narrow_layers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for layer, counts in ((nn.Conv2d, 2), (nn.BatchNorm2d, 1)):
            patch.setattr(layer, "__init__", _narrow(layer.__init__, counts))
        yield


def _narrow(plain: Callable[..., None], counts: int) -> Callable[..., None]:
    """A constructor that lessens the first so many of its arguments, which are counts of channels."""

    def narrow(self: nn.Module, *given: Any, **named: Any) -> None:
        plain(self, *(_narrowed(channels) for channels in given[:counts]), *given[counts:], **named)

    return narrow


def _narrowed(channels: int) -> int:
    """Those of images and of scores are few, and stay."""
    return channels if channels < _LEAST else channels // _NARROWER
