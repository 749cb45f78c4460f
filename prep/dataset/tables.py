"""What completes a dataset once its crops are written: manifest, image sets, channels, split.json
and dataset.json."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from formats.channels import CHANNELS, masks_channel
from formats.classes import ClassTable, labelmap, write_labels
from formats.console import say
from formats.dataset import (
    FORMAT_VERSION,
    channel_path,
    image_path,
    image_set_path,
    info_path,
    labelmap_path,
    labels_path,
    manifest_path,
    mask_path,
    split_path,
    truth_path,
)
from formats.disk.whole_files import link_file, write_lines, write_text
from formats.errors import SagesegError
from formats.manifest import attribute_names, manifest_lines
from formats.prepared.georeference import write_georeference
from formats.prepared.leaks import leak_notes
from formats.texts.json_text import format_json
from formats.version import tool_version
from prep.dataset.certificate import certify
from prep.dataset.journal import ImageEntry
from prep.dataset.plan import Plan, recorded_options
from prep.dataset.tally import SplitCounts, Tally
from prep.dataset.thumbnail_file import ThumbnailFile
from prep.dataset.ultralytics import link_ultralytics
from prep.options import ULTRALYTICS, PrepOptions


def write_tables(root: Path, entries: Iterable[ImageEntry], plan: Plan) -> dict[str, SplitCounts]:
    """Complete the dataset in `root`. Of the plan's images, in its order, `entries` tells what became of them; when one
    is taken, its crops are there. Returns what each split holds.

    Raises SagesegError for a split of which no crop is kept.
    """
    with ThumbnailFile(root, len(plan.images)) as thumbnails:
        return _write_tables(root, entries, plan, Tally(plan, thumbnails))


def _write_tables(root: Path, entries: Iterable[ImageEntry], plan: Plan, tally: Tally) -> dict[str, SplitCounts]:
    names = attribute_names(image.attributes for image in plan.images)
    write_lines(manifest_path(root), manifest_lines(tally.rows_of(entries), names))
    counts = tally.counts()
    _check_splits(counts, plan.options)
    _sweep(root, tally)
    write_labels(labels_path(root), plan.classes)
    _write_labelmap(labelmap_path(root), plan.classes)
    for split, ids in tally.kept.items():
        write_lines(image_set_path(root, split), (f"{row_id}\n" for row_id in ids))
    _link_channels(root, tally.kept)
    shutil.rmtree(root / ULTRALYTICS, ignore_errors=True)
    if plan.options.also:
        link_ultralytics(root, tally.kept, plan.classes)
    certificate, leaks = certify(
        plan.images, plan.groups, tally.balances, tally.thumbnails, plan.classes, plan.options, plan.unit
    )
    for note in leak_notes(leaks, regrouped=plan.options.group_by is not None):
        say(f"note: {note.message}; {note.cure}")
    if padding := tally.padding.note():
        say(f"note: {'; '.join(padding)}")
    _write_json(split_path(root), certificate)
    if plan.georeference:
        write_georeference(root, plan.georeference)
    _write_json(info_path(root), _info(plan, counts, tally.inputs.hexdigest()))
    return counts


def _check_splits(found: Mapping[str, SplitCounts], options: PrepOptions) -> None:
    for split, counts in found.items():
        if counts.images and not counts.kept:
            cure = "--focus, or raise --focus-share" if options.focus else "the masks, or raise --keep-empty"
            why = "out of focus or empty" if options.focus else "empty (no foreground)"
            raise SagesegError(f"{split}: every crop is {why}, so none is kept; check {cure}")


def _sweep(root: Path, tally: Tally) -> None:
    """Remove what an interrupted run left of inputs that have changed since."""
    kept = {row_id for ids in tally.kept.values() for row_id in ids}
    expected = ((image_path(root, "x"), kept), (mask_path(root, "x"), kept), (truth_path(root, "x"), tally.truths))
    for path, known in expected:
        with os.scandir(path.parent) as found:
            for file in found:
                if not (file.name.endswith(path.suffix) and file.name.removesuffix(path.suffix) in known):
                    Path(file.path).unlink()
    if not tally.truths:
        truth_path(root, "x").parent.rmdir()


def _write_labelmap(path: Path, classes: ClassTable) -> None:
    text = labelmap(classes)
    if text is None:
        path.unlink(missing_ok=True)
        say(f"note: {path.name}, for CVAT and Datumaro, is left out: no name with a colon, or # first, can stand in it")
    else:
        write_text(path, text)


def _link_channels(root: Path, kept: Mapping[str, Sequence[str]]) -> None:
    shutil.rmtree(root / "channels", ignore_errors=True)
    for split, channel in CHANNELS.items():
        for folder, path in ((channel, image_path), (masks_channel(channel), mask_path)):
            to = channel_path(root, folder)
            to.mkdir(parents=True)
            for row_id in kept[split]:
                file = path(root, row_id)
                link_file(file, to / file.name)


def _info(plan: Plan, counts: Mapping[str, SplitCounts], inputs_sha256: str) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version(),
        "source_format": plan.format,
        "command": list(plan.typed.command),
        "files": plan.typed.files,
        "inputs_sha256": inputs_sha256,
        "options": recorded_options(plan.options),
        "classes": list(plan.classes.names),
        "counts": {split: asdict(own) for split, own in counts.items()},
        "left_out": dict(plan.left_out),
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, format_json(content) + "\n")
