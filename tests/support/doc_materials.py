"""What the commands of README and docs read, small, under the names that they use."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from formats.images import encode_image
from formats.masks import encode_mask
from sageseg.studio.shoot import draw_shoot
from tests.support.coco_samples import annotation, image, write_coco
from tests.support.labelme_samples import write_labels, write_pair
from tests.support.tiny_model import write_artefact
from tests.support.typed_commands import typed

SIDE = 48
CARS, ANGLES, SIZE = 4, 8, (96, 64)
"""A batch of 16 must find as many training images, with two cars to validate on."""
VOC_CLASSES, VOC_IMAGES = 21, 20


def make_materials(folder: Path, artefacts: Path) -> None:
    """Fill a folder. Labels are drawn, all that commands make of them is made by the commands; `artefacts` gets a
    model for each number of classes, `<number>.tar.gz` and unpacked `<number>.tar.model`."""
    artefacts.mkdir()
    for classes in (2, VOC_CLASSES):
        write_artefact(artefacts / f"{classes}.tar.gz", classes)
    folder.mkdir()
    shutil.copy(artefacts / "2.tar.gz", folder / "model.tar.gz")
    _studio(folder)
    _labelme(folder)
    _coco(folder)
    _kitti(folder)
    _voc(folder / "VOC2012")
    _exports(folder)
    _frames(folder)
    _results(folder)


def _studio(folder: Path) -> None:
    shoot = folder / "sageseg-demo" / "shoot"
    shoot.parent.mkdir()
    draw_shoot(shoot, cars=CARS, angles=ANGLES, size=SIZE, workers=1)
    experiment = files("sageseg").joinpath("demo.yaml").read_text(encoding="utf-8")
    (folder / "sageseg-demo" / "experiment.yaml").write_text(experiment)
    shutil.copytree(folder / "sageseg-demo", folder / "FOLDER")
    shutil.copytree(shoot / "images", folder / "train")
    shutil.copytree(shoot / "masks", folder / "train_masks")
    cars = sorted({path.stem.rpartition("_")[0] for path in (folder / "train").iterdir()})
    (folder / "metadata.csv").write_text("id,year,make\n" + "".join(f"{car},2015,Volvo\n" for car in cars))


def _labelme(folder: Path) -> None:
    for number in range(3):
        write_pair(folder / "annotated", f"a{number}")
    write_labels(folder, "car")


def _coco(folder: Path) -> None:
    """A tool's one file with a folder of images; Roboflow's and COCO's own folders, a file for each split."""
    for path, images, first in (
        ("instances_default.json", "pictures", 0),
        ("roboflow/train/_annotations.coco.json", "roboflow/train", 0),
        ("roboflow/valid/_annotations.coco.json", "roboflow/valid", 4),
        ("coco/annotations/instances_train2017.json", "coco/train2017", 0),
        ("coco/annotations/instances_val2017.json", "coco/val2017", 4),
    ):
        declared = [image(number, f"{number:03}.jpg") for number in range(first, first + 4)]
        drawn = [annotation(number, number) for number in range(first, first + 4)]
        write_coco(folder / path, drawn, declared, folder=folder / images)


def _noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def _kitti(folder: Path) -> None:
    training = folder / "data_road" / "training"
    for name in ("image_2", "gt_image_2"):
        (training / name).mkdir(parents=True)
    colours = np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8)
    colours[24:] = (255, 0, 255)
    for number, category in enumerate(("um", "umm", "uu")):
        image, truth = f"image_2/{category}_000000.png", f"gt_image_2/{category}_road_000000.png"
        Image.fromarray(_noise(number)).save(training / image)
        Image.fromarray(colours).save(training / truth)
        split = "val3.txt" if category == "uu" else "train3.txt"
        with (folder / split).open("a") as file:
            file.write(f"training/{image} training/{truth}\n")


def _voc(folder: Path) -> None:
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    stems = [f"2007_{number:06d}" for number in range(VOC_IMAGES)]
    for number, stem in enumerate(stems):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[8:40, 8:40] = 1 + number % (VOC_CLASSES - 1)
        (folder / "JPEGImages" / f"{stem}.jpg").write_bytes(encode_image(_noise(number)))
        (folder / "SegmentationClass" / f"{stem}.png").write_bytes(encode_mask(mask))
    for split, some in (("train", stems[2:]), ("val", stems[:2])):
        (folder / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in some))


def _exports(folder: Path) -> None:
    """VOC's folders as a tool leaves them, without images and with a list of its own name; SageMaker's channels."""
    (folder / "photos").mkdir()
    (folder / "export" / "SegmentationClass").mkdir(parents=True)
    lists = folder / "export" / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (folder / "export" / "labels.txt").write_text("background\ncar\n")
    for number in range(VOC_IMAGES):
        stem, channel = f"e{number}", "train" if number > 1 else "validation"
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[8:40, 8 + number : 44] = 1
        (folder / "photos" / f"{stem}.jpg").write_bytes(encode_image(_noise(number)))
        (folder / "export" / "SegmentationClass" / f"{stem}.png").write_bytes(encode_mask(mask))
        with (lists / ("train.txt" if number > 1 else "Mine.txt")).open("a") as file:
            file.write(f"{stem}\n")
        for name, content in ((channel, encode_image(_noise(number))), (f"{channel}_annotation", encode_mask(mask))):
            (folder / "bucket" / name).mkdir(parents=True, exist_ok=True)
            (folder / "bucket" / name / f"{stem}{'.png' if '_' in name else '.jpg'}").write_bytes(content)


def _frames(folder: Path) -> None:
    (folder / "folder_of_frames").mkdir()
    writer = cv2.VideoWriter(str(folder / "drive.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (SIDE, SIDE))
    for number in range(40):
        pixels = np.full((SIDE, SIDE, 3), 40, np.uint8)
        pixels[10:40, number % 40 : number % 40 + 8] = (20, 200, 230)
        writer.write(pixels)
        (folder / "folder_of_frames" / f"{number:04d}.jpg").write_bytes(encode_image(pixels))
    writer.release()


def _results(folder: Path) -> None:
    """A dataset of two classes, and what a model of no skill finds in it."""
    for line in (
        "prep carvana train train_masks --out dataset --crop 512 --val 1",
        "jobs predict model.tar.gz dataset --split val --probabilities --out predictions",
        "analysis stitch predictions --dataset dataset --out stitched",
        "analysis report stitched --dataset dataset --out report",
    ):
        ran = typed(line.split(), folder)
        assert ran.returncode == 0, ran.stderr
    for name in ("predictions-fcn", "predictions-psp", "predictions-deeplab"):
        shutil.copytree(folder / "predictions", folder / name)
    for name in ("report-a", "report-b", "report-fcn", "report-psp", "report-deeplab"):
        shutil.copytree(folder / "report", folder / name)
    for name in ("images", "frames"):
        (folder / name).mkdir()
        for mask in (folder / "stitched" / "masks").iterdir():
            shutil.copy(folder / "train" / f"{mask.stem}.jpg", folder / name)
    shutil.copy(min((folder / "images").iterdir()), folder / "image.jpg")
    shutil.copy(folder / "image.jpg", folder / "showroom.jpg")
