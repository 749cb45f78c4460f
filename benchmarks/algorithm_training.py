"""How fast the open implementation trains: images/s, share of the device's peak, memory, its start.

    python benchmarks/algorithm_training.py [--seconds 20] [--algorithm unet] [--crop 240] [--batch 8]
    python benchmarks/algorithm_training.py --log 676 --algorithm fcn --crop 512 --batch 16 [--baseline FOLDER]

The first measures steps: peers take turns of a few in one process, over the same network, decoded
images and crops. They are ours; a plain PyTorch loop with torch.optim and F.cross_entropy; and
torchvision's network of the same name in that loop, where torchvision is installed. Crops are ready,
which is what the network alone costs; on a processor ours and the loop also make their own, in threads
and in the loop. The least time of a turn counts, and processor time where there is no GPU, because other
work may run beside. The peak is measured, as the best of a large matrix product and a large 3 × 3
convolution in the precision that trains; the share counts the multiplications and additions of the
network's convolutions, three times those of a forward pass.

`--log N` also runs the training program itself over N images, and that of commit 498dbb5: what each
logs of its epochs, when its first step was done, and its memory on a GPU. `--baseline` is a folder with
that commit's files, where there is no history to take them from. `--pairs` is a folder with images in
`train` and masks in `train_annotation`, drawn before; `--keep` a file that rows are added to (goals.py).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import cv2
import torch
from earlier_build import COMMIT, HERE, earlier_build
from goals import Row, tell
from training_log import Log, run_training, write_tree
from training_peers import SIZES, Peer, compare, name_of, write_images

from formats.console import result
from jobs.algorithm.machine.device import choose_device
from jobs.contract.hyperparameters import Hyperparameters, parse_hyperparameters

BUILTIN_SPEED = 52.0
"""Images/s in a log of the built-in: FCN, ResNet-50, crop 240, batch 16, one V100."""
PUBLISHED_SECONDS = {"fcn": 4680.0, "psp": 5212.0, "deeplab": 7663.0}
"""160 epochs over 676 crops of 512 pixels, ResNet-50, ml.p3.8xlarge (the instance is inferred)."""
PUBLISHED_IMAGES = 676 * 160
LOG_GOALS = {("fcn", 240): 3.0, ("fcn", 512): 1.5, ("psp", 512): 1.5, ("deeplab", 512): 1.5}
"""How many times as fast as commit 498dbb5's the program's log is to be on a GPU."""
TORCHVISION_GOALS = {("fcn", 240): 2.4, ("fcn", 512): 1.35}
FIRST_EPOCH, FIRST_STEP = 0.6, 10.0
"""The first epoch's share of the later ones' speed, and the seconds until the first step, at crop 512."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="that the steps of all peers take")
    parser.add_argument("--algorithm", default="unet")
    parser.add_argument("--crop", type=int, default=240)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--log", type=int, metavar="IMAGES")
    parser.add_argument("--epochs", type=int, default=5, help="of the training program")
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    settings, device = settings_of(given.algorithm, given.crop, given.batch), choose_device()
    cv2.setNumThreads(1)  # as in training
    result(f"{date.today()}, {name_of(device)}, {device.precision}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        pairs = given.pairs or Path(folder) / "pairs"
        if given.pairs is None:
            write_images(pairs, SIZES.get(given.crop, SIZES[240]), 64)
        compared = compare(settings, pairs, device, given.seconds)
        title = f"training {given.algorithm}, crop {given.crop}, batch {given.batch}, {name_of(device)}"
        tell(title, step_rows(compared, given.batch), given.keep)
        if given.log:
            with earlier_build(given.baseline) as build:
                logs = []
                for name, place in (("ours", HERE), (COMMIT, build)):
                    root = Path(folder) / name
                    write_tree(root, pairs, given.log, {**settings_as_given(settings), "epochs": str(given.epochs)})
                    logs.append(run_training(place, root))
            rows = log_rows(settings, *logs, compared.get("torchvision"), gpu=device.is_gpu)
            tell(f"{title}: the program's log, {given.log} images", rows, given.keep)


def settings_as_given(settings: Hyperparameters) -> dict[str, str]:
    names = ("num_classes", "algorithm", "crop_size", "mini_batch_size", "use_pretrained_model")
    return {name: str(value) for name, value in asdict(settings).items() if name in names}


def log_rows(settings: Hyperparameters, ours: Log, earlier: Log, torchvision: Peer | None, *, gpu: bool) -> list[Row]:
    """What the two logs say, and what is to be reached of it on a GPU."""
    algorithm, crop, batch = settings.algorithm, settings.crop_size, settings.mini_batch_size
    large = gpu and crop == 512 and algorithm == "fcn"

    def goal(goals: dict[tuple[str, int], float]) -> float | None:
        return goals.get((algorithm, crop)) if gpu else None

    before = f"commit {COMMIT}'s"
    rows = [
        Row("images/s, epochs after the first", ours.speed, "images/s"),
        Row(f"… {before}", earlier.speed, "images/s"),
        Row(f"… × {before}", ours.speed / earlier.speed, "×", least=goal(LOG_GOALS)),
        Row("images/s, first epoch", ours.first_speed, "images/s"),
        Row(f"… {before} first", earlier.first_speed, "images/s"),
        Row("… share of the later ones'", ours.first_speed / ours.speed, "", least=FIRST_EPOCH if large else None),
        *_start_rows(ours, earlier, before, FIRST_STEP if large else None),
    ]
    if torchvision:
        speed = batch / torchvision.least
        rows.append(Row("… × torchvision's step", ours.speed / speed, "×", least=goal(TORCHVISION_GOALS)))
    if ours.allocated and earlier.allocated and ours.reserved and earlier.reserved:
        most = round(earlier.allocated / 2**30, 2)
        rows += [
            Row("tensors on the card, at most", ours.allocated / 2**30, "GiB", most=most),
            Row(f"… {before}", earlier.allocated / 2**30, "GiB"),
            Row("all that torch took there", ours.reserved / 2**30, "GiB"),
            Row(f"… {before}, all", earlier.reserved / 2**30, "GiB"),
        ]
    if gpu and (algorithm, crop) == ("fcn", 240):
        rows.append(Row("… × the built-in's on a V100", ours.speed / BUILTIN_SPEED, "×"))
    if gpu and crop == 512 and algorithm in PUBLISHED_SECONDS:
        projected = PUBLISHED_IMAGES / ours.speed
        rows.append(Row("676 images × 160 epochs, projected", projected, "s"))
        rows.append(Row("… × as fast as published", PUBLISHED_SECONDS[algorithm] / projected, "×"))
    return rows


def _start_rows(ours: Log, earlier: Log, before: str, most: float | None) -> Iterator[Row]:
    """From the start of the process to the end of its first step, or of as many as it tells of first."""
    for log, whose, goal in ((ours, "", most), (earlier, f" {before}", None)):
        if log.first_step is not None:
            until = "first twenty steps" if log.bound else "first step"
            yield Row(f"start to {until},{whose or ' ours'}", log.first_step, "s", most=goal)


def settings_of(algorithm: str, crop: int, batch: int) -> Hyperparameters:
    given = {
        "num_classes": "21",
        "num_training_samples": "64",
        "algorithm": algorithm,
        "crop_size": str(crop),
        "base_size": str(2 * crop),
        "mini_batch_size": str(batch),
        "use_pretrained_model": "False",
    }
    return parse_hyperparameters(given, "open")


def step_rows(peers: dict[str, Peer], batch: int) -> list[Row]:
    ours = peers["ours"].least
    rows = [Row("our step, as images/s", batch / ours, "images/s")]
    return rows + [Row(f"… × {name}", peer.least / ours, "×") for name, peer in peers.items() if name != "ours"]


if __name__ == "__main__":
    with torch.random.fork_rng():
        main()
