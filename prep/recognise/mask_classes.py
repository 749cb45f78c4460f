"""What masks beside images mean: whether a list says it, and what to write down where none does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from formats.errors import SagesegError
from prep.readers.classes.cityscapes import CITYSCAPES
from prep.readers.classes.class_masks import not_in_vocs_palette
from prep.readers.classes.label_list import BACKGROUND_NAMES, VOC_2012, ClassList, find_class_list, with_vocs_colours
from prep.readers.classes.missing_list import BINARY, Wanted, what_is_wanted
from prep.readers.colour_masks import mask_mode
from prep.readers.pairs.pairing import LOSSY_SUFFIXES
from prep.readers.pairs.patterns import CLASS, FILE, SPLIT, STEM, parse_pattern
from prep.readers.pairs.truth import list_places
from prep.readers.two_colour import ONE_CHANNEL

_LOOKED_AT = 4
_LABEL_IDS = "_labelIds"


def missing_classes(
    images: Path, masks: Path, mask_name: str, files: Sequence[Path], root: Path
) -> tuple[list[str], str]:
    """The options that a command for these masks needs beside the patterns, and what must be written down first;
    neither where a list is there, or names say the class. A list above the masks, as far as the folder `root`, is to be
    named. Raises SagesegError for two lists that disagree, and for what is no mask."""
    if f"{{{CLASS}}}" in mask_name:
        return [], ""
    pattern = parse_pattern(mask_name, "--mask-name", (STEM, FILE, CLASS, SPLIT))
    ours = [path for path in files if pattern.readings(path.relative_to(masks).with_suffix("").as_posix())]
    if all(path.suffix.lower() in LOSSY_SUFFIXES for path in ours):
        return [], f"make PNG masks of {masks}: JPEG and WebP change their values, export them again"
    listed = find_class_list(*list_places(images, masks, {path.parent for path in ours}))
    above = None if listed else _list_above(masks, root)
    if listed is None and above is None and mask_name.endswith(_LABEL_IDS):
        return ["--map", CITYSCAPES], ""
    some = ours[:: -(-len(ours) // _LOOKED_AT)]
    wanted = what_is_wanted(some)
    known = listed or above
    if known and not (wanted.of_colours and _has_other_colours(known, some)):
        return [*(["--labels", above.where] if above else []), *_binary(known, wanted)], ""
    return wanted.options, "" if CITYSCAPES in wanted.options else f"{wanted.held}; {wanted.told}"


def _list_above(masks: Path, root: Path) -> ClassList | None:
    """The class list nearest above the masks."""
    above = (folder for folder in masks.parents if folder == root or root in folder.parents)
    return next(filter(None, map(find_class_list, above)), None)


def options_by_colours(root: Path, masks: Sequence[Path]) -> tuple[list[str], str]:
    """`--binary` for masks of black and white in a folder, and what must be written down first where nothing names
    white or the colours that masks have. What is wrong with list or masks is for the reader to say."""
    with suppress(SagesegError):
        listed = find_class_list(root)
        some = masks[:: -(-len(masks) // _LOOKED_AT)]
        wanted = what_is_wanted(some)
        if wanted.of_colours and _has_other_colours(listed or VOC_2012, some):
            return [], f"{wanted.held}; write name:red,green,blue:: for each colour into {root / 'labelmap.txt'}"
        if listed:
            return _binary(listed, wanted), ""
        if BINARY in wanted.options:
            return wanted.options, f"{wanted.held}; {wanted.told}"
    return [], ""


def _has_other_colours(listed: ClassList, masks: Sequence[Path]) -> bool:
    """Whether masks hold colours that a list does not name, nor VOC's palette in the order of its lines."""
    if listed.has_colours:
        return False
    coloured = [path for path in masks if mask_mode(path) not in ONE_CHANNEL]
    is_first = listed.lines[0].name in BACKGROUND_NAMES
    return not is_first or bool(not_in_vocs_palette(with_vocs_colours(listed), coloured))


def _binary(listed: ClassList, wanted: Wanted) -> list[str]:
    """Beside names 255 alone would be ignore; a label map says what white is."""
    return [BINARY] if BINARY in wanted.options and not listed.has_colours else []
