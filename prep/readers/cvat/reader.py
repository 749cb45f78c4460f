"""CVAT's annotations.xml, of "CVAT for images 1.1" and "CVAT for video 1.1"; see docs/sources/cvat.md."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from formats.console import say
from formats.errors import SagesegError
from formats.images import read_header
from formats.parallel import map_all
from formats.prepared.groups import shared_group
from formats.prepared.source_names import composed
from prep.readers.annotations.canvas import OVERLAP, Region, count_overlap, is_seen
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.drawn import UNSEEN, DrawnMask
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.annotations.xml_spans import parse_element
from prep.readers.cvat.document import Document, read_document
from prep.readers.cvat.frames import Found, find_frames, find_images
from prep.readers.cvat.shapes import Drawn, IdOf, draw_shapes
from prep.readers.cvat.subsets import Subsets, settle_subsets
from prep.readers.labelled_image import LabelledImage, LeftOut, Polygon, Source, count_left_out, leave_out
from prep.readers.orientation import fitting_ways
from prep.readers.splits import image_groups, splits_of_groups
from prep.remote.awaited import NOTHING_AWAITED, Awaited

OCCLUDED = "occluded_shapes"
"""The attribute that counts an image's shapes that CVAT's annotators marked as partly hidden."""
_REASONS = {
    "polyline": "polylines, which have no area",
    "points": "points, which have no area",
    "cuboid": "cuboids",
    "skeleton": "skeletons",
    "tag": "tags of whole images",
    "unseen": UNSEEN,
}
OF_SHAPES = -1
"""What stands for a label where an element is an `<image>`, whose shapes have their own."""
_PER_PART = 3


@dataclass(frozen=True, eq=False)
class CvatMask(DrawnMask):
    """The shapes of one image. `parts` holds first byte and end of each element, and the
    place of its track's label in `labels`, or OF_SHAPES. `ids` are shared by all."""

    place: str
    parts: array[int]
    labels: tuple[str, ...]
    ids: dict[str, int]

    def regions(self) -> list[Region]:
        return list(self.draw(lambda label, _: self.ids[composed(label)]).regions)

    def draw(self, id_of: IdOf) -> Drawn:
        """The shapes. Raises SagesegError naming the one that cannot be drawn."""
        return draw_shapes(self._shapes(), id_of, self.size, self.place)

    def _shapes(self) -> Iterator[tuple[str | None, Element]]:
        with self.path.open("rb") as file:
            for at in range(0, len(self.parts), _PER_PART):
                start, end, label = self.parts[at : at + _PER_PART]
                element = parse_element(file, (start, end), self.place)
                if label < 0:
                    yield from ((None, shape) for shape in element)
                else:
                    yield self.labels[label], element


@dataclass(frozen=True)
class _Checked:
    """What the reading pass found in one image's shapes."""

    mask: CvatMask
    overlap: int
    occluded: int
    focus: tuple[Polygon, ...]
    left_out: Counter[str]


