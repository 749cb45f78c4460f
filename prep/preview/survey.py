"""A dataset looked through once: what each image holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from formats.classes import IGNORE
from formats.dataset import SPLITS, Dataset, image_path, mask_path, truth_path
from formats.images import Rgb, image_errors
from formats.manifest import ManifestRow
from formats.masks import Mask, count_values, read_mask, resize_mask
from formats.parallel import map_all
from formats.prepared.label_map import LabelMap
from formats.prepared.resize import Resize, recorded_resize, resized_size
from prep.preview.objects import Objects, find_objects
from prep.preview.sizes import NetworkView, SizeCounts

_HALF = 2
"""Images are looked at in half their size: blur and colour show, and decoding takes no longer than at an eighth."""
_SPARSE = 8


@dataclass(frozen=True)
class CropFacts:
    """What a kept crop holds: the class ids in its mask, as a job reads it."""

    row: ManifestRow
    classes: frozenset[int]

    @property
    def has_foreground(self) -> bool:
        return any(0 < class_id < IGNORE for class_id in self.classes)


@dataclass(frozen=True)
class ObjectFacts:
    """The objects of one class in an image: how many, their pixels, and how many reach the image's edge."""

    count: int
    smallest: int
    largest: int
    at_edge: int


@dataclass(frozen=True)
class ImageFacts:
    """What an image with kept crops shows. Of those crops: `brightness`, the mean grey level 0..255; `colour`, the mean
    distance of the channels from grey, in levels; `sharpness`, the largest variance of the Laplacian at half size. Of
    the whole image: `shares` of the pixels that are not ignored by foreground class, and `objects` by class."""

    rows: tuple[ManifestRow, ...]
    crops: tuple[CropFacts, ...]
    brightness: float
    colour: float
    sharpness: float
    shares: Mapping[int, float]
    objects: Mapping[int, ObjectFacts]

    @property
    def source(self) -> str:
        return self.rows[0].source


@dataclass(frozen=True)
class Survey:
    """All images with kept crops, in the manifest's order, and the sizes of all their objects."""

    images: tuple[ImageFacts, ...]
    sizes: SizeCounts

    @property
    def crops(self) -> list[CropFacts]:
        return [crop for image in self.images for crop in image.crops]


@dataclass(frozen=True)
class _Look:
    """How a worker looks at an image."""

    root: Path
    num_classes: int
    resize: Resize | None
    label_maps: Mapping[str, LabelMap | None]


def survey(
    dataset: Dataset,
    workers: int | None = None,
    label_maps: Mapping[str, LabelMap | None] | None = None,
    network: NetworkView | None = None,
) -> Survey:
    """Read every kept crop once, masks by the label map of their split. Objects are those of whole images, put
    together of the crops, or as truth/ has them; `network` is what they are compared with beside the crop."""
    look = _Look(dataset.root, len(dataset.classes), recorded_resize(dataset.info), label_maps or {})
    tasks = [rows for rows in by_source(dataset.rows).values() if any(row.kept for row in rows)]
    images, sizes = [], SizeCounts(network)
    for facts, objects in map_all(partial(_look_at, look), tasks, workers=workers, label="images"):
        images.append(facts)
        sizes.add(objects, facts.rows[0])
    return Survey(tuple(images), sizes)


def _look_at(look: _Look, rows: Sequence[ManifestRow]) -> tuple[ImageFacts, Objects]:
    kept = [row for row in rows if row.kept]
    label_map = look.label_maps.get(rows[0].split)
    masks = [_read_crop_mask(look.root, row, label_map) for row in kept]
    seen = [_measure(_read_half(look.root, row)) for row in kept]
    brightness, colour, sharpness = zip(*seen, strict=True)
    whole = _whole_mask(look, rows, kept, masks, label_map)
    objects = find_objects(whole, look.num_classes)
    crops = tuple(CropFacts(row, _present(mask)) for row, mask in zip(kept, masks, strict=True))
    facts = ImageFacts(
        rows=tuple(rows),
        crops=crops,
        brightness=sum(brightness) / len(seen),
        colour=sum(colour) / len(seen),
        sharpness=max(sharpness),
        shares=_shares(whole, objects, _all_counted(crops, look.num_classes) and not rows[0].truth_sha256),
        objects=_by_class(objects),
    )
    return facts, objects


