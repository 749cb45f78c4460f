"""The images and masks of a channel, as `/opt/ml/input/data` holds them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from formats.channels import masks_channel
from formats.errors import SagesegError
from formats.images import JPEG_SUFFIXES, Rgb, read_image
from formats.masks import Mask, check_values, read_mask
from formats.prepared.label_map import LabelMap

CACHE_BYTES = 2**30
"""Decoded samples kept in memory; a small dataset is then decoded once, not once per epoch."""


@dataclass(frozen=True)
class Sample:
    """An image file and its mask file; both have the same stem."""

    image: Path
    mask: Path


def find_samples(data: Path, channel: str) -> list[Sample]:
    """The samples of a channel (`train` or `validation`) and its masks, by name.

    Files that are no JPEG are passed over with a warning, as the built-in does. Raises
    SagesegError when a folder is missing or empty, or an image has no mask.
    """
    images, masks = data / channel, data / masks_channel(channel)
    for folder in (images, masks):
        if not folder.is_dir():
            raise SagesegError(f"{folder}: not found; expected the files of channel {folder.name}")
    samples = []
    for path in sorted(images.iterdir()):
        if path.suffix.lower() not in JPEG_SUFFIXES:
            logging.getLogger(__name__).warning("%s is not a readable image file", path)
            continue
        samples.append(Sample(path, _mask_of(path, masks)))
    if not samples:
        raise SagesegError(f"{images}: holds no JPEG; expected images such as 0000.jpg")
    return samples


def _mask_of(image: Path, masks: Path) -> Path:
    mask = masks / f"{image.stem}.png"
    if not mask.is_file():
        raise SagesegError(f"{image}: has no mask; expected {mask}")
    return mask


@dataclass
class SampleStore:
    """Samples by number, decoded and checked when first asked for and kept while `capacity` lasts.

    Threads may share one: two that ask for the same sample at once only decode it twice.
    """

    samples: Sequence[Sample]
    num_classes: int
    label_map: LabelMap | None = None
    capacity: int = CACHE_BYTES
    _kept: dict[int, tuple[Rgb, Mask]] = field(default_factory=dict)
    _used: int = 0

    def __len__(self) -> int:
        return len(self.samples)

    def load(self, index: int) -> tuple[Rgb, Mask]:
        """The image (H, W, 3) and mask (H, W) of a sample; not to be changed.

        Raises SagesegError that names the file when one is broken, sizes differ, or the mask holds
        a value that is no class.
        """
        if index in self._kept:
            return self._kept[index]
        pair = read_sample(self.samples[index], self.num_classes, self.label_map)
        size = pair[0].nbytes + pair[1].nbytes
        if self._used + size <= self.capacity:
            self._kept[index] = pair
            self._used += size
        return pair


def read_sample(sample: Sample, num_classes: int, label_map: LabelMap | None = None) -> tuple[Rgb, Mask]:
    image, mask = read_image(sample.image), read_mask(sample.mask)
    if image.shape[:2] != mask.shape:
        (height, width), (mask_height, mask_width) = image.shape[:2], mask.shape
        raise SagesegError(
            f"{sample.mask}: {mask_width} × {mask_height} pixels, but its image has {width} × {height}; "
            "expected the same size"
        )
    if label_map is not None:
        return image, label_map.apply(mask, sample.mask)
    check_values(mask, num_classes, sample.mask)
    return image, mask
