"""How much of a dataset's crops lies outside its images: prep fills that with black, and with ignore in the masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from formats.manifest import ManifestRow
from formats.prepared.resize import Resize, resized_size

MOST = 0.5
"""The share of padding above which crops are too large for their images: more is ignored than seen."""


def padded_pixels(row: ManifestRow, resize: Resize | None) -> int:
    """The pixels of a crop that lie outside its image, as prep resized it."""
    width, height = resized_size(row.source_width, row.source_height, resize)
    inside = max(min(row.width, width - row.x), 0) * max(min(row.height, height - row.y), 0)
    return row.width * row.height - inside


@dataclass
class Padding:
    """What of the crops seen so far lies outside their images: pixels, and of how many."""

    resize: Resize | None
    padded: int = 0
    pixels: int = 0

    def add(self, rows: Iterable[ManifestRow]) -> None:
        for row in rows:
            if row.kept:
                self.padded += padded_pixels(row, self.resize)
                self.pixels += row.width * row.height

    def note(self) -> tuple[str, str] | None:
        """What is wrong and the cure, where the kept crops are padding more than anything else; None where they are
        not."""
        if self.padded <= MOST * self.pixels:
            return None
        return (
            f"{100 * self.padded / self.pixels:.0f} % of the crops' pixels are padding, which is ignored, because the "
            "images are smaller than the crops",
            "prepare with --crop none, or with a smaller --crop",
        )


def padding_note(rows: Iterable[ManifestRow], resize: Resize | None) -> tuple[str, str] | None:
    """`Padding.note` of all rows."""
    padding = Padding(resize)
    padding.add(rows)
    return padding.note()
