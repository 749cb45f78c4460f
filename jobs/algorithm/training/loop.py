"""The training loop: what `python -m jobs.algorithm train` does between its input and its model."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask
from formats.prepared.label_map import read_label_maps
from formats.prepared.preparation import ARTEFACT, ENVIRONMENT, read_preparation
from formats.staging import write_bytes
from jobs.algorithm.data.augment import training_crop, validation_crop
from jobs.algorithm.data.batches import Batch, MakeSample, epoch_order, in_order, make_batches
from jobs.algorithm.data.channels import read_label_map
from jobs.algorithm.data.samples import SampleStore, find_samples
from jobs.algorithm.machine.device import Device, choose_device
from jobs.algorithm.network.batch_norm import without_counts
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.fusing import fuse, fused_kernels
from jobs.algorithm.training.checkpoints import Progress, read_checkpoint, restore, write_checkpoint
from jobs.algorithm.training.evaluation import evaluate, mean_iou, pixel_accuracy
from jobs.algorithm.training.optimizers import MxnetOptimizer, build_optimizer
from jobs.algorithm.training.schedules import Schedule
from jobs.algorithm.training.steps import step_of, take_step
from jobs.algorithm.training.team import ALONE, Team, share_statistics
from jobs.algorithm.weights.load import to_parameters
from jobs.algorithm.weights.start_weights import load_start_weights
from jobs.contract.artefact import BEST, LABEL_MAP, LAST, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import Hyperparameters, limits_of
from jobs.contract.log_lines import completed_line, progress_line, schedule_line, train_lines, validation_lines

log = logging.getLogger(__name__)

SEED = 0
LOGGING_FREQUENCY = 20
"""Training steps from one progress line to the next; the built-in's `_logging_frequency`. A team asks
as often whether any member was told to stop, for each time its GPUs are waited for."""


@dataclass(frozen=True)
class Places:
    """Where a training leaves its model, and its checkpoints where it is to keep any."""

    model: Path
    checkpoints: Path | None = None


@dataclass
class Training:
    """A training under way, as one member of a team sees it; `joined` is the network in the team.

    When `stop` is set in any member, all of them end after the same step, and are `stopped`.
    """

    settings: Hyperparameters
    network: nn.Module
    joined: nn.Module
    optimizer: MxnetOptimizer
    schedule: Schedule
    train: SampleStore
    validation: SampleStore
    device: Device
    team: Team
    places: Places
    stop: threading.Event
    label_maps: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    stopped: bool = False

    def check_stop(self) -> bool:
        """Agree with the team on whether to stop."""
        self.stopped = self.team.any(self.stop.is_set(), self.device)
        return self.stopped


def start_training(
    data: Path, settings: Hyperparameters, places: Places, stop: threading.Event, team: Team = ALONE
) -> Training:
    """Set up a training from the channels in `data` (`/opt/ml/input/data`), where its checkpoint, if
    it has one, left off. Two trainings of the same input start alike. Raises SagesegError for
    channels and checkpoints that cannot be used."""
    torch.manual_seed(SEED)
    device = choose_device(team.rank)
    log.info("training on %s%s", device, f", one of {team.size}" if team.size > 1 else "")
    cv2.setNumThreads(1)  # several threads prepare samples as it is
    train, validation = (_open_store(data, channel, settings) for channel in ("train", "validation"))
    if len(train) < team.size:
        raise SagesegError(f"{len(train)} training images for {team.size} GPUs; use a machine with fewer")
    folder = data / "label_map"
    maps = read_label_maps(folder, settings.num_classes).given if folder.is_dir() else {}
    network = without_counts(share_statistics(build_network(settings), settings, team)).to(device.place)
    schedule = Schedule(settings)
    steps = schedule.iterations_per_epoch * settings.epochs
    fuse(network, fused_kernels(network, device.place, device.precision, steps, team.size))
    joined, optimizer = team.joined(network, device), build_optimizer(network.parameters(), settings)
    training = Training(
        settings, network, joined, optimizer, schedule, train, validation, device, team, places, stop, maps
    )
    if not _resume(training):
        load_start_weights(network, settings, data)
    return training


def _open_store(data: Path, channel: str, settings: Hyperparameters) -> SampleStore:
    label_map = read_label_map(data, channel, settings.num_classes)
    return SampleStore(find_samples(data, channel), settings.num_classes, label_map)


def _resume(training: Training) -> bool:
    """Go on from the checkpoint; False where there is none."""
    places = training.places
    found = places.checkpoints and read_checkpoint(places.checkpoints, as_strings(training.settings))
    if not found:
        return False
    restore(found, training.network, training.optimizer)
    training.progress = found.progress
    training.progress.losses = [loss.to(training.device.place) for loss in found.progress.losses]
    if found.best is not None and training.team.leads:
        write_bytes(places.model / BEST, found.best)
    log.info("resuming epoch %d after %d steps from %s", found.progress.epoch, found.progress.iteration, found.path)
    return True


def run_training(training: Training) -> None:
    """Train to the end and leave the three files of a model. A training that is stopped leaves
    them too, and its checkpoint."""
    settings, progress, model = training.settings, training.progress, training.places.model
    log.info(schedule_line(training.schedule.iterations_per_epoch, settings.epochs))
    if training.team.leads:
        prepared = read_preparation(os.environ, "the environment", ENVIRONMENT)
        told = prepared.to_strings(ARTEFACT) if prepared else {}
        maps = {LABEL_MAP: json.dumps(training.label_maps)} if training.label_maps else {}
        write_hyperparameters(model, {**as_strings(settings), **told, **maps})
    while not _ended(training):
        _train_epoch(training)
        training.team.average_statistics(training.network)
        if not training.stopped:
            _validate(training)
        if training.check_stop():
            log.info("stopping in epoch %d after %d steps", progress.epoch, progress.iteration)
            break
        _write_checkpoint(training)  # first: who reads that an epoch is completed may interrupt the training
        log.info(completed_line(progress.epoch - 1, settings.epochs))
    _serialize(training, model / LAST)
    if training.stopped:
        _write_checkpoint(training)
        if not progress.scores:
            _serialize(training, model / BEST)  # no epoch was scored, and a model without it serves nobody


def _ended(training: Training) -> bool:
    settings, scores = training.settings, training.progress.scores
    if len(scores) >= settings.epochs:
        return True
    if scores and settings.early_stopping and should_stop(scores, settings):
        log.info("early stopping: no gain in validation mIOU over %d epochs", settings.early_stopping_patience)
        return True
    return False


def _write_checkpoint(training: Training) -> None:
    places = training.places
    if places.checkpoints is not None and training.team.leads:
        settings = as_strings(training.settings)
        best = places.model / BEST
        write_checkpoint(places.checkpoints, settings, training.progress, training.network, training.optimizer, best)


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
    """All settings as the strings that a request would hold. An empty list of steps is left out, and
    what the built-in does not know where it has no effect, so that an artefact of the built-in's
    networks holds nothing else."""
    values = {name: ", ".join(map(str, v)) if isinstance(v, tuple) else str(v) for name, v in asdict(settings).items()}
    return {name: text for name, text in values.items() if text and not _is_foreign(name, values)}


def _is_foreign(name: str, values: Mapping[str, str]) -> bool:
    limits = limits_of(name)
    return limits.open_only and limits.only_with is not None and values[limits.only_with[0]] not in limits.only_with[1]


def _train_epoch(training: Training) -> None:
    """Take the steps that are left of the epoch."""
    training.network.train()
    torch.backends.cudnn.benchmark = True  # every crop has one size
    progress, batch_size = training.progress, min(training.settings.mini_batch_size, len(training.train))
    started, images = time.perf_counter(), 0
    for batch in _training_batches(training):
        progress.losses.append(_train_step(training, batch))
        images += batch_size
        number = len(progress.losses)
        if number % LOGGING_FREQUENCY == 0:
            training.device.wait()
            speed = images / (time.perf_counter() - started)
            log.info(progress_line(progress.epoch, number, speed, training.optimizer.param_groups[0]["lr"]))
        if (training.team.size == 1 or number % LOGGING_FREQUENCY == 0) and training.check_stop():
            return
    loss = float(torch.stack(progress.losses).mean())
    for line in train_lines(progress.epoch, loss, images / (time.perf_counter() - started)):
        log.info(line)


def _train_step(training: Training, batch: Batch) -> torch.Tensor:
    settings, team, iteration = training.settings, training.team, training.progress.iteration
    for group in training.optimizer.param_groups:
        group["lr"] = training.schedule.learning_rate(iteration)
    # dropout by the step and the member, so that a training that goes on needs no state of it
    training.device.seed(int(np.random.SeedSequence((SEED, iteration, team.rank)).generate_state(1)[0]))
    smallest_share = min(settings.mini_batch_size, len(training.train)) // team.size
    step = step_of(settings, training.device, smallest_share)
    loss = take_step(training.joined, training.optimizer, batch, step, team)
    training.progress.iteration += 1
    return loss


def _training_batches(training: Training) -> Iterator[Batch]:
    settings, store, epoch = training.settings, training.train, training.progress.epoch
    strong = settings.algorithm == "unet" and settings.augmentation == "strong"

    def make(index: int) -> tuple[Rgb, Mask]:
        rng = np.random.default_rng((SEED, epoch, index))  # the same whichever thread is first
        return training_crop(*store.load(index), settings.base_size, settings.rounded_crop_size, rng, strong=strong)

    order = epoch_order(len(store), settings.mini_batch_size, epoch, SEED)[len(training.progress.losses) :]
    return _make_batches(training, [training.team.share(numbers) for numbers in order], make)


def _make_batches(training: Training, order: Sequence[Sequence[int]], make: MakeSample) -> Iterator[Batch]:
    device = training.device
    return make_batches(order, make, device.workers(training.team.size), pinned=device.is_gpu)


def _validate(training: Training) -> None:
    """Score the epoch, keep the parameters if they are the best, and turn to the next epoch."""
    settings, store, started = training.settings, training.validation, time.perf_counter()
    progress = training.progress
    # whole images of many sizes would each be measured first
    torch.backends.cudnn.benchmark = settings.validation_mini_batch_size > 1
    batches = takewhile(lambda _: not training.stop.is_set(), _validation_batches(training))
    counts = evaluate(training.network, batches, settings.num_classes, training.device, training.team)
    if training.check_stop():
        return
    score, speed = mean_iou(counts), len(store) / (time.perf_counter() - started)
    for line in validation_lines(progress.epoch, pixel_accuracy(counts), score, speed):
        log.info(line)
    if not progress.scores or score > max(progress.scores):
        _serialize(training, training.places.model / BEST)
    progress.scores.append(score)
    progress.losses.clear()
    progress.epoch += 1


def _validation_batches(training: Training) -> Iterator[Batch]:
    settings, store = training.settings, training.validation
    whole = settings.validation_mini_batch_size == 1

    def make(index: int) -> tuple[Rgb, Mask]:
        pair = store.load(index)
        return pair if whole else validation_crop(*pair, settings.rounded_crop_size)

    order = in_order(len(store), settings.validation_mini_batch_size)
    return _make_batches(training, training.team.share(order), make)


def _serialize(training: Training, path: Path) -> None:
    if training.team.leads:
        log.info("Serializing model to %s", path)
        write_parameters(path, to_parameters(training.network))
