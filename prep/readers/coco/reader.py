"""COCO: outlines of objects for many images in one JSON file; see docs/sources/coco.md."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE
from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from formats.parallel import map_all
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.coco_raster import coco_masks
from prep.readers.annotations.notes import overlaps_in, tell_overlaps
from prep.readers.coco.document import Category, Document, open_document
from prep.readers.coco.files import find_coco_files
from prep.readers.coco.images import CocoImage, find_images
from prep.readers.coco.mask import CocoMask
from prep.readers.coco.scan import BOX, CROWD, NOTHING, UNSEEN, Annotations, scan
from prep.readers.labelled_image import LabelledImage, LeftOut, Source, count_left_out, leave_out
from prep.remote.awaited import NOTHING_AWAITED, Awaited

AS_CLASS, AS_IGNORE = "class", "ignore"
"""What --crowd and --boxes take: pixels of the category, or mask value 255."""
_WITHOUT_OUTLINE = {
    BOX: "annotations with a box and no outline (--boxes ignore or --boxes class draws the boxes)",
    NOTHING: "annotations with neither outline nor box",
    UNSEEN: "annotations whose outline covers no pixel",
}
_MANY = 1_000
"""So many annotations of one image surely touch each other."""
Ids = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Choices:
    """What crowds are, and what boxes without outline are: AS_CLASS, AS_IGNORE, or None to leave boxes out."""

    crowd: str = AS_CLASS
    boxes: str | None = None

    def __post_init__(self) -> None:
        for option, value in (("--crowd", self.crowd), ("--boxes", self.boxes)):
            if value not in (AS_CLASS, AS_IGNORE, None):
                raise SagesegError(f"{option} {value}: expected {AS_CLASS} or {AS_IGNORE}")


def read_coco(
    annotations: Path,
    images: Path | None = None,
    *,
    labels: Path | None = None,
    background: str | None = None,
    choices: Choices = Choices(),
    skip_missing: bool = False,
    skip_empty: bool = False,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
    awaited: Awaited = NOTHING_AWAITED,
) -> Source:
    """Read one file, or those of a folder, which may be of a split each. `images` is the folder of the images, by
    default where the files are.

    Raises SagesegError naming the file and the entry for everything that would not become the pixels that were drawn.
    """
    coco_masks()  # to say at once that it is missing
    documents = [open_document(file) for file in find_coco_files(annotations, images)]
    root = images or (annotations if annotations.is_dir() else annotations.parent)
    found = find_images(documents, root, skip_missing=skip_missing, group_by=group_by, awaited=awaited)
    scanned = scan(documents, workers)
    _check_outlines(scanned, choices, annotations)
    named = _classes(documents, scanned, annotations, labels, background)
    drawn = [_Drawn(document, own, choices, named) for document, own in zip(documents, scanned, strict=True)]
    masks = for_all(lambda image: drawn[image.document].mask(image), found.images)
    empty = [image for image, mask in zip(found.images, masks, strict=True) if not mask.class_ids]
    _tell_empty(empty, skip_empty)
    kept = [pair for pair in zip(found.images, masks, strict=True) if pair[1].class_ids or not skip_empty]
    if not kept:
        raise SagesegError(
            f"{annotations}: no image is left that has an annotation which is drawn; expected some, or other values of "
            "the options that leave annotations out"
        )
    labelled = _labelled(kept, _overlaps(kept, drawn, workers))
    tell_overlaps(overlaps_in(labelled), "the later in the file", "annotations")
    groups = {image.group for image in labelled}
    splits = {group: split for group, split in found.splits.items() if group in groups}
    left_out = (
        *found.left_out,
        *_left_out(documents, scanned, choices),
        *leave_out("annotations outside of their image", [place for each in drawn for place in each.outside]),
        *leave_out("images without an annotation that is drawn", [each.source for each in empty if skip_empty]),
    )
    return Source("coco", named.classes, labelled, splits, left_out=left_out)


def _labelled(kept: Sequence[tuple[CocoImage, CocoMask]], overlaps: Mapping[str, int]) -> tuple[LabelledImage, ...]:
    return tuple(
        LabelledImage(
            image.source,
            image.path,
            mask,
            image.group,
            {OVERLAP: str(overlaps.get(image.source, 0))},
            own_group=image.own_group,
            drawn_size=image.size,
        )
        for image, mask in kept
    )


def _check_outlines(scanned: Sequence[Annotations], choices: Choices, given: Path) -> None:
    kinds = np.concatenate([each.kinds for each in scanned])
    if not kinds.size:
        raise SagesegError(f"{given}: no annotation in it; expected outlines of objects")
    if (kinds == NOTHING).all() or (choices.boxes is None and np.isin(kinds, (BOX, NOTHING)).all()):
        boxes = int(np.count_nonzero(kinds == BOX))
        told = f"{boxes} of them have boxes, which --boxes class draws" if boxes else "nor boxes"
        raise SagesegError(f"{given}: its {kinds.size} annotations have no outlines (segmentation is empty); {told}")


def _classes(
    documents: Sequence[Document], scanned: Sequence[Annotations], given: Path, labels: Path | None, asked: str | None
) -> NamedClasses:
    """The classes of all categories but those that only group others, as Roboflow puts one before its own."""
    used = {name for pair in zip(documents, scanned, strict=True) for name in _used(*pair)}
    every = [category for document in documents for category in document.categories.values()]
    grouping = [category for category in every if category.name not in used and _groups_others(category, every)]
    for category in {category.name: category for category in grouping}.values():
        say(f"note: {category.place}: {category.name!r} only groups other categories, and is no class")
    names = list(dict.fromkeys(category.name for category in every if category not in grouping))
    where = f"the categories of {documents[0].file.path if len(documents) == 1 else given}"
    return name_classes(names, where, labels=labels, background=asked)


def _used(document: Document, own: Annotations) -> set[str]:
    """The names of the categories that have annotations. Raises SagesegError for two of one name: Roboflow's that only
    groups the others may be called as one of them."""
    categories, places = list(document.categories.values()), dict[str, str]()
    for category in (categories[index] for index in np.unique(own.categories).tolist()):
        if category.name in places:
            raise SagesegError(
                f"{category.place} and {places[category.name]} are both called {category.name!r}, and both have "
                "annotations; rename one, or give the annotations of both one category"
            )
        places[category.name] = category.place
    return set(places)


def _groups_others(category: Category, every: Sequence[Category]) -> bool:
    return any(other.parent == category.name != other.name for other in every)


class _Drawn:
    """The annotations of one document that are drawn, in order of their images and, of one image, of the file."""

    def __init__(self, document: Document, own: Annotations, choices: Choices, named: NamedClasses) -> None:
        self._document, self._places = document, list(document.images.values())
        ids = _class_ids(document, own, choices, named)
        chosen = own.kinds < (NOTHING if choices.boxes else BOX)
        order = np.flatnonzero(chosen)[np.argsort(own.images[chosen], kind="stable")]
        spans = np.frombuffer(document.parts.items["annotations"].spans, np.int64).reshape(-1, 2)
        self._spans, self._ids, self._bounds = spans[order], ids[order], own.bounds[order]
        self._sizes, self._order = own.sizes[order], order
        self.outside: list[str] = []
        self._firsts = np.searchsorted(own.images[order], np.arange(len(self._places) + 1))

    def mask(self, image: CocoImage) -> CocoMask:
        """The mask of an image; annotations that lie outside of it are noted. Raises SagesegError for run lengths of
        another size than the image's."""
        own, path = self._of(image), self._document.file.path
        self._check_sizes(image, own)
        left, top, right, bottom = self._bounds[own].T
        seen = (left < image.size[0] - 1) & (top < image.size[1] - 1) & (right > 1) & (bottom > 1)
        self.outside += [f"{path}: annotations[{number}]" for number in self._order[own][~seen].tolist()]
        spans = array("q")
        spans.frombytes(self._spans[own][seen].tobytes())
        return CocoMask(path, image.size, spans, self._ids[own][seen].tobytes())

    def may_overlap(self, image: CocoImage) -> bool:
        """Whether the boxes of two annotations of different classes have pixels in common."""
        own = self._of(image)
        ids, (left, top, right, bottom) = self._ids[own], self._bounds[own].T
        if ids.size < 2 or (ids == ids[0]).all():
            return False
        if ids.size > _MANY:
            return True
        across = (left[:, None] < right) & (left < right[:, None])
        down = (top[:, None] < bottom) & (top < bottom[:, None])
        return bool((across & down & (ids[:, None] != ids)).any())

    def _of(self, image: CocoImage) -> slice:
        return slice(int(self._firsts[image.index]), int(self._firsts[image.index + 1]))

    def _check_sizes(self, image: CocoImage, own: slice) -> None:
        sizes = self._sizes[own]
        wrong = np.flatnonzero((sizes != image.size).any(axis=1) & (sizes[:, 0] > 0))
        raise_all(
            SagesegError(
                f"{self._document.file.path}: annotations[{number}]: run lengths of {width}×{height} pixels (size is "
                f"[height, width]), but {self._places[image.index].place} has {image.size[0]}×{image.size[1]}; "
                "correct one of them"
            )
            for number, (width, height) in zip(self._order[own][wrong].tolist(), sizes[wrong].tolist(), strict=True)
        )


