"""The training loop: what `python -m jobs.algorithm train` does between its input and its model."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.prepared.label_map import read_label_maps
from formats.prepared.preparation import ARTEFACT, ENVIRONMENT, read_preparation
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.data.channels import read_label_map
from jobs.algorithm.data.samples import SampleStore, find_samples
from jobs.algorithm.machine.device import Device, choose_device
from jobs.algorithm.machine.program_start import seconds_since_start
from jobs.algorithm.network.batch_norm import without_counts
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.fusing import fuse, fused_kernels
from jobs.algorithm.training.batch_memory import within_memory
from jobs.algorithm.training.captured_step import Steps, steps_of
from jobs.algorithm.training.checkpoints import Progress, read_checkpoint, restore, write_checkpoint
from jobs.algorithm.training.early_stopping import should_stop
from jobs.algorithm.training.evaluation import Counts, evaluate, mean_iou, pixel_accuracy
from jobs.algorithm.training.loading import SEED, Loader
from jobs.algorithm.training.optimizers import MxnetOptimizer, build_optimizer
from jobs.algorithm.training.schedules import Schedule
from jobs.algorithm.training.steps import step_of
from jobs.algorithm.training.team import ALONE, Team, share_statistics
from jobs.algorithm.weights.load import to_parameters
from jobs.algorithm.weights.start_weights import load_start_weights
from jobs.contract.artefact import BEST, LABEL_MAP, LAST, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import Hyperparameters, limits_of
from jobs.contract.log_lines import (
    completed_line,
    device_line,
    progress_line,
    schedule_line,
    train_lines,
    validation_lines,
)

log = logging.getLogger(__name__)

SEARCH_ALGORITHMS = False
"""Whether cuDNN times its algorithms for each convolution of a step, rather than trust its own choice: on an H200
that took a quarter of a minute before the first step. What it gains was not measured."""
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
    """A training under way, as one member of a team sees it.

    When `stop` is set in any member, all of them end after the same step, and are `stopped`.
    """

    settings: Hyperparameters
    network: nn.Module
    optimizer: MxnetOptimizer
    steps: Steps
    schedule: Schedule
    loader: Loader
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
    log.info(device_line(f"{device}, one of {team.size}" if team.size > 1 else str(device)))
    cv2.setNumThreads(1)  # several threads prepare samples as it is
    train, validation = (_open_store(data, channel, settings) for channel in ("train", "validation"))
    if len(train) < team.size:
        raise SagesegError(f"{len(train)} training images for {team.size} GPUs; use a machine with fewer")
    folder = data / "label_map"
    maps = read_label_maps(folder, settings.num_classes).given if folder.is_dir() else {}
    network = without_counts(share_statistics(build_network(settings), settings, team)).to(device.place)
    schedule, loader = Schedule(settings), Loader(settings, device, team)
    planned = schedule.iterations_per_epoch * settings.epochs
    fuse(network, fused_kernels(network, device.place, device.precision, planned, team.size))
    optimizer = build_optimizer(network.parameters(), settings)
    step = step_of(settings, device, min(settings.mini_batch_size, len(train)) // team.size)
    steps = steps_of(team.joined(network, device), optimizer, step, team)
    training = Training(
        settings, network, optimizer, steps, schedule, loader, train, validation, device, team, places, stop, maps
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
    if training.device.is_gpu:
        _prepare(training)
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


def _prepare(training: Training) -> None:
    """Have a GPU load what a step needs, and see whether a batch fits, before the data is read."""
    torch.backends.cudnn.benchmark = SEARCH_ALGORITHMS
    blank = training.loader.blank_batch(len(training.train))
    within_memory(training.steps.prepare, blank, training.steps, training.settings)


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
    torch.backends.cudnn.benchmark = SEARCH_ALGORITHMS
    progress, batch_size = training.progress, min(training.settings.mini_batch_size, len(training.train))
    started, images = time.perf_counter(), 0
    batches = training.loader.training_batches(training.train, progress.epoch, len(progress.losses))
    for batch in batches:
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
    loss = within_memory(training.steps.take, batch, training.steps, settings)
    if training.steps.taken == 1:
        training.device.wait()
        log.info("first step %.1f s after the start of the program", seconds_since_start())
    training.progress.iteration += 1
    return loss


def _validate(training: Training) -> None:
    """Score the epoch, keep the parameters if they are the best, and turn to the next epoch."""
    progress, started = training.progress, time.perf_counter()
    torch.backends.cudnn.benchmark = False  # whole images of many sizes would each be measured first
    counts = _count(training)
    if training.check_stop():
        return
    score, speed = mean_iou(counts), len(training.validation) / (time.perf_counter() - started)
    for line in validation_lines(progress.epoch, pixel_accuracy(counts), score, speed):
        log.info(line)
    if not progress.scores or score > max(progress.scores):
        _serialize(training, training.places.model / BEST)
    progress.scores.append(score)
    progress.losses.clear()
    progress.epoch += 1


def _count(training: Training) -> Counts:
    """The counts of all validation images, or of those before a stop."""
    try:
        return _count_once(training)
    except torch.OutOfMemoryError:
        if not training.steps.release():
            raise
    # only here, for the error held all that the network had made
    log.warning("validation needs the memory of the captured step; steps are taken one by one from here on")
    return _count_once(training)


def _count_once(training: Training) -> Counts:
    batches = training.loader.validation_batches(training.validation)
    left = takewhile(lambda _: not training.stop.is_set(), batches)
    return evaluate(training.network, left, training.settings.num_classes, training.device, training.team)


def _serialize(training: Training, path: Path) -> None:
    if training.team.leads:
        log.info("Serializing model to %s", path)
        write_parameters(path, to_parameters(training.network))
