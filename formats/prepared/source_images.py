"""The images that prep read, in the folder that a user names as `--images`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from formats.errors import SagesegError
from formats.images import read_header
from formats.manifest import ManifestRow


def check_source_images(images: Path, rows: Iterable[ManifestRow]) -> None:
    """Raise SagesegError for a source image that is not there, or of another size than prep read."""
    for row in rows:
        path = images / row.source
        if not path.is_file():
            raise SagesegError(f"{path}: not found; expected, as --images, the folder that holds {row.source}")
        width, height = read_header(path).size
        if (width, height) != (row.source_width, row.source_height):
            raise SagesegError(
                f"{path}: {width}×{height} pixels, but the dataset was made of {row.source_width}×{row.source_height}; "
                "expected, as --images, the images that prep read"
            )
