"""Batches no larger than there is memory for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.console import say
from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.inference.model import Model
from jobs.algorithm.machine.memory_errors import is_out_of_memory


class WithinMemory:
    """A model that is given half as much at once, from then on, when it lacks memory for a batch of several images.

    A single image for which memory does not suffice raises what the model raises.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.num_classes, self.streams, self.batch_pixels = model.num_classes, model.streams, model.batch_pixels

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1, of images (N, H, W, 3) uint8."""
        return self._in_parts(self._model.predict, images)

    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W) uint8 of images (N, H, W, 3) uint8."""
        return self._in_parts(self._model.predict_masks, images)

    def _in_parts(self, predict: Callable[[Rgb], npt.NDArray[Any]], images: Rgb) -> npt.NDArray[Any]:
        count, height, width, _ = images.shape
        at_once = max(1, self.batch_pixels // (height * width))
        if count > at_once:
            parts = (images[start : start + at_once] for start in range(0, count, at_once))
            return np.concatenate([self._in_parts(predict, part) for part in parts])
        try:
            return predict(images)
        except (MemoryError, RuntimeError) as e:
            if count == 1 or not is_out_of_memory(e):
                raise
        # outside the block above: its traceback would keep alive what fills the memory
        self.batch_pixels = min(self.batch_pixels, count // 2 * height * width)
        say(
            f"{count} images of {width} × {height} pixels take more memory than there is: from here on {count // 2} "
            "at once"
        )
        return self._in_parts(predict, images)
