"""Masks beside images: which folders they lie in, and by which patterns of names they pair.

Only names are looked at here: of all the ways in which folders and names may pair, the one is taken by which the most
images have a mask.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from formats.errors import SagesegError
from prep.readers.classes.mask_values import survey_mask
from prep.readers.pairs.likely_patterns import Patterns, count_pairs, find_patterns
from prep.readers.pairs.pairing import LOSSY_SUFFIXES
from prep.readers.pairs.patterns import CLASS, FILE, SPLIT, STEM, WHOLE, parse_pattern
from prep.recognise.images_beside import NO_IMAGES, told_missing
from prep.recognise.mask_classes import missing_classes
from prep.recognise.not_read import is_brush_mask
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import Survey, common_folder

MASK_WORD = re.compile(
    r"mask|label|annot|seg|semantic|ground.?truth|trimap|manual|(?:^|[_\W])gt(?:$|[_\W\dA-Z])", re.IGNORECASE
)
_CITYSCAPES = "_labelIds"
_NAME = "masks beside images"
_INSTANCES = ("instance", "_instanceIds")
"""A folder beside KITTI's semantic masks, and the end of Cityscapes' names: numbers of objects, not of classes."""
_BY_NAME: Patterns = (WHOLE.text, WHOLE.text)
_CLASS = f"{{{CLASS}}}"
_TWO, _CLASSES_LOOKED_AT, _COMPARED = 2, 8, 8


@dataclass(frozen=True)
class _Way:
    """Two folders, which may be one, the patterns of the names in them, and how many images so have a mask."""

    images: Path
    masks: Path
    patterns: Patterns
    count: int
    mask_files: tuple[Path, ...] = ()


def pairs(survey: Survey) -> list[Recognised]:
    """The way by which most images have a mask, of several the first whose masks can be read as they are; none where
    nothing is called as masks are."""
    files = [path for path in survey.images if not is_brush_mask(path) and not _is_of_instances(path)]
    if survey.root.is_file() or not files:
        return []
    ways = [
        way for way in (*_beside(files), *_below_one(files)) if _CLASS not in way.patterns[1] or _is_of_classes(way)
    ]
    most = max((way.count for way in ways), default=0)
    best = [way for way in ways if way.count == most > 0][:_COMPARED]
    found = [_recognised(way, survey.root) for way in best]
    if not found and not survey.jsons and all(_is_lone_mask(path, survey.root) for path in files):
        return [_without_images(files, survey.root)]
    return [next((each for each in found if not each.missing), found[0])] if found else []


def _is_lone_mask(path: Path, root: Path) -> bool:
    return path.suffix.lower() not in LOSSY_SUFFIXES and _is_called_mask(path.relative_to(root))


def _is_of_instances(path: Path) -> bool:
    folder, ending = _INSTANCES
    return path.stem.endswith(ending) or any(
        parent.name == folder and any((parent.parent / name).is_dir() for name in ("semantic", "semantic_rgb"))
        for parent in path.parents
    )


def _without_images(files: Sequence[Path], root: Path) -> Recognised:
    """Masks whose images lie elsewhere: CVAT leaves them out unless it is told to save them."""
    ids = [path for path in files if path.stem.endswith(_CITYSCAPES)]
    masks = ids or files
    ending = "_gtFine" + _CITYSCAPES if all(path.stem.endswith("_gtFine" + _CITYSCAPES) for path in masks) else ""
    way = _Way(Path(NO_IMAGES), common_folder(masks), (WHOLE.text, f"{WHOLE.text}{ending}"), len(masks), tuple(masks))
    found = _recognised(way, root)
    missing = "; ".join(filter(None, (told_missing(NO_IMAGES), found.missing)))
    return replace(found, why=f"{len(masks)} masks, such as {masks[0].name}", place=root, missing=missing)


def _beside(files: Sequence[Path]) -> Iterator[_Way]:
    """Ways by two folders side by side, of which one is called as masks are: by equal names, or by a pattern."""
    inside: dict[Path, list[Path]] = defaultdict(list)
    root = common_folder(files)
    for path in files:
        for folder in path.parents:
            if folder == root:
                break
            inside[folder].append(path)
    beside: dict[Path, list[Path]] = defaultdict(list)
    for folder in sorted(inside):
        beside[folder.parent].append(folder)
    for folders in beside.values():
        called = [folder for folder in folders if MASK_WORD.search(folder.name)]
        for images in (folder for folder in folders if folder not in called):
            for masks in called:
                for below in _only_folders(images, inside):
                    yield from _of_two(below, inside[below], masks, inside[masks])


def _only_folders(folder: Path, inside: Mapping[Path, list[Path]]) -> Iterator[Path]:
    """A folder, and below it what holds all its images, such as Cityscapes' leftImg8bit in CVAT's imgsFine."""
    yield folder
    below = [each for each in inside if each.parent == folder and len(inside[each]) == len(inside[folder])]
    for each in below:
        yield from _only_folders(each, inside)


def _of_two(images: Path, image_files: list[Path], masks: Path, mask_files: list[Path]) -> Iterator[_Way]:
    image_names, mask_names = _names(image_files, images), _names(_lossless(mask_files), masks)
    equal = count_pairs(_BY_NAME, image_names, mask_names)
    if equal:
        yield _Way(images, masks, _BY_NAME, equal, tuple(mask_files))
        return
    for patterns in _suggested(image_names, mask_names):
        yield _Way(images, masks, patterns, count_pairs(patterns, image_names, mask_names), tuple(mask_files))


def _below_one(files: Sequence[Path]) -> Iterator[_Way]:
    """Ways by one folder that holds images and masks: those are masks that a folder or the name calls so, or else what
    is no JPEG."""
    root = common_folder(files)
    called = {path for path in files if _is_called_mask(path.relative_to(root))}
    images = [path for path in files if path not in called]
    masks = _lossless([path for path in files if path in called])
    image_names, mask_names = _names(images, root), _names(masks, root)
    for patterns in _suggested(image_names, mask_names):
        if MASK_WORD.search(patterns[1]) or _CLASS in patterns[1]:
            yield _Way(root, root, patterns, count_pairs(patterns, image_names, mask_names), tuple(masks))
    lossy = _names([path for path in images if path.suffix.lower() in LOSSY_SUFFIXES], root)
    others = [path for path in images if path.suffix.lower() not in LOSSY_SUFFIXES]
    count = count_pairs(_BY_NAME, lossy, _names(others, root))
    if count:
        yield _Way(root, root, _BY_NAME, count, tuple(others))


def _suggested(images: list[str], masks: list[str]) -> list[Patterns]:
    """The patterns that pair these names, the best first: Cityscapes' ids, masks of a class each."""
    single, of_class = find_patterns(images, masks) if images and masks else ([], [])
    ids = [each for each in single if each[1].endswith(_CITYSCAPES)]
    return list(dict.fromkeys([*ids, *of_class, *single]))


