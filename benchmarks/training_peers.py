"""Ways to train that take turns in one process: ours, a plain PyTorch loop, torchvision's networks in it."""

from __future__ import annotations

import itertools
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training_log import write_tree

from formats.console import result
from jobs.algorithm.machine.torch_loading import prepare_processor

prepare_processor()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from formats.classes import IGNORE  # noqa: E402
from formats.images import Rgb, encode_image  # noqa: E402
from formats.masks import Mask, write_mask  # noqa: E402
from jobs.algorithm.data.augment import training_crop  # noqa: E402
from jobs.algorithm.data.batches import Batch, epoch_order, make_batches  # noqa: E402
from jobs.algorithm.data.samples import SampleStore, find_samples  # noqa: E402
from jobs.algorithm.machine.device import Device  # noqa: E402
from jobs.algorithm.network.build import build_network  # noqa: E402
from jobs.algorithm.network.normalisation import DEVIATION, MEAN  # noqa: E402
from jobs.algorithm.training.loop import Places, _train_step, start_training  # noqa: E402
from jobs.algorithm.training.losses import AUXILIARY_WEIGHT  # noqa: E402
from jobs.contract.hyperparameters import Hyperparameters  # noqa: E402

SIZES = {240: (375, 500), 512: (512, 512)}
"""Height and width of the images by the crop: Pascal VOC's usual, and crops that prep made."""
STEPS, GPU_STEPS, TURNS = 4, 15, 3
"""Steps in a turn, on a processor and on a GPU, and how many turns there are at least after the first."""


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


def write_images(data: Path, size: tuple[int, int], count: int) -> None:
    """JPEGs and masks such as a channel holds: smooth ground, some noise, a few regions. `size` is
    (height, width)."""
    rng = np.random.default_rng(0)
    for name in ("train", "train_annotation"):
        (data / name).mkdir(parents=True)
    for number in range(count):
        coarse = rng.integers(0, 255, (16, 16, 3)).astype(np.uint8).repeat(32, 0).repeat(32, 1)[: size[0], : size[1]]
        image = np.clip(coarse + rng.normal(0, 8, coarse.shape), 0, 255).astype(np.uint8)
        (data / f"train/{number:04}.jpg").write_bytes(encode_image(image))
        write_mask(data / f"train_annotation/{number:04}.png", (coarse[..., 0] % 21).astype(np.uint8))


def compare(settings: Hyperparameters, pairs: Path, device: Device, seconds: float) -> dict[str, Peer]:
    """Measure the peers in turns and print a line for each."""
    peak, flops = measure_peak(device), training_flops(settings, device)
    torch.backends.cudnn.benchmark = True  # as a textbook would
    with tempfile.TemporaryDirectory() as folder:
        images = sum(1 for _ in (pairs / "train").iterdir())
        write_tree(Path(folder) / "tree", pairs, images, {})
        peers = _peers(settings, Path(folder) / "tree/input/data", device)
        order = _orders(settings, images, GPU_STEPS if device.is_gpu else STEPS)
        take_turns(list(peers.values()), device, order, seconds)
    result(f"{flops / 1e9:.2f} GFLOP an image; measured peak: {peak / 1e12:.2f} TFLOP/s")
    for name, peer in peers.items():
        speed, wait = settings.mini_batch_size / peer.least, peer.waited / peer.seconds
        result(
            f"  {name:<24} {speed:9.2f} images/s  {flops * speed / peak:6.1%} of peak  {wait:6.1%} waiting  "
            f"{peer.least / peers['ours'].least:5.2f} × our time"
        )
    return peers


def _peers(settings: Hyperparameters, data: Path, device: Device) -> dict[str, Peer]:
    """On a GPU those with crops ready: what the making of crops costs stands in the program's log."""
    store = SampleStore(find_samples(data, "train"), settings.num_classes)
    for number in range(len(store)):
        store.load(number)  # decoded for all peers alike
    peers = {"ours": our_peer(settings, data, store, device)}
    if not device.is_gpu:
        peers["plain loop"] = plain_peer(build_network(settings), settings, store, device, ready=False)
    peers["plain loop, crops ready"] = plain_peer(build_network(settings), settings, store, device, ready=True)
    theirs = torchvision_network(settings)
    if theirs is not None:
        peers["torchvision"] = plain_peer(theirs, settings, store, device, ready=True)
    return peers


class _AsOurs(nn.Module):
    """A network of torchvision's that gives scores as ours does."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given = self.network(images)
        return given["out"], given["aux"]


def torchvision_network(settings: Hyperparameters) -> nn.Module | None:
    """torchvision's network of this name with its auxiliary head; None, and a line, where there is none."""
    try:
        from torchvision.models import segmentation
    except ImportError:
        result("torchvision: not installed")
        return None
    makers = {"fcn": segmentation.fcn_resnet50, "deeplab": segmentation.deeplabv3_resnet50}
    if settings.algorithm not in makers:
        result(f"torchvision: has no {settings.algorithm}")
        return None
    made = makers[settings.algorithm](weights_backbone=None, num_classes=settings.num_classes, aux_loss=True)
    return _AsOurs(made).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _orders(settings: Hyperparameters, count: int, steps: int) -> Iterator[Orders]:
    """The batches of one turn after another, each of so many steps, on through the epochs."""
    epochs = (epoch_order(count, settings.mini_batch_size, epoch, 0) for epoch in itertools.count())
    batches = itertools.chain.from_iterable(epochs)
    while True:
        yield list(itertools.islice(batches, steps))


def take_turns(peers: list[Peer], device: Device, orders: Iterator[Orders], seconds: float) -> None:
    """Until the seconds are over and each peer has had its turns, each turn over the same samples."""
    clock = time.perf_counter if device.is_gpu else time.process_time
    end, turns = time.perf_counter() + seconds, 0
    while turns <= TURNS or time.perf_counter() < end:
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


def our_peer(settings: Hyperparameters, data: Path, store: SampleStore, device: Device) -> Peer:
    """The program's own step. On a GPU the crops are ready, in the memory from which it sends its own."""
    training = start_training(data, settings, Places(data), threading.Event())
    training.network.train()

    def make(index: int) -> tuple[Rgb, Mask]:
        return _crop(settings, store, index)

    def batches(orders: Orders) -> Iterator[Batch]:
        return make_batches(orders, make, device.workers(), pinned=device.is_gpu)

    kept = next(batches([range(settings.mini_batch_size)])) if device.is_gpu else None
    return Peer(
        lambda orders: iter([kept] * len(orders)) if kept else batches(orders),
        lambda batch: _train_step(training, batch),
    )


def _crop(settings: Hyperparameters, store: SampleStore, index: int) -> tuple[Rgb, Mask]:
    rng = np.random.default_rng((0, index))
    return training_crop(*store.load(index), settings.base_size, settings.rounded_crop_size, rng)


def plain_peer(
    network: nn.Module, settings: Hyperparameters, store: SampleStore, device: Device, *, ready: bool
) -> Peer:
    """What a textbook would write; `ready` takes crops that lie on the device before it begins."""
    network = network.to(device.place).train()
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
        optimizer.zero_grad()
        with device.autocast():
            scores, auxiliary = network(batch[0])
            loss = F.cross_entropy(scores, batch[1], ignore_index=IGNORE)
            if auxiliary is not None:
                loss = loss + AUXILIARY_WEIGHT * F.cross_entropy(auxiliary, batch[1], ignore_index=IGNORE)
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


def name_of(device: Device) -> str:
    if device.is_gpu:
        return torch.cuda.get_device_name(device.place)
    return f"{platform.machine()} processor, {os.cpu_count()} cores"
