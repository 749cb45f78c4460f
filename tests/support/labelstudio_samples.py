"""Small exports as Label Studio writes them, for the tests of prep labelstudio."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.brush_rle import encode_brush

WIDTH, HEIGHT = 50, 40
TIME = "2026-03-01T10:00:00Z"
UPLOAD = "/data/upload/1/0123abcd-"


def region(kind: str, value: dict[str, Any], label: str | None = "car", **more: Any) -> dict[str, Any]:
    """A result; with label None, without one. `more` replaces keys, and takes away those that are `...`."""
    labels = {} if label is None else {f"{kind}labels": [label]}
    content = {
        "id": "r1",
        "type": f"{kind}labels",
        "from_name": kind,
        "to_name": "image",
        "image_rotation": 0,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": value | labels,
    }
    return {key: value for key, value in (content | more).items() if value is not ...}


def box(left: float, top: float, right: float, bottom: float, label: str | None = "car", **more: Any) -> dict[str, Any]:
    """A rectangle by its sides in pixels."""
    x, y = left / WIDTH * 100, top / HEIGHT * 100
    value = {"x": x, "y": y, "width": (right - left) / WIDTH * 100, "height": (bottom - top) / HEIGHT * 100}
    return region("rectangle", value | {"rotation": 0}, label, **more)


def polygon(points: list[Any], label: str | None = "car", **more: Any) -> dict[str, Any]:
    """A polygon by its points in pixels."""
    shares = [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in points]
    return region("polygon", {"points": shares, "closed": True}, label, **more)


def brush(flags: npt.NDArray[np.bool_], label: str | None = "car", **more: Any) -> dict[str, Any]:
    return region("brush", {"format": "rle", "rle": list(encode_brush(flags))}, label, **more)


def bitmask(alpha: npt.NDArray[np.uint8], label: str | None = "car", **more: Any) -> dict[str, Any]:
    """Black pixels of an alpha, as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(np.dstack([np.zeros_like(alpha)] * 3 + [alpha])).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return region("bitmask", {"imageDataURL": url}, label, **more)


def annotation(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"id": 11, "completed_by": 1, "result": list(results), "was_cancelled": False, "ground_truth": False}
    return content | {"created_at": TIME, "updated_at": TIME} | more


def task(number: int, *annotations: dict[str, Any], image: str | None = None, **more: Any) -> dict[str, Any]:
    address = f"{UPLOAD}a{number}.png" if image is None else image
    content = {"id": number, "annotations": list(annotations), "predictions": [], "data": {"image": address}}
    return content | more


def minimal(number: int, controls: dict[str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    """A record of JSON-MIN: the results of each control, without what JSON has around them."""
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    listed = {name: [result["value"] | size for result in results] for name, results in controls.items()}
    content = {"image": f"{UPLOAD}a{number}.png", "id": number, "annotator": 1, "annotation_id": 11}
    return content | {"created_at": TIME, "updated_at": TIME, "lead_time": 2.5} | listed | more


def write_export(folder: Path, tasks: list[Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def write_images(folder: Path, *names: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(folder / name)
    return folder
