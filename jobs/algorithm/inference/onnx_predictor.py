"""Predictions by an ONNX model, in float32 or INT8, on the processor. Needs no torch.

The same questions and answers as `jobs.algorithm.inference.predictor`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask
from jobs.contract.artefact import Artefact, artefact_network
from jobs.onnx_models import INPUT, OUTPUT, PRECISION, check_model, open_session

_NO_MEMORY = ("Failed to allocate memory", "bad_alloc", "bad allocation")
"""What onnxruntime says for want of memory, whose errors have no class for it."""


class OnnxPredictor:
    """A trained network as onnxruntime computes it: image by image, each on all cores.

    Raises SagesegError for a model that onnxruntime does not load, and for one of other classes than the artefact
    tells.
    """

    streams = 2
    """While one batch is made numbers, or numbers are made classes, the other computes."""
    batch_pixels = 512 * 512

    def __init__(self, artefact: Artefact) -> None:
        self.num_classes = artefact_network(artefact).num_classes
        self._source = artefact.source
        self._session = open_session(artefact.onnx or b"", artefact.source)
        check_model(self._session, self.num_classes, artefact.source)
        self.precision: str = self._session.get_modelmeta().custom_metadata_map.get(PRECISION, "float32")
        """The type in which it convolves, as predictions.json tells it."""

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1, of images (N, H, W, 3) uint8."""
        return np.stack([self._probabilities(image) for image in images])

    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W) uint8 of images (N, H, W, 3) uint8."""
        return np.stack([likeliest(self._probabilities(image)) for image in images])

    def _probabilities(self, image: Rgb) -> npt.NDArray[np.float32]:
        """(C, H, W). Raises MemoryError where there is too little of it, RuntimeError for whatever else fails, and
        SagesegError where it is of another size."""
        given = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        try:
            (probabilities,) = self._session.run([OUTPUT], {INPUT: given})
        except Exception as e:
            if any(words in str(e) for words in _NO_MEMORY):
                raise MemoryError(str(e)) from e
            raise RuntimeError(str(e)) from e
        expected = (1, self.num_classes, *image.shape[:2])
        if probabilities.shape != expected:
            raise SagesegError(
                f"{self._source}: answers {probabilities.shape} in place of {expected}; export it again by sageseg "
                "jobs export"
            )
        return np.asarray(probabilities[0], np.float32)


def likeliest(probabilities: npt.NDArray[np.float32]) -> Mask:
    """The class of the highest probability of each pixel, uint8 (H, W), the first of equal ones, of (C, H, W). Class by
    class, because numpy's argmax goes over the first axis pixel by pixel."""
    best = probabilities[0].copy()
    ids = np.zeros(best.shape, np.uint8)
    for number in range(1, len(probabilities)):
        ids[probabilities[number] > best] = number
        np.maximum(best, probabilities[number], out=best)
    return ids
