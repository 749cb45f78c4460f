"""VGG Image Annotator (VIA) 2: a project, or an export of its annotations, as JSON.

VIA defines no raster; its own COCO export (which has no polylines) gives polygons, so polygons are drawn as COCO's, and
a rectangle by its corners. Of a circle or an ellipse the pixels whose centres lie within are drawn.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from formats.images import read_header
from formats.parallel import map_parallel
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.coco_raster import check_ring, polygon_region
from prep.readers.annotations.drawn import DrawnMask, drawn_image
from prep.readers.annotations.ellipses import ellipse_region
from prep.readers.annotations.named_images import find_named
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.classes.label_list import BACKGROUND_NAMES, read_class_list
from prep.readers.labelled_image import REGION, LabelledImage, LeftOut, Polygon, Source, count_left_out, leave_out
from prep.readers.source_files import read_text
from prep.remote.places import Place

_SHAPES = ("polygon", "polyline", "rect", "circle", "ellipse")
"""A polyline is taken for the polygon that closing it makes; points have no area."""
_UNLABELLED = "images without regions, which VIA also has of those that nobody labelled"
_EXPECTED = "a project or an annotation file of VGG Image Annotator 2, as JSON"


@dataclass(frozen=True)
class ViaMask(DrawnMask):
    """The regions of one image, as JSON: they are small. `attribute` is the one that holds the class."""

    content: str
    place: str
    attribute: str
    named: NamedClasses

    def regions(self) -> list[Region]:
        return [
            self._region(shape, self.named.id_of(label, place), place)
            for shape, label, place in self._shapes()
            if label != REGION
        ]

    def focus(self) -> tuple[Polygon, ...]:
        """The regions called __region__, by their corners."""
        return tuple(self._outline(shape, place) for shape, label, place in self._shapes() if label == REGION)

    def _shapes(self) -> Iterator[tuple[dict[str, Any], str, str]]:
        """The shapes that have an area, with their labels and places."""
        for number, each in enumerate(json.loads(self.content)):
            if _kind(each) in _SHAPES:
                place = f"{self.place}, region {number}"
                yield each["shape_attributes"], _class_of(each, self.attribute, place), place

    def _region(self, shape: dict[str, Any], class_id: int, place: str) -> Region:
        with _shape_errors(shape, place):
            return _drawn(shape, class_id, self.size, place)

    def _outline(self, shape: dict[str, Any], place: str) -> Polygon:
        if shape["name"] in ("circle", "ellipse"):
            raise SagesegError(f"{place}: a region to look at is a polygon or a rect, no {shape['name']}")
        with _shape_errors(shape, place):
            ring = _ring(shape)
            check_ring(ring, place)
            return tuple(zip(ring[0::2], ring[1::2], strict=True))


@contextmanager
def _shape_errors(shape: Mapping[str, Any], place: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise SagesegError(f"{place}: no {shape.get('name')} of VIA ({type(e).__name__}: {e})") from e


def _kind(region: Mapping[str, Any]) -> str:
    return str(region["shape_attributes"].get("name"))


def _class_of(region: Mapping[str, Any], attribute: str, place: str) -> str:
    """A region's class: text, or the one choice of a list that is set."""
    value = (region.get("region_attributes") or {}).get(attribute)
    chosen = [name for name, is_set in value.items() if is_set] if isinstance(value, dict) else [value]
    if len(chosen) != 1 or not isinstance(chosen[0], str) or not chosen[0]:
        raise SagesegError(f"{place}: {attribute} is {value!r}; expected the name of one class")
    return chosen[0]


def _drawn(shape: Mapping[str, Any], class_id: int, size: tuple[int, int], place: str) -> Region:
    if shape["name"] in ("circle", "ellipse"):
        radii = (float(shape["r"]),) * 2 if shape["name"] == "circle" else (float(shape["rx"]), float(shape["ry"]))
        if min(radii) <= 0:
            raise ValueError("a radius of 0")
        centre = float(shape["cx"]), float(shape["cy"])
        return ellipse_region(centre, (radii[0], radii[1]), float(shape.get("theta") or 0), class_id, size)
    return polygon_region([_ring(shape)], class_id, size, place)


def _ring(shape: Mapping[str, Any]) -> list[float]:
    """The corners of a rect, a polygon or a polyline: x, y, x, y, …"""
    if shape["name"] == "rect":
        x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return [x, y, x + width, y, x + width, y + height, x, y + height]
    pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
    return [float(number) for pair in pairs for number in pair]


