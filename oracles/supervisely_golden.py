"""Annotations of Supervisely and their masks by its own SDK, for tests/prep/test_supervisely.py.

    make oracles        # .venv/supervisely/bin/python oracles/supervisely_golden.py tests/data/golden

Polygons with and without interiors, some of them beyond the image, bitmaps and rectangles by formula are written as
the SDK writes them, read again by it, and drawn by it over each other in the order of the file.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import random
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import supervisely

IMAGES = 40
CLASSES = [supervisely.ObjClass(name, supervisely.AnyGeometry) for name in ("car", "road")]
META = supervisely.ProjectMeta(CLASSES)


def make_image(number: int) -> dict[str, Any]:
    chance = random.Random(number)  # noqa: S311  # shapes by formula
    height, width = chance.randint(20, 60), chance.randint(20, 60)
    kinds = [chance.choice([polygon, bitmap, rectangle]) for _ in range(chance.randint(1, 4))]
    labels = [supervisely.Label(make(chance, height, width), chance.choice(CLASSES)) for make in kinds]
    written = supervisely.Annotation((height, width), labels).to_json()
    mask = np.zeros((height, width), np.uint8)
    for label in supervisely.Annotation.from_json(written, META).labels:
        label.geometry.draw(mask, 1 + CLASSES.index(label.obj_class))
    packed = base64.b64encode(zlib.compress(mask.tobytes(), 9)).decode()
    return {"annotation": written, "mask": packed}


def polygon(chance: random.Random, height: int, width: int) -> Any:
    def points(count: int) -> list[Any]:
        places = [(chance.randint(-5, height + 5), chance.randint(-5, width + 5)) for _ in range(count)]
        return [supervisely.PointLocation(row, column) for row, column in places]

    interior = [points(3)] if chance.random() < 0.4 else []
    return supervisely.Polygon(points(chance.randint(3, 7)), interior)


def bitmap(chance: random.Random, height: int, width: int) -> Any:
    flags = np.array([[chance.random() < 0.5 for _ in range(chance.randint(9, 9))] for _ in range(8)])
    flags[0, 0] = True
    return supervisely.Bitmap(
        flags, supervisely.PointLocation(chance.randint(0, height - 9), chance.randint(0, width - 9))
    )


def rectangle(chance: random.Random, height: int, width: int) -> Any:
    rows = sorted(chance.randint(0, height - 1) for _ in range(2))
    columns = sorted(chance.randint(0, width - 1) for _ in range(2))
    return supervisely.Rectangle(rows[0], columns[0], rows[1], columns[1])


def main(folder: Path) -> None:
    version = importlib.metadata.version("supervisely")
    content = {"meta": META.to_json(), "images": [make_image(number) for number in range(IMAGES)]}
    path = folder / f"supervisely_{version}.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path}: {IMAGES} images by supervisely {version}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
