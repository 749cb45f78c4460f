"""Masks beside images: which folders they lie in, and by which patterns of names they pair.

Only names are looked at here: of all the ways in which folders and names may pair, the one is taken by which the most
images have a mask.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from prep.readers.pairs.likely_patterns import Patterns, count_pairs, suggest_patterns
from prep.readers.pairs.pairing import LOSSY_SUFFIXES
from prep.readers.pairs.patterns import CLASS, WHOLE
from prep.recognise.mask_classes import missing_classes
from prep.recognise.not_read import is_brush_mask
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import Survey, common_folder

MASK_WORD = re.compile(r"mask|label|annot|seg|ground.?truth|trimap|manual|(?:^|[_\W])gt(?:$|[_\W\dA-Z])", re.IGNORECASE)
_CITYSCAPES = "_labelIds"
_NAME = "masks beside images"
_BY_NAME: Patterns = (WHOLE.text, WHOLE.text)
_CLASS = f"{{{CLASS}}}"


@dataclass(frozen=True)
class _Way:
    """Two folders, which may be one, the patterns of the names in them, and how many images so have a mask."""

    images: Path
    masks: Path
    patterns: Patterns
    count: int
    mask_files: tuple[Path, ...] = ()


def pairs(survey: Survey) -> list[Recognised]:
    """The way by which most images have a mask; none where nothing is called as masks are."""
    files = [path for path in survey.images if not is_brush_mask(path)]
    if survey.root.is_file() or not files:
        return []
    ways = [*_beside(files), *_below_one(files)]
    best = max(ways, key=lambda way: way.count, default=None)
    return [_recognised(best)] if best and best.count else []


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
                yield from _of_two(images, inside[images], masks, inside[masks])


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
    every = suggest_patterns(images, masks) if images and masks else []
    ids = [each for each in every if each[1].endswith(_CITYSCAPES)]
    return list(dict.fromkeys([*ids, *(each for each in every if _CLASS in each[1]), *every]))


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


def _recognised(way: _Way) -> Recognised:
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
        more, missing = missing_classes(way.images, way.masks, way.patterns[1], way.mask_files)
    except SagesegError as e:
        more, missing = [], str(e)
    return found("pairs", _NAME, why, way.images, way.masks, *options, *more, missing=missing)
