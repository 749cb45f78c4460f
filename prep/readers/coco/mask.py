"""The mask of one image, drawn from its annotations when its turn comes."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.annotations.canvas import Region, count_overlap, paint
from prep.readers.annotations.json_spans import parse_span
from prep.readers.coco.outline import box_of, outline_of


@dataclass(frozen=True)
class CocoMask:
    """The annotations of one image by their places in the file, first byte and end of each in turn, with a class id for
    each; `size` is (width, height)."""

    path: Path
    spans: array[int]
    class_ids: bytes
    size: tuple[int, int]

    def read(self) -> Mask:
        return paint(self.regions(), self.size)

    def overlap(self) -> int:
        """The pixels that annotations of more than one class cover."""
        return count_overlap(self.regions(), self.size)

    def regions(self) -> list[Region]:
        """What each annotation covers, in the order of the file; of one without outline its box."""
        regions = []
        with self.path.open("rb") as file:
            for number, class_id in enumerate(self.class_ids):
                span = self.spans[2 * number], self.spans[2 * number + 1]
                place = f"{self.path}: the annotation from byte {span[0]} on"
                annotation = parse_span(file, self.path, span, "annotations")
                outline = outline_of(annotation, place) or box_of(annotation, place)
                if outline is None:
                    raise SagesegError(f"{place} has no outline any more; begin again")
                regions.append(outline.region(class_id, self.size, place))
        return regions
