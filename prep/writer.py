"""From labelled images to a dataset on disk, in one pass: each image is decoded once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from formats.classes import write_labels
from formats.crops import Box, crop_grid, crop_id
from formats.dataset import (
    CHANNELS,
    FORMAT_VERSION,
    SPLITS,
    channel_path,
    image_path,
    image_set_path,
    info_path,
    labels_path,
    manifest_path,
    mask_path,
    split_path,
)
from formats.errors import SagesegError
from formats.images import Rgb, cut_image, encode_image, read_image
from formats.manifest import ManifestRow, write_manifest
from formats.masks import Mask, cut_mask, encode_mask, foreground_share
from formats.parallel import map_parallel
from formats.staging import staged_folder, write_bytes, write_text
from prep.labelled_image import LabelledImage, Source
from prep.options import PrepOptions
from prep.split import assign_groups, rank, read_split_file


@dataclass(frozen=True)
class _Task:
    """One image's work, as it travels to a worker."""

    image: LabelledImage
    split: str
    options: PrepOptions
    root: Path


def write_dataset(source: Source, out: Path, options: PrepOptions) -> list[ManifestRow]:
    """Write the dataset to `out`, which appears when it is complete. Returns the manifest's rows.

    The same source and options give the same bytes, with any number of workers.
    """
    _check_stems(source.images)
    fixed = read_split_file(options.split_file) if options.split_file else None
    groups = assign_groups(
        (image.group for image in source.images), seed=options.seed, val=options.val, test=options.test, fixed=fixed
    )
    with staged_folder(out, overwrite=options.overwrite) as root:
        _make_folders(root)
        tasks = [_Task(image, groups[image.group], options, root) for image in source.images]
        rows = [
            row for found in map_parallel(_write_image, tasks, workers=options.workers, label="images") for row in found
        ]
        _check_splits(rows, set(groups.values()))
        _write_index(root, source, groups, rows, options)
        _link_channels(root, rows)
    return rows


def _check_stems(images: Sequence[LabelledImage]) -> None:
    seen: dict[str, str] = {}
    for image in images:
        stem = Path(image.source).stem
        if stem in seen:
            raise SagesegError(
                f"{image.source} and {seen[stem]} share the stem {stem}; rename one, ids come from stems"
            )
        seen[stem] = image.source


def _make_folders(root: Path) -> None:
    for path in (image_path(root, "x"), mask_path(root, "x"), image_set_path(root, "x")):
        path.parent.mkdir(parents=True)
    for channel in CHANNELS.values():
        channel_path(root, channel).mkdir(parents=True)
        channel_path(root, f"{channel}_annotation").mkdir()


def _write_image(task: _Task) -> list[ManifestRow]:
    image, mask = read_image(task.image.image), task.image.mask.read()
    if image.shape[:2] != mask.shape:
        raise SagesegError(
            f"{task.image.mask.path}: {mask.shape[1]}×{mask.shape[0]} pixels, but {task.image.image.name} has "
            f"{image.shape[1]}×{image.shape[0]}; mask and image must have one size"
        )
    height, width = mask.shape
    crops = crop_grid(width, height, task.options.crop, task.options.overlap)
    return [_write_crop(task, image, mask, crop) for crop in crops]


def _write_crop(task: _Task, image: Rgb, mask: Mask, crop: Box) -> ManifestRow:
    source, options = task.image, task.options
    stem = Path(source.source).stem
    row_id = stem if options.crop is None else crop_id(stem, crop)
    part = cut_mask(mask, crop)
    foreground = foreground_share(part)
    kept = foreground > 0 or keeps_empty(row_id, task.split, options)
    digests = ("", "")
    if kept:
        # an image that is not cropped is copied: encoding it again would only lose quality
        content = source.image.read_bytes() if options.crop is None else encode_image(cut_image(image, crop))
        digests = (
            _write_file(image_path(task.root, row_id), content),
            _write_file(mask_path(task.root, row_id), encode_mask(part)),
        )
    height, width = mask.shape
    return ManifestRow(
        row_id,
        task.split,
        source.group,
        source.source,
        crop.left,
        crop.top,
        crop.width,
        crop.height,
        width,
        height,
        kept,
        foreground,
        *digests,
        source.attributes,
    )


def keeps_empty(row_id: str, split: str, options: PrepOptions) -> bool:
    """Whether a crop without foreground stays: each is drawn by its own name's hash, so that the
    choice needs no second pass and does not change when images are added."""
    share = options.keep_empty if split == "train" else options.keep_empty_val
    return int(rank(options.seed, row_id)[:13], 16) < share * 16**13


def _write_file(path: Path, content: bytes) -> str:
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def _check_splits(rows: Sequence[ManifestRow], splits: set[str]) -> None:
    kept = Counter(row.split for row in rows if row.kept)
    for split in SPLITS:
        if split in splits and not kept[split]:
            raise SagesegError(
                f"{split}: every crop is empty (no foreground), so none is kept; check the masks, or raise --keep-empty"
            )


def _write_index(
    root: Path, source: Source, groups: dict[str, str], rows: Sequence[ManifestRow], options: PrepOptions
) -> None:
    write_labels(labels_path(root), source.classes)
    write_manifest(manifest_path(root), rows)
    for split in SPLITS:
        ids = [row.id for row in rows if row.split == split and row.kept]
        write_text(image_set_path(root, split), "".join(f"{row_id}\n" for row_id in ids))
    counts = {split: _counts(rows, split) for split in SPLITS}
    _write_json(split_path(root), _certificate(groups, counts, options))
    info = {
        "format_version": FORMAT_VERSION,
        "tool_version": version("sageseg"),
        "source_format": source.format,
        "options": _recorded(options),
        "classes": list(source.classes.names),
        "counts": counts,
    }
    _write_json(info_path(root), info)


def _counts(rows: Iterable[ManifestRow], split: str) -> dict[str, int]:
    own = [row for row in rows if row.split == split]
    return {
        "groups": len({row.group for row in own}),
        "images": len({row.source for row in own}),
        "crops": len(own),
        "kept": sum(row.kept for row in own),
    }


def _certificate(groups: dict[str, str], counts: dict[str, dict[str, int]], options: PrepOptions) -> dict[str, Any]:
    return {
        "seed": options.seed,
        "asked": {"val": options.val, "test": options.test},
        "got": {split: counts[split]["groups"] / len(groups) for split in SPLITS},
        "groups": groups,
    }


def _recorded(options: PrepOptions) -> dict[str, Any]:
    """The options that decide the content; the number of workers and where a file lay do not."""
    recorded = asdict(options)
    for name in ("workers", "overwrite", "split_file"):
        del recorded[name]
    recorded["group_by"] = options.group_by.pattern if options.group_by else None
    return recorded


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _link_channels(root: Path, rows: Iterable[ManifestRow]) -> None:
    for row in rows:
        channel = CHANNELS.get(row.split)
        if row.kept and channel:
            _link(image_path(root, row.id), channel_path(root, channel))
            _link(mask_path(root, row.id), channel_path(root, f"{channel}_annotation"))


def _link(path: Path, folder: Path) -> None:
    try:
        os.link(path, folder / path.name)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, folder / path.name)
