"""labelme JSON to a dataset, side by side with labelme's own converter route.

    python benchmarks/prep_labelme.py [FRAMES] [ROUNDS]

Frames are 3840 × 2160 with 50 polygons of 30 corners. The peer runs in labelme's environment (set
LABELME_PYTHON, or `make .venv/labelme/.ready`) and does per frame what
labelme's example `labelme2voc.py` does, with labelme's and imgviz's functions: load the file, write
image and masks, by default also arrays and drawings. Without labelme a stand-in draws each shape on
a canvas of its own, as labelme does. Processor seconds of one process, the least of the rounds,
taken in turns; starting Python and importing are not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from formats.images import encode_image, read_image
from formats.masks import encode_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelme.reader import read_labelme

WIDTH, HEIGHT, SHAPES, CORNERS = 3840, 2160, 50, 30
LABELS = ("__ignore__", "_background_", "car", "road", "sign", "tree")
ORACLE = Path(__file__).parent.parent / ".venv" / "labelme" / "bin" / "python"

PEER = """
import sys, time, json
from pathlib import Path
import numpy as np, imgviz, labelme, labelme.utils as lu
folder, out, labels, everything = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4] == "all"
ids = {name: number - 1 for number, name in enumerate(labels)}
start = time.process_time()
for path in sorted(folder.glob("*.json")):
    loaded = labelme.LabelFile(filename=str(path))
    image = lu.img_data_to_arr(loaded.imageData if hasattr(loaded, "imageData") else loaded.image_data)
    imgviz.io.imsave(out / f"{path.stem}.jpg", image)
    classes, instances = lu.shapes_to_label(image.shape, loaded.shapes, ids)
    instances[classes == -1] = 0
    imgviz.io.lblsave(out / f"{path.stem}.png", classes.astype(np.uint8))
    if everything:
        np.save(out / f"{path.stem}.npy", classes)
        grey = imgviz.rgb2gray(image)
        drawn = imgviz.label2rgb(classes, grey, label_names=labels[1:], font_size=15, loc="rb")
        imgviz.io.imsave(out / f"{path.stem}_drawn.jpg", drawn)
        imgviz.io.lblsave(out / f"{path.stem}_instances.png", instances.astype(np.uint8))
        np.save(out / f"{path.stem}_instances.npy", instances)
        names = [str(number) for number in range(int(instances.max()) + 1)]
        drawn = imgviz.label2rgb(instances, grey, label_names=names, font_size=15, loc="rb")
        imgviz.io.imsave(out / f"{path.stem}_instances.jpg", drawn)
print(time.process_time() - start, labelme.__version__)
"""


def make_frames(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, (27, 48, 3), np.uint8)
        smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        noisy = smooth + rng.normal(0, 4, smooth.shape).astype(np.int16)
        (folder / f"{number:04}.jpg").write_bytes(encode_image(np.clip(noisy, 0, 255).astype(np.uint8)))
        shapes = [
            {
                "label": LABELS[2 + i % 4],
                "points": _polygon(rng),
                "shape_type": "polygon",
                "group_id": None,
                "flags": {},
            }
            for i in range(SHAPES)
        ]
        content = {"version": "6.3.1", "flags": {}, "shapes": shapes, "imagePath": f"{number:04}.jpg"}
        content |= {"imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH}
        (folder / f"{number:04}.json").write_text(json.dumps(content))


def _polygon(rng: np.random.Generator) -> list[list[float]]:
    """A star of 30 corners around a random centre."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, CORNERS))
    reach = rng.uniform(60, 260, CORNERS)
    centre = rng.uniform((300, 300), (WIDTH - 300, HEIGHT - 300))
    points: list[list[float]] = (centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]).tolist()
    return points


def ours(folder: Path, work: Path, crop: int | None) -> float:
    start = time.process_time()
    source = read_labelme(folder, folder.parent / "labels.txt", workers=1)
    write_dataset(source, work / "dataset", PrepOptions(crop=crop, val=1, workers=1, overwrite=True))
    return time.process_time() - start


def labelmes(folder: Path, work: Path, python: Path, *, everything: bool) -> float:
    (work / "peer").mkdir(exist_ok=True)
    words = [str(python), "-c", PEER, str(folder), str(work / "peer"), json.dumps(LABELS), "all" if everything else ""]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    return float(ran.stdout.split()[-2])


def stand_in(folder: Path, work: Path) -> float:
    """A canvas for each shape, then image and mask."""
    start = time.process_time()
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        image = read_image(path.with_suffix(".jpg"))
        classes = np.zeros((HEIGHT, WIDTH), np.int32)
        for shape in content["shapes"]:
            canvas = Image.new("L", (WIDTH, HEIGHT))
            ImageDraw.Draw(canvas).polygon([tuple(point) for point in shape["points"]], fill=1, outline=1)
            classes[np.array(canvas, bool)] = LABELS.index(shape["label"]) - 1
        Image.fromarray(image).save(work / "image.jpg")
        (work / "mask.png").write_bytes(encode_mask(classes.astype(np.uint8)))
    return time.process_time() - start


def main(frames: int = 4, rounds: int = 3) -> None:
    python = Path(os.environ.get("LABELME_PYTHON", ORACLE))
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        make_frames(work / "frames", frames)
        (work / "labels.txt").write_text("\n".join(LABELS))
        contestants: dict[str, Callable[[], float]] = {
            "sageseg, 512 crops": lambda: ours(work / "frames", work, 512),
            "sageseg, whole frames": lambda: ours(work / "frames", work, None),
        }
        if python.exists():
            contestants["labelme's converter, its defaults"] = lambda: labelmes(
                work / "frames", work, python, everything=True
            )
            contestants["labelme's converter, image and mask only"] = lambda: labelmes(
                work / "frames", work, python, everything=False
            )
        else:
            contestants["stand-in: a canvas a shape (no labelme here)"] = lambda: stand_in(work / "frames", work)
        best = dict.fromkeys(contestants, float("inf"))
        for _ in range(rounds):
            for name, run in contestants.items():
                best[name] = min(best[name], run())
    for name, seconds in best.items():
        own = seconds / frames
        ratios = ", ".join(f"{seconds / best[ours_]:.1f}× {ours_}" for ours_ in list(best)[:2] if ours_ != name)
        sys.stdout.write(f"{name:46}{own * 1000:8.0f} ms a frame   {ratios}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
