"""What is too large to be believed: how much one file may declare, hold or unfold to, for all readers.

Each is far above what the labels, images, logs and models of this field have, and far below what fills a machine.
"""

from __future__ import annotations

from gzip import GzipFile
from io import BytesIO
from pathlib import Path

from formats.errors import SagesegError

MOST_PIXELS = 178_956_970
"""Of one image or mask, such as 13377 × 13377: what Pillow opens (twice its MAX_IMAGE_PIXELS). Larger rasters are read
by tiles."""
MOST_IMAGE = 2**32
"""Bytes of the file of an image or mask: MOST_PIXELS of four channels of 32 bits have two thirds of it."""
MOST_LOG = 2**28
"""Bytes of a training's log, unpacked; a line each epoch takes some kB a day."""
MOST_TEXT = 2**30
"""Bytes of a text that is read as a whole, unpacked: JSON, CSV. Large COCO, VIA and XML files are read by
parts."""
MOST_UNPACKED = 2**33
"""Bytes that an archive, or a packed table that is read line by line, may unfold to; a submission to Carvana's 100,064
images has 1.2 GB."""
MOST_FILES = 1_000_000
"""Images of a table."""
MOST_DIRECTORY = 2**26
"""Bytes of the list of members of a ZIP archive, 1.4 million at most; COCO's 118,287 images have 12 MB."""
MOST_MODEL = 2**30
"""Bytes of the settings and parameters of one model; the largest network, DeepLabV3 on ResNet-101, has 0.25 GB, and an
artefact holds its best and its last parameters."""
MOST_MODEL_FILES = 10_000
"""Members of an artefact, which has three."""
MOST_BITMAP = 2**28
"""Bytes that one packed bitmap of an annotation may unfold to, a file within a file."""
_PART = 2**20


def check_pixels(width: int, height: int, what: str, mend: str) -> None:
    """Raise SagesegError, which begins with `what` and ends with `mend`, for an image of no pixel, or of too many."""
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        raise SagesegError(f"{what}: {width}×{height} pixels; expected 1 to {MOST_PIXELS:,}: {mend}")


def read_within(path: Path, most: int, mend: str) -> bytes:
    """A file's bytes. Raises SagesegError, which ends with `mend`, where they are more than `most`; and OSError."""
    size = path.stat().st_size
    if size > most:
        raise SagesegError(f"{path}: {size:,} bytes, over the {most:,} that are read at once; {mend}")
    return path.read_bytes()


def unpack_gzip(content: bytes, most: int) -> bytes:
    """What gzip packed. Raises ValueError for more than `most` bytes, and OSError, EOFError or zlib.error where it is
    damaged."""
    unpacked, left = list[bytes](), most
    with GzipFile(fileobj=BytesIO(content)) as file:
        while part := file.read(_PART):
            unpacked.append(part)
            left -= len(part)
            if left < 0:
                raise ValueError(f"over {most:,} bytes unpacked")
    return b"".join(unpacked)
