"""Augmented manifests of a dataset: JSON Lines that name an image and its mask, for Pipe mode
(developer guide, Semantic Segmentation, Training with the Augmented Manifest Format)."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from formats.channels import CHANNELS, masks_channel
from formats.dataset import Dataset
from formats.disk.whole_files import write_text
from jobs.contract.channels import MANIFEST_ATTRIBUTES

FOLDER = "manifests"


def manifest_folder(dataset: Dataset, data_uri: str, *, local: bool) -> str:
    """The URI of the folder of the manifests: beside the channels."""
    return (local_folder(dataset).absolute()).as_uri() if local else f"{data_uri}/{FOLDER}"


def local_folder(dataset: Dataset) -> Path:
    return dataset.root / FOLDER


def augmented_manifests(dataset: Dataset, data_uri: str) -> dict[str, str]:
    """`train.manifest` and `validation.manifest` by name; `data_uri` holds the channels' folders."""
    return {f"{channel}.manifest": _lines(dataset, split, channel, data_uri) for split, channel in CHANNELS.items()}


def _lines(dataset: Dataset, split: str, channel: str, data_uri: str) -> str:
    """In the order of the images' names, in which the open implementation also reads a channel's
    files: the order of a stream decides how it is shuffled. In a `file://` URI a name's %, # and ? are
    escaped; a key stands in an `s3://` URI as it is."""
    image, mask = MANIFEST_ATTRIBUTES
    escaped = quote if data_uri.startswith("file://") else str
    lines = []
    for row in sorted(dataset.kept(split), key=lambda row: dataset.image_path(row.id).name):
        line = {
            image: f"{data_uri}/{channel}/{escaped(dataset.image_path(row.id).name)}",
            mask: f"{data_uri}/{masks_channel(channel)}/{escaped(dataset.mask_path(row.id).name)}",
        }
        lines.append(json.dumps(line) + "\n")
    return "".join(lines)


def write_manifests(dataset: Dataset, data_uri: str) -> None:
    """Write the manifests into the dataset's folder, for the emulator."""
    folder = local_folder(dataset)
    folder.mkdir(exist_ok=True)
    for name, text in augmented_manifests(dataset, data_uri).items():
        write_text(folder / name, text)
