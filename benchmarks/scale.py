"""Many small images through every room: is memory flat, and time an image the same?

    .venv/bin/python benchmarks/scale.py [--many 1000,100000] [--folder FOLDER] [--step prep]

Draws images of 256 × 256 with a disc in the middle as their object: no two are twins, but all are near each other as in
a studio, so that the search for near-twins lays as many over an image among few as among many. Then prep, the plan of
an upload, prediction by a model without weights, stitch and report, each in a process of its own. Prints, for each step
and number of images, the time and the processor's time per image and the peak memory of the largest process; against
the smallest number the ratios of the times per image and the memory that each image more takes; and what is over the
goals: 400 MB a process, and 1.15 times the time per image. In a --folder images that were drawn before are taken again.
Needs some 100 kB of disk an image.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from formats.console import result  # noqa: E402

SIDE, MASKS = 256, 64
DRAWN = "drawn.done"
MADE = ("dataset", "predictions", "stitched", "report")
MOST_MB, MOST_RATIO = 400, 1.15
VALIDATION = "0.9"
"""Share of the images that are predicted, stitched and scored."""


@dataclass(frozen=True)
class Used:
    """What a step used: seconds, seconds of processors, and the MB of the largest of its processes."""

    seconds: float
    processor: float
    peak_mb: float


def draw(folder: Path, many: int) -> None:
    """Images differ in their noise; masks are links of a few files, each to fewer than a file system allows."""
    import cv2
    import numpy as np

    from formats.images import encode_image
    from formats.masks import write_mask

    for name in ("images", "masks", "drawn"):
        (folder / name).mkdir(parents=True)
    (folder / "labels.txt").write_text("_background_\ncar\n")
    masks = max(MASKS, -(-many // 30_000))
    rng = np.random.default_rng(0)
    discs = []
    for number in range(masks):
        y, radius = (int(value) for value in rng.integers((96, 48), (SIDE - 96, 64)))
        disc = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (SIDE // 2, y), radius, 1, -1)
        write_mask(folder / "drawn" / f"{number}.png", disc)
        discs.append(disc[:, :, None] * np.uint8(110))
    for number in range(many):
        noise = rng.integers(0, 80, (16, 16, 3), np.uint8)
        grown = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        image = np.minimum(grown, 130) + discs[number % masks]
        (folder / "images" / f"car{number:07}.jpg").write_bytes(encode_image(image))
        os.link(folder / "drawn" / f"{number % masks}.png", folder / "masks" / f"car{number:07}.png")


def plan_upload(folder: Path, _many: int) -> None:
    """What an upload into an empty bucket decides before it sends."""
    from formats.dataset import open_dataset
    from jobs.training.upload_plan import channel_files, local_file

    files = [
        local_file(f"cars/{channel}/{path.name}", path)
        for channel, path in channel_files(open_dataset(folder / "dataset"))
    ]
    result(f"{len(files)} files, {sum(file.size for file in files)} bytes")


def predict(folder: Path, _many: int) -> None:
    """As `jobs predict --via artefact`, but for the network."""
    import pytest

    from jobs.prediction.options import PredictOptions, RouteOptions
    from jobs.prediction.predict import predict as make_predictions
    from tests.support.bright_model import stand_in

    with pytest.MonkeyPatch.context() as patch:
        model = stand_in(patch)
        model.batch_pixels = 4 * SIDE * SIDE
        make_predictions("cars", [folder / "dataset"], folder / "predictions", PredictOptions(), RouteOptions())


OWN: dict[str, Callable[[Path, int], None]] = {"draw": draw, "upload": plan_upload, "predict": predict}
STEPS = {
    "draw": (),
    "prep": (
        "prep",
        "pairs",
        "images",
        "masks",
        "--labels",
        "labels.txt",
        "--out",
        "dataset",
        "--crop",
        "none",
        "--val",
        VALIDATION,
    ),
    "upload": (),
    "predict": (),
    "stitch": ("analysis", "stitch", "predictions", "--dataset", "dataset", "--out", "stitched"),
    "report": ("analysis", "report", "stitched", "--dataset", "dataset", "--out", "report"),
}
"""What is run, in order; the command line of `sageseg`, where it is one."""


def measure(step: str, folder: Path, many: int) -> Used:
    """Run a step in a process of its own. This one stays small: a process begins with the peak of its parent."""
    own = [sys.executable, str(Path(__file__).resolve()), "--own", step, "--many", str(many), "--folder", "."]
    command = [sys.executable, "-m", "sageseg", *STEPS[step]] if STEPS[step] else own
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    with (folder / f"{step}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{step} of {many} images failed; {folder / f'{step}.log'} tells why")
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    return Used(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / per_mb)


def run(numbers: Sequence[int], place: Path, until: str) -> dict[int, dict[str, Used]]:
    found: dict[int, dict[str, Used]] = {}
    for many in numbers:
        folder = place / str(many)
        found[many] = {}
        for step in steps_to_do(folder, until):
            found[many][step] = used = measure(step, folder, many)
            result(row(step, many, used))
            if step == "draw":
                (folder / DRAWN).touch()
    return found


def steps_to_do(folder: Path, until: str) -> list[str]:
    """All steps to the last one, without the drawing where its images are there; what other steps made is removed."""
    steps = list(STEPS)[: list(STEPS).index(until) + 1]
    if (folder / DRAWN).is_file():
        for name in MADE:
            shutil.rmtree(folder / name, ignore_errors=True)
        return steps[1:]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return steps


def row(step: str, many: int, used: Used) -> str:
    per_image = [1000 * value / many for value in (used.seconds, used.processor)]
    return f"| {step} | {many} | {used.seconds:.1f} | {per_image[0]:.2f} | {per_image[1]:.2f} | {used.peak_mb:.0f} |"


def against_fewest(found: dict[int, dict[str, Used]]) -> Iterator[str]:
    """By step the ratios of the times per image, and the memory that each image more takes."""
    fewest = min(found)
    for many in sorted(found)[1:]:
        for step in [name for name in found[many] if name != "draw"]:
            few, all_ = found[fewest][step], found[many][step]
            seconds, processor = (few.seconds * many / fewest, few.processor * many / fewest)
            grown = 1000 * (all_.peak_mb - few.peak_mb) / (many - fewest)
            yield (
                f"{step}, {many} against {fewest} images: {all_.seconds / seconds:.2f} × the time per image, "
                f"{all_.processor / processor:.2f} × the processor's; {grown:.1f} KB an image"
            )


def missed(found: dict[int, dict[str, Used]]) -> Iterator[str]:
    """What is over the goals, of all steps but the drawing."""
    fewest = min(found)
    for many, steps in found.items():
        for step in [name for name in steps if name != "draw"]:
            if steps[step].peak_mb > MOST_MB:
                yield f"{step}, {many} images: {steps[step].peak_mb:.0f} MB, over {MOST_MB}"
            ratio = (steps[step].seconds / many) / (found[fewest][step].seconds / fewest)
            if ratio > MOST_RATIO:
                yield f"{step}, {many} images: {ratio:.2f} × the time per image of {fewest}, over {MOST_RATIO}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--many", default="1000,100000", help="numbers of images")
    asked.add_argument("--folder", type=Path, help="where all lies, and stays; else a folder that goes")
    asked.add_argument("--step", choices=list(STEPS)[1:], default=list(STEPS)[-1], help="the last step to run")
    asked.add_argument("--own", choices=list(OWN), help=argparse.SUPPRESS)
    given = asked.parse_args()
    numbers = [int(text) for text in given.many.split(",")]
    if given.own:
        OWN[given.own](given.folder, numbers[0])
        return
    result("| step | images | s | ms an image | ms of processors an image | MB, largest process |")
    result("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        found = run(numbers, given.folder or Path(scratch), given.step)
    for line in (*against_fewest(found), *missed(found)):
        result(line)


if __name__ == "__main__":
    main()
