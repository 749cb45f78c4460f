"""Images and masks in folders, paired by their names, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from prep.readers.labelled_image import Source
from prep.readers.pairs.reader import read_pairs
from prep.readers.pairs.truth import PairOptions
from tests.support.voc_samples import add_image, add_mask, rows

STEMS = ("a", "b.1", "c d")
Draw = Callable[[str], np.ndarray | Image.Image]


def ids(_: str) -> np.ndarray:
    return rows(0, 1, 255)


def make(root: Path, image: str, mask: str, *, masks: Draw = ids, labels: str = "background\ncar\n") -> Path:
    """Images and masks of STEMS under these names below a folder, and a class list."""
    for stem in STEMS:
        add_image(root / image.format(stem))
        add_mask(root / mask.format(stem), masks(stem))
    if labels:
        (root / "classes.txt").write_text(labels)
    return root


def read(root: Path, images: str = "images", masks: str = "masks", **options: object) -> Source:
    return read_pairs(root / images, root / masks, PairOptions(**options), workers=1)  # type: ignore[arg-type]


def columns(source: Source) -> dict[str, list[int]]:
    """The first rows of each image's mask, by the image's path."""
    return {image.source: image.mask.read()[:4, 0].tolist() for image in source.images}
