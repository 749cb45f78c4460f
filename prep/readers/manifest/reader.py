"""Augmented manifests: Ground Truth's output, and the data sets of Lookout for Vision and its successor DDA."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError, for_all
from formats.images import read_header
from formats.parallel import map_all
from formats.prepared.groups import group_of, shared_group
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.notes import tell_lone_groups
from prep.readers.classes.label_list import read_class_list
from prep.readers.colour_masks import Colour
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.manifest.choice import Chosen, choose
from prep.readers.manifest.colour_map import BACKGROUND, WHITE, ColourMap
from prep.readers.manifest.files import Files, References, below_all, find_files
from prep.readers.manifest.hex_mask import EmptyMask, HexMask
from prep.readers.manifest.lines import read_lines
from prep.readers.orientation import fitting_ways
from prep.remote.awaited import Awaited
from prep.remote.places import Place


@dataclass(frozen=True)
class _Pair:
    """An image and its mask, to be looked at; `may_differ` where the mask stands for images of any size."""

    image: Path
    mask: HexMask
    may_differ: bool


def read_manifest_file(
    manifest: Path,
    *,
    place: Place | None = None,
    images: Place | None = None,
    masks: Place | None = None,
    job: str | None = None,
    leave_out: Collection[str] = (),
    labels: Path | None = None,
    background: str | None = None,
    skip_missing: bool = False,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
    awaited: Awaited | None = None,
) -> Source:
    """Read the lines of one manifest that have a mask, and those of images that are called normal.

    `place` is where the manifest lies, if it was fetched from there; `images`, `masks`, `job` and `leave_out` are what
    the options of these names say. Masks that are `awaited` are looked at when their turn comes, all others before
    anything is written. Raises SagesegError that names line and key.
    """
    place = place or manifest
    where = str(place)
    lines = list(read_lines(manifest, where))
    chosen, left_out = choose(lines, where, job=job, leave_out=leave_out)
    refs = References(
        {one.line.source: f"{where}: line {one.line.number}" for one in chosen},
        {one.label.ref: f"{where}: line {one.line.number}" for one in chosen if one.label},
        images,
        masks,
    )
    others = {ref for line in lines for ref in (line.source, *(label.ref for label in line.labels))}
    others -= refs.images.keys() | refs.masks.keys()
    files = find_files(refs, place.parent, others=others, skip_missing=skip_missing, awaited=awaited)
    named = _classes(chosen, where, labels, background)
    ids = _MapIds(named)
    kept = [one for one in chosen if one.line.source in files.sources]
    found = for_all(lambda one: _pair(one, files, ids, refs.images[one.line.source]), kept)
    pairs = {one.line.source: pair for one, pair in zip(kept, found, strict=True)}
    here = [pair for pair in pairs.values() if pair and not (awaited and awaited.told(pair.mask.path))]
    _survey(here, workers)
    _tell_no_background(kept, where)
    below = below_all(files.sources[one.line.source] for one in kept)
    labelled = (
        _labelled(one, files, pairs[one.line.source], _groups(path, one.line.image_class, group_by))
        for one, path in zip(kept, below, strict=True)
    )
    ordered = tuple(sorted(labelled, key=lambda image: image.source))
    tell_lone_groups(ordered, group_by)
    return Source("manifest", named.classes, ordered, left_out=(*left_out, *files.left_out))


def _classes(chosen: Sequence[Chosen], where: str, labels: Path | None, background: str | None) -> NamedClasses:
    """The classes of all maps in the order of the lines. What nobody painted is class 0 whatever a list says."""
    maps = dict.fromkeys(one.label.colours for one in chosen if one.label)
    names = dict.fromkeys(name for colours in maps for _, name in colours if name != BACKGROUND)
    if labels and background is None and any(line.name == BACKGROUND for line in read_class_list(labels).lines):
        background = BACKGROUND
    return name_classes(tuple(names), where, labels=labels, background=background)


class _MapIds:
    """The id of each colour of a map: one dictionary for all lines that have the same."""

    def __init__(self, named: NamedClasses) -> None:
        self._named = named
        self._ids: dict[ColourMap, dict[Colour, int]] = {}

    def of(self, colours: ColourMap, place: str) -> dict[Colour, int]:
        if colours not in self._ids:
            ids = {} if has_background(colours) else {WHITE: 0}
            self._ids[colours] = ids | {colour: self._id_of(name, place) for colour, name in colours}
        return self._ids[colours]

    def _id_of(self, name: str, place: str) -> int:
        return 0 if name == BACKGROUND else self._named.id_of(name, f"{place}: internal-color-map")


def has_background(colours: ColourMap) -> bool:
    return any(name == BACKGROUND for _, name in colours)


def _pair(one: Chosen, files: Files, ids: _MapIds, where: str) -> _Pair | None:
    if one.label is None:
        return None
    mask = HexMask(files.paths[one.label.ref], ids.of(one.label.colours, where), where)
    may_differ = all(name == BACKGROUND for _, name in one.label.colours)
    return _Pair(files.paths[one.line.source], mask, may_differ)


def _survey(pairs: Sequence[_Pair], workers: int | None) -> None:
    """Read every mask once before anything is written. Raises SagesegError for colours that are in no map, and for
    masks of another size than their image."""
    found = list(map_all(_look, pairs, workers=workers, label="masks"))
    faint = [count for count in found if count]
    if faint:
        say(
            f"note: {sum(faint)} pixel(s) of {len(faint)} mask(s) are partly transparent, such as a soft brush leaves: "
            "from half the opacity on they are of their colour's class, else background"
        )


def _look(pair: _Pair) -> int:
    mask, faint = pair.mask.read_with_faint()
    header = read_header(pair.image)
    size = (mask.shape[1], mask.shape[0])
    if not pair.may_differ and not fitting_ways(header, size):
        raise SagesegError(
            f"{pair.mask.where}: {pair.mask.path} has {size[0]}×{size[1]} pixels, but {pair.image} "
            f"{header.size[0]}×{header.size[1]}; expected a mask of the image's size"
        )
    return faint


def _tell_no_background(chosen: Sequence[Chosen], where: str) -> None:
    without = [one.line.number for one in chosen if one.label and not has_background(one.label.colours)]
    if without:
        say(
            f"note: {where}: the maps of {len(without)} line(s) have no {BACKGROUND}, such as line {without[0]}: "
            "white and what is transparent is background"
        )


def _groups(path: str, image_class: str, group_by: re.Pattern[str] | None) -> tuple[str, str | None]:
    """The group of an image by its path below the folder of all, and the one that its folder or video says. A folder
    that is called like the class of its images, as Lookout for Vision wants it, is none."""
    whole = PurePosixPath(path).with_suffix("")
    is_class = image_class and whole.parent.name.casefold() == image_class.casefold()
    own = shared_group(whole.parent.parent / whole.name if is_class else whole)
    return (group_of(whole.name, group_by) if group_by else own or whole.as_posix()), own


def _labelled(one: Chosen, files: Files, pair: _Pair | None, groups: tuple[str, str | None]) -> LabelledImage:
    group, own_group = groups
    source = files.sources[one.line.source]
    image = files.paths[one.line.source]
    is_empty = pair is None or pair.may_differ
    return LabelledImage(
        source,
        image,
        EmptyMask(image, pair.mask if pair else None) if pair is None or is_empty else pair.mask,
        group,
        oriented=is_empty,
        own_group=own_group,
    )
