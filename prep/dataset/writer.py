"""From labelled images to a dataset on disk, in one pass: each image is decoded once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.classes import IGNORE
from formats.console import say
from formats.dataset import image_path, image_set_path, mask_path, truth_path
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.prepared.source_names import name_sources
from formats.version import tool_version
from prep.dataset.again import UNTYPED, Typed
from prep.dataset.image_work import ImageTask, settle_image, state_of
from prep.dataset.journal import Journal, resumable_folder
from prep.dataset.plan import Plan, counted_left_out, listed, recorded_options
from prep.dataset.source_split import fixed_groups, settle_split
from prep.dataset.split import NO_FOREGROUND, Foreground, assign_groups, kept_assignment
from prep.dataset.tables import write_tables
from prep.dataset.tally import SplitCounts
from prep.options import REGION_LABEL, PrepOptions
from prep.readers.labelled_image import LabelledImage, Source, files_of, mask_files
from prep.readers.orientation import settle_orientations
from prep.readers.regions import with_regions
from prep.remote.awaited import Awaited


@dataclass(frozen=True)
class Settled:
    """What is known before an image is decoded: the plan, in its order the images as the reader gave them and what
    their ids begin with, and what of their files is not fetched yet."""

    plan: Plan
    images: Sequence[LabelledImage]
    names: Sequence[str]
    awaited: Awaited


def write_dataset(source: Source, out: Path, options: PrepOptions, told: Typed = UNTYPED) -> dict[str, SplitCounts]:
    """Write the dataset to `out`, which appears when it is complete, with what is `told` of the command in
    dataset.json. Returns what each split holds.

    The same source and options give the same bytes, with any number of workers, and also when the
    work was killed and begun again.
    """
    settled = settle(source, options, told)
    with resumable_folder(out, _header(settled.plan), overwrite=options.overwrite) as (root, journal):
        write_images(settled, slice(None), root, journal)
        sources = (image.source for image in settled.plan.images)
        return write_tables(root, journal.entries(sources), settled.plan)


def settle(source: Source, options: PrepOptions, told: Typed) -> Settled:
    """Decide the split, and say what was left out."""
    _check_foreground(source, options)
    for each in source.left_out:
        say(each.note())
    images = [listed(image) for image in source.images]
    names = list(name_sources([image.source for image in images]).values())
    options = settle_split(source, options)
    groups = _assign(source, {image.group for image in images}, options)
    left_out = counted_left_out(source.left_out)
    plan = Plan(
        source.format, source.classes, images, groups, options, source.unit, left_out, source.georeference, told
    )
    return Settled(plan, source.images, names, source.awaited)


def write_images(settled: Settled, own: slice, root: Path, journal: Journal) -> None:
    """Write the crops of a part of the images, but for those that the journal knows and whose files are whole."""
    for path in (image_path(root, "x"), mask_path(root, "x"), truth_path(root, "x"), image_set_path(root, "x")):
        path.parent.mkdir(parents=True, exist_ok=True)
    options = settled.plan.options
    tasks = _Tasks(_located(settled, own), settled.names[own], settled.plan, root, journal)
    for entry in map_all(settle_image, tasks, workers=options.workers, label="images", whole=False):
        if entry:
            journal.append(entry)
    _fetch(settled, own)  # again: refused where another command has put what changed since into the place of a file


def _located(settled: Settled, own: slice) -> Sequence[LabelledImage]:
    """A part of the images, with their files fetched, and masks and regions as the images lie. Images without a region
    take those of their group, for which all are looked at."""
    options, images = settled.plan.options, settled.images[own]
    _fetch(settled, own)
    if options.focus != REGION_LABEL:
        return with_regions(settle_orientations(images, options.orientation), options.focus)
    settled.awaited.fetch(path for image in settled.images if not image.oriented for path in files_of(image))
    return with_regions(settle_orientations(settled.images, options.orientation), options.focus)[own]


def _fetch(settled: Settled, own: slice) -> None:
    """Have the files of a part of the images as they were listed."""
    settled.awaited.fetch(path for image in settled.images[own] for path in files_of(image))


def _check_foreground(source: Source, options: PrepOptions) -> None:
    """Raise SagesegError where the masks hold no foreground, unless every empty crop is wanted: a job's label map
    may make a class of what is ignore."""
    if not source.no_foreground:
        return
    if options.keep_empty < 1:
        raise SagesegError(f"{source.no_foreground}; for a job's --label-map, which may read it, pass --keep-empty 1")
    say(f"note: {source.no_foreground}; as they are, only a job with a --label-map has something to learn from them")


def _assign(source: Source, groups: Collection[str], options: PrepOptions) -> dict[str, str]:
    """The split of each group. A split file overrules what the source brought along, and that is said."""
    brought = source.splits
    kept = kept_assignment(options.split_file, groups) if options.split_file else {}
    moved = sorted(group for group, split in kept.items() if brought.get(group, split) != split)
    if moved:
        say(f"note: {options.split_file} overrules the source's lists for {len(moved)} groups, such as {moved[0]}")
    return assign_groups(
        groups,
        seed=options.seed,
        val=options.val or 0.0,
        test=options.test,
        fixed=fixed_groups(brought, options) | kept,
        foreground=_foreground(source, options.workers) if options.stratify else None,
    )


def _foreground(source: Source, workers: int | None) -> dict[str, Foreground]:
    """The foreground of each group. Only --stratify needs this pass over the masks."""
    source.awaited.fetch(path for image in source.images for path in mask_files(image.mask))
    counted = map_all(_count_foreground, source.images, workers=workers, label="masks")
    groups: dict[str, Foreground] = {}
    for image, found in zip(source.images, counted, strict=True):
        groups[image.group] = groups.get(image.group, NO_FOREGROUND) + found
    return groups


def _count_foreground(image: LabelledImage) -> Foreground:
    mask = image.mask.read()
    counted = int((mask != IGNORE).sum())
    return Foreground(counted - int((mask == 0).sum()), counted)


def _header(plan: Plan) -> dict[str, Any]:
    """What must be the same for an interrupted dataset to go on."""
    return {
        "tool_version": tool_version(),
        "format": plan.format,
        "classes": plan.classes.names,
        "options": recorded_options(plan.options),
    }


@dataclass(frozen=True)
class _Tasks:
    """What is to be done with each image, made when it has its turn; `names` are what their ids begin with."""

    images: Sequence[LabelledImage]
    names: Sequence[str]
    plan: Plan
    root: Path
    journal: Journal

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImageTask]:
        plan, journal = self.plan, self.journal
        for image, name in zip(self.images, self.names, strict=True):
            split = plan.groups[image.group]
            state = state_of(image, name, split)
            known = journal.place(image.source, state)
            yield ImageTask(image, name, split, plan.options, self.root, len(plan.classes), state, journal.path, known)
