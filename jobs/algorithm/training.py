"""The training loop: what `python -m jobs.algorithm train` does between its input and its model."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.artefact import BEST, LAST, write_hyperparameters, write_parameters
from jobs.algorithm.augment import training_crop, validation_crop
from jobs.algorithm.batches import Batch, epoch_order, in_order, make_batches
from jobs.algorithm.evaluation import evaluate, mean_iou, pixel_accuracy
from jobs.algorithm.networks import build_network
from jobs.algorithm.normalisation import normalise
from jobs.algorithm.optimizers import MxnetOptimizer, build_optimizer
from jobs.algorithm.samples import SampleStore, find_samples
from jobs.algorithm.schedules import Schedule
from jobs.algorithm.weights import to_parameters
from jobs.hyperparameters import Hyperparameters
from jobs.log_lines import completed_line, progress_line, schedule_line, train_lines, validation_lines

log = logging.getLogger(__name__)

SEED = 0
LOGGING_FREQUENCY = 20
"""Training steps from one progress line to the next; the built-in's `_logging_frequency`."""
WORKERS = 2
"""Threads that prepare samples while the network trains."""


@dataclass
class Training:
    """A training under way."""

    settings: Hyperparameters
    network: nn.Module
    optimizer: MxnetOptimizer
    schedule: Schedule
    train: SampleStore
    validation: SampleStore
    device: torch.device
    iteration: int = 0


def start_training(data: Path, settings: Hyperparameters) -> Training:
    """Set up a training from the channels in `data` (`/opt/ml/input/data`). Two trainings of the
    same input start alike. Raises SagesegError for channels that cannot be used."""
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = build_network(settings).to(device)
    optimizer = build_optimizer(network.parameters(), settings)
    train, validation = (
        SampleStore(find_samples(data, channel), settings.num_classes) for channel in ("train", "validation")
    )
    return Training(settings, network, optimizer, Schedule(settings), train, validation, device)


def run_training(training: Training, model_dir: Path) -> None:
    """Train to the end and leave the three files of a model in `model_dir`, which a stopped
    training holds too as soon as its first epoch is over."""
    settings, scores = training.settings, list[float]()
    log.info(schedule_line(training.schedule.iterations_per_epoch, settings.epochs))
    write_hyperparameters(model_dir, as_strings(settings))
    for epoch in range(settings.epochs):
        _train_epoch(training, epoch)
        scores.append(_validate(training, epoch))
        if len(scores) == 1 or scores[-1] > max(scores[:-1]):
            _serialize(training.network, model_dir / BEST)
        log.info(completed_line(epoch, settings.epochs))
        if settings.early_stopping and should_stop(scores, settings):
            log.info("early stopping: no gain in validation mIOU over %d epochs", settings.early_stopping_patience)
            break
    _serialize(training.network, model_dir / LAST)


def should_stop(scores: Sequence[float], settings: Hyperparameters) -> bool:
    """Whether training ends after the epochs that gave these validation mIOUs.

    An epoch counts as a gain when it beats the best before it by more than the tolerance, relative
    to that best. After early_stopping_patience epochs in a row without one, training ends, though
    never before early_stopping_min_epochs.
    """
    best, stale = -math.inf, 0
    for score in scores:
        gained = best == -math.inf or score > best * (1 + settings.early_stopping_tolerance)
        stale = 0 if gained else stale + 1
        best = score if gained else best
    return len(scores) >= settings.early_stopping_min_epochs and stale >= settings.early_stopping_patience


def as_strings(settings: Hyperparameters) -> dict[str, str]:
    """All settings as the strings that a request would hold; an empty list of steps is left out."""
    values = {name: ", ".join(map(str, v)) if isinstance(v, tuple) else str(v) for name, v in asdict(settings).items()}
    return {name: text for name, text in values.items() if text}


def _train_epoch(training: Training, epoch: int) -> None:
    training.network.train()
    losses: list[torch.Tensor] = []
    started, images = time.perf_counter(), 0
    for number, batch in enumerate(_training_batches(training, epoch), start=1):
        losses.append(_train_step(training, batch))
        images += len(batch.images)
        if number % LOGGING_FREQUENCY == 0:
            speed = images / (time.perf_counter() - started)
            log.info(progress_line(epoch, number, speed, training.optimizer.param_groups[0]["lr"]))
    loss = float(torch.stack(losses).mean())
    for line in train_lines(epoch, loss, images / (time.perf_counter() - started)):
        log.info(line)


def _train_step(training: Training, batch: Batch) -> torch.Tensor:
    for group in training.optimizer.param_groups:
        group["lr"] = training.schedule.learning_rate(training.iteration)
    scores = training.network(normalise(batch.images, training.device))
    truth = torch.from_numpy(batch.masks).to(training.device).long()
    loss = cross_entropy(scores, truth)
    training.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    training.optimizer.step()
    training.iteration += 1
    return loss.detach()


def cross_entropy(scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The mean over the pixels that are not ignored; 0 where all are (torch's own mean is nan)."""
    total = F.cross_entropy(scores, truth, ignore_index=IGNORE, reduction="sum")
    return total / (truth != IGNORE).sum().clamp(min=1)


def _training_batches(training: Training, epoch: int) -> Iterator[Batch]:
    settings, store = training.settings, training.train

    def make(index: int) -> tuple[Rgb, Mask]:
        rng = np.random.default_rng((SEED, epoch, index))  # the same whichever thread is first
        return training_crop(*store.load(index), settings.base_size, settings.rounded_crop_size, rng)

    return make_batches(epoch_order(len(store), settings.mini_batch_size, epoch, SEED), make, WORKERS)


def _validate(training: Training, epoch: int) -> float:
    settings, store, started = training.settings, training.validation, time.perf_counter()
    whole = settings.validation_mini_batch_size == 1

    def make(index: int) -> tuple[Rgb, Mask]:
        pair = store.load(index)
        return pair if whole else validation_crop(*pair, settings.rounded_crop_size)

    batches = make_batches(in_order(len(store), settings.validation_mini_batch_size), make, WORKERS)
    counts = evaluate(training.network, batches, settings.num_classes, training.device)
    score, speed = mean_iou(counts), len(store) / (time.perf_counter() - started)
    for line in validation_lines(epoch, pixel_accuracy(counts), score, speed):
        log.info(line)
    return score


def _serialize(network: nn.Module, path: Path) -> None:
    log.info("Serializing model to %s", path)
    write_parameters(path, to_parameters(network))
