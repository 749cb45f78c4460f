"""Masks as CVAT's own libraries draw them, for tests/prep/test_cvat_shapes.py.

    make oracles        # .venv/cvat/bin/python oracles/cvat_golden.py tests/data/golden

Datumaro, which CVAT exports masks with, reads the XML and draws polygons and boxes; cvat-sdk decodes masks. What that
version of Datumaro does not read, CVAT does itself (dataset_manager/formats/transformations.py): a turned box is a
polygon whose corners have two decimals, an ellipse is drawn by OpenCV at whole pixels. `datumaro` in the golden file
says in how many of the masks of CVAT's XML Datumaro's own reading differs from cvat-sdk's.
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
from cvat_sdk.masks import decode_mask
from datumaro.plugins.data_formats.cvat.base import CvatBase
from datumaro.plugins.transforms import BoxesToMasks, PolygonsToMasks

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support.cvat_formula import COUNT, IDS, Sample, formula_document, samples

DIFFERENT: list[str] = []


def draw_all() -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "annotations.xml"
        for number in range(COUNT):  # Datumaro reads no annotations of an image that is not there
            (width, height), _ = samples(number)
            cv2.imwrite(str(path.with_name(f"{number:03}.png")), np.zeros((height, width, 3), np.uint8))
        path.write_text(without_ellipses(formula_document()), encoding="utf-8")
        read = {item.attributes["frame"]: list(item.annotations) for item in CvatBase(str(path), subset="annotations")}
    return [draw(number, read.get(number, [])) for number in range(COUNT)]


def without_ellipses(text: str) -> str:
    """What Datumaro 1.13 can read: of an ellipse it says that it has no points."""
    return text.replace("<ellipse ", "<tag ").replace("</ellipse>", "</tag>")


def draw(number: int, annotations: list[datumaro.components.annotation.Annotation]) -> np.ndarray:
    (width, height), shapes = samples(number)
    own = [each for each in annotations if each.type.name != "label"]
    by_datumaro = iter(own)
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
        return PolygonsToMasks.convert_polygon(annotation, height, width).image.astype(bool)
    if shape.kind == "box":
        return BoxesToMasks.convert_bbox(annotation, height, width).image.astype(bool)
    left, top, own_width, own_height = (int(shape.attributes[key]) for key in ("left", "top", "width", "height"))
    encoded = [*map(int, shape.attributes["rle"].split(",")), left, top, left + own_width - 1, top + own_height - 1]
    decoded = decode_mask(encoded, image_width=width, image_height=height)
    if not np.array_equal(decoded, np.asarray(annotation.image, bool)):
        DIFFERENT.append(shape.attributes["rle"])
    return decoded


def turned_box(shape: Sample, width: int, height: int) -> np.ndarray:
    x0, y0, x1, y1, degrees = (float(shape.attributes[key]) for key in ("xtl", "ytl", "xbr", "ybr", "rotation"))
    cx, cy, angle = x0 + (x1 - x0) / 2, y0 + (y1 - y0) / 2, math.radians(degrees)
    points = []
    for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)):
        points.append(cx + math.cos(angle) * (x - cx) - math.sin(angle) * (y - cy))
        points.append(cy + math.sin(angle) * (x - cx) + math.cos(angle) * (y - cy))
    polygon = datumaro.Polygon(points)
    return PolygonsToMasks.convert_polygon(polygon, height, width).image.astype(bool)


def ellipse(shape: Sample, width: int, height: int) -> np.ndarray:
    cx, cy, rx, ry, angle = (float(shape.attributes[key]) for key in ("cx", "cy", "rx", "ry", "rotation"))
    canvas = np.zeros((height, width), np.uint8)
    cv2.ellipse(canvas, (round(cx), round(cy)), (round(rx), round(ry)), angle, 0, 360, 255, thickness=-1)
    return canvas > 0


def main() -> None:
    masks = [base64.b64encode(zlib.compress(mask.tobytes(), 9)).decode() for mask in draw_all()]
    versions = {name: version(name) for name in ("datumaro", "cvat-sdk", "pycocotools", "opencv-python-headless")}
    golden = {"versions": versions, "masks_that_datumaro_reads_differently": len(DIFFERENT), "masks": masks}
    path = Path(sys.argv[1]) / f"cvat_{versions['cvat-sdk']}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
