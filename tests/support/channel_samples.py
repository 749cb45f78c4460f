"""The channels of a sample dataset, as prep links them."""

from __future__ import annotations

import os
from pathlib import Path

from formats.channels import CHANNELS, masks_channel
from formats.dataset import Dataset, channel_path


def make_channels(dataset: Dataset) -> Dataset:
    """Link the files of each split into its channel. Returns the dataset."""
    for split, channel in CHANNELS.items():
        for row in dataset.kept(split):
            _link(dataset.image_path(row.id), channel_path(dataset.root, channel))
            _link(dataset.mask_path(row.id), channel_path(dataset.root, masks_channel(channel)))
    return dataset


def _link(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.link(path, folder / path.name)
