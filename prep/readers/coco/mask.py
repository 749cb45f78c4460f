"""The mask of one image, drawn from its annotations when its turn comes."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from formats.errors import SagesegError
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.drawn import DrawnMask
from prep.readers.annotations.json_spans import parse_span
from prep.readers.coco.outline import box_of, outline_of


@dataclass(frozen=True)
class CocoMask(DrawnMask):
    """The annotations of one image by their places in the file, first byte and end of each in turn, with a class id for
    each."""

    spans: array[int]
    class_ids: bytes

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
