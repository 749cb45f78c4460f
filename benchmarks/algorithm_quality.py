"""Whether a network learns a drawn shoot: IoU of the car on images of cars it has not seen.

    python benchmarks/algorithm_quality.py unet --folder /somewhere/unet [--seconds 3600] [NAME=VALUE …]

It draws 60 cars from 16 angles each, makes a dataset of whole images of which six cars are validated
on, trains for so many seconds and leaves a checkpoint; run again with the same folder, it goes on. At
the end it prints the date, the device, the IoU over the validation images and the seconds of all its
runs. `NAME=VALUE` are further hyperparameters. The goal is an IoU of 0.95 within 10 minutes of a GPU, or
an hour of a processor. The built-in's networks start from ImageNet weights where those can be had
(docs/algorithm.md), else pass use_pretrained_model=False.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from formats.console import result
from formats.images import read_image
from formats.masks import read_mask
from jobs.algorithm.machine.torch_loading import prepare_processor
from jobs.contract.artefact import read_model_folder
from sageseg.studio.shoot import draw_shoot

CAR = 1
CARS, VALIDATED_ON = 60, 6
"""What a network learns is the shapes of cars: with few of them it learns those few by heart."""
SETTINGS = {"optimizer": "adam", "learning_rate": "0.001", "mini_batch_size": "8"}
EPOCHS = {"unet": 6, "fcn": 9, "psp": 7, "deeplab": 9}
"""As many as an hour of a core has time for, but for unet."""
SIZES = {"unet": (320, 192), "fcn": (288, 144), "psp": (288, 144), "deeplab": (288, 144)}
"""The long side of the images, and the crop: the built-in's networks cost 30 times as much as unet."""
BASE_SHARE = 2 / 3
"""`base_size` as a share of the long side. Training scales it by 0.5 to 2: images are learnt at 0.33 to
1.33 of the size at which they are predicted, and most of a crop is not one part of a car."""


class Spent(NamedTuple):
    """Seconds of a training on the clock, and of a processor's core, over all runs."""

    wall: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("algorithm", choices=SIZES)
    parser.add_argument("hyperparameters", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    given = parser.parse_args()
    dataset, root = given.folder / "dataset", given.folder / "opt_ml"
    long_side, crop = SIZES[given.algorithm]
    if not root.exists():
        prepare(given.folder, dataset, long_side)
    sizes = {"base_size": str(round(BASE_SHARE * long_side)), "crop_size": str(crop)}
    own = {"algorithm": given.algorithm, "num_classes": "2", "epochs": str(EPOCHS[given.algorithm])}
    settings = SETTINGS | sizes | own
    settings |= dict(text.split("=", 1) for text in given.hyperparameters)
    samples = len(list((dataset / "channels/train").iterdir()))
    config = root / "input/config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(settings | {"num_training_samples": str(samples)}))
    finished, spent = train(root, given.seconds)
    iou = car_iou(root / "model", dataset)
    state = "finished" if finished else "not finished, run it again to go on"
    seconds = f"{spent.wall:.0f} s, {spent.processor:.0f} s of one core"
    result(f"{date.today()}, {device_name()}: {given.algorithm} IoU {iou:.4f} after {seconds} ({state})")


def prepare(folder: Path, dataset: Path, long_side: int) -> None:
    """Draw the shoot, make a dataset of it, and the tree that the training program finds."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_shoot(folder / "shoot", cars=CARS)
    words = ["prep", "carvana", str(folder / "shoot/images"), str(folder / "shoot/masks"), "--out", str(dataset)]
    sizes = ["--crop", "none", "--resize", str(long_side), "--val", str(VALIDATED_ON)]
    subprocess.run([sys.executable, "-m", "sageseg", *words, *sizes], check=True)
    root = folder / "opt_ml"
    for place in ("input", "model", "checkpoints"):
        (root / place).mkdir(parents=True)
    (root / "input/data").symlink_to((dataset / "channels").absolute(), target_is_directory=True)


def train(root: Path, limit: float) -> tuple[bool, Spent]:
    """Train for at most so many seconds; whether it came to its end, and the seconds of all runs."""
    spent_path = root / "seconds.json"
    before = Spent(*json.loads(spent_path.read_text())) if spent_path.exists() else Spent(0.0, 0.0)
    started, processor = time.monotonic(), processor_seconds()
    training = subprocess.Popen([sys.executable, "-m", "jobs.algorithm", "train", "--root", str(root)])
    try:
        code = training.wait(limit)
        finished = True
    except subprocess.TimeoutExpired:
        training.send_signal(signal.SIGTERM)
        code, finished = training.wait(), False
    if code:
        sys.exit(code)
    spent = Spent(before.wall + time.monotonic() - started, before.processor + processor_seconds() - processor)
    spent_path.write_text(json.dumps(spent))
    return finished, spent


def processor_seconds() -> float:
    """Of all child processes that have ended, over all their threads."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def car_iou(model: Path, dataset: Path) -> float:
    """Intersection over union of the car over all validation images together, in the dataset's pixels.

    Images are predicted at the size at which training validates them, with `crop_size` as their short
    side, and the probabilities are brought to the size of the mask."""
    prepare_processor()
    from jobs.algorithm.inference.predictor import Predictor

    artefact, shared, united = read_model_folder(model), 0, 0
    predictor, short_side = Predictor(artefact), int(artefact.hyperparameters["crop_size"])
    for path in sorted((dataset / "channels/validation").iterdir()):
        truth, image = read_mask(dataset / f"channels/validation_annotation/{path.stem}.png"), read_image(path)
        height, width = (round(side * short_side / min(truth.shape)) for side in truth.shape)
        smaller = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        probabilities = np.ascontiguousarray(predictor.predict(smaller[None])[0, CAR])
        predicted = cv2.resize(probabilities, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
        shared += int(np.count_nonzero((truth == CAR) & predicted))
        united += int(np.count_nonzero((truth == CAR) | predicted))
    return shared / max(united, 1)


def device_name() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"processor, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
