"""How fast the open implementation trains: images/s, share of the device's peak, share of waiting.

    python benchmarks/algorithm_training.py [--seconds 20] [--algorithm unet] [--crop 240] [--batch 8]

Three peers take turns of a few steps in one process, over the same network, decoded images and crops:
ours; a plain PyTorch loop, which crops in its loop and uses torch.optim and F.cross_entropy; and the
same loop over crops that were made before, which is what the network alone costs. The least time of a
turn counts, and processor time where there is no GPU, because other work may run beside. The peak is
measured, as the best of a large matrix product and a large 3 × 3 convolution in the precision that
trains; the share counts the multiplications and additions of the network's convolutions, three times
those of a forward pass.

With a GPU it also measures FCN over JPEGs at crop 240 and batch 16, beside the 52 images/s that the
built-in logged on a V100, and projects 676 images × 160 epochs at crop 512 for fcn, psp and deeplab
beside 4680, 5212 and 7663 s (`--gpu-goals` does so without one).
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from formats.console import result
from jobs.algorithm.machine.torch_loading import prepare_processor

prepare_processor()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from formats.classes import IGNORE  # noqa: E402
from formats.images import Rgb, encode_image  # noqa: E402
from formats.masks import Mask, write_mask  # noqa: E402
from jobs.algorithm.data.augment import training_crop  # noqa: E402
from jobs.algorithm.data.batches import epoch_order, make_batches  # noqa: E402
from jobs.algorithm.data.samples import SampleStore, find_samples  # noqa: E402
from jobs.algorithm.machine.device import Device, choose_device  # noqa: E402
from jobs.algorithm.network.batch_norm import without_counts  # noqa: E402
from jobs.algorithm.network.build import build_network  # noqa: E402
from jobs.algorithm.network.normalisation import DEVIATION, MEAN  # noqa: E402
from jobs.algorithm.training.losses import AUXILIARY_WEIGHT  # noqa: E402
from jobs.algorithm.training.optimizers import build_optimizer  # noqa: E402
from jobs.algorithm.training.steps import step_of, take_step  # noqa: E402
from jobs.contract.hyperparameters import Hyperparameters, parse_hyperparameters  # noqa: E402

BUILTIN_SPEED = 52.0
"""Images/s in a log of the built-in: FCN, ResNet-50, crop 240, batch 16, one V100."""
PUBLISHED_SECONDS = {"fcn": 4680.0, "psp": 5212.0, "deeplab": 7663.0}
"""160 epochs over 676 crops of 512 pixels, ResNet-50, ml.p3.8xlarge (the instance is inferred)."""
PUBLISHED_IMAGES = 676 * 160
SIZE = (375, 500)
"""Height and width of the JPEGs, Pascal VOC's usual."""
TURN, GPU_TURN = 4, 100
"""Steps in a turn, on a processor and on a GPU, where the first batches of a turn are waited for."""

Orders = Sequence[Sequence[int]]
"""The numbers of the samples of each batch."""


