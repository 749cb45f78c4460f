"""What the masks of pairs mean: by a class list, a table of colours, a map of values, or a class in each name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.classes import ClassTable
from formats.console import say
from formats.errors import SagesegError
from prep.readers.annotations.class_names import name_classes
from prep.readers.classes.cityscapes import CITYSCAPES, settle_cityscapes
from prep.readers.classes.class_masks import ClassMasks, settle_masks
from prep.readers.classes.label_list import ClassList, find_class_list, read_class_list
from prep.readers.classes.missing_list import ask_for_list
from prep.readers.classes.value_map import ADE20K, read_value_map, settle_values
from prep.readers.labelled_image import MaskSource
from prep.readers.pairs.layers import lay_classes
from prep.readers.pairs.pairing import Folders, Pair
from prep.readers.pairs.patterns import CLASS


@dataclass(frozen=True)
class PairOptions:
    """What the options of the verb say of names and of what masks mean. Of `labels`, `colors` and `value_map` one is
    given, or none."""

    image_name: str | None = None
    mask_name: str | None = None
    labels: Path | None = None
    colors: Path | None = None
    value_map: Path | None = None
    coding: str | None = None
    background: str | None = None
    binary: bool = False


def check_options(options: PairOptions) -> None:
    """Raise SagesegError for options that say two things."""
    tables = {"--labels": options.labels, "--colors": options.colors, "--map": options.value_map}
    given = [name for name, path in tables.items() if path]
    if len(given) > 1:
        raise SagesegError(f"{' and '.join(given)}: expected one of them; each says what the masks mean")
    if options.coding not in (None, ADE20K):
        raise SagesegError(f"--coding {options.coding}: expected {ADE20K}")
    if options.coding and not options.value_map:
        raise SagesegError(f"--coding {options.coding}: the numbers that colours mean need names; pass --map FILE")
    if options.binary and options.value_map:
        raise SagesegError("--binary and --map: expected one of them; a map names 0 and 255 too")
    if options.mask_name and f"{{{CLASS}}}" in options.mask_name and (options.value_map or options.binary):
        raise SagesegError(
            f"--mask-name {options.mask_name!r}: masks of one class each are black and white, and their names say the "
            "class; leave --map and --binary out"
        )


@dataclass(frozen=True)
class Truth:
    """The masks of all images by the keys of their pairs; `final` as in `ClassMasks`."""

    classes: ClassTable
    masks: dict[str, MaskSource]
    attributes: dict[str, dict[str, str]]
    final: frozenset[str] = frozenset()
    no_foreground: str = ""


def settle_truth(
    folders: Folders, pairs: Sequence[Pair], listed: ClassList | None, options: PairOptions, workers: int | None
) -> Truth:
    """What the masks of the pairs mean, by the list that was given (None without one), or found beside them, or by a
    map. Raises SagesegError for masks that do not fit it."""
    listed = listed or (None if options.value_map else _found_list(folders, pairs))
    if folders.mask_name.has_class:
        return _layered(pairs, listed, options, workers)
    return _settled(folders.masks, pairs, listed, options, workers)


def given_list(options: PairOptions) -> ClassList | None:
    """The list that --labels or --colors names."""
    path = options.labels or options.colors
    listed = read_class_list(path) if path else None
    if listed and options.colors and not listed.has_colours:
        raise SagesegError(
            f"{options.colors}: no colours in it; expected name,red,green,blue in each line, or --labels"
        )
    return listed


def _found_list(folders: Folders, pairs: Sequence[Pair]) -> ClassList | None:
    """The list that lies beside the masks, or the images, or both folders."""
    parents = {mask.parent for pair in pairs for mask in pair.masks.values()}
    places = list_places(folders.images, folders.masks, parents)
    found = find_class_list(*places)
    if found:
        say(f"note: the classes are those of {found.where}")
    return found


def list_places(images: Path, masks: Path, parents: Collection[Path]) -> tuple[Path, ...]:
    """The folders in which a class list is looked for; `parents` are those of the masks."""
    are_beside = masks.absolute().parent == images.absolute().parent and masks.resolve() != images.resolve()
    return tuple(dict.fromkeys((masks, images, *sorted(parents), *([masks.parent] if are_beside else []))))


def _settled(
    folder: Path, pairs: Sequence[Pair], listed: ClassList | None, options: PairOptions, workers: int | None
) -> Truth:
    """Masks that hold all classes."""
    paths = [pair.masks[None] for pair in pairs]
    settled = _settle(folder, paths, listed, options, workers)
    keys = dict(zip(paths, (pair.key for pair in pairs), strict=True))
    return Truth(
        settled.classes,
        {keys[path]: mask for path, mask in settled.masks.items()},
        {},
        frozenset(keys[path] for path in settled.final),
        settled.no_foreground,
    )


def _settle(
    folder: Path, paths: Sequence[Path], listed: ClassList | None, options: PairOptions, workers: int | None
) -> ClassMasks:
    background = options.background
    if options.value_map == Path(CITYSCAPES) and not options.coding:
        _check_no_colours_beside(folder)
        return settle_cityscapes(paths, background=background, workers=workers)
    if options.value_map:
        named = read_value_map(options.value_map)
        return settle_values(named, paths, background=background, coding=options.coding, workers=workers)
    if listed is None:
        raise ask_for_list(folder, paths, workers)
    return settle_masks(listed, paths, background=background, binary=options.binary, workers=workers)


def _check_no_colours_beside(folder: Path) -> None:
    """Raise SagesegError where CVAT or Datumaro wrote the masks, in Cityscapes' layout with classes of their own."""
    for place in (folder, *folder.absolute().parents[:2]):
        path = place / "label_colors.txt"
        if path.is_file():
            raise SagesegError(
                f"--map {CITYSCAPES}: the masks in {folder} are of {path}, as CVAT and Datumaro write them; pass "
                f"--labels {path} in its place"
            )


def _layered(pairs: Sequence[Pair], listed: ClassList | None, options: PairOptions, workers: int | None) -> Truth:
    """Masks of one class each; without a list the classes are those of the names, in the order of the alphabet."""
    names = sorted({name for pair in pairs for name in pair.masks if name})
    named = name_classes(
        names, "the names of the masks", labels=Path(listed.where) if listed else None, background=options.background
    )
    if listed is None:
        names_told = ", ".join(named.classes.names[1:])
        say(f"note: the classes are those of the masks' names, {names_told}; pass --labels for another order")
    layered = lay_classes(pairs, named, workers)
    return Truth(
        named.classes,
        {key: own.mask for key, own in layered.items()},
        {key: own.attributes for key, own in layered.items()},
    )
