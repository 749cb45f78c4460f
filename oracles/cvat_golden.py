"""Masks as CVAT's own libraries draw them, for tests/prep/test_cvat_shapes.py; and as they encode them, for
tests/analysis/test_cvat_export.py.

    make oracles        # .venv/cvat/bin/python oracles/cvat_golden.py tests/data/golden

Datumaro reads the XML, cvat-sdk decodes masks. The rest is drawn as CVAT's server does when it exports masks
(dataset_manager/formats/transformations.py), by pycocotools and OpenCV: polygons and boxes by their points as doubles
of two decimals, a turned box as such a polygon, an ellipse at whole pixels.

`float32` in the golden file says how many pixels of all masks Datumaro 1.13 itself draws otherwise: it keeps points as
float32, which CVAT's own fork of it does not, and the raster rounds fifths of pixels.
"""

from __future__ import annotations

import base64
import json
import math
import sys
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

import cv2
import datumaro
import numpy as np
from cvat_sdk.masks import decode_mask, encode_mask
from datumaro.plugins.data_formats.cvat.base import CvatBase
from datumaro.plugins.transforms import BoxesToMasks, PolygonsToMasks
from pycocotools import mask as masks

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support.cvat_formula import COUNT, IDS, Sample, bitmap, formula_document, samples

FLOAT32: list[int] = []
"""The pixels of each shape that Datumaro draws otherwise, because it keeps points as float32."""


def draw_all() -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "annotations.xml"
        images = path.with_name("images")
        images.mkdir()
        for number in range(COUNT):  # Datumaro reads no annotations of an image that is not there
            (width, height), _ = samples(number)
            cv2.imwrite(str(images / f"{number:03}.png"), np.zeros((height, width, 3), np.uint8))
        path.write_text(formula_document(), encoding="utf-8")
        read = {item.attributes["frame"]: list(item.annotations) for item in CvatBase(str(path), subset="annotations")}
    return [draw(number, read.get(number, [])) for number in range(COUNT)]


def draw(number: int, annotations: list[datumaro.components.annotation.Annotation]) -> np.ndarray:
    (width, height), shapes = samples(number)
    by_datumaro = iter(annotations)  # which leaves ellipses out
    flags = []
    for shape in shapes:
        if shape.kind == "ellipse":
            flags.append(ellipse(shape, width, height))
        elif shape.kind == "turned":
            next(by_datumaro)
            flags.append(turned_box(shape, width, height))
        else:
            flags.append(from_datumaro(shape, next(by_datumaro), width, height))
    mask = np.zeros((height, width), np.uint8)
    for shape, each in sorted(zip(shapes, flags, strict=True), key=lambda pair: pair[0].z_order):
        mask[each] = IDS[shape.label]
    return mask


def from_datumaro(
    shape: Sample, annotation: datumaro.components.annotation.Annotation, width: int, height: int
) -> np.ndarray:
    if annotation.z_order != shape.z_order:
        raise ValueError(f"{shape} is not {annotation}")
    if shape.kind == "polygon":
        own = PolygonsToMasks.convert_polygon(annotation, height, width)
        flags = polygon([number for pair in points(shape) for number in pair], width, height)
    elif shape.kind == "box":
        own = BoxesToMasks.convert_bbox(annotation, height, width)
        x0, y0, x1, y1 = (float(shape.attributes[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        x1, y1 = x0 + (x1 - x0), y0 + (y1 - y0)  # a box is kept as its corner and size
        flags = polygon([x0, y0, x1, y0, x1, y1, x0, y1], width, height)
    else:
        own = annotation
        left, top, own_width, own_height = (int(shape.attributes[key]) for key in ("left", "top", "width", "height"))
        box = left, top, left + own_width - 1, top + own_height - 1
        encoded = [*map(int, shape.attributes["rle"].split(",")), *box]
        flags = decode_mask(encoded, image_width=width, image_height=height)
    FLOAT32.append(int(np.count_nonzero(np.asarray(own.image, bool) != flags)))
    if shape.kind == "mask" and FLOAT32[-1]:
        raise ValueError(f"{shape}: Datumaro and cvat-sdk differ")
    return flags


def points(shape: Sample) -> list[list[float]]:
    return [[float(number) for number in pair.split(",")] for pair in shape.attributes["points"].split(";")]


def polygon(numbers: list[float], width: int, height: int) -> np.ndarray:
    rounded = np.around(numbers, 2).tolist()
    return masks.decode(masks.frPyObjects([rounded], height, width)[0]).astype(bool)


def turned_box(shape: Sample, width: int, height: int) -> np.ndarray:
    x0, y0, x1, y1, degrees = (float(shape.attributes[key]) for key in ("xtl", "ytl", "xbr", "ybr", "rotation"))
    cx, cy, angle = x0 + (x1 - x0) / 2, y0 + (y1 - y0) / 2, math.radians(degrees)
    corners = []
    for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)):
        corners.append(cx + math.cos(angle) * (x - cx) - math.sin(angle) * (y - cy))
        corners.append(cy + math.sin(angle) * (x - cx) + math.cos(angle) * (y - cy))
    return polygon(corners, width, height)


def ellipse(shape: Sample, width: int, height: int) -> np.ndarray:
    cx, cy, rx, ry, angle = (float(shape.attributes[key]) for key in ("cx", "cy", "rx", "ry", "rotation"))
    canvas = np.zeros((height, width), np.uint8)
    cv2.ellipse(canvas, (round(cx), round(cy)), (round(rx), round(ry)), angle, 0, 360, 255, thickness=-1)
    return canvas > 0


def main() -> None:
    packed = [base64.b64encode(zlib.compress(mask.tobytes(), 9)).decode() for mask in draw_all()]
    encoded = [encode_mask(bitmap(number)) for number in range(COUNT)]
    versions = {name: version(name) for name in ("datumaro", "cvat-sdk", "pycocotools", "opencv-python-headless")}
    golden = {"versions": versions, "float32": sum(FLOAT32), "encoded": encoded, "masks": packed}
    path = Path(sys.argv[1]) / f"cvat_{versions['cvat-sdk']}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
