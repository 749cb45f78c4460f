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
from tests.support.coco_samples import annotation as coco_annotation
from tests.support.coco_samples import image as coco_image
from tests.support.coco_samples import write_coco
from tests.support.cvat_formula import document, samples
from tests.support.cvat_formula import image as image_of_task
from tests.support.geo_samples import on_earth, polygon, write_geojson, write_raster
from tests.support.labelme_samples import HEIGHT, WIDTH, shape, write_json, write_labels, write_pair
from tests.support.labelstudio_samples import annotation, box, task, write_export, write_images
from tests.support.manifest_samples import line as manifest_line
from tests.support.manifest_samples import synced, write_manifest
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
    _cvat(folder / "task")
    _manifest(folder)
    _labelstudio(folder)
    _small_formats(folder)
    _pool(folder)
    _rasters(folder)
    _coco(folder)
    _kitti(folder)
    _voc(folder / "VOC2012")
    _exports(folder)
    _pairs(folder)
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
    shutil.copytree(shoot / "masks", folder / "my-masks")
    shutil.copytree(shoot / "images", folder / "some")
    shutil.copytree(shoot / "masks", folder / "some_masks")
    cars = sorted({path.stem.rpartition("_")[0] for path in (folder / "train").iterdir()})
    (folder / "metadata.csv").write_text("id,year,make\n" + "".join(f"{car},2015,Volvo\n" for car in cars))


def _labelme(folder: Path) -> None:
    for number in range(3):
        write_pair(folder / "annotated", f"a{number}")
        deep = write_pair(folder / "deep", f"d{number}", imagePath=f"d{number}.png").with_suffix(".png")
        cv2.imwrite(str(deep), np.random.default_rng(number).integers(0, 4096, (HEIGHT, WIDTH, 3)).astype(np.uint16))
        for day in ("day1", "day2"):
            write_pair(folder / day, f"a{number}")
    write_labels(folder, "car")


