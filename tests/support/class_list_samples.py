"""Lists of classes and masks beside them, for the tests of what they mean together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from formats.classes import voc_palette
from prep.readers.classes.class_masks import ClassMasks, settle_masks
from prep.readers.classes.label_list import read_class_list
from tests.support.voc_samples import add_mask

BLACK, WHITE, BORDER = (0, 0, 0), (255, 255, 255), (224, 224, 192)
CAT, DOG = (48, 112, 32), (176, 112, 32)
VOC = [tuple(colour) for colour in voc_palette().tolist()]


def write(folder: Path, *lines: str, name: str = "labels.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def settle(
    folder: Path,
    lines: list[str],
    *masks: np.ndarray | Image.Image,
    name: str = "labels.txt",
    background: str | None = None,
    binary: bool = False,
) -> ClassMasks:
    paths = [folder / f"m{number}.png" for number in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        add_mask(path, mask)
    listed = read_class_list(write(folder, *lines, name=name))
    return settle_masks(listed, paths, background=background, binary=binary, workers=1)


def first(settled: ClassMasks) -> list[int]:
    """The values of the first mask, row by row."""
    mask = next(iter(settled.masks.values())).read()
    return [int(value) for value in mask[:, 0]]
