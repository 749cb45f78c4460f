"""One invocation of a served model: the image, so that it fits, and the answer, checked: a mask as PNG, or
class probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError
from formats.images import decode_image, open_header
from formats.masks import Mask
from jobs.contract.probabilities import decode_probabilities

ENDPOINT_BYTES = 5 * 2**20
"""The lowest limit of a real-time payload that was seen: 5,246,976 bytes in older error messages,
6 MB in the documentation of 2023."""
SERVERLESS_BYTES = 4_000_000
"""What a serverless endpoint takes and answers, "4 MB" in the developer guide: the smaller reading."""
ASYNC_BYTES = 2**30
"""What an asynchronous endpoint takes (developer guide)."""
PNG = "image/png"
PROTOBUF_TYPES = ("application/x-protobuf", "application/x-recordio-protobuf")
"""Names of probabilities as Accept: the samples' and the documentation's; which of them the built-in's
container takes is not certain."""
_QUALITIES = (90, 85, 75, 60, 40)
_MASKS = ("PNG of mode L", "PNG of mode P")


@dataclass(frozen=True)
class Payload:
    """An encoded image. `quality` is the JPEG quality it had to be lowered to, None where it was not;
    `width, height` in pixels."""

    body: bytes
    width: int
    height: int
    quality: int | None = None


def make_payload(jpeg: bytes, limit: int, what: str) -> Payload:
    """The image as it is, or at the highest JPEG quality with which it fits into `limit` bytes.

    Raises SagesegError naming `what` when none does.
    """
    with open_header(jpeg) as image:
        width, height = image.size
    if len(jpeg) <= limit:
        return Payload(jpeg, width, height)
    pixels = Image.fromarray(decode_image(jpeg))
    for quality in _QUALITIES:
        buffer = BytesIO()
        pixels.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= limit:
            return Payload(buffer.getvalue(), width, height, quality)
    raise SagesegError(
        f"{what}: {len(jpeg)} bytes, {buffer.tell()} at JPEG quality {_QUALITIES[-1]}, over the {limit} that are "
        "taken; cut it with --crop, or predict with --via artefact"
    )


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
