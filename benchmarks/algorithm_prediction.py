"""How fast `jobs predict` makes masks of large images on this machine, side by side, and its memory.

    python benchmarks/algorithm_prediction.py [--algorithm fcn] [--images 4] [--artefact model.tar.gz]

Images of 1918 × 1280 pixels, drawn by the demo's studio, in crops of 512, masks written. Peers are run in
turns: the command of this checkout; that of commit 498dbb5; a plain PyTorch loop in float32, which decodes
an image, stacks four crops, and writes what arg max gives; and on a processor onnxruntime with the exported
model in float32, a crop at a time on all cores. The least time of `--rounds` counts. A command's start is
told apart: it is measured over one image of 64 × 64 pixels, and taken off. Without `--artefact` weights are
random, whose masks cost more to encode than a trained network's, for all peers alike.

Masks are compared with the same command's under SAGESEG_PRECISION=float32. `--many N` measures main memory
instead: the peak over N and N / 10 small images. `--shots` is a folder of images drawn before (else it draws
`--images`), which are taken again and again as images of their own; `--baseline` one with the commit's files,
where there is no history to take them from; `--keep` a file that rows are added to (goals.py).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from earlier_build import COMMIT, HERE, earlier_build
from goals import Row, tell
from prediction_peers import (
    Cost,
    command_peer,
    copies,
    draw_shots,
    onnx_peer,
    plain_peer,
    small_images,
    write_artefact,
)

from formats.console import result
from formats.masks import read_mask
from jobs.algorithm.machine.torch_loading import prepare_processor

prepare_processor()

import torch  # noqa: E402

from jobs.algorithm.machine.device import VARIABLE  # noqa: E402

CARVANA = 100_064
"""Test images of Kaggle's Carvana challenge, of this size."""
GPU_GOALS = {COMMIT: 8.0}
PROCESSOR_GOALS = {COMMIT: 3.0, "onnxruntime": 1.2}
"""How many times as fast as these peers the command is to be."""
MOST_DIFFERING = 0.1
"""Per cent of the pixels."""
MOST_GROWTH = 1.1
"""Of memory, from a tenth of the images to all."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", default="fcn", choices=("unet", "fcn", "psp", "deeplab"))
    parser.add_argument("--artefact", type=Path, help="of the algorithm, instead of random weights")
    parser.add_argument("--images", type=int, default=4, help="for each peer")
    parser.add_argument("--more", type=int, default=1, help="times as many for the command itself")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--many", type=int)
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else f"processor, {torch.get_num_threads()} threads"
    result(f"{date.today()}, {device}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shots = given.shots or draw_shots(work / "shots", given.images)
        model = given.artefact or write_artefact(work / "model.tar.gz", given.algorithm, shots)
        weights = "a trained model" if given.artefact else "random weights"
        title = f"prediction by {given.algorithm}, {weights}, {device}"
        if given.many:
            tell(title, memory_rows(work, model, shots, given.many), given.keep)
            return
        with earlier_build(given.baseline) as build:
            tell(title, speed_rows(given, work, model, shots, build, gpu=gpu), given.keep)


def speed_rows(given: argparse.Namespace, work: Path, model: Path, shots: Path, build: Path, *, gpu: bool) -> list[Row]:
    few = copies(shots, work / "few", given.images)
    more = copies(shots, work / "more", given.images * given.more)
    small = small_images(shots, work / "small", 1)
    peers = {
        "ours": command_peer(HERE, model, more, small, work / "ours"),
        COMMIT: command_peer(build, model, few, small, work / "earlier"),
        "plain loop": plain_peer(model, few, work / "plain"),
    }
    if not gpu:
        peers["onnxruntime"] = onnx_peer(model, few, work / "onnx")
    rounds = [{name: peer() for name, peer in peers.items()} for _ in range(given.rounds)]
    best = {name: min((found[name] for found in rounds), key=lambda cost: cost.seconds) for name in peers}
    return [
        *_rows(best, GPU_GOALS if gpu else PROCESSOR_GOALS),
        *_difference_rows(work, model, shots, trained=given.artefact is not None),
    ]


def _rows(best: Mapping[str, Cost], goals: Mapping[str, float]) -> list[Row]:
    ours = best["ours"]
    rows = [
        Row("images of 1918 × 1280 a second", 1 / ours.seconds, "images/s"),
        Row(f"{CARVANA:,} images, projected", CARVANA * ours.seconds / 3600, "h"),
        Row("start of the command, and one small image", ours.start, "s"),
    ]
    for name, cost in best.items():
        rows.append(Row(f"seconds an image, {name}", cost.seconds, "s"))
        rows.append(Row(f"… of processor time, {name}", cost.processor, "s"))
    return rows + [
        Row(f"as fast as {name}", cost.seconds / ours.seconds, "×", least=goals.get(name))
        for name, cost in best.items()
        if name != "ours"
    ]


def _difference_rows(work: Path, model: Path, shots: Path, *, trained: bool) -> list[Row]:
    """Masks of the shots as the machine makes them by itself, beside those in float32. Of random weights the goal
    is not asked: their classes are nearly equally likely everywhere."""
    small, one = small_images(shots, work / "none", 1), copies(shots, work / "once", min(4, _count(shots)))
    places = work / "as-is", work / "exact"
    command_peer(HERE, model, one, small, places[0])()
    command_peer(HERE, model, one, small, places[1], further={VARIABLE: "float32"})()
    share = differing_share(*(place / "masks" for place in places))
    return [Row("pixels that differ from float32's", 100 * share, "%", most=MOST_DIFFERING if trained else None)]


def differing_share(one: Path, other: Path) -> float:
    """Of all pixels of two folders of masks by the same names, the share that differ."""
    pairs = [(read_mask(path), read_mask(other / path.name)) for path in sorted(one.iterdir())]
    return sum(int(np.count_nonzero(a != b)) for a, b in pairs) / sum(a.size for a, _ in pairs)


def memory_rows(work: Path, model: Path, shots: Path, many: int) -> list[Row]:
    peaks: Sequence[Cost] = [
        command_peer(
            HERE, model, small_images(shots, work / f"small-{count}", count), None, work / f"out-{count}", crop="none"
        )()
        for count in (many // 10, many)
    ]
    few, all_of_them = (cost.peak / 2**20 for cost in peaks)
    return [
        Row(f"main memory, {many // 10:,} images of 64 × 64", few, "MiB"),
        Row(f"main memory, {many:,} images", all_of_them, "MiB"),
        Row("growth", all_of_them / few, "×", most=MOST_GROWTH),
    ]


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


if __name__ == "__main__":
    main()
