"""labelme: a JSON file of shapes per image; see docs/sources/labelme.md for what each shape becomes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import Faults, SagesegError, for_all
from formats.images import turn_upright
from formats.masks import Mask
from formats.parallel import map_all
from formats.prepared.groups import group_of_path
from formats.safe_names import check_name
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.classes.label_list import find_class_list
from prep.readers.labelled_image import REGION, EmbeddedImage, LabelledImage, Polygon, Source, leave_out
from prep.readers.labelme.annotation import Annotation, Shape, find_labels, read_annotation
from prep.readers.labelme.folders import AnnotationFile, find_annotations, settle_outside, source_of, without_json
from prep.readers.labelme.image import EmbeddedInJson, embedded_size, find_image, settle_size
from prep.readers.labelme.shapes import check_inside, count_overlap, draw_shapes
from prep.readers.orientation import PLAIN, turn_points
from prep.readers.regions import region_of

_NOT_SAVED = "images without a JSON file (where one shows no object, save it in labelme without shapes)"


@dataclass(frozen=True)
class LabelmeMask:
    """The shapes of one JSON file, drawn at a (width, height) and turned by an EXIF orientation."""

    path: Path
    ids: dict[str, int]
    size: tuple[int, int]
    orientation: int

    def read(self) -> Mask:
        annotation, _ = split_regions(read_annotation(self.path))
        return turn_upright(draw_shapes(annotation, self.ids, self.size), self.orientation)


def read_labelme(
    annotations: Path,
    labels: Path | None = None,
    *,
    others: Sequence[Path] = (),
    images: Path | None = None,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    orientation: str | None = None,
    workers: int | None = None,
) -> Source:
    """Read a folder of labelme's JSON files, and the folders below it; with `others` as if all lay in one folder.

    Without `labels` the classes are those of a list in the folders, else the labels that were drawn, by name. The
    group is what --group-by finds; else the video and time block in the names that prep frames
    gives; else the folder below `annotations`; else the image itself. `orientation`, UPRIGHT or STORED, says
    how images that EXIF turns were labelled where their files do not. Raises SagesegError that
    names the files and shapes of everything that would not become the pixels that were drawn.
    """
    files = find_annotations((annotations, *others))
    named = _classes(labels, files, background, workers)
    scan = partial(_scan, images=images, named=named, orientation=orientation)
    found = settle_outside(list(map_all(scan, files, workers=workers, label="annotations")), files)
    _check_twice(found)
    grouped = for_all(lambda one: replace(one, group=_group(one, group_by), own_group=_group(one, None)), found)
    labelled = sorted(grouped, key=lambda image: image.source)
    _tell(labelled, group_by)
    left_out = leave_out(_NOT_SAVED, without_json(files, labelled, images))
    return Source("labelme", named.classes, tuple(labelled), left_out=left_out)


def _classes(
    labels: Path | None, files: Sequence[AnnotationFile], background: str | None, workers: int | None
) -> NamedClasses:
    """The classes of the list that was given, else of one that lies in the folders, else of all that was drawn."""
    listed = None if labels else find_class_list(*dict.fromkeys(file.folder for file in files))
    if listed:
        say(f"note: the classes are those of {listed.where}")
        labels = Path(listed.where)
    if labels:
        return name_classes((), str(labels), labels=labels, background=background)
    counts: Counter[str] = Counter()
    for own in map_all(_labels_of, files, workers=workers, label="labels"):
        counts += own
    where = ", ".join(dict.fromkeys(str(file.folder) for file in files))
    named = name_classes(sorted(counts), where, background=background)
    told = ", ".join(f"{label} ({counts[label]} shapes)" for label in sorted(counts))
    say(f"note: the classes are the labels that were drawn, by name: {told}; --labels gives another order, or fewer")
    return named


def _labels_of(file: AnnotationFile) -> Counter[str]:
    return Counter(shape.label for shape in read_annotation(file.path).shapes)


def split_regions(annotation: Annotation) -> tuple[Annotation, tuple[Shape, ...]]:
    """The annotation without the shapes that only say where to look, and those shapes."""
    objects = tuple(shape for shape in annotation.shapes if shape.label != REGION)
    return replace(annotation, shapes=objects), tuple(s for s in annotation.shapes if s.label == REGION)


def _scan(file: AnnotationFile, *, images: Path | None, named: NamedClasses, orientation: str | None) -> LabelledImage:
    """Check one JSON file. Its shapes are read again when its mask is drawn, so that a thousand
    files take no more memory than one."""
    faults = Faults()
    with faults:
        annotation, regions = split_regions(read_annotation(file.path))
    if faults.count:  # labels that the list lacks are told with it, and not by the next run
        with faults:
            for_all(lambda found: named.id_of(*found), find_labels(file.path))
        faults.check()
    with faults:
        for_all(lambda shape: named.id_of(shape.label, shape.where), annotation.shapes)
    with faults:
        image, size, turned, embedded = _image_of(annotation, file, images, orientation)
        check_inside(annotation, size)
    faults.check()
    return LabelledImage(
        source=_embedded_name(annotation, file) if annotation.image_data else source_of(image, file, images),
        image=image,
        mask=LabelmeMask(file.path, named.ids, size, turned),
        group="",
        attributes={OVERLAP: str(count_overlap(annotation, named.ids, size))},
        regions=tuple(turn_points(_region(shape), turned, size) for shape in regions),
        embedded=embedded,
        oriented=True,
    )


def _image_of(
    annotation: Annotation, file: AnnotationFile, images: Path | None, orientation: str | None
) -> tuple[Path, tuple[int, int], int, EmbeddedImage | None]:
    """The file that holds the image, the (width, height) that was drawn on, the EXIF orientation by which
    shapes are to be turned, and how to read the image where it is not simply the file."""
    if annotation.image_data is None:
        image = find_image(annotation, file, images)
        return image, *settle_size(annotation, image, orientation), None
    return annotation.path, embedded_size(annotation), PLAIN, EmbeddedInJson(annotation.path)


def _region(shape: Shape) -> Polygon:
    kind = "polygon" if shape.kind == "oriented_rectangle" else shape.kind
    return region_of(kind, shape.points, shape.where)


def _embedded_name(annotation: Annotation, file: AnnotationFile) -> str:
    name = PurePosixPath(annotation.image_path or f"{annotation.path.stem}.jpg").name
    return (PurePosixPath(file.key).parent / check_name(name, annotation.path, "the name in imagePath")).as_posix()


def _group(image: LabelledImage, group_by: re.Pattern[str] | None) -> str:
    return group_of_path(PurePosixPath(image.source).with_suffix(""), group_by)


def _check_twice(images: Sequence[LabelledImage]) -> None:
    seen: dict[str, Path] = {}

    def check(image: LabelledImage) -> None:
        other = seen.setdefault(image.source, image.mask.path)
        if other != image.mask.path:
            raise SagesegError(f"{image.mask.path} and {other}: both label {image.source}; remove one of them")

    for_all(check, images)


def _tell(images: Sequence[LabelledImage], group_by: re.Pattern[str] | None) -> None:
    tell_overlaps(overlaps_in(images), "the later shape")
    stored = sum(isinstance(image.mask, LabelmeMask) and image.mask.orientation != PLAIN for image in images)
    if stored:
        say(
            f"note: {stored} image(s) turned by EXIF were labelled on the pixels as stored; their shapes are turned too"
        )
    tell_lone_groups(images, group_by)
