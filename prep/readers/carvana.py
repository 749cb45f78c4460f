"""Carvana: `<car>_<angle>.jpg` beside `<car>_<angle>_mask.gif`, or the same in another lossless format; 16 angles of
each car. Where nothing lies in a folder itself, the folders below it are read, such as one for each car.

White is the car and black the background, whatever values the palette gives them.
"""

from __future__ import annotations

import re
from pathlib import Path

from formats.classes import BACKGROUND, ClassTable
from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from formats.images import IMAGE_SUFFIXES
from formats.prepared.groups import group_of
from formats.prepared.image_folder import FoundImage, open_image_folder
from formats.prepared.source_names import composed
from formats.texts.csv_text import read_csv
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.source_files import find_files, list_files
from prep.readers.two_colour import TwoColourMask

CLASSES = ClassTable((BACKGROUND, "car"))
METADATA_COLUMNS = "id,year,make,model,trim1,trim2"
IMAGE_PATTERN = "<car>_<angle>.jpg"
MASK_PATTERN = "<car>_<angle>_mask.gif, or .png, .bmp, .tif (JPEG changes colours: export such masks again)"
_MASK = "_mask"
MASK_SUFFIXES = frozenset({".gif", ".png", ".bmp", ".tif", ".tiff"})
_STEM = re.compile(r"(?P<car>.+)_(?P<angle>\d+)")


def read_carvana(images: Path, masks: Path, metadata: Path | None, group_by: re.Pattern[str] | None) -> Source:
    """Pair the images with their masks. The group is the car; the angle and, from metadata.csv,
    year, make, model and trims become attributes.

    Raises SagesegError for an empty folder, an image without its mask, or names that do not pair.
    """
    found = _images(images)
    image_paths = [image.path for image in found]
    mask_paths = _masks(masks)
    _check_pairs(images, masks, image_paths, mask_paths)
    cars = _read_metadata(metadata) if metadata else {}
    labelled = for_all(lambda image: _labelled(image, mask_paths[_key(image.path)], cars, group_by), found)
    unknown = {car for path in image_paths if composed(car := _car_of(path)) not in cars}
    if metadata and unknown:
        say(f"note: {metadata}: {len(unknown)} cars are not in it, such as {min(unknown)}; they get no make or model")
    return Source("carvana", CLASSES, tuple(labelled), unit="car")


def _images(folder: Path) -> list[FoundImage]:
    """The images; masks may lie among them."""
    found = open_image_folder(folder, deep=_is_deep(folder, IMAGE_SUFFIXES), expected=IMAGE_PATTERN)
    if note := found.note():
        say(note)
    images = [image for image in found.images if not _is_mask(image.path)]
    if not images:
        raise SagesegError(f"{folder}: no image in it, only masks; expected {IMAGE_PATTERN}")
    return images


def _masks(folder: Path) -> dict[str, Path]:
    """The masks by the stems of their images."""
    found: dict[str, Path] = {}
    files = list_files(folder, MASK_SUFFIXES, MASK_PATTERN, deep=_is_deep(folder, MASK_SUFFIXES))

    def note(path: Path) -> None:
        other = found.setdefault(re.sub(rf"{_MASK}$", "", _key(path), flags=re.IGNORECASE), path)
        if other != path:
            told = path.name if path.parent == other.parent else path
            raise SagesegError(f"{other} and {told}: two masks of one image; remove one of them")

    for_all(note, [path for path in files if _is_mask(path)] or files)  # images may lie among them
    return found


def _is_deep(folder: Path, suffixes: frozenset[str]) -> bool:
    return folder.is_dir() and not find_files(folder, suffixes)


def _is_mask(path: Path) -> bool:
    return path.stem.lower().endswith(_MASK)


def _key(path: Path) -> str:
    """A file's stem in one spelling."""
    return composed(path.stem)


def _check_pairs(images: Path, masks: Path, image_paths: list[Path], mask_paths: dict[str, Path]) -> None:
    stems = {_key(path) for path in image_paths}
    paired = stems & set(mask_paths)
    if not paired:
        raise SagesegError(
            f"{images} and {masks}: no image has a mask; expected {IMAGE_PATTERN} beside {MASK_PATTERN}, "
            f"found for example {image_paths[0].name} and {next(iter(mask_paths.values())).name}"
        )
    raise_all(
        SagesegError(f"{masks / (stem + '_mask.gif')}: missing; add the masks or take the images away")
        for stem in sorted(stems - paired)
    )
    unused = len(mask_paths) - len(paired)
    if unused:
        say(f"{masks}: {unused} masks have no image and are left out")


def _car_of(image: Path) -> str:
    match = _STEM.fullmatch(image.stem)
    return match["car"] if match else image.stem


def _labelled(
    found: FoundImage, mask: Path, cars: dict[str, dict[str, str]], group_by: re.Pattern[str] | None
) -> LabelledImage:
    image = found.path
    match = _STEM.fullmatch(image.stem)
    if group_by is None and match is None:
        raise SagesegError(f"{image}: expected a name like {IMAGE_PATTERN}; rename it or pass --group-by REGEX")
    car, angle = (match["car"], match["angle"]) if match else ("", "")
    group = group_of(image.stem, group_by) if group_by else car
    attributes = ({"angle": angle} if angle else {}) | cars.get(composed(car), {})
    return LabelledImage(found.source, image, TwoColourMask(mask), group, attributes, own_group=car or None)


def _read_metadata(path: Path) -> dict[str, dict[str, str]]:
    """Each car's columns of metadata.csv but `id`, which is the car."""
    rows = read_csv(path, "Carvana's metadata.csv")
    _, columns = next(rows, (1, []))
    if "id" not in columns:
        raise SagesegError(f"{path}: no column id; expected Carvana's {METADATA_COLUMNS}")
    cars = {}

    def note(numbered: tuple[int, list[str]]) -> None:
        number, cells = numbered
        if len(cells) != len(columns):
            raise SagesegError(f"{path}: line {number}: not as many cells as columns; expected {METADATA_COLUMNS}")
        row = dict(zip(columns, cells, strict=True))
        cars[composed(row.pop("id"))] = row

    for_all(note, rows)
    return cars
