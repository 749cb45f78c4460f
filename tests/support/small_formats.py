"""Labels as Supervisely, YOLO and VGG Image Annotator lay them out: one image each, or a few."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from formats.images import encode_image
from formats.masks import Mask
from prep.readers.labelled_image import Source
from tests.support.prep_samples import HEIGHT, WIDTH, noise

SQUARE = [[10, 20], [30, 20], [30, 40], [10, 40]]
VIA_POLYGON = {"name": "polygon", "all_points_x": [x for x, _ in SQUARE], "all_points_y": [y for _, y in SQUARE]}


def masks_of(source: Source) -> dict[str, Mask]:
    """The mask of each image, by its source."""
    return {image.source: image.mask.read() for image in source.images}


def _write_image(path: Path, number: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(noise(number)))


def supervisely_polygon(exterior: list[Any], interior: Sequence[Any] = (), title: str = "car") -> dict[str, Any]:
    points = {"exterior": exterior, "interior": list(interior)}
    return {"classTitle": title, "geometryType": "polygon", "points": points}


def write_supervisely(root: Path, objects: list[Any], *, names: Sequence[str] = ("a.jpg",)) -> Path:
    """A project of one dataset, `ds`, in which each image has the same objects."""
    (root / "ds" / "ann").mkdir(parents=True, exist_ok=True)
    annotation = {"size": {"height": HEIGHT, "width": WIDTH}, "objects": objects}
    for number, name in enumerate(names):
        _write_image(root / "ds" / "img" / name, number)
        (root / "ds" / "ann" / f"{name}.json").write_text(json.dumps(annotation))
    (root / "meta.json").write_text(json.dumps({"classes": [{"title": title} for title in ("car", "road")]}))
    return root


def yolo_row(points: list[Any], number: int = 0) -> str:
    flat = " ".join(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in points)
    return f"{number} {flat}\n"


def write_yolo(root: Path, texts: Mapping[str, str], yaml: str | None = "names: [car, road]\ntrain: images\n") -> Path:
    """Images by their paths without suffix, with the rows of their text files."""
    for number, (name, text) in enumerate(texts.items()):
        _write_image(root / f"{name}.jpg", number)
        path = root / f"{name.replace('images', 'labels')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if yaml is not None:
        (root / "data.yaml").write_text(yaml)
    return root


def via_region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def write_via(
    file: Path, images: Path, regions: list[Any], *, is_project: bool = True, names: Sequence[str] = ("a.jpg",)
) -> tuple[Path, Path]:
    """A file in which each image has the same regions."""
    for number, name in enumerate(names):
        _write_image(images / name, number)
    entries = {f"{n}123": {"filename": n, "size": 123, "regions": regions, "file_attributes": {}} for n in names}
    file.write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": entries} if is_project else entries))
    return file, images
