"""Folders of labelme's as prep labelme reads them, beside the list of the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prep.readers.labelled_image import LabelledImage
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_samples import write_labels

BOX = [[2, 3], [30, 20]]


def read_images(folder: Path, **options: object) -> tuple[LabelledImage, ...]:
    labels = folder.parent / "labels.txt"
    if not labels.exists():
        write_labels(folder.parent)
    return read_labelme(folder, labels, workers=1, **options).images  # type: ignore[arg-type]


Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, Form] = ("NFC", "NFD")
