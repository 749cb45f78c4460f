"""How much of a dataset's crops lies outside its images: prep fills that with black, and with ignore in the masks."""

from __future__ import annotations

from collections.abc import Iterable

from formats.manifest import ManifestRow
from formats.prepared.resize import Resize, resized_size

MOST = 0.5
"""The share of padding above which crops are too large for their images: more is ignored than seen."""


def padded_pixels(row: ManifestRow, resize: Resize | None) -> int:
    """The pixels of a crop that lie outside its image, as prep resized it."""
    width, height = resized_size(row.source_width, row.source_height, resize)
    inside = max(min(row.width, width - row.x), 0) * max(min(row.height, height - row.y), 0)
    return row.width * row.height - inside


def padding_note(rows: Iterable[ManifestRow], resize: Resize | None) -> tuple[str, str] | None:
    """What is wrong and the cure, where the kept crops are padding more than anything else; None where they are not."""
    padded = pixels = 0
    for row in rows:
        if row.kept:
            padded += padded_pixels(row, resize)
            pixels += row.width * row.height
    if padded <= MOST * pixels:
        return None
    return (
        f"{100 * padded / pixels:.0f} % of the crops' pixels are padding, which is ignored, because the images are "
        "smaller than the crops",
        "prepare with --crop none, or with a smaller --crop",
    )
