"""A few labels of each kind that prep reads, and the words that read them."""

from __future__ import annotations

from pathlib import Path

from formats.images import encode_image
from tests.support.coco_samples import annotation as coco_annotation
from tests.support.coco_samples import image as coco_image
from tests.support.coco_samples import write_coco
from tests.support.cvat_formula import document
from tests.support.cvat_formula import image as cvat_image
from tests.support.geo_samples import noise_bands, on_earth, polygon, write_geojson, write_raster
from tests.support.labelme_samples import write_pair
from tests.support.manifest_samples import line, synced, write_manifest
from tests.support.prep_samples import noise
from tests.support.s3_samples import BUCKET
from tests.support.small_formats import (
    SQUARE,
    VIA_POLYGON,
    supervisely_polygon,
    via_region,
    write_supervisely,
    write_via,
    write_yolo,
    yolo_row,
)
from tests.support.voc_samples import add_image, add_image_set, add_mask, add_pair, rows

CVAT_POLYGON = '<polygon label="car" occluded="0" points="10,20;30,20;30,40" z_order="0"></polygon>'


def carvana(root: Path) -> list[str]:
    for stem in ("c1_01", "c1_02", "c2_01", "c2_02"):
        add_image(root / "train" / f"{stem}.jpg")
        add_mask(root / "masks" / f"{stem}_mask.png", rows(0, 255))
    return ["carvana", "{}/train", "{}/masks"]


def pairs(root: Path) -> list[str]:
    for stem in ("a", "b"):
        add_image(root / "images" / f"{stem}.jpg")
        add_mask(root / "labels" / f"{stem}.png", rows(0, 1))
    (root / "classes.txt").write_text("background\ncar\n")
    return ["pairs", "{}/images", "{}/labels"]


def voc(root: Path) -> list[str]:
    for key in ("a", "b", "c"):
        add_pair(root / "voc", key, rows(0, 1))
    add_image_set(root / "voc", "train", "a", "b")
    add_image_set(root / "voc", "val", "c")
    (root / "voc" / "labels.txt").write_text("background\ncar\n")
    return ["voc", "{}/voc"]


def channels(root: Path) -> list[str]:
    for channel, keys in (("train", ("a", "b")), ("validation", ("c",))):
        for key in keys:
            add_image(root / "aws" / channel / f"{key}.jpg")
            add_mask(root / "aws" / f"{channel}_annotation" / f"{key}.png", rows(0, 1))
    (root / "aws" / "labels.txt").write_text("background\ncar\n")
    return ["channels", "{}/aws"]


def labelme(root: Path) -> list[str]:
    for stem in ("a", "bb", "ccc"):
        write_pair(root / "drawn", stem)
        (root / "photos").mkdir(exist_ok=True)
        (root / "drawn" / f"{stem}.jpg").rename(root / "photos" / f"{stem}.jpg")
    return ["labelme", "{}/drawn", "--images", "{}/photos"]


def ground_truth(root: Path) -> list[str]:
    synced(root, range(3))
    write_manifest(root / "jobs" / "output.manifest", [line(number, bucket=BUCKET) for number in range(3)])
    return ["manifest", "{}/jobs/output.manifest", "--images", "{}"]


def supervisely(root: Path) -> list[str]:
    write_supervisely(root / "project", [supervisely_polygon(SQUARE)], names=("a.jpg", "b.jpg"))
    return ["supervisely", "{}/project", "--group-by", "(.)"]


def yolo(root: Path) -> list[str]:
    write_yolo(root / "yolo", {f"images/{name}": yolo_row(SQUARE) for name in "ab"}, None)
    (root / "yolo" / "classes.txt").write_text("car\n")
    return ["yolo", "{}/yolo"]


def via(root: Path) -> list[str]:
    (root / "shots").mkdir(parents=True)
    write_via(root / "via.json", root / "shots", [via_region(VIA_POLYGON, kind="car")], names=("a.jpg", "b.jpg"))
    return ["via", "{}/via.json", "{}/shots"]


def coco(root: Path) -> list[str]:
    declared = [coco_image(number) for number in (1, 2)]
    write_coco(root / "coco.json", [coco_annotation(1, 1), coco_annotation(2, 2)], declared, folder=root / "shots")
    return ["coco", "{}/coco.json", "{}/shots"]


def roboflow(root: Path) -> list[str]:
    for number, split in ((1, "train"), (2, "valid")):
        drawn = [coco_annotation(number, number)]
        write_coco(root / "export" / split / "_annotations.coco.json", drawn, [coco_image(number)])
    return ["coco", "{}/export"]


def cvat(root: Path) -> list[str]:
    images = "".join(cvat_image(f"{name}.jpg", (150, 110), CVAT_POLYGON, n) for n, name in enumerate("ab"))
    (root / "task").mkdir(parents=True)
    (root / "task" / "annotations.xml").write_text(document(images))
    for name in "ab":
        (root / "task" / f"{name}.jpg").write_bytes(encode_image(noise(ord(name))))
    return ["cvat", "{}/task/annotations.xml", "{}/task"]


def geotiff(root: Path) -> list[str]:
    for name in "ab":
        write_raster(root / "rasters" / f"{name}.tif", noise_bands(64, 48, seed=ord(name)))
    write_geojson(root / "roads.geojson", [polygon(on_earth([(4, 4), (30, 4), (30, 30)]))])
    return ["geotiff", "{}/rasters", "--labels-from", "{}/roads.geojson", "--class", "road"]


ALL = (pairs, carvana, voc, channels, labelme, ground_truth, supervisely, yolo, via, coco, roboflow, cvat, geotiff)
"""In all of them `{}` is the folder that they were made in."""
OWN_SPLIT = (voc, channels, roboflow)
"""Of these the labels say which images are of which split."""
