#!/bin/sh
# label-studio-sdk 2.1.2 numbers the objects of a COCO export from 0, and pycocotools 2.0.11 takes object 0 for no match.
#
# Guessed before: an object's id is a name like any other, and predictions that are the truth itself score 1. Seen: of
# an export of two objects whose own outlines are given back as predictions, AP is 0.252 and recall 0.5; with the same
# file numbered from 1 both are 1. The evaluation keeps the matched object's id for each prediction, and counts those as
# found where it is not 0.
# So the first object of a set is never found, which a large set hides in its fourth decimal: number objects from 1
# before anything is scored.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet label-studio-sdk==2.1.2 pycocotools==2.0.11 numpy==2.2.6 pillow==13.0.0
cd "$folder"
venv/bin/python -W ignore - <<'PY' 2>"$folder/progress" || { cat "$folder/progress"; exit 1; }
import contextlib
import importlib.metadata
import io
import json
from pathlib import Path

from label_studio_sdk.converter import Converter
from PIL import Image
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

LABELS = (
    '<View><Image name="image" value="$image"/>'
    '<PolygonLabels name="label" toName="image"><Label value="car"/></PolygonLabels></View>'
)


def square(left):
    outline = [[left, 10], [left + 20, 10], [left + 20, 30], [left, 30]]
    named = {"id": f"at{left}", "type": "polygonlabels", "from_name": "label", "to_name": "image"}
    size = {"original_width": 100, "original_height": 100, "image_rotation": 0}
    return named | size | {"value": {"points": outline, "polygonlabels": ["car"]}}


def scores(truth):
    """AP and recall of predictions that are the truth's own outlines."""
    Path("truth.json").write_text(json.dumps(truth))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO("truth.json")
        same = [
            {"image_id": one["image_id"], "category_id": one["category_id"], "score": 0.9,
             "segmentation": mask.frPyObjects(one["segmentation"], 100, 100)[0]}
            for one in truth["annotations"]
        ]
        evaluation = COCOeval(coco, coco.loadRes(same), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[0]), 3), round(float(evaluation.stats[8]), 3)


Image.new("RGB", (100, 100)).save("a.png")
task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "result": [square(10), square(50)]}]}
Path("tasks.json").write_text(json.dumps([task]))
converter = Converter(config=LABELS, project_dir=".", download_resources=False)
converter.convert_to_coco("tasks.json", "out", output_image_dir="out/images", is_dir=False)
truth = json.loads(Path("out/result.json").read_text())
print(*(f"{name} {importlib.metadata.version(name)}" for name in ("label-studio-sdk", "pycocotools")))
for first, seen in ((0, (0.252, 0.5)), (1, (1.0, 1.0))):
    for number, one in enumerate(truth["annotations"], start=first):
        assert first or one["id"] == number, f"changed: the export numbers an object {one['id']}"
        one["id"] = number
    found = scores(truth)
    print(f"numbered from {first}: AP and recall {found}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
