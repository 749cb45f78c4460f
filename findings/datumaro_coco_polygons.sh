#!/bin/sh
# datumaro 1.13.0 makes of a COCO dataset of polygons a Pascal VOC dataset without a single mask, and without a word.
#
# Guessed before: its export to voc_segmentation draws polygons as it draws run lengths, or says that it does not. Seen:
# a square of 10 x 10 given as a polygon leaves the image and a labelmap, but neither SegmentationClass nor a list in
# ImageSets; nothing is written on either stream, and nothing is raised. The same square as run lengths becomes a mask of
# 100 pixels. Only the transform polygons_to_masks, to be asked for by name, draws the polygon, as 100 pixels too.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below (half a gigabyte); nothing
# stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datumaro==1.13.0 numpy==2.4.6 pillow==12.3.0 pycocotools==2.0.11
cd "$folder"
venv/bin/python - <<'PY'
import contextlib
import importlib.metadata
import io
import json
from pathlib import Path

import datumaro
import numpy as np
from PIL import Image

RING = [10, 10, 20, 10, 20, 20, 10, 20]
RUNS = [310, *[10, 20] * 9, 10, 610]
"""The same square of an image of 40 x 30, column by column."""


def converted(name, segmentation, transform=None):
    """The files of the export, the pixels of its mask that are no background, and what was said."""
    source, out = Path(name), Path(f"{name}_voc")
    (source / "images" / "train").mkdir(parents=True)
    (source / "annotations").mkdir()
    Image.new("RGB", (40, 30)).save(source / "images" / "train" / "a.jpg")
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "area": 100, "bbox": [10, 10, 10, 10],
             "iscrowd": int(isinstance(segmentation, dict)), "segmentation": segmentation}
        ],
    }
    (source / "annotations" / "instances_train.json").write_text(json.dumps(content))
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        dataset = datumaro.Dataset.import_from(str(source), "coco_instances")
        if transform:
            dataset.transform(transform)
        dataset.export(str(out), "voc_segmentation", save_media=True)
    masks = sorted((out / "SegmentationClass").glob("*.png"))
    pixels = [int(np.count_nonzero(np.array(Image.open(path).convert("RGB")).any(axis=2))) for path in masks]
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return files, pixels, said.getvalue()


print("datumaro", importlib.metadata.version("datumaro"))
for name, segmentation, transform, seen in (
    ("polygon", [RING], None, []),
    ("run_lengths", {"counts": RUNS, "size": [30, 40]}, None, [100]),
    ("polygon_asked", [RING], "polygons_to_masks", [100]),
):
    files, pixels, said = converted(name, segmentation, transform)
    print(f"{name}: masks of {pixels} pixels, said {said!r}, files {files}")
    assert pixels == seen, f"changed: {pixels} instead of {seen}"
    if name == "polygon":
        assert files == ["JPEGImages/a.jpg", "labelmap.txt"], f"changed: {files}"
        assert not said, f"changed: it says {said!r}"
PY
