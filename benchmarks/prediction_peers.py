"""Ways to have masks of large images made, and what they cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from earlier_build import HERE, environment_of
from torch import nn

from formats.crops import crop_grid
from formats.images import Rgb, cut_image, encode_image, read_image
from formats.masks import write_mask
from formats.parallel import available_cores
from jobs.algorithm.inference.predictor import load_network
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, read_artefact, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.model_archive import pack_artefact
from sageseg.studio.shoot import draw_shoot

SIZE = (1918, 1280)
CROP, OVERLAP, STACK = 512, 64, 4
_ANGLES = 16


@dataclass(frozen=True)
class Cost:
    """Seconds an image takes on the clock and of all cores' time, without the `start` of the command; the
    peak of main memory in bytes."""

    seconds: float
    processor: float
    start: float = 0.0
    peak: int = 0


Peer = Callable[[], Cost]


def draw_shots(folder: Path, count: int) -> Path:
    """The folder with that many drawn JPEGs, each car from 16 angles at most."""
    cars, angles = -(-count // _ANGLES), min(count, _ANGLES)
    draw_shoot(folder / "shoot", cars=cars, angles=angles, size=SIZE)
    (folder / "images").mkdir()
    for path in sorted((folder / "shoot/images").iterdir())[:count]:
        path.rename(folder / "images" / path.name)
    shutil.rmtree(folder / "shoot")
    return folder / "images"


def copies(shots: Path, folder: Path, count: int) -> Path:
    """A folder of that many images: the shots again and again."""
    folder.mkdir()
    found = sorted(shots.iterdir())
    for number in range(count):
        (folder / f"{number:06}.jpg").symlink_to(found[number % len(found)].resolve())
    return folder


def small_images(shots: Path, folder: Path, count: int) -> Path:
    """A folder of that many images of 64 × 64 pixels."""
    folder.mkdir()
    image = read_image(min(shots.iterdir()))
    for number in range(count):
        content = encode_image(np.ascontiguousarray(image[600:664, number % 1800 : number % 1800 + 64]))
        (folder / f"{number:06}.jpg").write_bytes(content)
    return folder


def write_artefact(path: Path, algorithm: str, shots: Path) -> Path:
    """An artefact with random weights, whose BatchNorms have seen crops: else activations would grow from layer
    to layer."""
    torch.manual_seed(0)
    given = {"num_classes": "2", "num_training_samples": "1", "algorithm": algorithm, "crop_size": str(CROP)}
    settings = parse_hyperparameters(given, "open")
    network = build_network(settings).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    crops = np.stack([crop for _, crop in _crops(min(shots.iterdir()))][:STACK])
    with torch.no_grad():
        network(normalise(torch.from_numpy(crops)))
    folder = path.with_suffix(".model")
    folder.mkdir()
    write_hyperparameters(folder, as_strings(settings))
    write_parameters(folder / BEST, to_parameters(network))
    pack_artefact(folder, path)
    shutil.rmtree(folder)
    return path


def command_peer(
    build: Path,
    model: Path,
    images: Path,
    small: Path | None,
    out: Path,
    crop: str = str(CROP),
    further: Mapping[str, str] | None = None,
) -> Peer:
    """`jobs predict` of a build over a folder; `small` is that of one small image, by which its start is known.
    `further` variables are set for it."""

    def run() -> Cost:
        start = _run(build, model, small, out, "none", further or {}) if small else Cost(0, 0)
        whole, count = _run(build, model, images, out, crop, further or {}), sum(1 for _ in images.iterdir())
        seconds, processor = (whole.seconds - start.seconds) / count, (whole.processor - start.processor) / count
        return Cost(seconds, processor, start.seconds, whole.peak)

    return run


def _run(build: Path, model: Path, images: Path, out: Path, crop: str, further: Mapping[str, str]) -> Cost:
    """One whole command, as a process of its own."""
    words = ["predict", str(model), str(images), "--out", str(out), "--via", "artefact", "--overwrite"]
    crops = ["--crop", crop, "--overlap", str(OVERLAP)]
    if build == HERE:
        crops += ["--resize", "none"]  # the earlier build never resizes
    environment = environment_of(build, SAGESEG_HOME=str(out.with_suffix(".home")), **further)
    started = time.perf_counter()
    with out.with_suffix(".log").open("w+", encoding="utf-8") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "jobs", *words, *crops], cwd=out.parent, env=environment, stdout=log, stderr=log
        )
        _, status, used = os.wait4(running.pid, 0)
        seconds = time.perf_counter() - started
        running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode:
            log.seek(0)
            sys.exit(f"{log.read()[-3000:]}\n{build}: jobs predict ended with exit code {running.returncode}")
    return Cost(seconds, used.ru_utime + used.ru_stime, peak=used.ru_maxrss * 1024)


def _crops(path: Path) -> Iterator[tuple[str, Rgb]]:
    """The crops of an image, by names for their masks."""
    image = read_image(path)
    for crop in crop_grid(image.shape[1], image.shape[0], CROP, OVERLAP):
        yield f"{path.stem}-{crop.left}-{crop.top}.png", cut_image(image, crop)


def plain_peer(model: Path, images: Path, out: Path) -> Peer:
    """What a textbook would write."""
    out.mkdir()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @torch.inference_mode()
    def run() -> Cost:
        network = load_network(read_artefact(model)).to(device)

        def predict(path: Path) -> None:
            crops = list(_crops(path))
            for first in range(0, len(crops), STACK):
                some = crops[first : first + STACK]
                stacked = torch.from_numpy(np.stack([crop for _, crop in some])).to(device)
                masks = network(normalise(stacked))[0].argmax(1).to(torch.uint8).cpu().numpy()
                for (name, _), mask in zip(some, masks, strict=True):
                    write_mask(out / name, mask)

        return _timed(predict, images)

    return run


def onnx_peer(model: Path, images: Path, out: Path) -> Peer:
    """onnxruntime on all cores, with the model as `jobs export` writes it."""
    out.mkdir()

    def run() -> Cost:
        import onnxruntime

        from jobs.algorithm.serving.export import export_artefact

        exported = out.with_suffix(".onnx")
        if not exported.exists():
            export_artefact(read_artefact(model), exported)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_cores()  # by itself it takes one of two that share a core
        session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])

        def predict(path: Path) -> None:
            for name, crop in _crops(path):
                image: npt.NDArray[np.float32] = crop.transpose(2, 0, 1)[None].astype(np.float32)
                (probabilities,) = session.run(["probabilities"], {"image": image})
                write_mask(out / name, probabilities[0].argmax(0).astype(np.uint8))

        return _timed(predict, images)

    return run


def _timed(predict: Callable[[Path], None], images: Path) -> Cost:
    """The cost of an image, over all but the first, with which the network finds its memory."""
    first, *others = sorted(images.iterdir())
    predict(first)
    started, before = time.perf_counter(), time.process_time()
    for path in others or [first]:
        predict(path)
    count = max(len(others), 1)
    return Cost((time.perf_counter() - started) / count, (time.process_time() - before) / count)
