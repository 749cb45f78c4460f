"""Patterns by which images and masks would pair, found by looking at their names: shown to a person, never taken."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prep.readers.pairs.patterns import CLASS, SPLIT, STEM, parse_pattern
from prep.readers.splits import SPLIT_WORDS

Patterns = tuple[str, str]
"""Of an image, and of its mask."""
_STEM, _CLASS = f"{{{STEM}}}", f"{{{CLASS}}}"
_IMAGES_LOOKED_AT, _MASKS_LOOKED_AT, _COUNTED = 40, 4000, 20_000
_TRIED, _SHOWN = 24, 3
_ENOUGH = 0.5
"""Patterns are shown that pair at least this share of the images or of the masks, whichever are fewer."""
_APART = "_-. "
_WORDS = sorted((word for words in SPLIT_WORDS.values() for word in words), key=len, reverse=True)
_SPLIT_WORD = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(_WORDS)})")
_FIELDS = re.compile(rf"{{(?:{STEM}|{CLASS}|{SPLIT})}}")


def suggest_patterns(images: Sequence[str], masks: Sequence[str]) -> list[Patterns]:
    """The patterns that pair most of these paths (with `/`, without suffix), at most three and one with a class; none
    where nothing pairs half of the images, or of the masks."""
    seen = Counter(
        patterns
        for image in images[:: len(images) // _IMAGES_LOOKED_AT or 1]
        for mask in masks[:_MASKS_LOOKED_AT]
        for patterns in {_with_split(patterns) for patterns in _of_names(image, mask)}
    )
    for patterns in [patterns for patterns in seen if patterns[0] == patterns[1]]:
        del seen[patterns]  # by these each image is its own mask
    likely = [patterns for patterns, _ in seen.most_common(_TRIED)]
    of_class = list(_of_classes(likely))
    paired = {patterns: count_pairs(patterns, images, masks) for patterns in (*likely, *of_class)}
    top = max(paired.values(), default=0)
    if top < max(1, _ENOUGH * min(len(images), len(masks))):
        return []
    best = [patterns for patterns, count in paired.items() if count == top]
    single = sorted((each for each in best if each not in of_class), key=lambda each: (len("".join(each)), each))
    shared = [patterns for patterns in of_class if patterns in best][:1]
    return (single if len(single) <= _SHOWN or not shared else [])[:_SHOWN] + shared


def _of_names(image: str, mask: str) -> Iterator[Patterns]:
    """The patterns by which one image and one mask would pair."""
    (image_folder, _, one), (mask_folder, _, other) = image.rpartition("/"), mask.rpartition("/")
    if image_folder and image_folder == mask_folder:  # a folder of its own for each image
        yield f"{_STEM}/{one}", f"{_STEM}/{other}"
    if one == other:
        yield _with_folder(image_folder), _with_folder(mask_folder)
    elif one in other:
        mask = other.replace(one, _STEM, 1)
        yield _STEM, mask
        if image_folder and mask_folder:
            yield _with_folder(image_folder), f"{mask_folder.rpartition('/')[2]}/{mask}"
    elif other in one:
        yield one.replace(other, _STEM, 1), _STEM
    else:
        begin, end = _common_begin(one, other), _common_begin(one[::-1], other[::-1])
        if begin:
            yield f"{_STEM}{one[begin:]}", f"{_STEM}{other[begin:]}"
        if end:
            yield f"{one[:-end]}{_STEM}", f"{other[:-end]}{_STEM}"


def _with_split(patterns: Patterns) -> Patterns:
    """The same with the split as a field, where both name one."""
    words = [_SPLIT_WORD.search(text) for text in patterns]
    if not all(words) or len({word[0] for word in words if word}) > 1:
        return patterns
    image, mask = (_SPLIT_WORD.sub(f"{{{SPLIT}}}", text, count=1) for text in patterns)
    return image, mask


def _with_folder(folder: str) -> str:
    last = folder.rpartition("/")[2]
    return f"{last}/{_STEM}" if last else _STEM


def _common_begin(one: str, other: str) -> int:
    """The length of what two names begin with, up to where both go on with another word."""
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    while length and not (one[length : length + 1] in _APART and other[length : length + 1] in _APART):
        length -= 1
    return length


def _of_classes(likely: Iterable[Patterns]) -> Iterator[Patterns]:
    """Where masks of one image differ by a word, the patterns with a class in its place."""
    with_class = Counter((image, found) for image, mask in likely if (found := _class_for_word(mask)))
    return (patterns for patterns, count in with_class.items() if count > 1)


def _class_for_word(mask: str) -> str:
    before, _, after = mask.partition(_STEM)
    if after and not before and after[0] in _APART:
        return f"{_STEM}{after[0]}{_CLASS}"
    if before and not after and before[-1] in f"{_APART}/":
        return f"{_CLASS}{before[-1]}{_STEM}"
    return ""


def count_pairs(patterns: Patterns, images: Sequence[str], masks: Sequence[str]) -> int:
    """How many images have a mask by these patterns."""
    if any("{" in _FIELDS.sub("", text) for text in patterns):
        return 0  # a name with braces
    image, mask = parse_pattern(patterns[0], "", (STEM, SPLIT)), parse_pattern(patterns[1], "", (STEM, CLASS, SPLIT))
    keys = [
        {named.key for path in paths[:_COUNTED] for named in pattern.readings(path)}
        for pattern, paths in ((image, images), (mask, masks))
    ]
    return len(keys[0] & keys[1])
