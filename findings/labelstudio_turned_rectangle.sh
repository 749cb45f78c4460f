#!/bin/sh
# label-studio-sdk 2.1.2 turns one rectangle in two ways: in percent for COCO, in pixels for YOLO's turned boxes.
#
# Guessed before: a rectangle of Label Studio's that is turned by 90 degrees has the same corners in every export. Seen:
# on an image of 200 x 100 pixels one of 40 x 10 becomes 10 x 40 in the YOLO export with is_obb, and in the COCO export
# 20 x 20, a square: there it is turned while its sides are percents of an image that is no square. The area stays 400
# and nothing is said. Where it is not turned, both agree.
#
# Needs Python 3.10 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet label-studio-sdk==2.1.2 numpy==2.2.6 opencv-python-headless==4.12.0.88
cd "$folder"
venv/bin/python - <<'PY'
import importlib.metadata
import json
from pathlib import Path

from label_studio_sdk.converter import Converter
from PIL import Image

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image"><Label value="car"/></RectangleLabels></View>'
)
WIDTH, HEIGHT = 200, 100


def sides(degrees):
    """Width and height, in pixels, of what holds a rectangle of 40 x 10: by COCO's box, and by the corners of YOLO's."""
    value = {"x": 50, "y": 20, "width": 20, "height": 10, "rotation": degrees, "rectanglelabels": ["car"]}
    result = {
        "id": "r", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "value": value,
        "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0,
    }
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "completed_by": 1, "result": [result]}]}
    Path("tasks.json").write_text(json.dumps([task]))
    converter = Converter(config=CONFIG, project_dir=".", download_resources=False)
    coco, yolo = Path(f"coco{degrees}"), Path(f"yolo{degrees}")
    converter.convert_to_coco("tasks.json", str(coco), output_image_dir=str(coco / "images"), is_dir=False)
    converter.convert_to_yolo(
        "tasks.json", str(yolo), output_image_dir=str(yolo / "images"), output_label_dir=str(yolo / "labels"),
        is_dir=False, is_obb=True,
    )
    box = json.loads((coco / "result.json").read_text())["annotations"][0]["bbox"]
    shares = list(map(float, next((yolo / "labels").glob("*.txt")).read_text().split()[1:]))
    across, down = shares[0::2], shares[1::2]
    turned = (max(across) - min(across)) * WIDTH, (max(down) - min(down)) * HEIGHT
    return tuple(map(round, box[2:])), tuple(map(round, turned))


Image.new("RGB", (WIDTH, HEIGHT)).save("a.png")
print("label-studio-sdk", importlib.metadata.version("label-studio-sdk"))
for degrees, seen in {0: ((40, 10), (40, 10)), 90: ((20, 20), (10, 40))}.items():
    found = sides(degrees)
    print(f"40 x 10 turned by {degrees} degrees: COCO {found[0]}, YOLO {found[1]}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