def _cvat(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    parts = []
    for number in range(5):
        (folder / "images" / f"{number}.jpg").write_bytes(encode_image(_noise(number)))
        polygon = samples(5 * number)[1][0].text
        parts.append(image_of_task(f"{number}.jpg", (SIDE, SIDE), polygon, number))
    (folder / "annotations.xml").write_text(document("".join(parts)), encoding="utf-8")


def _labelstudio(folder: Path) -> None:
    names = [f"s{number}.png" for number in range(3)]
    write_images(folder / "uploads", *names)
    ann = {"id": 1, "email": "ann@example.org"}
    drawn = annotation(box(5, 5, 20, 20), completed_by=ann)
    tasks = [task(number, drawn, image=f"/data/local-files/?d=shoot/{name}") for number, name in enumerate(names)]
    write_export(folder, tasks).rename(folder / "project-1.json")


def _rasters(folder: Path) -> None:
    """Two tiles each, beside polygons; and a folder of small ones beside rasters of labels."""
    wide, high = 2560, 96
    write_raster(folder / "city.tif", np.stack([np.tile(_noise(7)[..., 0], (2, 54))[:high, :wide]] * 3))
    deep = np.full((4, high, wide), 700, np.uint16)
    write_raster(folder / "deep.tif", deep + np.arange(wide, dtype=np.uint16), compress="deflate")
    corners = ([(x, 8), (x + 60, 12), (x + 40, 80)] for x in (100, 900, 2100))
    write_geojson(folder / "roads.geojson", [polygon(on_earth(each)) for each in corners])
    for number, name in enumerate("ab"):
        write_raster(folder / f"rasters/{name}.tif", np.stack([_noise(number)[..., 0]] * 3))
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[8:40, 8:40] = 1
        write_raster(folder / f"label-rasters/{name}.tif", mask)


def _small_formats(folder: Path) -> None:
    names = [f"a{number}.jpg" for number in range(4)]
    write_supervisely(folder / "project", [supervisely_polygon(SQUARE)], names=names)
    (folder / "project" / "ds2").mkdir()
    for number in (2, 3):
        for part, name in (("img", f"a{number}.jpg"), ("ann", f"a{number}.jpg.json")):
            (folder / "project" / "ds2" / part).mkdir(exist_ok=True)
            (folder / "project" / "ds" / part / name).rename(folder / "project" / "ds2" / part / name)
    write_yolo(folder / "yolo-dataset", {f"images/a{number}": yolo_row(SQUARE) for number in range(4)})
    regions = [via_region(VIA_POLYGON, type="car")]
    write_via(folder / "via_project.json", folder / "shots", regions, names=names)
    write_via(folder / "via_region_data.json", folder / "shots", regions, names=names, is_project=False)


def _pool(folder: Path) -> None:
    """The studio's images, of which the half is labelled: from a folder beside them, as labelme does with --output."""
    shutil.copytree(folder / "train", folder / "pool")
    (folder / "labelled").mkdir()
    width, height = SIZE
    for path in sorted((folder / "pool").iterdir())[::2]:
        more = {"imagePath": f"../pool/{path.name}", "imageWidth": width, "imageHeight": height}
        write_json(folder / "labelled" / f"{path.stem}.json", [shape()], **more)


def _manifest(folder: Path) -> None:
    """Ground Truth's output as it is synced from a bucket, and images that somebody has elsewhere."""
    synced(folder / "synced", range(4))
    shutil.copytree(folder / "synced" / "photos", folder / "originals")
    lines = [manifest_line(number, bucket="my-bucket") for number in range(4)]
    lines[0] |= {"check": 1, "check-metadata": {"class-name": "bad", "type": "groundtruth/label-verification"}}
    write_manifest(folder / "synced" / "out" / "seg" / "manifests" / "output" / "output.manifest", lines)
    write_manifest(folder / "output.manifest", lines)


def _coco(folder: Path) -> None:
    """A tool's one file with a folder of images; Roboflow's and COCO's own folders, a file for each split."""
    for path, images, first in (
        ("instances_default.json", "pictures", 0),
        ("roboflow/train/_annotations.coco.json", "roboflow/train", 0),
        ("roboflow/valid/_annotations.coco.json", "roboflow/valid", 4),
        ("coco/annotations/instances_train2017.json", "coco/train2017", 0),
        ("coco/annotations/instances_val2017.json", "coco/val2017", 4),
    ):
        declared = [coco_image(number, f"{number:03}.jpg") for number in range(first, first + 4)]
        drawn = [coco_annotation(number, number) for number in range(first, first + 4)]
        write_coco(folder / path, drawn, declared, folder=folder / images)


def _noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def _kitti(folder: Path) -> None:
    training = folder / "data_road" / "training"
    for name in ("image_2", "gt_image_2", "calib"):
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
    Image.fromarray(_noise(3)).save(training / "image_2/um_000001.png")
    Image.fromarray(colours).save(training / "gt_image_2/um_road_000001.png")
    for number in range(2):
        Image.fromarray(colours).save(training / f"gt_image_2/um_lane_{number:06d}.png")
        (training / f"calib/um_{number:06d}.txt").write_text(f"P0: {number}\n")


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


def _pairs(folder: Path) -> None:
    """Masks of several kinds for the images in photos/; Roboflow's, CamVid's, Cityscapes' and ADE20K's folders."""
    for image in sorted((folder / "photos").iterdir()):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[8:40, 8 : 20 + int(image.stem[1:])] = 1
        content, png = image.read_bytes(), encode_mask(mask)
        split = "train" if int(image.stem[1:]) > 1 else "val"
        white, colours = Image.fromarray(255 * mask), Image.fromarray(mask[..., None] * np.array([0, 0, 142], np.uint8))
        _put(folder / "masks" / f"{image.stem}.png", png)
        _put(folder / "cutouts" / f"{image.stem}.png", white)
        _put(folder / "painted" / f"{image.stem}.png", colours)
        _put(folder / "by_class" / "car" / f"{image.stem}.png", white)
        roboflow = folder / "roboflow" / split.replace("val", "valid") / f"{image.stem}_jpg.rf.0a1b"
        _put(roboflow.with_name(f"{roboflow.name}.jpg"), content)
        _put(roboflow.with_name(f"{roboflow.name}_mask.png"), png)
        _put(roboflow.with_name("_classes.csv"), b"Pixel Value, Class\n0, background\n1, car\n")
        _put(folder / "camvid" / split / f"{image.stem}.jpg", content)
        _put(folder / "camvid" / f"{split}annot" / f"{image.stem}.png", colours)
        city = f"{split}/{split}_city/{image.stem}"
        _put(folder / "leftImg8bit" / f"{city}_leftImg8bit.png", Image.fromarray(_noise(1)))
        _put(folder / "gtFine" / f"{city}_gtFine_labelIds.png", Image.fromarray(7 * mask))
        _put(folder / "data_semantics/training/image_2" / image.name, content)
        _put(folder / "data_semantics/training/semantic" / f"{image.stem}.png", Image.fromarray(7 * mask))
        _put(folder / "ade" / "images" / split / image.name, content)
        _put(folder / "ade" / "annotations" / split / f"{image.stem}.png", Image.fromarray(mask))
        _put(folder / "ade_full" / split / image.name, content)
        _put(
            folder / "ade_full" / split / f"{image.stem}_seg.png",
            Image.fromarray(mask[..., None] * np.array([10, 2, 9], np.uint8)),
        )
    (folder / "camvid" / "label_colors.txt").write_text("0 0 0 Void\n0 0 142 Car\n")
    (folder / "colours.csv").write_text("name,r,g,b\ncar,0,0,142\n")
    (folder / "order.txt").write_text("car\n")
    (folder / "objectInfo150.txt").write_text("Idx\tRatio\tTrain\tVal\tName\n1\t0.1\t9\t9\twall\n")
    for name, text in (("cityscapes", "7,road"), ("ade150", "1,wall"), ("objects", "258,car")):
        (folder / f"{name}.csv").write_text(f"{text}\n*,background\n")


def _put(path: Path, content: bytes | Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content) if isinstance(content, bytes) else content.save(path)


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
    cars = sorted({path.stem.rpartition("_")[0] for path in (folder / "train").iterdir()})
    (folder / "scales.csv").write_text("group,scale\n" + "".join(f"{car},0.5mm/px\n" for car in cars))
    for name in ("predictions-fcn", "predictions-psp", "predictions-deeplab"):
        shutil.copytree(folder / "predictions", folder / name)
    for name in ("report-a", "report-b", "report-fcn", "report-psp", "report-deeplab"):
        shutil.copytree(folder / "report", folder / name)
    for number in (1, 2):
        shutil.copytree(folder / "report", folder / "results" / "runs" / str(number) / "report")
    for name in ("images", "frames"):
        (folder / name).mkdir()
        for mask in (folder / "stitched" / "masks").iterdir():
            shutil.copy(folder / "train" / f"{mask.stem}.jpg", folder / name)
    names = sorted(path.name for path in (folder / "images").iterdir())
    (folder / "images.txt").write_text("".join(f"{name}\n" for name in names[:2]))
    shutil.copy(min((folder / "images").iterdir()), folder / "image.jpg")
    shutil.copy(folder / "image.jpg", folder / "showroom.jpg")
