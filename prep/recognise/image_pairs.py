"""Masks beside images: which folders they lie in, and by which patterns of names they pair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prep.readers.pairs.likely_patterns import Patterns, suggest_patterns
from prep.readers.pairs.pairing import LOSSY_SUFFIXES
from prep.readers.pairs.patterns import SPLIT, WHOLE
from prep.recognise.recognised import Recognised, found
from prep.recognise.survey import Survey

MASK_WORD = re.compile(r"mask|label|annot|seg|(?:^|[_\W])gt(?:$|[_\W\dA-Z])", re.IGNORECASE)
_CITYSCAPES = "_labelIds"
_NAME = "masks beside images"
_SPLIT = f"{{{SPLIT}}}"
_FEWEST_OF_SPLITS = 4
"""Folders: images and masks of two splits."""


def pairs(survey: Survey) -> Recognised | None:
    """Two folders of equal names, or of names that a pattern pairs, of which one is called as masks are; or one folder
    with both."""
    if survey.root.is_file():
        return None
    tops, parents = _by_folder(survey, top=True), _by_folder(survey, top=False)
    return _of_splits(survey, tops) or _equal(tops) or _equal(parents) or _patterned(tops) or _together(survey)


def _of_splits(survey: Survey, tops: dict[Path, set[str]]) -> Recognised | None:
    """Folders train, trainannot, val, valannot side by side."""
    if not any(MASK_WORD.search(folder.name) for folder in tops) or len(tops) < _FEWEST_OF_SPLITS:
        return None
    names = sorted(path.relative_to(survey.root).with_suffix("").as_posix() for path in survey.images)
    patterns = [each for each in suggest_patterns(names, names) if _SPLIT in each[0] and MASK_WORD.search(each[1])]
    return _by(patterns[0], survey.root, survey.root) if patterns else None


def _by_folder(survey: Survey, *, top: bool) -> dict[Path, set[str]]:
    """The names of images, with `/` and without suffix, by the folder right below the survey's, or by their own."""
    names: dict[Path, set[str]] = {}
    for path in survey.images:
        inside = path.relative_to(survey.root).parts
        folder = survey.root / inside[0] if top and len(inside) > 1 else path.parent
        names.setdefault(folder, set()).add(path.relative_to(folder).with_suffix("").as_posix())
    return names


def _mask_folders(names: dict[Path, set[str]]) -> Iterator[tuple[Path, Path]]:
    """Each folder with another that is called as masks are, and is not."""
    for masks in filter(lambda folder: MASK_WORD.search(folder.name), names):
        for images in names:
            if images != masks:
                yield images, masks


def _equal(names: dict[Path, set[str]]) -> Recognised | None:
    shared = {(images, masks): len(names[images] & names[masks]) for images, masks in _mask_folders(names)}
    best = max(shared, key=lambda both: shared[both], default=None)
    if best is None or not shared[best]:
        return None
    images, masks = best
    return found("pairs", _NAME, f"{shared[best]} equal names in {images.name} and {masks.name}", images, masks)


def _patterned(names: dict[Path, set[str]]) -> Recognised | None:
    for images, masks in _mask_folders(names):
        patterns = suggest_patterns(sorted(names[images]), sorted(names[masks]))
        if patterns:
            return _by(_best(patterns), images, masks)
    return None


def _together(survey: Survey) -> Recognised | None:
    """Images and masks below one folder."""
    names = {path: path.relative_to(survey.root).with_suffix("").as_posix() for path in survey.images}
    masks = sorted(name for path, name in names.items() if path.suffix.lower() not in LOSSY_SUFFIXES)
    images = sorted(name for path, name in names.items() if path.suffix.lower() in LOSSY_SUFFIXES)
    if set(images) & set(masks):
        first = min(set(images) & set(masks))
        return found("pairs", _NAME, f"{first}.png beside its JPEG", survey.root, survey.root)
    patterns = suggest_patterns(images or masks, masks)
    likely = [each for each in patterns if MASK_WORD.search(each[1])]
    return _by(_best(likely), survey.root, survey.root) if likely else None


def _best(patterns: list[Patterns]) -> Patterns:
    return next((each for each in patterns if each[1].endswith(_CITYSCAPES)), patterns[0])


def _by(patterns: Patterns, images: Path, masks: Path) -> Recognised:
    options = [
        word
        for option, text in zip(("--image-name", "--mask-name"), patterns, strict=True)
        if text != WHOLE.text
        for word in (option, text)
    ]
    return found("pairs", _NAME, f"names as {patterns[0]} and {patterns[1]}", images, masks, *options)