def read_via(
    file: Path,
    images: Place,
    labels: Path | None = None,
    *,
    attribute: str | None = None,
    background: str | None = None,
    skip_missing: bool = False,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read one file. `attribute` is the region attribute whose value is the class, where regions have several.

    Raises SagesegError that names image and region.
    """
    entries = _entries(file)
    labelled = {name: entry["regions"] for name, entry in entries.items() if entry["regions"]}
    drawn = [(each, f"{file}: {name}") for name, own in labelled.items() for each in own if _kind(each) in _SHAPES]
    regions = [region for region, _ in drawn]
    _name_the_only_class(regions, labels)
    attribute = _attribute(regions, attribute, file)
    declared = {_class_of(region, attribute, place) for region, place in drawn}
    named = name_classes(sorted(declared), f"{file}: {attribute}", labels=labels, background=background)
    found = find_named(
        {name: f"{file}: {name}" for name in labelled},
        images,
        skip_missing=skip_missing,
        passed_over=entries.keys() - labelled.keys(),
    )
    todo = [(found.paths[name], found.sources[name], json.dumps(labelled[name])) for name in found.paths]
    scan = partial(_scan, file=file, attribute=attribute, named=named, group_by=group_by)
    read = sorted(map_parallel(scan, todo, workers=workers, label="annotations"), key=lambda image: image.source)
    polylines = sum(_kind(region) == "polyline" for region in regions)
    if polylines:
        say(f"note: {polylines} polyline(s) are taken for the polygons that closing them makes")
    tell_overlaps(overlaps_in(read), "the later region")
    tell_lone_groups(read, group_by)
    return Source("via", named.classes, tuple(read), left_out=(*found.left_out, *_left_out(entries, file)))


def _scan(
    found: tuple[Path, str, str], *, file: Path, attribute: str, named: NamedClasses, group_by: re.Pattern[str] | None
) -> LabelledImage:
    image, source, content = found
    mask = ViaMask(file, read_header(image).size, content, f"{file}: {source}", attribute, named)
    return replace(drawn_image(mask, image, source, group_by), regions=mask.focus())


def _entries(file: Path) -> dict[str, dict[str, Any]]:
    """The entries by their images' names. Raises SagesegError for another file, and for an image that stands twice."""
    try:
        content = json.loads(read_text(file, _EXPECTED))
    except ValueError as e:
        raise SagesegError(f"{file}: not JSON ({e}); expected {_EXPECTED}") from e
    if isinstance(content, dict) and {"project", "view", "metadata"} <= content.keys():
        raise SagesegError(
            f"{file}: a project of VIA 3; expected {_EXPECTED}: export it as COCO, for sageseg prep coco"
        )
    found = content.get("_via_img_metadata", content) if isinstance(content, dict) else None
    if not isinstance(found, dict) or not found:
        raise SagesegError(f"{file}: no entries with filename and regions; expected {_EXPECTED}")
    for key, entry in found.items():
        if not _is_entry(entry):
            raise SagesegError(f"{file}: {key}: no filename and regions in it; expected {_EXPECTED}")
    entries: dict[str, dict[str, Any]] = {}
    for entry in found.values():
        if entry["filename"] in entries:
            raise SagesegError(f"{file}: {entry['filename']} stands twice; give each image one entry")
        # VIA 1 wrote an object of numbers for a list
        regions = entry["regions"]
        entries[entry["filename"]] = {"regions": list(regions.values()) if isinstance(regions, dict) else regions}
    return entries


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        return False
    regions = entry.get("regions")
    listed = list(regions.values()) if isinstance(regions, dict) else regions
    return isinstance(listed, list) and all(
        isinstance(region, dict) and isinstance(region.get("shape_attributes"), dict) for region in listed
    )


def _name_the_only_class(regions: Sequence[dict[str, Any]], labels: Path | None) -> None:
    """Give regions the one class of a list where none has an attribute: who draws one kind of thing may name none."""
    if labels is None or any(region.get("region_attributes") for region in regions):
        return
    names = [line.name for line in read_class_list(labels).lines if line.name not in BACKGROUND_NAMES]
    if len(names) == 1:
        say(f"note: regions have no attribute, so all {len(regions)} are {names[0]}, the one class of {labels}")
        for region in regions:
            region["region_attributes"] = {"class": names[0]}


def _attribute(regions: Sequence[Mapping[str, Any]], asked: str | None, file: Path) -> str:
    """The attribute that holds the class: the one that is asked for, else the only one."""
    counts = Counter(name for region in regions for name in region.get("region_attributes") or {})
    names = ", ".join(f"{name} ({count} regions)" for name, count in counts.most_common(10))
    if asked in counts or (len(counts) == 1 and asked is None):
        return asked or str(next(iter(counts)))
    if not counts:
        raise SagesegError(
            f"{file}: no region has an attribute, so none has a class; expected one that "
            "names it, or a list of one class with --labels"
        )
    if asked is not None:
        raise SagesegError(f"{file}: --attribute {asked}: no region has it; expected one of {names}")
    raise SagesegError(f"{file}: regions have several attributes: {names}; say which is the class with --attribute")


def _left_out(entries: Mapping[str, Mapping[str, Any]], file: Path) -> tuple[LeftOut, ...]:
    places = {name: f"{file}: {name}" for name in entries}
    kinds = ((_kind(region), places[name]) for name, entry in entries.items() for region in entry["regions"])
    return (
        *count_left_out((f"shapes of kind {kind}", place) for kind, place in kinds if kind not in _SHAPES),
        *leave_out(_UNLABELLED, [places[name] for name, entry in entries.items() if not entry["regions"]]),
    )
