"""What goes to an endpoint or a transform job: a JPEG that is not too large for it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from formats.errors import SagesegError
from formats.images import decode_image

ENDPOINT_BYTES = 5 * 2**20
"""The lowest limit of a real-time payload that was seen: 5,246,976 bytes in older error messages,
6 MB in the documentation of 2023."""
ANSWER_BYTES = 6 * 2**20
"""What InvokeEndpoint's body may hold either way (`BodyBlob` in the service's model)."""
_QUALITIES = (90, 85, 75, 60, 40)


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
    with Image.open(BytesIO(jpeg)) as image:
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
