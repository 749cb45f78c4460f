"""Masks of Label Studio's exports, JSON and JSON-MIN, against its own converter's: oracles/labelstudio_golden.py."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.labelstudio.reader import read_labelstudio

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data/golden/labelstudio_2.1.2.json").read_text())


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


TASKS = json.loads(unpacked(GOLDEN["json"]))
MINIMAL = json.loads(unpacked(GOLDEN["json_min"]))
MASKS = [unpacked(mask) for mask in GOLDEN["masks"]]


def masks_of(folder: Path, records: list[Any]) -> dict[str, Mask]:
    """The masks that we make of records, by the names of their images."""
    (folder / "images").mkdir(parents=True)
    for record in records:
        size, name = place_of(record["id"])
        Image.new("RGB", size).save(folder / "images" / name)
    (folder / "export.json").write_text(json.dumps(records))
    (folder / "labels.txt").write_text("\n".join(GOLDEN["labels"]))
    source = read_labelstudio(folder / "export.json", folder / "images", folder / "labels.txt", workers=1)
    return {image.source: image.mask.read() for image in source.images}


def place_of(task: int) -> tuple[tuple[int, int], str]:
    """The (width, height) of a task's image, and its name."""
    first = TASKS[task - 1]["annotations"][0]["result"][0]
    return (first["original_width"], first["original_height"]), f"im_{task - 1}.png"


def wanted(task: int) -> Mask:
    size, _ = place_of(task)
    return np.frombuffer(MASKS[task - 1], np.uint8).reshape(size[::-1])


def test_masks_are_the_converters(tmp_path: Path) -> None:
    masks = masks_of(tmp_path, TASKS)
    assert len(masks) == len(TASKS)
    for task in TASKS:
        assert np.array_equal(masks[place_of(task["id"])[1]], wanted(task["id"])), task["id"]


def mask_or_refusal(folder: Path, record: Any) -> Mask | str:
    try:
        return next(iter(masks_of(folder, [record]).values()))
    except SagesegError as e:
        return str(e)


def test_json_min_gives_the_same_masks_or_says_that_it_does_not_know(tmp_path: Path) -> None:
    """It lists the regions of each control by themselves: the order between controls is lost."""
    unsure = 0
    for record in MINIMAL:
        mask = mask_or_refusal(tmp_path / str(record["id"]), record)
        if isinstance(mask, str):
            assert "JSON-MIN does not say which was drawn last" in mask
            unsure += 1
        else:
            assert np.array_equal(mask, wanted(record["id"])), record["id"]
    assert 0 < unsure < len(MINIMAL)
