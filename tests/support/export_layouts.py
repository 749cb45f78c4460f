"""Folders of labels as tools export them, of two objects in each image, car and road: what `prep auto` is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.prep_samples import noise

WIDTH, HEIGHT = 96, 64
BOXES = ((8, 16, 28, 48), (40, 16, 60, 48))
"""Of car and road: left, top, right, bottom."""
CATEGORIES = [{"id": 1, "name": "car", "supercategory": "none"}, {"id": 2, "name": "road", "supercategory": "none"}]
ROBOFLOW = [{"id": 0, "name": "things", "supercategory": "none"}] + [
    each | {"supercategory": "things"} for each in CATEGORIES
]
LIST = "background\ncar\nroad\n"


def photo(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(len(path.name), WIDTH, HEIGHT)).save(path)


def mask(path: Path, values: tuple[int, int] = (1, 2)) -> None:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value, (left, top, right, bottom) in zip(values, BOXES, strict=True):
        pixels[top:bottom, left:right] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def corners(box: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def coco(names: list[str], categories: list[dict[str, Any]] = CATEGORIES) -> dict[str, Any]:
    return {
        "images": [{"id": n, "file_name": name, "width": WIDTH, "height": HEIGHT} for n, name in enumerate(names)],
        "categories": categories,
        "annotations": [
            {
                "id": 2 * n + class_id,
                "image_id": n,
                "category_id": class_id,
                "segmentation": [[side for corner in corners(box) for side in corner]],
                "iscrowd": 0,
            }
            for n in range(len(names))
            for class_id, box in enumerate(BOXES, start=1)
        ],
    }


def rows() -> str:
    shares = [" ".join(f"{x / WIDTH} {y / HEIGHT}" for x, y in corners(box)) for box in BOXES]
    return "".join(f"{number} {each}\n" for number, each in enumerate(shares))


def roboflow_coco(root: Path) -> int:
    for split in ("train", "valid", "test"):
        names = [f"{split}{letter}_jpg.rf.00ff.jpg" for letter in "ab"]
        for name in names:
            photo(root / "shop.v1i.coco" / split / name)
        write(root / "shop.v1i.coco" / split / "_annotations.coco.json", coco(names, ROBOFLOW))
    write(root / "shop.v1i.coco" / "README.roboflow.txt", "shop\n")
    return 6


def coco_itself(root: Path) -> int:
    for subset in ("train2017", "val2017"):
        names = [f"{subset}{number:012}.jpg" for number in range(2)]
        for name in names:
            photo(root / subset / name)
        write(root / "annotations" / f"instances_{subset}.json", coco(names))
        write(root / "annotations" / f"person_keypoints_{subset}.json", coco(names, CATEGORIES[:1]))
    photo(root / "annotations" / "panoptic_val2017" / "000000000139.png")
    return 4


def cvat_subsets(root: Path) -> int:
    for subset in ("Train", "Validation"):
        photo(root / "images" / subset / f"{subset}.jpg")
        write(root / "annotations" / f"instances_{subset}.json", coco([f"{subset}.jpg"]))
    return 2


def label_studio_coco(root: Path) -> int:
    names = [f"images/0a1b2c3d-{letter}.jpg" for letter in "abc"]
    for name in names:
        photo(root / name)
    photo(root / "logo.png")
    write(root / "result.json", coco(names))
    return 3


def roboflow_yolo(root: Path) -> int:
    for split in ("train", "valid", "test"):
        photo(root / "shop.v1i.yolov8" / split / "images" / f"{split}.jpg")
        write(root / "shop.v1i.yolov8" / split / "labels" / f"{split}.txt", rows())
    folders = "".join(f"{name}: ../{split}/images\n" for name, split in (("train", "train"), ("val", "valid")))
    write(root / "shop.v1i.yolov8" / "data.yaml", f"{folders}test: ../test/images\nnames: [car, road]\n")
    return 3


def yolo_mostly_empty(root: Path) -> int:
    for number in range(25):
        photo(root / "images" / f"{number:02}.jpg")
        write(root / "labels" / f"{number:02}.txt", rows() if number > 22 else "")
    write(root / "classes.txt", "car\nroad\n")
    return 25


def split_folders(root: Path) -> int:
    for split in ("train", "val"):
        for letter in "ab":
            photo(root / split / "images" / f"{split}{letter}.jpg")
            mask(root / split / "masks" / f"{split}{letter}.png")
    write(root / "labels.txt", LIST)
    return 4


def camvid_of_kaggle(root: Path) -> int:
    for split in ("train", "val", "test"):
        photo(root / "CamVid" / split / f"{split}_1.png")
        mask(root / "CamVid" / f"{split}_labels" / f"{split}_1_L.png")
    write(root / "CamVid" / "classes.txt", LIST)
    return 3


def folder_of_each_image(root: Path) -> int:
    for number in range(3):
        photo(root / "cases" / f"case_{number}" / "image.png")
        mask(root / "cases" / f"case_{number}" / "label.png")
    write(root / "cases" / "labels.txt", LIST)
    return 3


def kitti_semantics(root: Path) -> int:
    for split in ("train", "val"):
        photo(root / split / "image_2" / f"{split}.png")
        mask(root / split / "semantic_rgb" / f"{split}.png")
        for name in ("instance", "semantic"):
            path = root / split / name / f"{split}.png"
            mask(path)
            Image.fromarray(np.asarray(Image.open(path), np.uint16)).save(path)
    write(root / "labels.txt", LIST)
    return 2


def cityscapes_of_cvat(root: Path) -> int:
    for name in ("cam1/a", "cam2/a"):
        photo(root / f"imgsFine/leftImg8bit/default/{name}_leftImg8bit.png")
        for ending in ("labelIds", "instanceIds"):
            mask(root / f"gtFine/default/{name}_gtFine_{ending}.png")
    write(root / "label_colors.txt", "0 0 0 background\n64 0 128 car\n64 0 0 road\n")
    return 2


def class_folders(root: Path) -> int:
    for letter in "ab":
        photo(root / "images" / f"{letter}.jpg")
        mask(root / "masks" / "car" / f"{letter}.png", (255, 0))
        mask(root / "masks" / "road" / f"{letter}.png", (0, 255))
    return 2


def class_suffixes(root: Path) -> int:
    for letter in "ab":
        photo(root / "images" / f"{letter}.jpg")
        mask(root / "masks" / f"{letter}_car.png", (255, 0))
        mask(root / "masks" / f"{letter}_road.png", (0, 255))
    return 2


def old_labelme2voc(root: Path) -> int:
    for letter in "ab":
        photo(root / "JPEGImages" / f"{letter}.jpg")
        write(root / "SegmentationClass" / f"{letter}.npy", "numbers")
        mask(root / "SegmentationClassPNG" / f"{letter}.png")
        photo(root / "SegmentationClassVisualization" / f"{letter}.jpg")
    write(root / "class_names.txt", LIST)
    return 2


def labelme_apart(root: Path) -> int:
    for letter in "ab":
        photo(root / "jpg" / f"{letter}.jpg")
        shapes = [
            {"label": name, "points": corners(box), "shape_type": "polygon"}
            for name, box in zip(("car", "road"), BOXES, strict=True)
        ]
        size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        content = {"version": "5.4.1", "shapes": shapes, "imagePath": f"{letter}.jpg", "imageData": None} | size
        write(root / "json" / f"{letter}.json", content)
    write(root / "labels.txt", LIST)
    return 2


def ground_truth(root: Path) -> int:
    colours = {"0": {"class-name": "BACKGROUND", "hex-color": "#000000"}}
    colours |= {str(n): {"class-name": c, "hex-color": f"#0{n}0{n}0{n}"} for n, c in ((1, "car"), (2, "road"))}
    note = {"internal-color-map": colours, "type": "groundtruth/semantic-segmentation", "human-annotated": "yes"}
    lines = []
    for letter in "ab":
        photo(root / "in" / f"{letter}.jpg")
        mask(root / "job" / "annotations" / "output" / f"{letter}0.png")
        where = {"source-ref": f"s3://b/in/{letter}.jpg", "j-ref": f"s3://b/job/annotations/output/{letter}0.png"}
        lines.append(where | {"j-ref-metadata": note})
    write(
        root / "in" / "dataset-1.manifest", "".join(json.dumps({"source-ref": a["source-ref"]}) + "\n" for a in lines)
    )
    write(root / "job" / "manifests" / "intermediate" / "1" / "output.manifest", json.dumps(lines[0]))
    write(root / "job" / "manifests" / "output" / "output.manifest", "".join(f"{json.dumps(a)}\n" for a in lines))
    return 2


LAYOUTS: tuple[Callable[[Path], int], ...] = (
    roboflow_coco,
    coco_itself,
    cvat_subsets,
    label_studio_coco,
    roboflow_yolo,
    yolo_mostly_empty,
    split_folders,
    camvid_of_kaggle,
    folder_of_each_image,
    kitti_semantics,
    cityscapes_of_cvat,
    class_folders,
    class_suffixes,
    old_labelme2voc,
    labelme_apart,
    ground_truth,
)
"""Each lays out a folder, and says of how many images."""
