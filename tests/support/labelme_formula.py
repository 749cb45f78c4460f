"""Annotations by formula, on which our masks are compared with labelme's.

Both sides compute them from a number alone. Needs numpy and Pillow and nothing else of ours:
`oracles/labelme_golden.py` imports it too, in labelme's environment.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

COUNT = 60
IDS = {"__ignore__": 255, "_background_": 0, "car": 1, "road/lane": 2, "Straße": 3}
_KINDS = ("polygon", "rectangle", "oriented_rectangle", "circle", "line", "linestrip", "point", "mask")
_POINTS = {"polygon": 7, "rectangle": 2, "oriented_rectangle": 4, "circle": 2, "line": 2, "linestrip": 5, "point": 1}


def annotation(number: int, version: str) -> dict[str, Any]:
    """The content of a JSON file: up to six shapes, some reaching over the edge of the image."""
    rng = np.random.default_rng(number)
    width, height = (int(side) for side in rng.integers(40, 90, 2))
    shapes = [_shape(rng, _KINDS[(number + i) % len(_KINDS)], width, height) for i in range(1 + number % 6)]
    if tuple(map(int, version.split("."))) >= (7, 2):
        shapes = [_drifted(shape, number) if shape["mask"] else shape for shape in shapes]
    return {
        "version": version,
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{number:03}.png",
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _shape(rng: np.random.Generator, kind: str, width: int, height: int) -> dict[str, Any]:
    label = list(IDS)[int(rng.integers(len(IDS)))]
    patch = None
    if kind == "mask":
        patch = rng.random(rng.integers(3, 30, 2)) < 0.6
        left, top = rng.integers(0, 10, 2)
        points = np.array([[left, top], [left + patch.shape[1] - 1, top + patch.shape[0] - 1]], float)
    else:
        count = int(rng.integers(3, _POINTS[kind] + 1)) if kind == "polygon" else _POINTS[kind]
        points = (rng.uniform(-0.15, 1.15, (count, 2)) * (width, height)).round(int(rng.integers(0, 4)))
    return {
        "label": label,
        "points": points.tolist(),
        "group_id": None,
        "shape_type": kind,
        "flags": {},
        "mask": None if patch is None else base64.b64encode(_png(patch)).decode(),
    }


def _drifted(shape: dict[str, Any], number: int) -> dict[str, Any]:
    """A mask larger than its corners, which only labelme 7.1 and later draw; some with corners of fractions of
    pixels."""
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as image:
        patch = np.pad(np.asarray(image) > 0, ((0, number % 3), (0, number % 2)), constant_values=True)
    shift = (0.0, 0.4, 0.5, 0.6)[number // 3 % 4]
    points = [[x + shift, y] for x, y in shape["points"]]
    return shape | {"points": points, "mask": base64.b64encode(_png(patch)).decode()}


def _png(patch: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(patch.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()
