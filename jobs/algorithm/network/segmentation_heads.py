"""The decoders of the built-in: features (N, 2048, h, w) to class scores (N, C, h, w).

After GluonCV's `fcn.py`, `pspnet.py` and `deeplabv3.py`; modules carry its names (`concurent` is
spelled so there), from which the artefact's follow. GluonCV builds psp and deeplab for one size of
image; here the size is that of the features, which is the same for images of the size it built for.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from jobs.algorithm.network.batch_norm import Layers, PooledBatchNorm2d

PSP_BINS = (1, 2, 3, 6)
"""Sides of the grids that pyramid pooling averages over."""
ASPP_RATES = (12, 24, 36)
"""Dilations of DeepLab V3 at an output stride of 8."""
ASPP_WIDTH = 256
HEAD_DROPOUT, ASPP_DROPOUT = 0.1, 0.5


class FcnHead(nn.Sequential):
    """A 3×3 convolution to a quarter of the channels, and class scores from them. Also the
    auxiliary head of every network."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__(OrderedDict(block=_classifier(inputs, inputs // 4, num_classes)))


class PspHead(nn.Sequential):
    """Pyramid Scene Parsing: features beside their averages over coarse grids."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__(OrderedDict(psp=_PyramidPooling(inputs), block=_classifier(2 * inputs, 512, num_classes)))


class DeepLabHead(nn.Sequential):
    """DeepLab V3: dilated convolutions of several rates side by side."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__(OrderedDict(aspp=_Aspp(inputs), block=_classifier(ASPP_WIDTH, ASPP_WIDTH, num_classes)))


def resize(features: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Bilinear with the corner pixels' centres kept in place, as mxnet's `BilinearResize2D` does."""
    if features.shape[-2:] == (1, 1):
        return features.expand(*features.shape[:2], *size)
    return F.interpolate(features, list(size), mode="bilinear", align_corners=True)


def resize_scores(scores: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """`resize` of float32 scores as a product with a matrix for each side, whose gradients are two such
    products again: on a GPU, where bilinear resizing adds up gradients place by place, that was 11 % of a
    training step (H200, crop 240)."""
    if torch.compiler.is_compiling():  # an export holds for any size
        return resize(scores, size)
    rows, columns = (_weights(*sides, scores.device) for sides in zip(size, scores.shape[-2:], strict=True))
    # torch knows no autocast for its device without values
    with nullcontext() if scores.is_meta else torch.autocast(scores.device.type, enabled=False):
        return rows @ scores @ columns.T


def _weights(length: int, source: int, device: torch.device) -> torch.Tensor:
    """(length, source), float32: each row holds the shares of the two neighbours that a place lies between.
    Made where it is used: nothing is sent to a GPU."""
    places = torch.arange(length, dtype=torch.float64, device=device) * ((source - 1) / max(length - 1, 1))
    distances = (places[:, None] - torch.arange(source, device=device)).abs()
    return (1 - distances).clamp(min=0).float()


class _PyramidPooling(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.conv4 = (
            _unit(inputs, inputs // len(PSP_BINS), norm=PooledBatchNorm2d) for _ in PSP_BINS
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        size = features.shape[-2:]
        branches = zip(PSP_BINS, (self.conv1, self.conv2, self.conv3, self.conv4), strict=True)
        pooled = (resize(conv(F.adaptive_avg_pool2d(features, bins)), size) for bins, conv in branches)
        # autocast makes float32 of what it resizes, and then of all that is joined with it
        return torch.cat([features, *(averages.to(features.dtype) for averages in pooled)], 1)


class _Aspp(nn.Module):
    """Atrous spatial pyramid pooling: a 1×1, three dilated 3×3 and the image's average."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        dilated = (_unit(inputs, ASPP_WIDTH, 3, rate) for rate in ASPP_RATES)
        self.concurent = nn.ModuleList([_unit(inputs, ASPP_WIDTH), *dilated, _ImagePooling(inputs)])
        self.project = _unit(len(self.concurent) * ASPP_WIDTH, ASPP_WIDTH)
        self.project.append(nn.Dropout(ASPP_DROPOUT))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = self.project(torch.cat([branch(features) for branch in self.concurent], 1))
        return mixed


class _ImagePooling(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.gap = Layers(nn.AdaptiveAvgPool2d(1), *_unit(inputs, ASPP_WIDTH, norm=PooledBatchNorm2d))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return resize(self.gap(features), features.shape[-2:])


def _unit(
    inputs: int, outputs: int, kernel: int = 1, dilation: int = 1, norm: type[nn.BatchNorm2d] = nn.BatchNorm2d
) -> Layers:
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(inputs, outputs, kernel, 1, padding, dilation, bias=False)
    return Layers(convolution, norm(outputs), nn.ReLU(inplace=True))


def _classifier(inputs: int, width: int, num_classes: int) -> Layers:
    return Layers(*_unit(inputs, width, 3), nn.Dropout(HEAD_DROPOUT), nn.Conv2d(width, num_classes, 1))
