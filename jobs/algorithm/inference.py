"""Predictions from an artefact, without an endpoint.

Predictor(read_artefact(Path("model.tar.gz"))).predict_masks(images)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.artefact import Artefact
from jobs.algorithm.networks import build_network
from jobs.algorithm.normalisation import normalise
from jobs.algorithm.weights import load_parameters
from jobs.hyperparameters import TABLE, parse_hyperparameters


class Predictor:
    """A trained network, ready to predict images of any one size at a time.

    Raises SagesegError when the artefact's settings and parameters do not belong together.
    """

    def __init__(self, artefact: Artefact) -> None:
        # the built-in's own file also holds settings that are not hyperparameters, such as _kvstore
        settings = {name: value for name, value in artefact.hyperparameters.items() if name in TABLE}
        hyperparameters = parse_hyperparameters(settings, "open")
        self.num_classes = hyperparameters.num_classes
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = build_network(hyperparameters)
        load_parameters(self._network, artefact.parameters, artefact.source)
        self._network.to(self._device).eval()

    @torch.inference_mode()
    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1, of images (N, H, W, 3) uint8."""
        scores: torch.Tensor = self._network(normalise(images, self._device))
        return scores.softmax(1).cpu().numpy()

    @torch.inference_mode()
    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W) uint8 of images (N, H, W, 3) uint8."""
        scores: torch.Tensor = self._network(normalise(images, self._device))
        return scores.argmax(1).to(torch.uint8).cpu().numpy()
