"""Small folders as labelme leaves them, for the tests of prep labelme."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from formats.images import encode_image

WIDTH, HEIGHT = 60, 40
TRIANGLE = [[5.0, 5.0], [40.0, 8.0], [12.0, 30.0]]


def shape(label: str = "car", points: Any = None, kind: str | None = "polygon", **more: Any) -> dict[str, Any]:
    """One shape; with kind None, as versions before 3 wrote it."""
    content = {"label": label, "points": TRIANGLE if points is None else points, **more}
    return content if kind is None else content | {"shape_type": kind}


def noise(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write_json(path: Path, shapes: list[Any], **more: Any) -> Path:
    """A JSON file of labelme 6; `more` replaces keys, and takes away those that are `...`."""
    content: dict[str, Any] = {
        "version": "6.3.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{path.stem}.jpg",
        "imageData": None,
    }
    content |= {"imageHeight": HEIGHT, "imageWidth": WIDTH} | more
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}), encoding="utf-8")
    return path


def write_pair(folder: Path, stem: str = "a", shapes: list[Any] | None = None, **more: Any) -> Path:
    """An image and its JSON file, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.jpg").write_bytes(encode_image(noise(len(stem))))
    return write_json(folder / f"{stem}.json", [shape()] if shapes is None else shapes, **more)


def write_labels(folder: Path, *names: str) -> Path:
    path = folder / "labels.txt"
    path.write_text("".join(f"{name}\n" for name in names or ("__ignore__", "_background_", "car", "road")), "utf-8")
    return path


def jpeg_with_orientation(pixels: np.ndarray[Any, Any], orientation: int) -> bytes:
    """A JPEG whose EXIF says how its pixels are to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=100, exif=exif)
    return buffer.getvalue()


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
