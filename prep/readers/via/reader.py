"""VGG Image Annotator (VIA) 2: a project, or an export of its annotations, as JSON; see docs/sources/via.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from formats.console import say
from formats.errors import SagesegError, for_all
from formats.images import read_header
from formats.parallel import map_all
from prep.options import STORED, UPRIGHT
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.drawn import UNSEEN, DrawnMask, drawn_image
from prep.readers.annotations.named_images import find_named
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.classes.label_list import BACKGROUND_NAMES, read_class_list
from prep.readers.labelled_image import REGION, LabelledImage, LeftOut, Polygon, Source, count_left_out, leave_out
from prep.readers.orientation import PLAIN
from prep.readers.via.document import Entry, class_of, kind_of, read_entries, regions_of
from prep.readers.via.shapes import SHAPES, draw, outline
from prep.remote.awaited import Awaited
from prep.remote.places import Place

_BARE = "images without regions, which VIA also has of those that nobody labelled"


@dataclass(frozen=True)
class Naming:
    """What says a region's class: the attribute that holds it, or, where none has one, the only class."""

    attribute: str = ""
    only: str = ""

    def label(self, region: dict[str, Any], place: str) -> str:
        return self.only or class_of(region, self.attribute, place)


@dataclass(frozen=True)
class ViaMask(DrawnMask):
    """The regions of one image."""

    entry: Entry
    naming: Naming
    named: NamedClasses

    def regions(self) -> list[Region]:
        labelled = _labelled(self.path, self.entry, self.naming)
        return for_all(self._region, [each for each in labelled if each[1] != REGION])

    def _region(self, labelled: tuple[dict[str, Any], str, str]) -> Region:
        region, label, place = labelled
        return draw(region["shape_attributes"], self.named.id_of(label, place), self.size, place)

    def focus(self) -> tuple[Polygon, ...]:
        """The regions called __region__, by their corners."""
        labelled = _labelled(self.path, self.entry, self.naming)
        return tuple(outline(region["shape_attributes"], place) for region, label, place in labelled if label == REGION)


def _labelled(file: Path, entry: Entry, naming: Naming) -> list[tuple[dict[str, Any], str, str]]:
    """The regions that have an area, with their labels and places."""
    drawn = [
        (region, f"{file}: {entry.name}, region {number}")
        for number, region in enumerate(regions_of(file, entry))
        if kind_of(region) in SHAPES
    ]
    return for_all(lambda own: (own[0], naming.label(*own), own[1]), drawn)


def read_via(
    file: Path,
    images: Place,
    labels: Path | None = None,
    *,
    attribute: str | None = None,
    background: str | None = None,
    skip_missing: bool = False,
    group_by: re.Pattern[str] | None = None,
    orientation: str | None = None,
    workers: int | None = None,
    awaited: Awaited | None = None,
) -> Source:
    """Read one file. `attribute` is the region attribute whose value is the class, where regions have several;
    `orientation` is how VIA showed images that EXIF turns, UPRIGHT or STORED.

    Raises SagesegError that names image and region.
    """
    entries = read_entries(file, workers)
    labelled = {entry.name: entry for entry in entries if entry.kinds}
    naming = _naming(entries, attribute, labels, file)
    list_labels = partial(_labels, file, naming)
    declared = set[str]().union(*map_all(list_labels, list(labelled.values()), workers=workers, label="classes"))
    named = name_classes(sorted(declared), f"{file}: {naming.attribute}", labels=labels, background=background)
    found = find_named(
        {name: f"{file}: {name}" for name in labelled},
        images,
        skip_missing=skip_missing,
        passed_over=[entry.name for entry in entries if not entry.kinds],
        awaited=awaited,
    )
    todo = [(path, found.sources[name], labelled[name]) for name, path in found.paths.items()]
    scan = partial(_scan, file=file, naming=naming, named=named, group_by=group_by, orientation=orientation)
    scanned = list(map_all(scan, todo, workers=workers, label="annotations"))
    read = sorted((image for image, _ in scanned), key=lambda image: image.source)
    unseen = [f"{file}: {image.source}" for image, count in scanned for _ in range(count)]
    polylines = sum(entry.kinds["polyline"] for entry in entries)
    if polylines:
        say(f"note: {polylines} polyline(s) are taken for the polygons that closing them makes")
    tell_overlaps(overlaps_in(read), "the later region")
    tell_lone_groups(read, group_by)
    left_out = (*found.left_out, *_left_out(entries, file), *leave_out(UNSEEN, unseen))
    return Source("via", named.classes, tuple(read), left_out=left_out)


def _labels(file: Path, naming: Naming, entry: Entry) -> set[str]:
    return {label for _, label, _ in _labelled(file, entry, naming)}


def _scan(
    found: tuple[Path, str, Entry],
    *,
    file: Path,
    naming: Naming,
    named: NamedClasses,
    group_by: re.Pattern[str] | None,
    orientation: str | None,
) -> tuple[LabelledImage, int]:
    image, source, entry = found
    mask = ViaMask(file, _drawn_size(image, f"{file}: {entry.name}", orientation), entry, naming, named)
    record, unseen = drawn_image(mask, image, source, group_by)
    return replace(record, regions=mask.focus()), unseen


def _drawn_size(image: Path, place: str, asked: str | None) -> tuple[int, int]:
    """The (width, height) of an image as VIA showed it, which the file does not tell."""
    header = read_header(image)
    if header.orientation != PLAIN and asked is None:
        raise SagesegError(
            f"{place}: EXIF turns {image}, and VIA's files do not say whether it was shown so; pass --orientation "
            f"{UPRIGHT}, as browsers show images since 2020, or --orientation {STORED}, as those before did"
        )
    return header.stored_size if asked == STORED else header.size


def _naming(entries: Sequence[Entry], asked: str | None, labels: Path | None, file: Path) -> Naming:
    """The attribute that is asked for, else the only one; where no region has one, the one class of a list: who draws
    one kind of thing may name none."""
    counts: Counter[str] = Counter()
    for entry in entries:
        counts += entry.attributes
    names = ", ".join(f"{name} ({count} regions)" for name, count in counts.most_common(10))
    if asked in counts or (len(counts) == 1 and asked is None):
        return Naming(asked or str(next(iter(counts))))
    if not counts:
        listed = read_class_list(labels).lines if labels else ()
        only = [line.name for line in listed if line.name not in BACKGROUND_NAMES]
        if len(only) == 1:
            say(f"note: regions have no attribute, so all are {only[0]}, the one class of {labels}")
            return Naming(only=only[0])
        raise SagesegError(
            f"{file}: no region has an attribute, so none has a class; expected one that "
            "names it, or a list of one class with --labels"
        )
    if asked is not None:
        raise SagesegError(f"{file}: --attribute {asked}: no region has it; expected one of {names}")
    raise SagesegError(f"{file}: regions have several attributes: {names}; say which is the class with --attribute")


def _left_out(entries: Sequence[Entry], file: Path) -> tuple[LeftOut, ...]:
    kinds = ((kind, entry.name) for entry in entries for kind in entry.kinds.elements() if kind not in SHAPES)
    return (
        *count_left_out((f"shapes of kind {kind}", f"{file}: {name}") for kind, name in kinds),
        *leave_out(_BARE, [f"{file}: {entry.name}" for entry in entries if not entry.kinds]),
    )