def read_cvat(
    file: Path,
    images: Path,
    *,
    labels: Path | None = None,
    background: str | None = None,
    skip_missing: bool = False,
    image_sets: Mapping[str, str] | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
    awaited: Awaited = NOTHING_AWAITED,
) -> Source:
    """Read annotations.xml, whose images or frames lie below the folder `images`.

    Images without shapes are labelled, and empty. `image_sets` says the split of a subset by its name. Raises
    SagesegError that names the image and shape for everything that would not become the pixels that were drawn.
    """
    document = read_document(file)
    named = name_classes(document.meta.labels, f"the labels of {file}", labels=labels, background=background)
    _tell_not_drawn(document)
    subsets = settle_subsets({image.subset for image in document.images} or {""}, image_sets or {}, str(file))
    chosen, left_out = _without(document, subsets)
    found = (find_frames if document.is_video else find_images)(chosen, images, skip_missing=skip_missing)
    checked = _check_all(chosen, found, named, workers, awaited)
    stems = {key: PurePosixPath(source).with_suffix("").as_posix() for key, source in found.sources.items()}
    splits = {stems[key]: subsets.splits[chosen.images[key].subset] for key in stems} if subsets.splits else {}
    groups = image_groups({stem: stem for stem in stems.values()}, splits, group_by)
    unordered = (
        LabelledImage(
            source=found.sources[key],
            image=found.paths[key],
            mask=check.mask,
            group=groups[stems[key]],
            attributes={OVERLAP: str(check.overlap), OCCLUDED: str(check.occluded)},
            regions=check.focus,
            own_group=shared_group(PurePosixPath(stems[key])),
            drawn_size=check.mask.size,
        )
        for key, check in checked.items()
    )
    labelled = tuple(sorted(unordered, key=lambda image: image.source))
    tell_overlaps(overlaps_in(labelled), "z_order, and of equal ones the later shape,")
    tell_lone_groups(labelled, group_by)
    return Source(
        "cvat",
        named.classes,
        labelled,
        splits_of_groups(splits, groups),
        subsets.undecided,
        left_out=(*left_out, *found.left_out, *_shapes_left_out(checked.values())),
    )


def _tell_not_drawn(document: Document) -> None:
    if document.meta.not_drawn:
        say(
            f"note: {document.path}: labels for tags, lines, points, cuboids or skeletons are no classes: "
            f"{', '.join(document.meta.not_drawn)}"
        )


def _without(document: Document, subsets: Subsets) -> tuple[Document, tuple[LeftOut, ...]]:
    """The document without images of the subsets that --image-set leaves out."""
    out = [image for image in document.images if image.subset in subsets.left_out]
    kept = [image for image in document.images if image.subset not in subsets.left_out]
    reason = "images of subsets that --image-set leaves out"
    return replace(document, images=kept, passed_over=out), leave_out(reason, [image.place for image in out])


def _check_all(
    document: Document, found: Found, named: NamedClasses, workers: int | None, awaited: Awaited
) -> dict[int, _Checked]:
    """Draw all shapes once: what is wrong with one is known before anything is written. The sizes of images that are
    awaited are looked at when they are fetched; frames of a video that tells no size are fetched now."""
    if document.is_video and not document.meta.size:
        awaited.fetch(found.paths.values())
    masks = [_mask_of(document, key, path, named) for key, path in found.paths.items()]
    here = [None if awaited.told(path) else path for path in found.paths.values()]
    tasks = list(zip(masks, here, strict=True))
    checks = map_all(partial(_check, named), tasks, workers=workers, label="annotations")
    return dict(zip(found.paths, checks, strict=True))


def _mask_of(document: Document, key: int, image: Path, named: NamedClasses) -> CvatMask:
    if document.is_video:
        size = document.meta.size or read_header(image).size
        parts, labels = document.frames.get(key, array("q")), document.labels
        return CvatMask(document.path, size, f"{document.path}: frame {key}", parts, labels, named.ids)
    entry = document.images[key]
    return CvatMask(document.path, entry.size, entry.place, array("q", (*entry.span, OF_SHAPES)), (), named.ids)


def _check(named: NamedClasses, task: tuple[CvatMask, Path | None]) -> _Checked:
    mask, image = task
    if image and not fitting_ways(header := read_header(image), mask.size):
        told = "×".join(map(str, mask.size))
        raise SagesegError(
            f"{mask.place}: labelled at {told} pixels, but {image} has {header.size[0]}×{header.size[1]}; put the "
            "image back that was labelled"
        )
    drawn = mask.draw(named.id_of)
    drawn.left_out["unseen"] += sum(not is_seen(region, mask.size) for region in drawn.regions)
    return _Checked(mask, count_overlap(drawn.regions, mask.size), drawn.occluded, drawn.focus, drawn.left_out)


def _shapes_left_out(checked: Iterable[_Checked]) -> tuple[LeftOut, ...]:
    return count_left_out((_REASONS[tag], check.mask.place) for check in checked for tag in check.left_out.elements())
