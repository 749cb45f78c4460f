"""What is too large to be believed: how much one file may declare, hold or unfold to, for all readers.

Each is far above what the labels, images, logs and models of this field have, and far below what fills a machine.
"""

from __future__ import annotations

from formats.errors import SagesegError

MOST_PIXELS = 178_956_970
"""Of one image or mask, such as 13377 × 13377: what Pillow opens (twice its MAX_IMAGE_PIXELS). Larger rasters are read
by tiles."""
MOST_TEXT = 2**30
"""Bytes of a text that is read as a whole, unpacked: JSON, CSV, a log. Large COCO, VIA and XML files are read by
parts."""
MOST_UNPACKED = 2**33
"""Bytes that an archive, or a packed table that is read line by line, may unfold to; the largest artefact of a training
has below 1 GB, a submission to Carvana's 100,064 images 1.2 GB."""
MOST_MEMBERS = 100_000
"""Files in an archive."""
MOST_BITMAP = 2**28
"""Bytes that one packed bitmap of an annotation may unfold to, a file within a file."""


def check_pixels(width: int, height: int, what: str, mend: str) -> None:
    """Raise SagesegError, which begins with `what` and ends with `mend`, where an image would be too large."""
    if width * height > MOST_PIXELS:
        raise SagesegError(f"{what}: {width}×{height} pixels, over the {MOST_PIXELS:,} that one image may have; {mend}")