def _read_crop_mask(root: Path, row: ManifestRow, label_map: LabelMap | None) -> Mask:
    path = mask_path(root, row.id)
    return label_map.apply(read_mask(path), path) if label_map else read_mask(path)


def _read_half(root: Path, row: ManifestRow) -> Rgb:
    path = image_path(root, row.id)
    with image_errors(path):
        content = path.read_bytes()
        # scaled in the frequency domain, to the smallest scale that leaves so many pixels
        least = {"min_width": max(1, row.width // _HALF), "min_height": max(1, row.height // _HALF)}
        return np.asarray(simplejpeg.decode_jpeg(content, "RGB", **least))


def _measure(image: Rgb) -> tuple[float, float, float]:
    """The mean grey level, the mean distance from grey, and the variance of the Laplacian."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sparse = image[::_SPARSE, ::_SPARSE]
    colour = sparse.max(axis=2).astype(np.int16) - sparse.min(axis=2)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return cv2.mean(grey)[0], float(colour.mean()), float(deviation[0, 0]) ** 2


def _whole_mask(
    look: _Look,
    rows: Sequence[ManifestRow],
    kept: Sequence[ManifestRow],
    masks: Sequence[Mask],
    label_map: LabelMap | None,
) -> Mask:
    """The mask of the whole image at the size at which it was cut into crops."""
    first = rows[0]
    width, height = resized_size(first.source_width, first.source_height, look.resize)
    if first.truth_sha256:
        truth = resize_mask(read_mask(truth_path(look.root, first.source_stem)), width, height)
        return label_map.classes[truth] if label_map else truth
    if len(rows) == 1 and masks[0].shape == (height, width):
        return masks[0]
    whole = np.zeros((height, width), np.uint8)  # dropped crops hold nothing but background: else there is a truth
    for row, mask in zip(kept, masks, strict=True):
        place = whole[row.y : row.y + row.height, row.x : row.x + row.width]
        place[:] = mask[: place.shape[0], : place.shape[1]]
    return whole


def _present(mask: Mask) -> frozenset[int]:
    return frozenset(value for value, count in enumerate(count_values(mask)) if count)


def _all_counted(crops: Iterable[CropFacts], num_classes: int) -> bool:
    return all(value < num_classes for crop in crops for value in crop.classes)


def _shares(mask: Mask, objects: Objects, nothing_ignored: bool) -> dict[int, float]:
    """The share of each foreground class, whose pixels are known by its objects; nobody counts those that are ignored
    where there are none."""
    total = mask.size if nothing_ignored else mask.size - count_values(mask)[IGNORE]
    pixels = np.bincount(objects.classes, objects.pixels).tolist()
    return {class_id: count / total for class_id, count in enumerate(pixels) if count}


def _by_class(objects: Objects) -> dict[int, ObjectFacts]:
    facts = {}
    for class_id in np.unique(objects.classes).tolist():
        own = objects.classes == class_id
        pixels = objects.pixels[own]
        at_edge = int(objects.at_edge[own].sum())
        facts[class_id] = ObjectFacts(len(pixels), int(pixels.min()), int(pixels.max()), at_edge)
    return facts


def by_source(rows: Iterable[ManifestRow]) -> dict[str, list[ManifestRow]]:
    """The crops of each source image."""
    sources: dict[str, list[ManifestRow]] = {}
    for row in rows:
        sources.setdefault(row.source, []).append(row)
    return sources


def splits_of(dataset: Dataset) -> list[str]:
    """The splits that have images, in their order."""
    present = {row.split for row in dataset.rows}
    return [split for split in SPLITS if split in present]


def images_with(images: Iterable[ImageFacts]) -> Counter[int]:
    """How many images have each class in their kept crops."""
    return Counter(each for image in images for each in {value for crop in image.crops for value in crop.classes})
