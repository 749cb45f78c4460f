"""What a COCO file declares, images and categories, checked; its annotations stay on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from formats.errors import Faults, SagesegError
from formats.prepared.source_names import composed
from prep.readers.annotations.json_spans import Items, JsonParts, find_parts
from prep.readers.coco.files import CocoFile, find_coco_files

EXPECTED = "a JSON file of COCO, an object with images, annotations and categories"
_OTHERS = {
    "item": "V7's Darwin JSON: export COCO there",
    "captions": "captions",
}
"""What a file is, that no verb reads, which has such a key at its top."""
_OTHERS_IN_LIST = {
    "segmentation": "results of COCO, a list without images and categories: give the whole annotation file",
    "bbox": "results of COCO, a list without images and categories: give the whole annotation file",
    "caption": "captions of COCO",
    "categories": "a list of COCO documents: put each into a JSON file of its own, and give their folder",
}
_OTHER_TRUTH = {
    "segments_info": "panoptic COCO, whose masks are PNG files; take the file instances_….json of the same images",
    "caption": "captions of COCO; take the file instances_….json of the same images",
}
"""What annotations are that have such a key."""
_LONGEST = 2**31


@dataclass(frozen=True)
class Declared:
    """An entry of `images`: its name with `/`, its (width, height) where it says it, and where it stands."""

    name: str
    size: tuple[int, int] | None
    place: str


@dataclass(frozen=True)
class Category:
    """An entry of `categories`; `parent` is its supercategory."""

    name: str
    parent: str
    place: str


@dataclass(frozen=True)
class Document:
    """One file: `images` and `categories` are in its order, by their ids as `id_key` writes them."""

    file: CocoFile
    parts: JsonParts
    images: Mapping[str, Declared]
    categories: Mapping[str, Category]


def open_document(file: CocoFile) -> Document:
    """Look through a file, and read what it declares. Raises SagesegError for a file of another kind, and for ids and
    names that are missing or stand twice."""
    parts = find_parts(file.path, EXPECTED)
    _check_kind(parts)
    categories: dict[str, Category] = {}
    images: dict[str, Declared] = {}

    def note_category(place: str, key: str, content: dict[str, Any]) -> None:
        if key in categories:
            raise SagesegError(f"{place} has the id of {categories[key].place}; give each category an id of its own")
        name = composed(_text(content.get("name"), f"{place}: name"))
        categories[key] = Category(name, str(content.get("supercategory")), place)

    def note_image(place: str, key: str, content: dict[str, Any]) -> None:
        if key in images:
            raise SagesegError(f"{place} has the id of {images[key].place}; give each image an id of its own")
        images[key] = Declared(_name(content, place), _size(content, place), place)

    _each_entry(parts, "categories", note_category)
    _each_entry(parts, "images", note_image)
    return Document(file, parts, images, categories)


def declared_images(annotations: Path) -> list[str]:
    """The names of the images that a file, or the files of a folder, declare."""
    files = find_coco_files(annotations, annotations)
    return [image.name for file in files for image in open_document(file).images.values()]


def id_key(value: object, place: str) -> str:
    """An id in one spelling: tools write 7, "7" or 7.0. Raises SagesegError for what is no id."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | str) and not isinstance(value, bool) and value != "":
        return str(value)
    raise SagesegError(f"{place} is {value!r}; expected a number or text")


def _each_entry(parts: JsonParts, key: str, note: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Give `note` the place, id and content of each entry of `images` or `categories`."""
    faults = Faults()
    for batch in parts.batches(key):
        for number, content in enumerate(batch.read(), start=batch.first):
            with faults:
                place = f"{parts.path}: {key}[{number}]"
                found = id_key(content.get("id"), f"{place}: id")
                note(f"{place} (id {found})", found, content)
    faults.check()


def _check_kind(parts: JsonParts) -> None:
    items = parts.items.get("" if parts.is_array else "annotations", Items())
    first: dict[str, Any] = parts.read(items[0], "its first entry") if len(items) else {}
    if parts.is_array:
        listed = next((kind for key, kind in _OTHERS_IN_LIST.items() if key in first), "a list")
        raise SagesegError(f"{parts.path}: {listed}; expected {EXPECTED}")
    for key, what in _OTHER_TRUTH.items():
        if key in first:
            raise SagesegError(f"{parts.path}: {what}")
    missing = [key for key in ("images", "annotations", "categories") if key not in parts.items]
    if missing:
        told = next((f"; it is {other}" for key, other in _OTHERS.items() if key in parts.members), "")
        raise SagesegError(f"{parts.path}: no list {missing[0]!r} in it{told}; expected {EXPECTED}")
    if not len(parts.items["images"]):
        raise SagesegError(f"{parts.path}: its list 'images' is empty; expected {EXPECTED}")


def _text(value: object, place: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise SagesegError(f"{place} is {value!r}; expected text")


def _name(content: Mapping[str, Any], place: str) -> str:
    """An image's name; LVIS has its address alone."""
    name = content.get("file_name")
    if name is None and isinstance(content.get("coco_url"), str):
        name = "/".join(PurePosixPath(content["coco_url"]).parts[-2:])
    return composed(_text(name, f"{place}: file_name")).replace("\\", "/")


def _size(content: Mapping[str, Any], place: str) -> tuple[int, int] | None:
    width, height = (content.get(side) for side in ("width", "height"))
    if width is None and height is None:
        return None
    sides: list[int] = []
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, int | float) or not 1 <= side < _LONGEST or side % 1:
            raise SagesegError(f"{place}: width {width!r} and height {height!r}; expected whole numbers of pixels")
        sides.append(int(side))
    return sides[0], sides[1]