def _is_of_classes(way: _Way) -> bool:
    """Whether masks that differ by a word are of one class each: of two values at most, of those looked at."""
    pattern = parse_pattern(way.patterns[1], "--mask-name", (STEM, FILE, CLASS, SPLIT))
    first: dict[str | None, Path] = {}
    for path, name in zip(way.mask_files, _names(way.mask_files, way.masks), strict=True):
        for named in pattern.readings(name)[:1]:
            first.setdefault(named.class_name, path)
    try:
        return all(1 <= len(survey_mask(path).values) <= _TWO for path in list(first.values())[:_CLASSES_LOOKED_AT])
    except SagesegError:
        return False


def _is_called_mask(path: Path) -> bool:
    """Whether a folder of a path is called as masks are, or the file is and is none that changes colours."""
    if any(MASK_WORD.search(folder.name) for folder in path.parents):
        return True
    return bool(MASK_WORD.search(path.stem)) and path.suffix.lower() not in LOSSY_SUFFIXES


def _lossless(files: Sequence[Path]) -> list[Path]:
    """The files that may be masks; all of them where none may, so that their reader says what is wrong."""
    return [path for path in files if path.suffix.lower() not in LOSSY_SUFFIXES] or list(files)


def _names(files: Sequence[Path], root: Path) -> list[str]:
    return [path.relative_to(root).with_suffix("").as_posix() for path in files]


def _recognised(way: _Way, root: Path) -> Recognised:
    by_name = way.patterns == _BY_NAME
    where = way.masks.name if way.images == way.masks else f"{way.images.name} and {way.masks.name}"
    why = f"{way.count} equal names in {where}" if by_name else f"{way.count} names as {' and '.join(way.patterns)}"
    options = [
        word
        for option, text in zip(("--image-name", "--mask-name"), way.patterns, strict=True)
        if text != WHOLE.text
        for word in (option, text)
    ]
    try:
        more, missing = missing_classes(way.images, way.masks, way.patterns[1], way.mask_files, root)
    except SagesegError as e:
        more, missing = [], str(e)
    return found("pairs", _NAME, why, way.images, way.masks, *options, *more, missing=missing)
