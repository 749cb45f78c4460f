"""Exports of Label Studio and their masks by its own converter, for tests/prep/test_labelstudio_golden.py.

    make oracles        # .venv/labelstudio/bin/python oracles/labelstudio_golden.py tests/data/golden

Regions by formula stand in an export; the SDK's converter writes the run lengths of its brushes, makes JSON-MIN of it,
and says what each region is: a brush's pixels, a polygon's corners as its COCO has them, those of a turned rectangle as
its YOLO OBB has them. pycocotools draws what has corners, and regions are painted over each other in the order of the
export. Run lengths that we wrote are read by the SDK. The converter draws no ellipse.
"""

from __future__ import annotations

import base64
import importlib.metadata
import json
import random
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from label_studio_sdk.converter import Converter, brush
from label_studio_sdk.converter.utils import convert_annotation_to_yolo_obb
from pycocotools import mask as coco

sys.path.insert(0, str(Path(__file__).parent.parent))
from formats.brush_rle import encode_brush

LABELS = ("road", "car", "tree")
"""In the order of their ids, from 1."""
TASKS = 24
CONFIG = "".join(
    ["<View><Image name='image' value='$image'/>"]
    + [
        f"<{kind}Labels name='{kind.lower()}' toName='image'>"
        + "".join(f"<Label value='{label}'/>" for label in LABELS)
        + f"</{kind}Labels>"
        for kind in ("Brush", "Polygon", "Rectangle")
    ]
    + ["</View>"]
)


def make_task(number: int) -> dict[str, Any]:
    chance = random.Random(number)  # noqa: S311  # regions by formula
    size = chance.randint(20, 90), chance.randint(20, 90)
    results = [make_result(chance, size, f"r{i}") for i in range(chance.randint(1, 6))]
    annotation = {
        "id": 100 + number,
        "completed_by": 1,
        "result": results,
        "was_cancelled": False,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "lead_time": 1.5,
    }
    address = f"/data/upload/1/0123abcd-im_{number}.png"
    return {"id": number + 1, "data": {"image": address}, "annotations": [annotation], "predictions": []}


def make_result(chance: random.Random, size: tuple[int, int], name: str) -> dict[str, Any]:
    kind = chance.choice(("brush", "polygon", "rectangle"))
    if kind == "brush":
        value = brush_value(chance, size)
    else:
        value = polygon_value(chance) if kind == "polygon" else rectangle_value(chance)
    return {
        "id": name,
        "type": f"{kind}labels",
        "from_name": kind,
        "to_name": "image",
        "image_rotation": 0,
        "original_width": size[0],
        "original_height": size[1],
        "value": value | {f"{kind}labels": [chance.choice(LABELS)]},
    }


def brush_value(chance: random.Random, size: tuple[int, int]) -> dict[str, Any]:
    """A disc whose edge has an alpha between, as a canvas draws it."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    distance = np.hypot(columns - chance.uniform(0, size[0]), rows - chance.uniform(0, size[1]))
    alpha = (255 * np.clip(chance.uniform(2, 20) + 0.5 - distance, 0, 1)).astype(np.uint8)
    return {"format": "rle", "rle": brush.mask2rle(alpha)}


def polygon_value(chance: random.Random) -> dict[str, Any]:
    count = chance.randint(3, 8)
    return {"points": [[chance.uniform(-3, 103), chance.uniform(-3, 103)] for _ in range(count)], "closed": True}


def rectangle_value(chance: random.Random) -> dict[str, Any]:
    x, y = chance.uniform(0, 80), chance.uniform(0, 80)
    rotation = chance.choice((0, 0, chance.uniform(0, 360)))
    return {"x": x, "y": y, "width": chance.uniform(1, 40), "height": chance.uniform(1, 40), "rotation": rotation}


def corners(result: dict[str, Any], task: dict[str, Any]) -> list[float]:
    """What the converter says that the corners of a polygon or rectangle are, in pixels."""
    alone = [task | {"annotations": [task["annotations"][0] | {"result": [result]}]}]
    if result["type"] == "polygonlabels":
        return convert(alone, "convert_to_coco")["annotations"][0]["segmentation"][0]
    told = result["value"] | {key: result[key] for key in ("original_width", "original_height")}
    if told["rotation"]:
        return [float(side) for corner in convert_annotation_to_yolo_obb(told, normalize=False) for side in corner]
    left, top, width, height = convert(alone, "convert_to_coco")["annotations"][0]["bbox"]
    return [left, top, left, top + height, left + width, top + height, left + width, top]


def convert(tasks: list[dict[str, Any]], how: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tasks.json"
        source.write_text(json.dumps(tasks))
        converter = Converter(CONFIG, folder, download_resources=False)
        getattr(converter, how)(str(source), folder, is_dir=False)
        return json.loads((Path(folder) / "result.json").read_text())


def draw(task: dict[str, Any]) -> np.ndarray:
    results = task["annotations"][0]["result"]
    width, height = results[0]["original_width"], results[0]["original_height"]
    mask = np.zeros((height, width), np.uint8)
    for result in results:
        kind = result["type"]
        if kind == "brushlabels":
            region = brush.decode_rle(result["value"]["rle"]).reshape(height, width, 4)[..., 3] > 0
        else:
            region = coco.decode(coco.frPyObjects([corners(result, task)], height, width)[0]) > 0
        mask[region] = 1 + LABELS.index(result["value"][kind][0])
    return mask


def check_ours() -> None:
    """Run lengths that we write are read by the SDK."""
    chance = np.random.default_rng(0)
    for number in range(40):
        flags = np.kron(chance.random(chance.integers(1, 30, 2)) < chance.random(), np.ones((1 + number % 3,) * 2)) > 0
        flags = np.pad(flags, ((0, 300 * (number % 5 == 0)), (0, 90 * (number % 7 == 0))))
        channels = brush.decode_rle(list(encode_brush(flags))).reshape(*flags.shape, 4)
        if not (channels == 255 * flags[..., None]).all():
            raise SystemExit(f"case {number}: the SDK reads our run lengths as something else")


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


def main() -> None:
    check_ours()
    tasks = [make_task(number) for number in range(TASKS)]
    version = importlib.metadata.version("label-studio-sdk")
    golden = {
        "label-studio-sdk": version,
        "pycocotools": importlib.metadata.version("pycocotools"),
        "labels": LABELS,
        "json": packed(json.dumps(tasks).encode()),
        "json_min": packed(json.dumps(convert(tasks, "convert_to_json_min")).encode()),
        "masks": [packed(draw(task).tobytes()) for task in tasks],
    }
    path = Path(sys.argv[1]) / f"labelstudio_{version}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
