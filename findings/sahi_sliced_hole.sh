#!/bin/sh
# sahi 0.12.8 fills an object's hole in slices that hold it whole, and writes the area of the object with its hole.
#
# Guessed before: slices of a COCO dataset show the pixels that the whole image shows. Seen: a ring of 800 pixels, drawn
# as a COCO polygon can be, one outline to the hole and back on one line, is in a slice of 50 an outline of 900 pixels
# beside an area of 800: the hole is gone. In slices of 25, whose edges cut through the hole, it is four parts of 200
# pixels, as it should be. So whether a hole is labelled depends on where the slices lie, and areas in the file do not
# tell: compare them with the masks before training on slices, or cut masks rather than polygons.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps sahi==0.12.8 numpy==2.4.6 pillow==13.0.0 shapely==2.2.0 \
    opencv-python-headless==5.0.0.93 pycocotools==2.0.11 tqdm==4.70.1 requests==2.34.2 PyYAML==6.0.3 \
    urllib3==2.8.0 certifi==2026.10.18 idna==3.20 charset-normalizer==3.5.2
cd "$folder"
venv/bin/python -W ignore - <<'PY' 2>"$folder/progress" || { cat "$folder/progress"; exit 1; }
import importlib.metadata
import json
from pathlib import Path

from PIL import Image
from pycocotools import mask
from sahi.slicing import slice_coco

RING = [10, 10, 40, 10, 40, 40, 10, 40, 10, 10, 20, 20, 20, 30, 30, 30, 30, 20, 20, 20]
"""A square of 30 pixels a side and, from its first corner, the square of 10 inside it, the other way round."""


def drawn(outline, side):
    return int(mask.area(mask.merge(mask.frPyObjects(outline, side, side))))


def sliced(side):
    """Area in the file and pixels by pycocotools, for each annotation of the slices."""
    content, _ = slice_coco(
        "ring.json", "images", f"sliced{side}", output_dir=f"slices{side}", slice_height=side, slice_width=side,
        overlap_height_ratio=0, overlap_width_ratio=0, min_area_ratio=0, verbose=False,
    )
    return [(one["area"], drawn(one["segmentation"], side)) for one in content["annotations"]]


Path("images").mkdir()
Image.new("RGB", (100, 100)).save("images/a.png")
annotation = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 800, "bbox": [10, 10, 30, 30]}
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 100}],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [annotation | {"segmentation": [RING]}],
}
Path("ring.json").write_text(json.dumps(content))
print("sahi", importlib.metadata.version("sahi"))
print("whole:", drawn([RING], 100), "pixels")
assert drawn([RING], 100) == 800
for side, seen in ((50, [(800, 900)]), (25, [(200, 200)] * 4)):
    found = sliced(side)
    print(f"slices of {side}: area and pixels {found}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
