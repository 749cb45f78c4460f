"""Whether a network learns a drawn shoot: IoU of the car on images of cars it has not seen.

    python benchmarks/algorithm_quality.py unet --folder /somewhere/unet [--seconds 3600] [NAME=VALUE …]

It draws 60 cars from 16 angles each, makes a dataset of whole images of which six cars are validated
on, trains for so many seconds and leaves a checkpoint; run again with the same folder, it goes on. At
the end it prints the date, the device, the IoU over the validation images, the seconds of all its runs,
and the share of their pixels in which masks in the precision that predicts differ from those in float32.
`NAME=VALUE` are further hyperparameters. The goal is an IoU of 0.95 within 10 minutes of a GPU, or an
hour of one core. The built-in's networks start from ImageNet weights where those can be had
(docs/algorithm.md), else pass use_pretrained_model=False.

`--dataset` is a dataset that was made before, by `--draw` on any machine: with it nothing is drawn.
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
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from goals import Row, tell

from formats.console import result
from formats.images import read_image
from formats.masks import read_mask
from jobs.algorithm.machine.torch_loading import prepare_processor
from jobs.contract.artefact import Artefact, read_model_folder
from sageseg.studio.shoot import draw_shoot

if TYPE_CHECKING:
    from jobs.algorithm.inference.predictor import Predictor

CAR = 1
CARS, CARS_A_VALIDATED = 60, 10
"""How many are drawn, and of how many one is validated on. What a network learns is the shapes of cars: with
few of them it learns those few by heart."""
GOAL, MOST_DIFFERING = 0.95, 0.1
"""An IoU, and the percentage of pixels in which masks may differ from those in float32."""
GPU_SECONDS, CORE_SECONDS = 600.0, 3600.0
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
    given = parse_words(sys.argv[1:])
    dataset, root = given.dataset or given.folder / "dataset", given.folder / "opt_ml"
    long_side, crop = SIZES[given.algorithm]
    if not dataset.exists():
        if given.dataset and not given.draw:
            sys.exit(f"--dataset {dataset}: not found; --draw makes it, or leave --dataset out")
        draw_dataset(dataset, given.cars, long_side)
    if given.draw:
        return
    if not root.exists():
        make_tree(root, dataset)
    sizes = {"base_size": str(round(BASE_SHARE * long_side)), "crop_size": str(crop)}
    own = {"algorithm": given.algorithm, "num_classes": "2", "epochs": str(EPOCHS[given.algorithm])}
    settings = SETTINGS | sizes | own
    settings |= dict(text.split("=", 1) for text in given.hyperparameters)
    samples = len(list((dataset / "channels/train").iterdir()))
    config = root / "input/config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(settings | {"num_training_samples": str(samples)}))
    finished, spent = train(root, given.seconds)
    tell_quality(given, root / "model", dataset, finished=finished, spent=spent)


def parse_words(words: Sequence[str]) -> argparse.Namespace:
    """The command line; hyperparameters may stand among the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("algorithm", choices=SIZES)
    parser.add_argument("hyperparameters", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--dataset", type=Path, metavar="FOLDER", help="default FOLDER/dataset")
    parser.add_argument("--draw", action="store_true", help="draw the dataset, and train nothing")
    parser.add_argument("--cars", type=int, default=CARS, help="that are drawn")
    parser.add_argument("--keep", type=Path, help="a file to add rows to (goals.py)")
    given = parser.parse_intermixed_args(words)
    for text in given.hyperparameters:
        if "=" not in text:
            parser.error(f"{text}: expected NAME=VALUE, a hyperparameter")
    return given


def draw_dataset(dataset: Path, cars: int, long_side: int) -> None:
    """Draw a shoot, and make a dataset of it."""
    with TemporaryDirectory() as folder:
        shoot = Path(folder)
        draw_shoot(shoot, cars=cars)
        words = ["prep", "carvana", str(shoot / "images"), str(shoot / "masks"), "--out", str(dataset)]
        sizes = ["--crop", "none", "--resize", str(long_side), "--val", str(max(cars // CARS_A_VALIDATED, 1))]
        subprocess.run([sys.executable, "-m", "sageseg", *words, *sizes], check=True)


def make_tree(root: Path, dataset: Path) -> None:
    """What the training program finds."""
    for place in ("input", "model", "checkpoints"):
        (root / place).mkdir(parents=True)
    (root / "input/data").symlink_to((dataset / "channels").resolve(), target_is_directory=True)


def tell_quality(given: argparse.Namespace, model: Path, dataset: Path, *, finished: bool, spent: Spent) -> None:
    prepare_processor()
    from jobs.algorithm.inference.predictor import Predictor

    artefact = read_model_folder(model)
    predictor = Predictor(artefact)
    iou, differing = (
        car_iou(predictor, artefact, dataset),
        differing_share(predictor, exact_predictor(artefact), dataset),
    )
    state = "finished" if finished else "not finished, run it again to go on"
    seconds = f"{spent.wall:.0f} s, {spent.processor:.0f} s of one core"
    result(f"{date.today()}, {device_name()}: {given.algorithm} IoU {iou:.4f} after {seconds} ({state})")
    rows = [
        Row("IoU of the car", iou, "", least=GOAL),
        time_row(spent),
        Row(f"pixels in which {predictor.precision} differs from float32", 100 * differing, "%", most=MOST_DIFFERING),
    ]
    tell(f"quality of {given.algorithm}, {state}, {device_name()}", rows, given.keep)


def time_row(spent: Spent) -> Row:
    """A GPU's time is the clock's; a processor's is that of one core."""
    import torch

    if torch.cuda.is_available():
        return Row("seconds of training", spent.wall, "s", most=GPU_SECONDS)
    return Row("seconds of training, of one core", spent.processor, "s", most=CORE_SECONDS)


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


def exact_predictor(artefact: Artefact) -> Predictor:
    """One that convolves in float32, whatever the machine could."""
    from jobs.algorithm.inference.predictor import Predictor
    from jobs.algorithm.machine.device import VARIABLE

    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "float32"
    try:
        return Predictor(artefact)
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def car_iou(predictor: Predictor, artefact: Artefact, dataset: Path) -> float:
    """Intersection over union of the car over all validation images together, in the dataset's pixels.

    Images are predicted at the size at which training validates them, with `crop_size` as their short
    side, and the probabilities are brought to the size of the mask."""
    short_side, shared, united = int(artefact.hyperparameters["crop_size"]), 0, 0
    for path in validation_images(dataset):
        truth, image = read_mask(dataset / f"channels/validation_annotation/{path.stem}.png"), read_image(path)
        height, width = (round(side * short_side / min(truth.shape)) for side in truth.shape)
        smaller = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        probabilities = np.ascontiguousarray(predictor.predict(smaller[None])[0, CAR])
        predicted = cv2.resize(probabilities, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
        shared += int(np.count_nonzero((truth == CAR) & predicted))
        united += int(np.count_nonzero((truth == CAR) | predicted))
    return shared / max(united, 1)


def differing_share(one: Predictor, other: Predictor, dataset: Path) -> float:
    """Of all pixels of the validation images, the share in which two predictors' masks differ."""
    differing = pixels = 0
    for path in validation_images(dataset):
        image = read_image(path)[None]
        masks = one.predict_masks(image), other.predict_masks(image)
        differing, pixels = differing + int(np.count_nonzero(masks[0] != masks[1])), pixels + masks[0].size
    return differing / pixels


def validation_images(dataset: Path) -> list[Path]:
    return sorted((dataset / "channels/validation").iterdir())


def device_name() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"processor, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
