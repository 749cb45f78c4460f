"""Small folders as CVAT exports them, for the tests of prep cvat."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from formats.images import encode_image
from formats.masks import Mask
from prep.readers.labelled_image import Source
from tests.support.cvat_formula import document
from tests.support.labelme_samples import noise

SIZE = (60, 40)
LABELS = ("car", "road")


def write_images(folder: Path, *names: str, size: tuple[int, int] = SIZE) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode_image(noise(sum(name.encode()), *size)))
    return folder


def write_xml(folder: Path, parts: str, *, meta: str = "", labels: tuple[str, ...] = LABELS) -> Path:
    path = folder / "annotations.xml"
    path.write_text(document(parts, meta=meta, labels=labels), encoding="utf-8")
    return path


def masks(source: Source) -> dict[str, Mask]:
    return {each.source: each.mask.read() for each in source.images}


def blank(size: tuple[int, int] = SIZE) -> Mask:
    return np.zeros(size[::-1], np.uint8)
