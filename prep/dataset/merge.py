"""All shards of a plan as the dataset that one machine would have made: no image is decoded again, and files are
linked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from formats.crops import crop_id
from formats.dataset import image_path, image_set_path, mask_path, truth_path
from formats.disk.whole_files import link_file
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.prepared.source_names import name_sources
from formats.shards.markers import BYTES, JOURNAL, MARKER, Marker, journal_lines
from formats.shards.telling import open_shards
from prep.dataset.journal import ImageEntry, parse_entry
from prep.dataset.plan import Plan
from prep.dataset.planned import KIND, plan_of
from prep.dataset.shards import files_of
from prep.dataset.tables import write_tables
from prep.dataset.tally import SplitCounts


def merge_shards(shards: Path, out: Path, *, overwrite: bool = False) -> dict[str, SplitCounts]:
    """Make the dataset of the plan and the shards in a folder, which stay. Returns what each split holds.

    Raises SagesegError, and makes nothing, where the shards are not all there, whole, and of this plan.
    """
    work, markers = open_shards(shards, KIND, out, overwrite=overwrite)
    plan = plan_of(shards, work)
    with staged_folder(out, overwrite=overwrite, durable=True) as root:
        for path in (image_path(root, "x"), mask_path(root, "x"), truth_path(root, "x"), image_set_path(root, "x")):
            path.parent.mkdir(parents=True)
        return write_tables(root, _linked(markers, plan, root), plan)


def read_entries(folders: Sequence[Path], count: int) -> Iterator[ImageEntry]:
    """What became of a plan's images, so many, in its order; `folders` are of all its shards."""
    for journal, line in journal_lines(folders, count):
        try:
            entry = parse_entry(line)
        except (ValueError, KeyError, TypeError) as e:
            raise _damaged(journal, f"{e}") from e
        yield entry


def _damaged(journal: Path, what: str) -> SagesegError:
    return SagesegError(f"{journal}: damaged ({what}); remove {journal.parent} and make it again")


def _linked(markers: Mapping[Path, Marker], plan: Plan, root: Path) -> Iterator[ImageEntry]:
    """The entries of all shards, each of which must be of the plan's image in its place, when its files are linked."""
    names = name_sources([image.source for image in plan.images])
    folders = list(markers)
    found = Counter[Path]()
    for place, entry in enumerate(read_entries(folders, len(plan.images))):
        folder = folders[place % len(folders)]
        _check_entry(entry, plan, place, names, folder)
        for (path, _), (to, _) in zip(files_of(folder, entry), files_of(root, entry), strict=True):
            try:
                found[folder] += path.stat().st_size
                link_file(path, to)
            except FileNotFoundError as e:
                raise SagesegError(f"{path}: missing; remove {folder} and make it again") from e
        yield entry
    for folder, marker in markers.items():
        if found[folder] != marker.counts.get(BYTES):
            raise _changed(folder, plan, folders)


def _check_entry(entry: ImageEntry, plan: Plan, place: int, names: Mapping[str, str], folder: Path) -> None:
    """Raise SagesegError unless an entry is of the plan's image, and its crops' names are made of the image's."""
    image = plan.images[place]
    name, split = names[image.source], plan.groups[image.group]
    if len(entry.pixels) != len(plan.classes):
        raise _damaged(folder / JOURNAL, f"{entry.source}: counts of {len(entry.pixels)} classes")
    for row in entry.rows:
        told = row.source, row.group, row.split, row.attributes
        if told != (image.source, image.group, split, image.attributes) or row.id not in (name, crop_id(name, row.box)):
            raise _damaged(folder / JOURNAL, f"{row.id} is not as the plan has {image.source}")


def _changed(folder: Path, plan: Plan, folders: Sequence[Path]) -> SagesegError:
    """Which file of a shard is not the one that was written; its size has told that there is one."""
    for place, entry in enumerate(read_entries(folders, len(plan.images))):
        if folders[place % len(folders)] == folder:
            for path, digest in files_of(folder, entry):
                if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                    return SagesegError(f"{path}: not the file that was written; remove {folder} and make it again")
    return _damaged(folder / MARKER, "its count of bytes")
