"""The networks by the names of the hyperparameters `algorithm` and `backbone`."""

from __future__ import annotations

import torch
from torch import nn

from jobs.algorithm.network.resnet import LAST, MIDDLE, DilatedResNet
from jobs.algorithm.network.segmentation_heads import DeepLabHead, FcnHead, PspHead, resize_scores
from jobs.algorithm.network.unet import UNet
from jobs.contract.hyperparameters import Hyperparameters, NetworkSettings

HEADS = {"fcn": FcnHead, "psp": PspHead, "deeplab": DeepLabHead}
INITIAL_WEIGHT = 0.07
"""Weights start uniform in ± this, as mxnet's default initializer draws them, which GluonCV gives its heads."""


class SegmentationNetwork(DilatedResNet):
    """The built-in's network: encoder, decoder, and the auxiliary head on the encoder's third stage."""

    def __init__(self, algorithm: str, backbone: str, num_classes: int) -> None:
        super().__init__(backbone)
        self.head = HEADS[algorithm](LAST, num_classes)
        self.auxlayer = FcnHead(MIDDLE, num_classes)
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Class scores (N, C, H, W) of normalised images (N, 3, H, W), and in training those of the
        auxiliary head."""
        size = images.shape[-2:]
        middle, last = self.features(images)
        # float: under autocast the scores of a few classes are few bytes, and their rounding would show
        scores = resize_scores(self.head(last).float(), size)
        return scores, resize_scores(self.auxlayer(middle).float(), size) if self.training else None


def build_network(settings: Hyperparameters | NetworkSettings) -> nn.Module:
    """The network that the settings name, with fresh weights, channels last in memory."""
    algorithm, num_classes = settings.algorithm, settings.num_classes
    unet = algorithm == "unet"
    network = UNet(num_classes) if unet else SegmentationNetwork(algorithm, settings.backbone, num_classes)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.uniform_(module.weight, -INITIAL_WEIGHT, INITIAL_WEIGHT)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
