"""labelme: a JSON file of shapes per image; see docs/sources/labelme.md for what each shape becomes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES, turn_upright
from formats.masks import Mask
from formats.parallel import map_parallel
from formats.prepared.groups import group_of_path
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.labelled_image import REGION, EmbeddedImage, LabelledImage, Polygon, Source, leave_out
from prep.readers.labelme.annotation import Annotation, Shape, read_annotation
from prep.readers.labelme.image import EmbeddedInJson, embedded_size, find_image, path_below, settle_size
from prep.readers.labelme.shapes import check_inside, count_overlap, draw_shapes
from prep.readers.orientation import PLAIN, turn_points
from prep.readers.regions import region_of
from prep.readers.source_files import find_files, list_files

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
    labels: Path,
    *,
    images: Path | None = None,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    orientation: str | None = None,
    workers: int | None = None,
) -> Source:
    """Read a folder of labelme's JSON files, and the folders below it.

    The group is what --group-by finds; else the video and time block in the names that prep frames
    gives; else the folder below `annotations`; else the image itself. `orientation`, UPRIGHT or STORED, says
    how images that EXIF turns were labelled where their files do not. Raises SagesegError that
    names the file and shape for everything that would not become the pixels that were drawn.
    """
    named = name_classes((), str(labels), labels=labels, background=background)
    files = list_files(annotations, frozenset({".json"}), "<image>.json of labelme", deep=True)
    roots = (annotations, images) if images else (annotations,)
    scan = partial(_scan, roots=roots, named=named, orientation=orientation)
    found = list(map_parallel(scan, files, workers=workers, label="annotations"))
    _check_twice(found)
    grouped = (replace(image, group=_group(image, group_by), own_group=_group(image, None)) for image in found)
    labelled = sorted(grouped, key=lambda image: image.source)
    _tell(labelled, group_by)
    left_out = leave_out(_NOT_SAVED, _without_json(labelled, images or annotations))
    return Source("labelme", named.classes, tuple(labelled), left_out=left_out)


def split_regions(annotation: Annotation) -> tuple[Annotation, tuple[Shape, ...]]:
    """The annotation without the shapes that only say where to look, and those shapes."""
    objects = tuple(shape for shape in annotation.shapes if shape.label != REGION)
    return replace(annotation, shapes=objects), tuple(s for s in annotation.shapes if s.label == REGION)


def _scan(path: Path, *, roots: tuple[Path, ...], named: NamedClasses, orientation: str | None) -> LabelledImage:
    """Check one JSON file. Its shapes are read again when its mask is drawn, so that a thousand
    files take no more memory than one."""
    annotation, regions = split_regions(read_annotation(path))
    for shape in annotation.shapes:
        named.id_of(shape.label, shape.where)
    image, size, turned, embedded = _image_of(annotation, roots, orientation)
    check_inside(annotation, size)
    source = _embedded_name(annotation, roots[0]) if annotation.image_data else path_below(image, roots)
    return LabelledImage(
        source=source or image.name,
        image=image,
        mask=LabelmeMask(path, named.ids, size, turned),
        group="",
        attributes={OVERLAP: str(count_overlap(annotation, named.ids, size))},
        regions=tuple(turn_points(_region(shape), turned, size) for shape in regions),
        embedded=embedded,
        oriented=True,
    )


def _image_of(
    annotation: Annotation, roots: tuple[Path, ...], orientation: str | None
) -> tuple[Path, tuple[int, int], int, EmbeddedImage | None]:
    """The file that holds the image, the (width, height) that was drawn on, the EXIF orientation by which
    shapes are to be turned, and how to read the image where it is not simply the file."""
    if annotation.image_data is None:
        image = find_image(annotation, roots)
        return image, *settle_size(annotation, image, orientation), None
    return annotation.path, embedded_size(annotation), PLAIN, EmbeddedInJson(annotation.path)


def _region(shape: Shape) -> Polygon:
    kind = "polygon" if shape.kind == "oriented_rectangle" else shape.kind
    return region_of(kind, shape.points, shape.where)


def _embedded_name(annotation: Annotation, root: Path) -> str:
    folder = annotation.path.parent.relative_to(root)
    return (folder / PurePosixPath(annotation.image_path or f"{annotation.path.stem}.jpg").name).as_posix()


def _group(image: LabelledImage, group_by: re.Pattern[str] | None) -> str:
    return group_of_path(PurePosixPath(image.source).with_suffix(""), group_by)


def _check_twice(images: Sequence[LabelledImage]) -> None:
    seen: dict[str, Path] = {}
    for image in images:
        if image.source in seen:
            raise SagesegError(
                f"{image.mask.path} and {seen[image.source]}: both label {image.source}; remove one of them"
            )
        seen[image.source] = image.mask.path


def _without_json(labelled: Sequence[LabelledImage], folder: Path) -> list[Path]:
    """labelme writes no JSON for an image that nobody saved: empty of objects, or not yet seen."""
    known = {image.image.resolve() for image in labelled}  # the JSON file itself where it holds the image
    files = find_files(folder, IMAGE_SUFFIXES, deep=True)
    return [path for path in files if not known & {path.resolve(), path.resolve().with_suffix(".json")}]


def _tell(images: Sequence[LabelledImage], group_by: re.Pattern[str] | None) -> None:
    tell_overlaps(overlaps_in(images), "the later shape")
    stored = sum(isinstance(image.mask, LabelmeMask) and image.mask.orientation != PLAIN for image in images)
    if stored:
        say(
            f"note: {stored} image(s) turned by EXIF were labelled on the pixels as stored; their shapes are turned too"
        )
    tell_lone_groups(images, group_by)
