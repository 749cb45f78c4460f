"""Small datasets and predictions on disk, for the tests of every room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats import dataset as files
from formats.classes import IGNORE, ClassTable, write_labels
from formats.crops import Box, crop_grid, crop_id
from formats.dataset import Dataset, open_dataset
from formats.images import Rgb, encode_image
from formats.manifest import ManifestRow, write_manifest
from formats.masks import Mask, encode_mask, foreground_share, read_mask
from formats.predictions import (
    ModelFacts,
    Predictions,
    mask_path,
    open_predictions,
    write_predictions_tables,
    write_probabilities,
)

CAR = ClassTable(("_background_", "car"))


def disc_image(width: int, height: int, *, seed: int = 0) -> tuple[Rgb, Mask]:
    """A bright disc (class 1) on a dark ground with noise, and its mask."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    centre = rng.uniform(0.35, 0.65, 2) * (height, width)
    mask = ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < (min(width, height) / 4) ** 2).astype(np.uint8)
    image = 60 + 130 * mask[:, :, None] + rng.integers(0, 20, (height, width, 3))
    return image.astype(np.uint8), mask


def make_dataset(
    root: Path,
    images: Mapping[str, tuple[Rgb, Mask]],
    *,
    crop: int | None = None,
    overlap: int = 0,
    classes: ClassTable = CAR,
    splits: Mapping[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
    drop_empty: bool = True,
    suffix: str = ".jpg",
) -> Dataset:
    """A dataset as prep writes it, without channels and image sets.

    `images` are (image, mask) by stem. Split is `val` and the group the stem up to its last "_"
    unless told. With `drop_empty`, empty crops lose their files in every split.
    """
    for folder in ("JPEGImages", "SegmentationClass"):
        (root / folder).mkdir(parents=True)
    rows = []
    for stem, (image, mask) in images.items():
        height, width = mask.shape
        for box in crop_grid(width, height, crop, overlap):
            cut = cut_crop(mask, box, IGNORE)
            share = foreground_share(cut)
            row = ManifestRow(
                id=stem if crop is None else crop_id(stem, box),
                split=(splits or {}).get(stem, "val"),
                group=(groups or {}).get(stem, stem.rpartition("_")[0] or stem),
                source=stem + suffix,
                x=box.left,
                y=box.top,
                width=box.width,
                height=box.height,
                source_width=width,
                source_height=height,
                kept=crop is None or share > 0 or not drop_empty,
                foreground=share,
                attributes={"angle": stem.rpartition("_")[2]},
            )
            rows.append(row)
            if row.kept:
                files.mask_path(root, row.id).write_bytes(encode_mask(cut))
                files.image_path(root, row.id).write_bytes(encode_image(cut_crop(image, box, None)))
    write_labels(files.labels_path(root), classes)
    write_manifest(files.manifest_path(root), rows)
    files.info_path(root).write_text(json.dumps({"format_version": files.FORMAT_VERSION, "source_format": "sample"}))
    return open_dataset(root)


def make_predictions(
    root: Path,
    dataset: Dataset,
    masks: Mapping[str, Mask],
    *,
    dropped_too: bool = False,
    model: ModelFacts | None = None,
) -> Predictions:
    """Predictions of the dataset's crops, cut from full-size masks by stem."""
    (root / "masks").mkdir(parents=True)
    rows = [row for row in dataset.rows if row.source_stem in masks and (row.kept or dropped_too)]
    for row in rows:
        mask_path(root, row.id).write_bytes(encode_mask(cut_crop(masks[row.source_stem], row.box, 0)))
    write_predictions_tables(root, rows, dataset.classes, (model or ModelFacts(job="sample-job")).known())
    return open_predictions(root)


def cut_crop(pixels: npt.NDArray[np.uint8], box: Box, padding: int | None) -> npt.NDArray[np.uint8]:
    """The pixels in a box; what lies outside is `padding`, or the edge repeated for None."""
    inner = pixels[box.top : box.top + box.height, box.left : box.left + box.width]
    missing = [(0, box.height - inner.shape[0]), (0, box.width - inner.shape[1]), (0, 0)][: pixels.ndim]
    if padding is None:
        return np.pad(inner, missing, mode="edge")
    return np.pad(inner, missing, constant_values=padding)


def write_shares(predictions: Predictions, share: float) -> None:
    """Give each predicted crop probabilities: `share` for the predicted class, the others alike."""
    num_classes = len(predictions.classes or CAR)
    (predictions.root / "probabilities").mkdir()
    for row in predictions.rows:
        if predictions.mask_path(row.id).is_file():
            mask = read_mask(predictions.mask_path(row.id))
            rest = (1 - share) / (num_classes - 1)
            shares = np.where(mask == np.arange(num_classes)[:, None, None], share, rest)
            write_probabilities(predictions.probabilities_path(row.id), shares)
