"""What a worker does with one image: decode it once, cut it, write the crops that are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from formats.alike.twins import thumbnail
from formats.classes import IGNORE, voc_palette
from formats.crops import Box, crop_grid, crop_id
from formats.dataset import image_path, mask_path, truth_path
from formats.disk.whole_files import write_unfinished
from formats.errors import SagesegError
from formats.images import (
    Rgb,
    cut_image,
    decode_image,
    encode_image,
    image_errors,
    is_plain_jpeg,
    open_header,
    orientation_of,
)
from formats.manifest import ManifestRow
from formats.masks import Mask, count_values, cut_mask, encode_mask, foreground_share, resize_mask
from formats.prepared.resampling import resize_image
from formats.prepared.resize import resized_size
from formats.prepared.value_range import ValueRange
from prep.dataset.journal import ImageEntry, read_entry
from prep.dataset.split import rank
from prep.options import OBJECTS, PrepOptions
from prep.readers.labelled_image import LabelledImage, read_content
from prep.readers.regions import draw_regions

OBJECTS_SHARE = 0.1
"""--focus-share with --focus objects; with regions it is 0, because what lies outside was left out
on purpose."""


@dataclass(frozen=True)
class ImageTask:
    """One image's work, as it travels to a worker. `name` is what its ids begin with; `state` is
    `state_of` its inputs; `known` is where the journal of an interrupted run says that it was done."""

    image: LabelledImage
    name: str
    split: str
    options: PrepOptions
    root: Path
    num_classes: int
    state: str
    journal: Path
    known: int | None = None


@dataclass(frozen=True)
class _Pixels:
    """An image ready to be cut, of `source_size` (width, height) before it was resized. `content` and
    `mask_content` are the bytes of its files where they may stand in the dataset as they are; `region`
    is 1 in the regions, None where there are none."""

    source_size: tuple[int, int]
    image: Rgb
    mask: Mask
    region: Mask | None
    content: bytes | None
    mask_content: bytes | None


def state_of(image: LabelledImage, name: str, split: str) -> str:
    """A fingerprint of what an image's crops are made from: its record, its name, its split, and the
    size and time of its files."""
    files = [_size_and_time(path) for path in (image.image, image.mask.path)]
    return hashlib.sha256(repr((image, name, split, files)).encode("utf-8", "surrogateescape")).hexdigest()


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # the worker that reads it says what is wrong
        return None
    return found.st_size, found.st_mtime_ns


def settle_image(task: ImageTask) -> ImageEntry | None:
    """Do an image's work; None where an interrupted run did it and its files are whole."""
    if task.known is not None and _is_whole(task, read_entry(task.journal, task.known)):
        return None
    return write_image(task)


def _is_whole(task: ImageTask, entry: ImageEntry) -> bool:
    for row in entry.rows:
        files = ((image_path, row.image_sha256), (mask_path, row.mask_sha256))
        if row.kept and any(_digest(path(task.root, row.id)) != digest for path, digest in files):
            return False
    first = entry.rows[0]
    return not first.truth_sha256 or _digest(truth_path(task.root, task.name)) == first.truth_sha256


def _digest_of(content: bytes, mask: Mask) -> str:
    """The sha256 of an image's bytes and of its mask's size and class ids."""
    total = hashlib.sha256(content)
    total.update(repr(mask.shape).encode())
    total.update(np.ascontiguousarray(mask).data)
    return total.hexdigest()


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def write_image(task: ImageTask) -> ImageEntry:
    """Write one image's crops and tell what they are."""
    content, image, mask = _read(task.image, task.options.range)
    pixels = _resized(task, content, image, mask)
    counts = count_values(pixels.mask)
    height, width = pixels.mask.shape
    crops = crop_grid(width, height, task.options.crop, task.options.overlap)
    rows = [_write_crop(task, pixels, crop) for crop in crops]
    if pixels.mask.shape != mask.shape or _loses_labels(pixels.mask, rows):
        digest = _write_file(truth_path(task.root, task.name), encode_mask(mask))
        rows = [replace(row, truth_sha256=digest) for row in rows]
    return ImageEntry(
        source=task.image.source,
        state=task.state,
        rows=tuple(rows),
        pixels=tuple(counts[: task.num_classes]),
        ignored=counts[IGNORE],
        thumbnail=thumbnail(image).tobytes(),
        input_sha256=_digest_of(content, mask),
    )


