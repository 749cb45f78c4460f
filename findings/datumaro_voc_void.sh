#!/bin/sh
# datumaro 1.13.0 knows Pascal VOC's void (255) only while a dataset has no labelmap.txt: beside one it refuses the
# dataset, unless the label map has a class of that colour, which then is a class like any other.
#
# Guessed before: a label map names the classes, and 255, which VOC itself paints round every object, stays what it is in
# VOC: pixels of no class. Seen, with one mask of mode P and VOC's palette: without a labelmap.txt 8 pixels of 255 are
# read as a label "ignored"; beside one of background and car the import ends in "Undeclared color (224, 224, 192)", the
# colour at place 255 of VOC's palette; with the line "void:224,224,192::" it is read, and void is the third class.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below (half a gigabyte); nothing
# stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datumaro==1.13.0 numpy==2.4.6 pillow==12.3.0
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import importlib.metadata
from pathlib import Path

import datumaro
import numpy as np
from PIL import Image

PALETTE = [
    sum((place >> 3 * (7 - bit) + channel & 1) << bit for bit in range(8))
    for place in range(256)
    for channel in range(3)
]
"""VOC's: the bits of a place, dealt to red, green and blue in turn, the lowest to the highest bit of a colour."""
CLASSES = "background:0,0,0::\ncar:128,0,0::\n"


def imported(name, label_map):
    """The labels and their pixels, as datumaro reads one image of 8 x 6; or the words in which it refuses it."""
    root = Path(name)
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / part).mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(root / "JPEGImages" / "a.jpg")
    values = np.zeros((6, 8), np.uint8)
    values[1:3, 1:4], values[0] = 1, 255
    mask = Image.fromarray(values)
    mask.putpalette(PALETTE)
    mask.save(root / "SegmentationClass" / "a.png")
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("a\n")
    if label_map:
        (root / "labelmap.txt").write_text(label_map)
    try:
        dataset = datumaro.Dataset.import_from(name, "voc_segmentation")
        labels = [label.name for label in dataset.categories()[datumaro.AnnotationType.label]]
        (item,) = dataset
    except Exception as error:
        return str(error)
    return {labels[one.label]: int(np.count_nonzero(one.image)) for one in item.annotations}


print("datumaro", importlib.metadata.version("datumaro"))
assert PALETTE[3 * 255 :] == [224, 224, 192]
for name, label_map, seen in (
    ("no_label_map", "", {"background": 34, "aeroplane": 6, "ignored": 8}),
    ("label_map", CLASSES, "Undeclared color"),
    ("label_map_with_void", f"{CLASSES}void:224,224,192::\n", {"background": 34, "car": 6, "void": 8}),
):
    found = imported(name, label_map)
    print(f"{name}: {found}")
    assert seen in found if isinstance(seen, str) else found == seen, f"changed: {found} instead of {seen}"
PY
