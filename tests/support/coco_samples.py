"""Small COCO files with their images, and the masks that pycocotools itself makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from formats.images import encode_image
from formats.masks import Mask
from prep.readers.coco.reader import read_coco
from prep.readers.labelled_image import Source

WIDTH, HEIGHT = 40, 30
SQUARE = [10, 10, 20, 10, 20, 20, 10, 20]
CATEGORIES = [{"id": 1, "name": "car", "supercategory": ""}, {"id": 2, "name": "road", "supercategory": ""}]

ROBOFLOW = [
    {"id": 0, "name": "cars", "supercategory": "none"},
    {"id": 1, "name": "car", "supercategory": "cars"},
    {"id": 2, "name": "road", "supercategory": "cars"},
]


def image(number: int, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name or f"{number}.jpg", "width": WIDTH, "height": HEIGHT} | more


def annotation(number: int, image_id: Any = 1, category: Any = 1, drawn: Any = None, **more: Any) -> dict[str, Any]:
    segmentation = [SQUARE] if drawn is None else drawn
    own = {"id": number, "image_id": image_id, "category_id": category, "segmentation": segmentation, "iscrowd": 0}
    return own | {"bbox": [10, 10, 10, 10], "area": 100} | more


def write_coco(
    path: Path,
    annotations: Sequence[Any],
    images: Sequence[Any] | None = None,
    categories: Sequence[Any] = tuple(CATEGORIES),
    *,
    folder: Path | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **more: Any,
) -> Path:
    """A file, annotations before images, and its images of `size` (width, height) in `folder`, or beside it."""
    declared = [image(1)] if images is None else list(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    for each in declared:
        if isinstance(each, dict) and isinstance(each.get("file_name"), str):
            place = (folder or path.parent) / each["file_name"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(encode_image(np.full((*size[::-1], 3), len(each["file_name"]), np.uint8)))
    content = {"annotations": list(annotations), "images": declared, "categories": list(categories)} | more
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}), encoding="utf-8")
    return path


def run_lengths(flags: np.ndarray[Any, Any], *, text: bool) -> dict[str, Any]:
    """COCO's run lengths of 0/1 flags, as text or as numbers."""
    encoded = coco_masks.encode(np.asfortranarray(flags.astype(np.uint8)))
    if text:
        return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}
    column = np.concatenate([[0], flags.T.ravel().astype(np.int8), [2]])
    marks = np.flatnonzero(np.diff(column[1:]))
    counts = np.diff(np.concatenate([[-1], marks])).tolist()
    return {"size": list(flags.shape), "counts": [0, *counts] if column[1] else counts}


def read(path: Path, images: Path | None = None, **more: Any) -> Source:
    return read_coco(path, images, workers=1, **more)


def masks(source: Source) -> dict[str, np.ndarray[Any, Any]]:
    return {each.source: each.mask.read() for each in source.images}


def coco_truth(path: Path, ids: Mapping[int, int], capsys: Any = None) -> dict[str, Mask]:
    """The mask of each image by its name: annToMask of every annotation in order of the file, `ids` by category."""
    coco = COCO(str(path))
    if capsys:
        capsys.readouterr()  # pycocotools tells how long it took
    masks = {each["id"]: np.zeros((each["height"], each["width"]), np.uint8) for each in coco.dataset["images"]}
    for each in coco.dataset["annotations"]:
        masks[each["image_id"]][coco.annToMask(each) == 1] = ids[each["category_id"]]
    return {each["file_name"]: masks[each["id"]] for each in coco.dataset["images"]}
