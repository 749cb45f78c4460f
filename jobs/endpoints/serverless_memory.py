"""Whether a model fits into a serverless container: by what our serving program was measured to take of memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from formats.errors import SagesegError
from jobs.contract.serving_requests import SERVERLESS_MEMORY
from jobs.tracking.trained_model import TrainedModel

_SMALL, _LARGE = 512, 1024
"""Sides of the images that were measured, in pixels."""
_BESIDE = 1.2
"""What a container has besides, and what batches of other shapes take: chosen, not measured."""


@dataclass(frozen=True)
class Taken:
    """MB of the serving program at its peak on a processor, in float32: once it is ready, and after one image of
    `_SMALL` × `_SMALL` and of `_LARGE` × `_LARGE` pixels."""

    ready: int
    small: int
    large: int

    def by_image(self, side: int) -> float:
        """After an image of side × side pixels: what is beside the weights grows with the pixels."""
        grown = (side**2 - _SMALL**2) / (_LARGE**2 - _SMALL**2)
        return max(self.ready, self.small + grown * (self.large - self.small))


MEASURED = {
    ("unet", "resnet-50"): Taken(252, 307, 476),
    ("fcn", "resnet-50"): Taken(555, 632, 1151),
    ("fcn", "resnet-101"): Taken(701, 701, 1182),
    ("psp", "resnet-50"): Taken(695, 823, 1453),
    ("psp", "resnet-101"): Taken(841, 880, 1517),
    ("deeplab", "resnet-50"): Taken(588, 692, 1244),
    ("deeplab", "resnet-101"): Taken(734, 766, 1301),
}
"""By algorithm and backbone, of which unet has none; `benchmarks/serving_memory.py`, 2026-11-29."""


_BARE, _TIMES = 100, 4.5
"""MB of the program with an ONNX model that weighs nothing, and what it takes for each MB of one while that is loaded:
no less than any that was measured (docs/serving.md)."""


def by_onnxruntime(network: Taken, model_mb: float) -> Taken:
    """What an ONNX model of so many MB takes, whose network in torch takes so much: beside the weights the features,
    which in INT8 take less."""
    ready = math.ceil(_BARE + _TIMES * model_mb)
    return Taken(ready, ready, ready + network.large - network.small)


def check_memory(trained: TrainedModel, memory_mb: int) -> None:
    """Raise SagesegError where a model and one image of its training's crop would not fit."""
    network = trained.trained_network
    backbone = "resnet-50" if network.algorithm == "unet" else network.backbone
    side = max(network.crop_size, _SMALL)
    taken = MEASURED[network.algorithm, backbone]
    if trained.is_onnx:
        taken = by_onnxruntime(taken, len(trained.artefact.onnx or b"") / 2**20)
    needed = math.ceil(_BESIDE * taken.by_image(side))
    if needed <= memory_mb:
        return
    enough = next((size for size in SERVERLESS_MEMORY if size >= needed), None)
    step = f"take --memory {enough}" if enough else "no serverless container has so much: take --async"
    raise SagesegError(
        f"--memory {memory_mb}: {network.algorithm} with {backbone} takes about {needed} MB for an image of {side} × "
        f"{side} (by our serving program; the built-in's is not known); {step}"
    )
