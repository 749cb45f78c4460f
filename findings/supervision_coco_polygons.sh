#!/bin/sh
# supervision 0.31.2 writes masks without a hole to COCO as polygons that pycocotools draws a row and a column smaller.
#
# Guessed before: what as_coco writes of a mask pycocotools draws as the same pixels. Seen: a square of 100 pixels is a
# polygon through its outermost pixels, which COCO takes for corners: 81 pixels, beside an area of 100. Two columns of
# 10 become 9 pixels, and one column an annotation without outline. With a hole of one pixel the same square is written
# as run lengths, and its 99 pixels stay 99. supervision's own from_coco hides it, as it draws polygons' edges too.
# So small and thin objects lose most with whoever trains or scores by pycocotools: compare the area in the file with
# what is drawn of it, and write run lengths where they differ.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet supervision==0.31.2 numpy==2.4.6 pillow==13.0.0 pycocotools==2.0.11
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import contextlib
import importlib.metadata
import io
import json
from pathlib import Path

import numpy as np
import supervision
from PIL import Image
from pycocotools.coco import COCO


def written(name, holes, columns):
    """Kind of outline and area in the file, its pixels by pycocotools, and by supervision: of 10 rows, less holes."""
    mask = np.zeros((1, 30, 40), bool)
    mask[0, 10:20, 10 : 10 + columns] = True
    for row, column in holes:
        mask[0, row, column] = False
    Image.new("RGB", (40, 30)).save(f"{name}.png")
    found = supervision.Detections(xyxy=supervision.mask_to_xyxy(mask), mask=mask, class_id=np.array([0]))
    dataset = supervision.DetectionDataset(["car"], [f"{name}.png"], {f"{name}.png": found})
    dataset.as_coco(images_directory_path=name, annotations_path=f"{name}.json")
    (annotation,) = json.loads(Path(f"{name}.json").read_text())["annotations"]
    outline = annotation["segmentation"]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(f"{name}.json")
    drawn = int(coco.annToMask(annotation).sum()) if outline else 0
    again = supervision.DetectionDataset.from_coco(name, f"{name}.json", force_masks=True)
    ((_, _, read),) = again
    kind = "run lengths" if isinstance(outline, dict) else "polygon" if outline else "nothing"
    return kind, annotation["area"], drawn, int(read.mask.sum())


print("supervision", importlib.metadata.version("supervision"))
for name, holes, columns, seen in (
    ("square", [], 10, ("polygon", 100, 81, 100)),
    ("square_with_hole", [(15, 15)], 10, ("run lengths", 99, 99, 99)),
    ("two_columns", [], 2, ("polygon", 20, 9, 20)),
    ("one_column", [], 1, ("nothing", 10, 0, 0)),
):
    found = written(name, holes, columns)
    print(f"{name}: {found[0]}, area {found[1]}; pixels by pycocotools {found[2]}, by supervision {found[3]}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
