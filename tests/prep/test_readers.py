"""Each reader by its command: from raw labels to a dataset that passes the check."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from formats.dataset import open_dataset
from formats.images import encode_image
from formats.masks import encode_mask
from jobs.check.dataset_check import check_dataset, errors_among
from jobs.check.evidence import Machine
from jobs.contract.hyperparameters import Hyperparameters
from prep.cli import app
from prep.frames.write import COLUMNS
from tests.support.labelme_samples import write_labels, write_pair

SIDE = 48


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def labelme(folder: Path) -> list[str]:
    for number in range(3):
        write_pair(folder / "in", f"a{number}")
    return [str(folder / "in"), "--labels", str(write_labels(folder, "car"))]


def kitti(folder: Path) -> list[str]:
    training = folder / "data_road" / "training"
    for name in ("image_2", "gt_image_2"):
        (training / name).mkdir(parents=True)
    colours = np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8)
    colours[24:] = (255, 0, 255)
    for category in ("um", "umm", "uu"):
        Image.fromarray(noise(len(category))).save(training / "image_2" / f"{category}_000000.png")
        Image.fromarray(colours).save(training / "gt_image_2" / f"{category}_road_000000.png")
    return [str(folder / "data_road"), "--target", "road"]


def voc(folder: Path) -> list[str]:
    for name in ("JPEGImages", "SegmentationClass"):
        (folder / "voc" / name).mkdir(parents=True)
    for number in range(3):
        (folder / "voc" / "JPEGImages" / f"{number}.jpg").write_bytes(encode_image(noise(number)))
        mask = np.eye(SIDE, dtype=np.uint8) * (1 + number)
        (folder / "voc" / "SegmentationClass" / f"{number}.png").write_bytes(encode_mask(mask))
    return [str(folder / "voc")]


def carvana(folder: Path) -> list[str]:
    for name in ("train", "train_masks"):
        (folder / name).mkdir()
    for car in ("a", "b", "c"):
        (folder / "train" / f"{car}_01.jpg").write_bytes(encode_image(noise(ord(car))))
        Image.fromarray(np.eye(SIDE, dtype=np.uint8)).convert("P").save(folder / "train_masks" / f"{car}_01_mask.gif")
    return [str(folder / "train"), str(folder / "train_masks")]


def channels(folder: Path) -> list[str]:
    for channel, number in (("train", 0), ("train", 1), ("validation", 2)):
        for name in (channel, f"{channel}_annotation"):
            (folder / "aws" / name).mkdir(parents=True, exist_ok=True)
        (folder / "aws" / channel / f"{number}.jpg").write_bytes(encode_image(noise(number)))
        mask = np.eye(SIDE, dtype=np.uint8) * (1 + number)
        (folder / "aws" / f"{channel}_annotation" / f"{number}.png").write_bytes(encode_mask(mask))
    (folder / "classes.txt").write_text("a\nb\nc\n")
    return [str(folder / "aws"), "--labels", str(folder / "classes.txt"), "--background", "background"]


def pairs(folder: Path) -> list[str]:
    for number in range(3):
        for name in ("photos", "masks"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "photos" / f"{number}.jpg").write_bytes(encode_image(noise(number)))
        mask = np.eye(SIDE, dtype=np.uint8) * (1 + number)
        (folder / "masks" / f"{number}_mask.png").write_bytes(encode_mask(mask))
    (folder / "names.csv").write_text("value,name\n0,background\n1,car\n2,road\n3,road\n")
    names = ["--mask-name", "{stem}_mask", "--map", str(folder / "names.csv")]
    return [str(folder / "photos"), str(folder / "masks"), *names]


READERS: dict[str, Callable[[Path], list[str]]] = {
    "carvana": carvana,
    "labelme": labelme,
    "kitti": kitti,
    "voc": voc,
    "channels": channels,
    "pairs": pairs,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("crop", ["32", "none"])
def test_each_reader_makes_a_dataset_that_passes_the_check(tmp_path: Path, reader: str, crop: str) -> None:
    words = [reader, *READERS[reader](tmp_path), "--out", str(tmp_path / "out"), "--crop", crop, "--workers", "1"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.exception
    assert ran.stdout.splitlines()[-1] == str(tmp_path / "out")
    made = open_dataset(tmp_path / "out")
    assert made.info["source_format"] == reader
    settings = Hyperparameters(len(made.classes), num_training_samples=1, crop_size=32, mini_batch_size=1)
    assert errors_among(check_dataset(made, settings, Machine(), workers=1)) == []


def test_frames_tells_what_it_kept(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (SIDE, SIDE))
    for number in range(6):
        writer.write(noise(number))
    writer.release()
    words = ["frames", str(tmp_path / "v.avi"), "--out", str(tmp_path / "out"), "--every", "2", "--block", "0.4"]
    ran = CliRunner().invoke(app, words)
    assert (ran.exit_code, ran.stdout) == (0, f"3 of 3 frames kept, in 2 time block(s)\n{tmp_path / 'out'}\n")
    assert (tmp_path / "out" / "frames.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_kittisegs_lists_are_options(tmp_path: Path) -> None:
    words = ["kitti", *kitti(tmp_path), "--out", str(tmp_path / "out"), "--crop", "none", "--workers", "1"]
    for split, stems in (("train", ("um", "umm")), ("val", ("uu",))):
        lines = [f"training/image_2/{s}_000000.png training/gt_image_2/{s}_road_000000.png\n" for s in stems]
        (tmp_path / f"{split}3.txt").write_text("".join(lines))
        words += [f"--{split}-list", str(tmp_path / f"{split}3.txt")]
    assert CliRunner().invoke(app, words).exit_code == 0
    splits = {row.id: row.split for row in open_dataset(tmp_path / "out").rows}
    assert splits == {"um_000000": "train", "umm_000000": "train", "uu_000000": "val"}
