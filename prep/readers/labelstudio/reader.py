"""Label Studio: one JSON file of tasks; see docs/sources/label-studio.md for what each region becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from formats.images import read_header
from formats.masks import Mask
from formats.parallel import map_all
from formats.prepared.groups import group_of_path, shared_group
from prep.readers.annotations.canvas import OVERLAP, Region, count_overlap, is_seen, paint
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.drawn import UNSEEN, DrawnMask
from prep.readers.annotations.json_spans import Batch, JsonParts, Span, find_parts, parse_span
from prep.readers.annotations.named_images import find_named
from prep.readers.annotations.notes import overlaps_in, tell_overlaps
from prep.readers.classes.label_list import BACKGROUND_NAMES
from prep.readers.labelled_image import REGION, LabelledImage, Polygon, Source
from prep.readers.labelstudio.choosing import choose, choose_image, join_tasks
from prep.readers.labelstudio.gathering import Gathered, Left, gather, left_out_of
from prep.readers.labelstudio.image_names import name_in_address, names_before_upload
from prep.readers.labelstudio.records import EXPECTED, Task, Written, entries, read_task
from prep.readers.labelstudio.shapes import Shape, Size, corners, draw
from prep.readers.orientation import fitting_ways
from prep.readers.regions import region_of
from prep.remote.awaited import Awaited
from prep.remote.places import S3Place

_LAST_ID = 253
"""Of a class: with more labels than that, the list of classes is refused."""


@dataclass(frozen=True)
class Place:
    """Where an annotation lies: its record's bytes, and its place in the record. `tag` is the name of the image whose
    regions are meant, None for any."""

    path: Path
    span: Span
    written: Written
    tag: str | None

    def gather(self) -> Gathered:
        with self.path.open("rb") as file:
            record: dict[str, Any] = parse_span(file, self.path, self.span, self.written.where)
        return gather(entries(record, self.written), self.tag, self.written.where)


@dataclass(frozen=True)
class LabelStudioMask(DrawnMask):
    """The regions of one annotation. `ids` are the class ids of its labels."""

    place: Place
    ids: dict[str, int]

    def regions(self) -> list[Region]:
        return [draw(shape, self.ids[shape.label], self.size) for shape in _objects(self.place.gather())]


@dataclass(frozen=True)
class _Checked:
    """What a first look at an annotation found: where each label stands first, the (width, height) that was drawn on,
    and whether the regions state it."""

    labels: dict[str, str]
    size: Size
    is_stated: bool
    overlap: int
    regions: tuple[Polygon, ...]
    left_out: Left
    tags: frozenset[str]


def read_labelstudio(
    path: Path,
    images: Path | S3Place,
    labels: Path | None = None,
    *,
    annotator: str | None = None,
    image_key: str | None = None,
    image_tag: str | None = None,
    use_predictions: bool = False,
    skip_missing: bool = False,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
    awaited: Awaited | None = None,
) -> Source:
    """Read a JSON or JSON-MIN export whose images lie in the folder `images`.

    `annotator`, `image_key`, `image_tag`, `use_predictions`, `skip_missing` and `background` are what the options of
    these names say. Raises SagesegError that names the task, annotation and result for everything that would not become
    the pixels that were drawn.
    """
    parts = find_parts(path, EXPECTED)
    survey = partial(_survey, image_key=image_key, use_predictions=use_predictions)
    tasks = _read_tasks(parts, survey, workers)
    choice = choose(tasks, annotator, path, use_predictions=use_predictions)
    key = choose_image([task for task, _ in choice.taken], image_key, image_tag, path)
    names = _names(choice.taken, key)
    where = {name: written.where for name, written in names.items()}
    others = {name_in_address(address) for task in tasks for address in task.images.values()} - where.keys()
    named = find_named(
        where, images, passed_over=others, skip_missing=skip_missing, former=names_before_upload, awaited=awaited
    )
    there = [
        (name, Place(path, parts.items[""][names[name].number], names[name], image_tag), found)
        for name, found in named.paths.items()
    ]
    look = [(place, found) for _, place, found in there]
    checked = list(map_all(_check, look, workers=workers, label="annotations"))
    _check_tags(checked, look, image_tag)
    classes = _classes(checked, labels, background, path)
    labelled = [
        _labelled(named.sources[name], found, place, one, classes, group_by)
        for (name, place, found), one in zip(there, checked, strict=True)
    ]
    tell_overlaps(overlaps_in(labelled), "the later region", "regions")
    left_out = (*choice.left_out, *named.left_out, *left_out_of(one.left_out for one in checked))
    ordered = tuple(sorted(labelled, key=lambda image: image.source))
    return Source("labelstudio", classes.classes, ordered, left_out=left_out)


def _read_tasks(parts: JsonParts, survey: Callable[[Batch], list[Task]], workers: int | None) -> list[Task]:
    """All tasks of an export, whole. Raises SagesegError for a file that holds none."""
    if not parts.is_array:
        raise SagesegError(f"{parts.path}: an object, not an array of tasks; expected {EXPECTED}")
    found = map_all(survey, parts.batches(""), workers=workers, label="tasks")
    tasks = join_tasks(task for some in found for task in some)
    if not tasks:
        raise SagesegError(f"{parts.path}: no task in it; expected {EXPECTED}")
    return tasks


def _survey(batch: Batch, *, image_key: str | None, use_predictions: bool) -> list[Task]:
    """Look at the tasks of a part of the file."""

    def look(numbered: tuple[int, dict[str, Any]]) -> Task:
        number, record = numbered
        where = f"{batch.path}: [{number}]"
        return read_task(record, number, where, image_key=image_key, use_predictions=use_predictions)

    return for_all(look, enumerate(batch.read(), start=batch.first))


def _names(taken: Sequence[tuple[Task, Written]], key: str) -> dict[str, Written]:
    """The annotations by the names of their images. Raises SagesegError for an image of two tasks."""
    names: dict[str, Written] = {}
    every = [(name_in_address(task.images[key]), written) for task, written in taken]
    twice = [(name, written) for name, written in every if names.setdefault(name, written) is not written]
    raise_all(
        SagesegError(
            f"{names[name].where} and {written.where}: two tasks of one image, {name}; delete one in Label Studio"
        )
        for name, written in twice
    )
    return names


def _objects(gathered: Gathered) -> list[Shape]:
    return [shape for shape in gathered.shapes if shape.label != REGION]


def _check(work: tuple[Place, Path]) -> _Checked:
    """Check one annotation, and draw it to count overlaps. It is read again when its mask is drawn, so that many take
    no more memory than one."""
    place, image = work
    gathered = place.gather()
    size = _size(gathered, place, image)
    labels = {shape.label: shape.where for shape in reversed(_objects(gathered))}
    ids = {label: 1 if label in BACKGROUND_NAMES else min(n, _LAST_ID) for n, label in enumerate(labels, start=2)}
    drawn = [(shape, draw(shape, ids[shape.label], size)) for shape in _objects(gathered)]
    _check_order(drawn, size, place)
    unseen = [shape.where for shape, region in drawn if not is_seen(region, size)]
    return _Checked(
        labels,
        size,
        gathered.size is not None,
        count_overlap([region for _, region in drawn], size),
        tuple(_region(shape, size) for shape in gathered.shapes if shape.label == REGION),
        gathered.left_out | ({UNSEEN: unseen} if unseen else {}),
        gathered.tags,
    )


def _size(gathered: Gathered, place: Place, image: Path) -> Size:
    header = read_header(image)
    if gathered.size is None:
        return header.size
    if not fitting_ways(header, gathered.size):
        drawn, own = (f"{width}×{height}" for width, height in (gathered.size, header.size))
        raise SagesegError(
            f"{place.written.where}: drawn at {drawn} pixels, but {image} has {own}; put the labelled image back"
        )
    return gathered.size


def _check_order(drawn: Sequence[tuple[Shape, Region]], size: Size, place: Place) -> None:
    """Raise SagesegError where regions of several controls overlap whose order the file does not keep. No class id is
    0."""
    covered: Mask = np.zeros(size[::-1], np.uint8)
    for control in {shape.control: None for shape, _ in drawn if shape.control is not None}:
        own = paint([region for shape, region in drawn if shape.control == control], size)
        unsure = np.count_nonzero((covered != 0) & (own != 0) & (covered != own))
        if unsure:
            raise SagesegError(
                f"{place.written.where}: regions of {control} and of another tool overlap in {unsure} pixels, and "
                "JSON-MIN does not say which was drawn last; export JSON"
            )
        covered[own != 0] = own[own != 0]


def _region(shape: Shape, size: Size) -> Polygon:
    if shape.kind not in ("polygon", "rectangle"):
        raise SagesegError(
            f"{shape.where}: a region to look at is a polygon or a rectangle, not of kind {shape.kind}; draw it as one"
        )
    return region_of("polygon", corners(shape, size), shape.where)


def _check_tags(checked: Sequence[_Checked], look: Sequence[tuple[Place, Path]], asked: str | None) -> None:
    tags = {tag: place.written.where for one, (place, _) in zip(checked, look, strict=True) for tag in one.tags}
    told = " and ".join(f"{tag} ({where})" for tag, where in sorted(tags.items()))
    if asked is not None and tags and asked not in tags:
        raise SagesegError(f"--image-tag {asked}: no region lies on an image of that name, but on {told}; name that")
    if asked is None and len(tags) > 1:
        raise SagesegError(f"regions lie on several images: {told}; name the <Image> that is meant with --image-tag")


def _classes(checked: Sequence[_Checked], labels: Path | None, background: str | None, path: Path) -> NamedClasses:
    places = {label: where for one in reversed(checked) for label, where in one.labels.items()}
    declared = sorted(places)
    classes = name_classes(declared, str(path), labels=labels, background=background)
    for_all(lambda found: classes.id_of(*found), [found for one in checked for found in one.labels.items()])
    if labels is None:
        say(f"note: an export does not list its labels; the classes are those drawn, by name: {', '.join(declared)}")
    return classes


def _labelled(
    source: str,
    image: Path,
    place: Place,
    checked: _Checked,
    classes: NamedClasses,
    group_by: re.Pattern[str] | None,
) -> LabelledImage:
    path = PurePosixPath(source).with_suffix("")
    return LabelledImage(
        source=source,
        image=image,
        mask=LabelStudioMask(place.path, checked.size, place, classes.ids),
        group=group_of_path(path, group_by),
        attributes={OVERLAP: str(checked.overlap)},
        regions=checked.regions,
        oriented=not checked.is_stated,
        own_group=shared_group(path),
        drawn_size=checked.size,
    )
