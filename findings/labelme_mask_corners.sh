#!/bin/sh
# labelme 7.9.1 cuts a mask shape to its two corners only where these are whole numbers.
#
# Guessed before: a shape of type "mask" is pasted whole at its first corner, or cut to its corners, whatever numbers
# they are. Seen: a mask of 7 x 6 pixels whose corners (3, 4) and (8, 8) span 6 x 5 becomes 30 pixels; with the same
# corners moved by half a pixel all 42 are pasted, from (4, 4) on. To round a file's corners thus changes how many
# pixels are labelled.
#
# Needs Python 3.12 or newer, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps labelme==7.9.1 numpy==2.3.5 pillow==12.0.0 loguru==0.7.3 \
    PySide6-Essentials==6.10.1 shiboken6==6.10.1 tifffile==2025.10.16
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
from labelme._utils import shapes_to_label


def labelled(corners):
    """First column and row, last column and row, and number of the pixels that a full mask of 7 x 6 becomes."""
    shape = {"label": "car", "points": corners, "shape_type": "mask", "mask": np.ones((6, 7), bool), "group_id": None}
    label, _ = shapes_to_label(img_shape=(20, 20), shapes=[shape], label_name_to_value={"_background_": 0, "car": 1})
    rows, columns = np.nonzero(label)
    return tuple(map(int, (columns.min(), rows.min(), columns.max(), rows.max(), len(rows))))


expected = {
    "corners that fit": ([[3, 4], [9, 9]], (3, 4, 9, 9, 42)),
    "whole corners, one pixel closer": ([[3, 4], [8, 8]], (3, 4, 8, 8, 30)),
    "the same, moved by half a pixel": ([[3.5, 4.5], [8.5, 8.5]], (4, 4, 10, 9, 42)),
}
print("labelme", importlib.metadata.version("labelme"))
for what, (corners, seen) in expected.items():
    found = labelled(corners)
    print(f"{what}: {corners} -> {found}")
    assert found == seen, f"changed: {found} instead of {seen}"
PY
