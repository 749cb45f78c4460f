"""Rules of the check about what a training runs on: GPUs, their memory, the volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jobs.check.evidence import Evidence, warning
from jobs.check.files import Finding
from jobs.check.memory import GIB, USABLE, estimate_gib
from jobs.contract.instances import GPU_INSTANCES, Gpus, has_gpus

_ROOM_GIB = 5
"""Beside the data: a real 5 GB volume was too small for a dataset of 676 crops."""


def batch_is_under_the_gpus(found: Evidence) -> Iterator[Finding]:
    """A batch is dealt out to all GPUs of an instance, and each must get an image."""
    for kind in found.machine.instance_types:
        count = GPU_INSTANCES[kind].count if kind in GPU_INSTANCES else 1
        if found.machine.rules == "open":
            yield from _idle_gpus(found, kind, count)
            continue
        there = len(found.dataset.kept("val")) or count  # without any there is another finding
        training, validation = found.settings.mini_batch_size, min(found.settings.validation_mini_batch_size, there)
        for name, images in (("mini_batch_size", training), ("validation_mini_batch_size", validation)):
            if images < count:
                message = (
                    f"{_images(images)} cannot be dealt to the {count} GPUs of {kind}: MXNet's split_and_load stops "
                    'with "Too many slices" (inferred for the built-in, which is MXNet and GluonCV)'
                )
                yield warning("batch_under_gpus", name, message, _as_many(found, name, count))


def _idle_gpus(found: Evidence, kind: str, count: int) -> Iterator[Finding]:
    """The open implementation starts no more processes than a batch has images."""
    batch = found.settings.mini_batch_size
    if batch < count:
        message = f"{_images(batch)} at a time: {count - batch} of the {count} GPUs of {kind} stand idle"
        yield warning("batch_under_gpus", "mini_batch_size", message, _as_many(found, "mini_batch_size", count))


def _as_many(found: Evidence, name: str, count: int) -> str:
    """What gives each of the GPUs an image: a larger batch only where there are so many images."""
    if len(found.dataset.kept("train" if name == "mini_batch_size" else "val")) < count:
        return "use an instance with fewer GPUs"
    return f"use --{name.replace('_', '-')} {count} or more, or an instance with fewer GPUs"


def _images(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"


def gpu_memory_is_short(found: Evidence) -> Iterator[Finding]:
    for kind in found.machine.instance_types:
        if kind in GPU_INSTANCES:
            yield from _short_memory(found, kind, GPU_INSTANCES[kind])
        elif has_gpus(kind):
            needed = _needed(found, Gpus(1, 0))
            message = f"the GPUs of {kind} are not in this project's table, so their memory was not compared"
            cure = f"one GPU needs about {needed:.0f} GiB for the whole batch (inferred): compare yourself"
            yield warning("memory", "instance_type", message, cure)


def _short_memory(found: Evidence, kind: str, gpus: Gpus) -> Iterator[Finding]:
    settings, needed = found.settings, _needed(found, gpus)
    if needed <= USABLE * gpus.memory_gib:
        return
    network = "unet" if settings.algorithm == "unet" else f"{settings.algorithm}, {settings.backbone}"
    message = (
        f"{'up to' if settings.algorithm == 'unet' else 'about'} {needed:.0f} GiB of GPU memory are needed (inferred "
        f"from {network}, crop_size {settings.crop_size}, {settings.mini_batch_size} images on {gpus.count} GPU(s)), "
        f"{kind} has {gpus.memory_gib} on each, {USABLE:.0%} of them for programs"
    )
    smaller = (batch for batch in range(settings.mini_batch_size - 1, 0, -1) if _fits(found, gpus, batch))
    batch = next(smaller, None)
    lower = "lower --crop-size" if batch is None else f"use --mini-batch-size {batch} or less"
    yield warning("memory", "instance_type", message, f"{lower}, or more or larger GPUs")


def _needed(found: Evidence, gpus: Gpus) -> float:
    return estimate_gib(found.settings, len(found.dataset.classes), gpus.count)


def _fits(found: Evidence, gpus: Gpus, batch: int) -> bool:
    settings = replace(found.settings, mini_batch_size=batch)
    return estimate_gib(settings, len(found.dataset.classes), gpus.count) <= USABLE * gpus.memory_gib


def volume_is_small(found: Evidence) -> Iterator[Finding]:
    volume = found.machine.volume_gb
    gib = sum(fact.file_bytes for fact in found.facts) / GIB
    if volume is not None and volume < gib + _ROOM_GIB:
        message = f"{volume} GB for {gib:.1f} GB of data, and {_ROOM_GIB} GB are needed beside it (inferred)"
        yield warning("volume", "volume_size", message, f"use --volume-size {int(gib) + _ROOM_GIB + 1} or more")
