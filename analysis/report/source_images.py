"""A report's images at full size: from a dataset's crops, or those that prep read where it dropped or resized some."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import simplejpeg

from analysis.masks.pieces import owned_pixels
from analysis.masks.reading import read_source_image
from analysis.masks.sources import Source
from formats import dataset as dataset_files
from formats.crops import Box
from formats.disk.whole_files import link_file, write_unfinished
from formats.images import Rgb, decode_image, image_errors, is_plain_jpeg, read_encoded
from formats.prepared.source_images import check_source_images
from formats.prepared.value_range import ValueRange

QUALITY = 90


@dataclass(frozen=True)
class SourceImages:
    """Where they lie: below `dataset`, and in the folder `images`, if it was named, whose images of over 8 bits a
    channel are read by `values`. Pickles, to work in another process."""

    dataset: Path
    images: Path | None = None
    values: ValueRange | None = None

    def check(self, sources: Iterable[Source]) -> None:
        """Raise SagesegError for an image that is needed and not in the folder, or of another size."""
        if self.images:
            check_source_images(self.images, [source.row for source in sources if _is_better(source)])

    def write(self, source: Source, to: Path) -> None:
        """A source as a JPEG: the file itself where it is one, else encoded."""
        if [piece.crop for piece in source.kept] == [Box(0, 0, source.width, source.height)]:
            link_file(dataset_files.image_path(self.dataset, source.kept[0].id), to)
            return
        path = self._path(source)
        if path is None:
            write_unfinished(to, encode_jpeg(read_source_image(self.dataset, source), QUALITY))
            return
        with image_errors(path):
            content = read_encoded(path)
            plain = self.values is None and is_plain_jpeg(content)
            jpeg = content if plain else encode_jpeg(decode_image(content, self.values), QUALITY)
        write_unfinished(to, jpeg)

    def _path(self, source: Source) -> Path | None:
        return self.images / source.row.source if self.images and _is_better(source) else None


def has_gaps(source: Source) -> bool:
    """Whether the crops of the dataset do not make up the source."""
    return owned_pixels(source.kept) < math.prod(source.kept_size)


def _is_better(source: Source) -> bool:
    """Whether the image that prep read shows more than the crops of the dataset."""
    return has_gaps(source) or source.kept_size != (source.width, source.height)


def encode_jpeg(image: Rgb, quality: int) -> bytes:
    return bytes(simplejpeg.encode_jpeg(image, quality, "RGB", "420", True))