def _read(labelled: LabelledImage, values: ValueRange | None) -> tuple[bytes, Rgb, Mask]:
    content = read_content(labelled)
    with image_errors(labelled.image):
        image = decode_image(content, None if labelled.in_8_bits else values)
    mask = labelled.mask.read()
    if image.shape[:2] != mask.shape:
        raise SagesegError(
            f"{labelled.mask.path}: {mask.shape[1]}×{mask.shape[0]} pixels, but {labelled.image.name} has "
            f"{image.shape[1]}×{image.shape[0]}; mask and image must have one size"
        )
    return content, image, mask


def _resized(task: ImageTask, content: bytes, image: Rgb, mask: Mask) -> _Pixels:
    height, width = mask.shape
    size = resized_size(width, height, task.options.resize)
    regions = task.image.regions if task.options.focus else ()
    whole = size == (width, height) and task.options.crop is None
    return _Pixels(
        source_size=(width, height),
        image=resize_image(image, *size),
        mask=resize_mask(mask, *size),
        region=draw_regions(regions, size, (size[0] / width, size[1] / height)) if regions else None,
        content=content if whole and is_plain_jpeg(content) else None,
        mask_content=_final_mask(task.image) if whole else None,
    )


def _final_mask(labelled: LabelledImage) -> bytes | None:
    """The bytes of a mask's file where they may stand in the dataset as they are: upright, and in the colours that
    labelmap.txt names."""
    if not labelled.mask_is_final:
        return None
    content = labelled.mask.path.read_bytes()
    with open_header(content) as image:
        is_vocs = bytes(image.getpalette() or ()) == voc_palette().tobytes()
        return content if is_vocs and orientation_of(image) == 1 else None


def _write_crop(task: ImageTask, pixels: _Pixels, crop: Box) -> ManifestRow:
    labelled = task.image
    row_id = task.name if task.options.crop is None else crop_id(task.name, crop)
    mask = cut_mask(pixels.mask, crop)
    foreground = foreground_share(mask)
    in_region = pixels.region is not None and bool(_inside(pixels.region, crop).any())
    kept = keeps_crop(row_id, task.split, foreground, in_region, task.options)
    digests = ("", "")
    if kept:
        # an image that is not cropped is copied: encoding it again would only lose quality
        content = pixels.content or encode_image(cut_image(pixels.image, crop))
        digests = (
            _write_file(image_path(task.root, row_id), content),
            _write_file(mask_path(task.root, row_id), pixels.mask_content or encode_mask(mask)),
        )
    place = crop.left, crop.top, crop.width, crop.height, *pixels.source_size
    told = kept, foreground, *digests
    return ManifestRow(
        row_id, task.split, labelled.group, labelled.source, *place, *told, attributes=labelled.attributes
    )


def _loses_labels(mask: Mask, rows: Sequence[ManifestRow]) -> bool:
    """Whether a crop that was dropped holds anything but background: then the others do not give the mask back."""
    return any(not row.kept and bool(_inside(mask, row.box).any()) for row in rows)


def _inside(pixels: Mask, crop: Box) -> Mask:
    return pixels[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]


def _write_file(path: Path, content: bytes) -> str:
    """Write a file and give its sha256. A file counts as done when the journal knows its sha256."""
    write_unfinished(path, content)
    return hashlib.sha256(content).hexdigest()


def keeps_crop(row_id: str, split: str, foreground: float, in_region: bool, options: PrepOptions) -> bool:
    """Whether a crop gets files. Each is drawn by its own name's hash, so that the choice needs no
    second pass and does not change when images are added.

    Without --focus, crops with foreground stay, and shares of the empty ones. With --focus objects
    one share holds for the empty crops of every split; with regions the crops in a region follow
    the rule without focus, and a share of all others stays.
    """
    draw = int(rank(options.seed, row_id)[:13], 16) / 16**13
    if options.focus == OBJECTS:
        return foreground > 0 or draw < _focus_share(options)
    if options.focus and not in_region:
        return draw < _focus_share(options)
    return foreground > 0 or draw < (options.keep_empty if split == "train" else options.keep_empty_val)


def _focus_share(options: PrepOptions) -> float:
    if options.focus_share is not None:
        return options.focus_share
    return OBJECTS_SHARE if options.focus == OBJECTS else 0.0
