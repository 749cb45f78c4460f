"""Predictions from an artefact, without an endpoint.

    Predictor(read_artefact(Path("model.tar.gz"))).predict_masks(images)

Images come and masks go as uint8 arrays, in batches of one size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.weights.load import load_parameters
from jobs.contract.artefact import Artefact, artefact_settings


class Predictor:
    """A trained network, ready to predict images of any one size at a time, in float32.

    It computes on `device`, by default a GPU where there is one. Raises SagesegError when the
    artefact's settings and parameters do not belong together.
    """

    precision = "float32"
    """The type in which it convolves, as predictions.json tells it."""
    streams = 1
    """How many batches it is best given at once, each by a thread of its own."""
    batch_pixels = 4 * 512 * 512
    """The pixels of a batch that it is best given: they keep the activations within bounds."""

    def __init__(self, artefact: Artefact, device: torch.device | None = None) -> None:
        self.num_classes = artefact_settings(artefact).num_classes
        self._device = device or fastest_device()
        self.network = load_network(artefact).to(self._device)

    @torch.inference_mode()
    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1, of images (N, H, W, 3) uint8."""
        return self._scores(images).softmax(1).cpu().numpy()

    @torch.inference_mode()
    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W) uint8 of images (N, H, W, 3) uint8."""
        return self._scores(images).argmax(1).to(torch.uint8).cpu().numpy()

    def _scores(self, images: Rgb) -> torch.Tensor:
        scores: torch.Tensor
        scores, _ = self.network(normalise(torch.from_numpy(images).to(self._device)))
        return scores


def load_network(artefact: Artefact) -> nn.Module:
    """An artefact's network on the processor, in float32 and evaluation mode. Raises SagesegError when
    the artefact's settings and parameters do not belong together."""
    network = build_network(artefact_settings(artefact))
    load_parameters(network, artefact.parameters, artefact.source)
    return network.eval()


def fastest_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