def _class_ids(document: Document, own: Annotations, choices: Choices, named: NamedClasses) -> Ids:
    """The class id of each annotation."""
    of_category = np.zeros(len(document.categories), np.uint8)
    categories = list(document.categories.values())
    used = np.unique(own.categories).tolist()
    of_category[used] = for_all(lambda index: named.id_of(categories[index].name, categories[index].place), used)
    ids = of_category[own.categories] if own.categories.size else of_category[:0]
    for kind, choice in ((CROWD, choices.crowd), (BOX, choices.boxes)):
        if choice == AS_IGNORE:
            ids[own.kinds == kind] = IGNORE
    return ids


def _overlaps(
    kept: Sequence[tuple[CocoImage, CocoMask]], drawn: Sequence[_Drawn], workers: int | None
) -> Mapping[str, int]:
    """The pixels, by source, that annotations of several classes cover, of images in which their boxes do."""
    pairs = [(image.source, mask) for image, mask in kept if drawn[image.document].may_overlap(image)]
    counts = map_all(CocoMask.overlap, [mask for _, mask in pairs], workers=workers, label="overlaps")
    return {source: count for (source, _), count in zip(pairs, counts, strict=True)}


def _left_out(documents: Sequence[Document], scanned: Sequence[Annotations], choices: Choices) -> tuple[LeftOut, ...]:
    return count_left_out(
        (reason, f"{document.file.path}: annotations[{number}]")
        for kind, reason in _WITHOUT_OUTLINE.items()
        if not (kind == BOX and choices.boxes)
        for document, own in zip(documents, scanned, strict=True)
        for number in np.flatnonzero(own.kinds == kind).tolist()
    )


def _tell_empty(empty: Sequence[CocoImage], skipped: bool) -> None:
    if empty and not skipped:
        say(
            f"note: {len(empty)} image(s) have no annotation that is drawn, such as {empty[0].source}: all background; "
            "--skip-empty leaves them out, where nobody has labelled them"
        )
