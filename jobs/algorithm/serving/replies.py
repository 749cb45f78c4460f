"""What a served model answers to one request, without any network: bytes in, bytes out."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError
from formats.images import Rgb, decode_image, open_header
from formats.masks import Mask
from jobs.contract.invocation import PNG, PROTOBUF_TYPES
from jobs.contract.probabilities import encode_probabilities

IMAGE_TYPES = ("image/jpeg", "image/png", "application/x-image")
ANSWERS = (PNG, *PROTOBUF_TYPES)
MAX_BYTES = 100 * 2**20
"""The largest payload that batch transform can be set to (API reference, CreateTransformJob)."""
MAX_PIXELS = 2**26
"""8192 × 8192; what lies above would take the instance's memory, and the other requests with it."""


class RequestError(Exception):
    """A request that gets an HTTP status and one line of text for an answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Model(Protocol):
    """Predicts an image (H, W, 3) uint8."""

    def predict_mask(self, image: Rgb) -> Mask:
        """Class ids (H, W)."""

    def predict(self, image: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (C, H, W), 0..1."""


def invoke(model: Model, body: bytes, content_type: str, accept: str) -> tuple[str, bytes]:
    """The content type and body of the answer to an image of any size.

    Raises RequestError: 406 for an answer that is not made, 415 for a request that is no image by its
    type, 400 for one that is broken, 413 for one that is too large.
    """
    answer_type = choose_answer(accept)
    image = read_request(body, content_type)
    if answer_type == PNG:
        return PNG, encode_ids(model.predict_mask(image))
    probabilities = model.predict(image)[None]
    try:
        return answer_type, encode_probabilities(probabilities)
    except SagesegError as e:
        raise RequestError(413, str(e)) from e


def choose_answer(accept: str) -> str:
    """The first acceptable type that is made here, by the client's preference; without any, PNG."""
    wanted = sorted(_preferences(accept), key=lambda preference: -preference[1])
    if not wanted:
        return PNG
    for kind, quality in wanted:
        for answer in ANSWERS:
            if quality > 0 and kind in ("*/*", answer, answer.partition("/")[0] + "/*"):
                return answer
    raise RequestError(406, f"Accept {accept!r} cannot be answered; expected one of {', '.join(ANSWERS)}")


def _preferences(accept: str) -> list[tuple[str, float]]:
    """Media types and their `q`, RFC 9110, 12.5.1."""
    preferences = []
    for part in filter(None, (part.strip().lower() for part in accept.split(","))):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        given = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
        try:
            preferences.append((kind, float(given[0]) if given else 1.0))
        except ValueError as e:
            raise RequestError(406, f"Accept {accept!r}: q={given[0]} is no number; expected 0 to 1") from e
    return preferences


def read_request(body: bytes, content_type: str) -> Rgb:
    """The image of a request, (H, W, 3)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in IMAGE_TYPES:
        raise RequestError(415, f"Content-Type {content_type!r} is not read; expected one of {', '.join(IMAGE_TYPES)}")
    if len(body) > MAX_BYTES:
        raise RequestError(413, f"{len(body)} bytes; expected {MAX_BYTES} at most")
    try:
        with open_header(body) as image:
            width, height = image.size
        if width * height > MAX_PIXELS:
            raise RequestError(413, f"{width} × {height} pixels; expected {MAX_PIXELS} at most, so send crops")
        return decode_image(body)
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as e:
        reason = " ".join(str(e).split())
        raise RequestError(400, f"the body cannot be read as an image ({reason}); expected a JPEG or PNG") from e


def encode_ids(mask: Mask) -> bytes:
    """Class ids as a PNG of mode L, which any reader gives back as they are; mode P would become
    colours in OpenCV."""
    buffer = BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()
