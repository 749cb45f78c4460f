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
"""Bytes that an archive, or a packed table that is read line by line, may unfold to; a submission to Carvana's 100,064
images has 1.2 GB."""
MOST_FILES = 1_000_000
"""Members of a ZIP archive, or images of a table."""
MOST_MODEL = 2**30
"""Bytes of the settings and parameters of one model; the largest network, DeepLabV3 on ResNet-101, has 0.25 GB, and an
artefact holds its best and its last parameters."""
MOST_MODEL_FILES = 10_000
"""Members of an artefact, which has three."""
MOST_BITMAP = 2**28
"""Bytes that one packed bitmap of an annotation may unfold to, a file within a file."""


def check_pixels(width: int, height: int, what: str, mend: str) -> None:
    """Raise SagesegError, which begins with `what` and ends with `mend`, where an image would be too large."""
    if width * height > MOST_PIXELS:
        raise SagesegError(f"{what}: {width}×{height} pixels, over the {MOST_PIXELS:,} that one image may have; {mend}")
