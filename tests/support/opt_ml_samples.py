"""Small `/opt/ml` trees to train in, and what a training left there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from formats.images import encode_image
from formats.masks import write_mask
from jobs.contract.artefact import LAST, Artefact, read_artefact
from jobs.contract.model_archive import pack_artefact
from jobs.contract.mxnet_params import decode_params

SETTINGS = {
    "num_classes": "2",
    "num_training_samples": "4",
    "algorithm": "unet",
    "optimizer": "adam",
    "learning_rate": "0.01",
    "epochs": "2",
    "base_size": "32",
    "crop_size": "32",
    "mini_batch_size": "2",
}


def write_root(root: Path, settings: dict[str, str], samples: int = 4) -> Path:
    """An `/opt/ml` tree: bright discs, class 1, on dark ground."""
    (root / "input/config").mkdir(parents=True)
    (root / "input/config/hyperparameters.json").write_text(json.dumps(settings))
    rows, columns = np.mgrid[:32, :40]
    for channel in ("train", "validation"):
        images, masks = (root / "input/data" / name for name in (channel, f"{channel}_annotation"))
        images.mkdir(parents=True)
        masks.mkdir()
        for i in range(samples):
            mask = ((rows - 16) ** 2 + (columns - 14 - 3 * i) ** 2 < 81).astype(np.uint8)
            (images / f"{i}.jpg").write_bytes(encode_image(np.stack([40 + 180 * mask] * 3, 2).astype(np.uint8)))
            write_mask(masks / f"{i}.png", mask)
    return root


def load(root: Path) -> Artefact:
    pack_artefact(root / "model", root / "model.tar.gz")
    return read_artefact(root / "model.tar.gz")


def last_weights(root: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in decode_params((root / "model" / LAST).read_bytes(), "x").items()}