@dataclass
class Peer:
    """One way to train: `batches` makes the data of a turn, `step` trains on each of them. `waited` are
    the seconds until data was there, out of `seconds`."""

    batches: Callable[[Orders], Iterator[Any]]
    step: Callable[[Any], object]
    waited: float = 0.0
    seconds: float = 0.0
    least: float = float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    parser.add_argument("--algorithm", default="unet")
    parser.add_argument("--crop", type=int, default=240)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--gpu-goals", action="store_true", help="also without a GPU")
    given = parser.parse_args()
    device = choose_device()
    cv2.setNumThreads(1)  # as in training
    threads = torch.get_num_threads()
    result(f"{date.today()}, {_name(device)}, {device.precision}, {threads} threads, torch {torch.__version__}")
    peak = measure_peak(device)
    result(f"measured peak: {peak / 1e12:.2f} TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), given.images)
        compare(settings_of(given.algorithm, given.crop, given.batch), Path(folder), device, peak, given.seconds)
        if device.is_gpu or given.gpu_goals:
            speed = compare(settings_of("fcn", 240, 16), Path(folder), device, peak, given.seconds)
            result(f"fcn at crop 240: {speed / BUILTIN_SPEED:.1f} × the built-in's {BUILTIN_SPEED:g} images/s")
            for algorithm, published in PUBLISHED_SECONDS.items():
                speed = compare(settings_of(algorithm, 512, 16), Path(folder), device, peak, given.seconds)
                projected = PUBLISHED_IMAGES / speed
                result(
                    f"{algorithm}: 676 images × 160 epochs in {projected:.0f} s, {published / projected:.1f} × faster"
                )


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


def write_images(data: Path, count: int) -> None:
    """JPEGs and masks such as a channel holds: smooth ground, some noise, a few regions."""
    rng = np.random.default_rng(0)
    for name in ("train", "train_annotation"):
        (data / name).mkdir()
    for number in range(count):
        coarse = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8).repeat(32, 0).repeat(32, 1)[: SIZE[0], : SIZE[1]]
        image = np.clip(coarse + rng.normal(0, 8, coarse.shape), 0, 255).astype(np.uint8)
        (data / f"train/{number:04}.jpg").write_bytes(encode_image(image))
        write_mask(data / f"train_annotation/{number:04}.png", (coarse[..., 0] % 21).astype(np.uint8))


def compare(settings: Hyperparameters, data: Path, device: Device, peak: float, seconds: float) -> float:
    """Measure the peers in turns and print a line for each; returns our images/s."""
    torch.backends.cudnn.benchmark = True  # as in training
    store = SampleStore(find_samples(data, "train"), settings.num_classes)
    for number in range(len(store)):
        store.load(number)  # decoded for all peers alike
    peers = {
        "ours": our_peer(settings, store, device),
        "plain loop": plain_peer(settings, store, device, ready=False),
        "plain loop, crops ready": plain_peer(settings, store, device, ready=True),
    }
    steps = GPU_TURN if device.is_gpu else TURN
    take_turns(list(peers.values()), device, _orders(settings, len(store), steps), seconds)
    batch, flops = settings.mini_batch_size, training_flops(settings, device)
    result(f"\n{settings.algorithm}, crop {settings.crop_size}, batch {batch}: {flops / 1e9:.2f} GFLOP an image")
    for name, peer in peers.items():
        speed, wait = batch / peer.least, peer.waited / peer.seconds
        result(
            f"  {name:<24} {speed:9.2f} images/s  {flops * speed / peak:6.1%} of peak  {wait:6.1%} waiting  "
            f"{peer.least / peers['ours'].least:5.2f} × our time"
        )
    return batch / peers["ours"].least


def _orders(settings: Hyperparameters, count: int, steps: int) -> Iterator[Orders]:
    """The batches of one turn after another, each of so many steps, on through the epochs."""
    epochs = (epoch_order(count, settings.mini_batch_size, epoch, 0) for epoch in itertools.count())
    batches = itertools.chain.from_iterable(epochs)
    while True:
        yield list(itertools.islice(batches, steps))


def take_turns(peers: list[Peer], device: Device, orders: Iterator[Orders], seconds: float) -> None:
    """Until the seconds are over and each peer has had three turns, each turn over the same samples."""
    clock = time.perf_counter if device.is_gpu else time.process_time
    end, turns = time.perf_counter() + seconds, 0
    while turns < 4 or time.perf_counter() < end:
        order = next(orders)
        for peer in peers:
            before, started = clock(), time.perf_counter()
            waited = _turn(peer, order)
            device.wait()
            if turns:  # the first one finds memory, and chooses algorithms
                peer.least = min(peer.least, (clock() - before) / len(order))
                peer.seconds += time.perf_counter() - started
                peer.waited += waited
        turns += 1


