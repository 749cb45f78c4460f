"""COCO to masks, side by side with datumaro's conversion; and what a large file takes of memory.

    python benchmarks/prep_coco.py [IMAGES] [POLYGONS]
    python benchmarks/prep_coco.py --memory MEGABYTES

Images are 640 × 480, as most of COCO's, with 8 polygons of 24 corners each. The peer runs in an environment of its
own, whose Python DATUMARO_PYTHON names: import, polygons to masks, export as VOC's masks, which are coloured, with a
second of objects. Processor seconds of one process, from the start of Python to its end: ours once for the masks alone,
checked and overlaps counted, and once for a whole dataset, images read, checksums and near-twins included. Memory is
the highest of the main process and of its workers, for a file of so many megabytes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from formats.images import encode_image

WIDTH, HEIGHT, CORNERS, CLASSES = 640, 480, 24, 10
PEER = """
import sys
from datumaro.components.dataset import Dataset
dataset = Dataset.import_from(sys.argv[1], "coco_instances")
dataset.transform("polygons_to_masks")
dataset.export(sys.argv[2], "voc_segmentation", save_media=False)
"""
MASKS = """
import sys
from pathlib import Path
from formats.masks import write_mask
from prep.readers.coco.reader import read_coco
out = Path(sys.argv[2])
out.mkdir()
for image in read_coco(Path(sys.argv[1]), workers=1).images:
    write_mask(out / f"{image.image.stem}.png", image.mask.read())
"""
DATASET = """
import sys, sageseg.cli
sys.argv[1:] = ["prep", "coco", sys.argv[1], "--out", sys.argv[2], "--crop", "none", "--workers", "1"]
sageseg.cli.main()
"""
OURS = {"masks": MASKS, "the whole dataset": DATASET}


def make_coco(root: Path, images: int, polygons: int, corners: int = CORNERS) -> Path:
    """A folder as COCO's: annotations/instances_train.json and images/train. Gives the JSON file."""
    (root / "annotations").mkdir(parents=True)
    (root / "images" / "train").mkdir(parents=True)
    rng = np.random.default_rng(0)
    declared = []
    for number in range(images):
        name = f"{number:06}.jpg"
        coarse = rng.integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3), np.uint8)
        (root / "images" / "train" / name).write_bytes(encode_image(cv2.resize(coarse, (WIDTH, HEIGHT))))
        declared.append({"id": number + 1, "file_name": name, "width": WIDTH, "height": HEIGHT})
    path = root / "annotations" / "instances_train.json"
    categories = [{"id": n + 1, "name": f"class{n}", "supercategory": ""} for n in range(CLASSES)]
    with path.open("w") as file:
        file.write(f'{{"images": {json.dumps(declared)}, "categories": {json.dumps(categories)}, "annotations": [\n')
        for number in range(polygons):
            annotation = _annotation(rng, number, 1 + number * images // polygons, corners)
            file.write((",\n" if number else "") + json.dumps(annotation))
        file.write("\n]}\n")
    return path


def _annotation(rng: np.random.Generator, number: int, image: int, corners: int) -> dict[str, object]:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = rng.uniform(0.6, 1, corners) * rng.uniform(20, 90)
    points = np.stack([np.cos(angles) * radius, np.sin(angles) * radius], 1) + rng.uniform(90, 390, 2)
    left, top, right, bottom = *points.min(0), *points.max(0)
    return {
        "id": number + 1,
        "image_id": image,
        "category_id": 1 + number % CLASSES,
        "segmentation": [np.round(points, 2).ravel().tolist()],
        "bbox": np.round([left, top, right - left, bottom - top], 2).tolist(),
        "area": float(round((right - left) * (bottom - top), 2)),
        "iscrowd": 0,
    }


def seconds(python: str, program: str, root: Path, name: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [python, "-W", "ignore", "-c", program, str(root / "coco"), str(root / name)]
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(images: int, polygons: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = make_coco(root / "coco", images, polygons)
        sys.stdout.write(f"{images} images, {polygons} polygons, {path.stat().st_size / 2**20:.0f} MB of JSON" + "\n")
        ours = {name: seconds(sys.executable, program, root, name) for name, program in OURS.items()}
        theirs = seconds(os.environ["DATUMARO_PYTHON"], PEER, root, "datumaro")
        for name, spent in ours.items():
            sys.stdout.write(
                f"{name}: {spent:.1f} s; datumaro's masks {theirs:.1f} s, {theirs / spent:.1f} × as long\n"
            )


def memory(megabytes: int) -> None:
    """Of a file with 400 corners a polygon, two polygons an image."""
    corners = 400
    with tempfile.TemporaryDirectory() as folder:
        polygons = megabytes * 2**20 // (corners * 15)
        path = make_coco(Path(folder) / "coco", polygons // 2, polygons, corners)
        sys.stdout.write(f"{path.stat().st_size / 2**20:.0f} MB, {polygons} polygons of {polygons // 2} images" + "\n")
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "sageseg", "prep", "coco", str(path.parent.parent), "--out", str(out)]
        subprocess.run([*command, "--crop", "none", "--workers", "2"], check=True, capture_output=True)
        # a worker is a child of a child, and counts too once the main process has waited for it
        sys.stdout.write(
            f"highest of all processes: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB" + "\n"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory(int(sys.argv[2]))
    else:
        compare(*(int(word) for word in sys.argv[1:]) if len(sys.argv) > 2 else (5_000, 40_000))
