"""The built-in's encoder: ResNet v1s of 50 or 101 layers, dilated to an output stride of 8.

After GluonCV's `ResNetV1b` (`gluoncv/model_zoo/resnetv1b.py`) with `deep_stem=True, stem_width=64,
dilated=True`; modules carry GluonCV's names, from which the artefact's follow. BatchNorm's epsilon
1e-5 is the same there, and its momentum of 0.9 is torch's 0.1.
"""

from __future__ import annotations

import torch
from torch import nn

from jobs.algorithm.network.batch_norm import Layers, normalised

BLOCKS = {"resnet-50": (3, 4, 6, 3), "resnet-101": (3, 4, 23, 3)}
"""Bottlenecks per stage, by the hyperparameter `backbone`."""
EXPANSION = 4
MIDDLE, LAST = 1024, 2048
"""Channels of the third and fourth stage."""


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions around a shortcut; the stride sits in the 3×3."""

    def __init__(self, inputs: int, planes: int, stride: int, dilation: int, project: bool) -> None:
        super().__init__()
        outputs = planes * EXPANSION
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride) if project else None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        shortcut = features if self.downsample is None else self.downsample(features)
        features = normalised(self.bn1, self.conv1(features))
        features = normalised(self.bn2, self.conv2(features))
        return normalised(self.bn3, self.conv3(features), shortcut)


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class DilatedResNet(nn.Module):
    """Normalised images (N, 3, H, W) to the features of the third and fourth stage,
    (N, 1024, ⌈H/8⌉, ⌈W/8⌉) and (N, 2048, ⌈H/8⌉, ⌈W/8⌉).

    The last two stages do not halve the size: their 3×3 convolutions are dilated instead, by 2 and
    4, but for each stage's first one, which keeps the dilation of the stage before.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        first, second, third, fourth = BLOCKS[backbone]
        self.conv1 = _deep_stem()
        self.bn1 = nn.BatchNorm2d(128)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(128, 64, first, stride=1, dilations=(1, 1))
        self.layer2 = _stage(256, 128, second, stride=2, dilations=(1, 1))
        self.layer3 = _stage(512, 256, third, stride=1, dilations=(1, 2))
        self.layer4 = _stage(MIDDLE, 512, fourth, stride=1, dilations=(2, 4))

    def features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        stem = self.maxpool(normalised(self.bn1, self.conv1(images)))
        middle = self.layer3(self.layer2(self.layer1(stem)))
        return middle, self.layer4(middle)


def _deep_stem() -> Layers:
    """Three 3×3 convolutions in place of one 7×7; the BatchNorm after the third is `bn1`."""
    return Layers(
        nn.Conv2d(3, 64, 3, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 128, 3, 1, 1, bias=False),
    )


def _stage(inputs: int, planes: int, blocks: int, stride: int, dilations: tuple[int, int]) -> nn.Sequential:
    """`dilations` are that of the first block and that of the others."""
    first, others = dilations
    rest = (Bottleneck(planes * EXPANSION, planes, 1, others, project=False) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(inputs, planes, stride, first, project=True), *rest)
