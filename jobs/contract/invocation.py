"""What a served model answers, checked: a mask as PNG, or class probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError
from formats.images import open_header
from formats.masks import Mask
from jobs.contract.probabilities import decode_probabilities

PNG = "image/png"
PROTOBUF_TYPES = ("application/x-protobuf", "application/x-recordio-protobuf")
"""Names of probabilities as Accept: the samples' and the documentation's; which of them the built-in's
container takes is not certain."""
_MASKS = ("PNG of mode L", "PNG of mode P")


@dataclass(frozen=True)
class Expected:
    """What an answer must fit: the size of the image that was asked about, and the classes."""

    width: int
    height: int
    num_classes: int
    what: str


def decode_mask(body: bytes, expected: Expected) -> Mask:
    """The class ids in a PNG. Raises SagesegError when it is none, of another size, or holds an id
    that is no class."""
    try:
        with open_header(body) as image:
            kind = f"{image.format} of mode {image.mode}"
            mask = np.array(image, np.uint8) if kind in _MASKS else None
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as e:
        raise SagesegError(f"{expected.what}: the answer is no PNG mask ({e}); look into the endpoint's log") from e
    if mask is None:
        raise SagesegError(
            f"{expected.what}: the answer is a {kind}; expected a PNG mask; look into the endpoint's log"
        )
    _check_size(mask.shape, expected)
    if mask.max() >= expected.num_classes:
        raise SagesegError(
            f"{expected.what}: the answer holds class {mask.max()}, but the model has {expected.num_classes}; "
            "this endpoint serves another model"
        )
    return mask


def decode_scores(body: bytes, expected: Expected) -> npt.NDArray[np.float32]:
    """Class probabilities (C, H, W). Raises SagesegError when they are of another shape."""
    found = decode_probabilities(body, f"{expected.what}: the answer")
    scores = found[0] if found.ndim == 4 and found.shape[0] == 1 else found
    if scores.ndim != 3 or scores.shape[0] != expected.num_classes:
        raise SagesegError(
            f"{expected.what}: the answer's shape is {found.shape}; expected 1, {expected.num_classes}, height, width"
        )
    _check_size(scores.shape[1:], expected)
    return scores


def _check_size(shape: tuple[int, ...], expected: Expected) -> None:
    if shape != (expected.height, expected.width):
        raise SagesegError(
            f"{expected.what}: the answer is {shape[1]} × {shape[0]} pixels; expected {expected.width} × "
            f"{expected.height}, as the image"
        )