def _turn(peer: Peer, order: Orders) -> float:
    waited, started = 0.0, time.perf_counter()
    for batch in peer.batches(order):
        waited += time.perf_counter() - started
        peer.step(batch)
        started = time.perf_counter()
    return waited


def our_peer(settings: Hyperparameters, store: SampleStore, device: Device) -> Peer:
    network = without_counts(build_network(settings)).to(device.place).train()
    optimizer, step = build_optimizer(network.parameters(), settings), step_of(settings, device, 1)

    def make(index: int) -> tuple[Rgb, Mask]:
        return _crop(settings, store, index)

    return Peer(
        lambda order: make_batches(order, make, device.workers(), pinned=device.is_gpu),
        lambda batch: take_step(network, optimizer, batch, step),
    )


def _crop(settings: Hyperparameters, store: SampleStore, index: int) -> tuple[Rgb, Mask]:
    rng = np.random.default_rng((0, index))
    return training_crop(*store.load(index), settings.base_size, settings.rounded_crop_size, rng)


def plain_peer(settings: Hyperparameters, store: SampleStore, device: Device, *, ready: bool) -> Peer:
    """What a textbook would write; `ready` takes crops that were made before it began."""
    network = build_network(settings).to(device.place).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))

    def load(numbers: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = [_crop(settings, store, index) for index in numbers]
        images = torch.stack([torch.from_numpy(image).permute(2, 0, 1) for image, _ in pairs]).float() / 255
        images = ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)
        truth = torch.stack([torch.from_numpy(mask).long() for _, mask in pairs])
        return images.to(device.place), truth.to(device.place)

    kept = load(range(settings.mini_batch_size)) if ready else None

    def step(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
        with device.autocast():
            scores, auxiliary = network(batch[0])
        loss = F.cross_entropy(scores, batch[1], ignore_index=IGNORE)
        if auxiliary is not None:
            loss = loss + AUXILIARY_WEIGHT * F.cross_entropy(auxiliary, batch[1], ignore_index=IGNORE)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return Peer(lambda order: (kept or load(numbers) for numbers in order), step)


def training_flops(settings: Hyperparameters, device: Device) -> float:
    """Floating point operations of the convolutions for one image in training: twice the
    multiplications, once forward and twice backward."""
    network, total = build_network(settings).to(device.place).train(), 0.0

    def count(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += 2 * output[0].numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    side = settings.rounded_crop_size
    with torch.no_grad(), device.autocast():
        network(torch.zeros(2, 3, side, side, device=device.place))
    return 3 * total


def measure_peak(device: Device) -> float:
    """Operations per second of the better of a matrix product and a convolution."""
    side = 8192 if device.is_gpu else 1024
    images, kernel = (torch.randn(*shape, device=device.place) for shape in ((16, 256, 64, 64), (256, 256, 3, 3)))
    if not device.is_gpu:
        images = images[:2]
    images = images.to(device.precision).contiguous(memory_format=torch.channels_last)
    kernel = kernel.to(device.precision).contiguous(memory_format=torch.channels_last)
    matrix = torch.randn(side, side, device=device.place).to(device.precision)
    convolution = 2 * images.shape[0] * 256 * 64 * 64 * 256 * 9
    work = ((lambda: matrix @ matrix, 2 * side**3), (lambda: F.conv2d(images, kernel, padding=1), convolution))
    return max(operations / _least_seconds(call, device) for call, operations in work)


def _least_seconds(call: Callable[[], object], device: Device, rounds: int = 10) -> float:
    clock = time.perf_counter if device.is_gpu else time.process_time
    least = float("inf")
    for _ in range(rounds):
        device.wait()
        before = clock()
        call()
        device.wait()
        least = min(least, clock() - before)
    return least


def _name(device: Device) -> str:
    if device.is_gpu:
        return torch.cuda.get_device_name(device.place)
    return f"{platform.machine()} processor, {os.cpu_count()} cores"


if __name__ == "__main__":
    with torch.random.fork_rng():
        main()
