"""How far a training is, read from its log: pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from formats.texts.wording import format_roughly
from jobs.contract.log_lines import (
    ANSI,
    EpochMetrics,
    epoch_metrics,
    parse_device,
    parse_progress,
    parse_schedule,
    parse_stamp,
)


@dataclass(frozen=True)
class Progress:
    """What the log has said so far. `device` is what the open implementation computes on; `epoch` counts from 0;
    `started` and `seen` are the times of the schedule's line and of the last line, in seconds since 1970."""

    device: str | None = None
    epochs: int | None = None
    iterations_per_epoch: int | None = None
    epoch: int = 0
    iteration: int = 0
    images_per_second: float | None = None
    started: float | None = None
    seen: float | None = None
    metric_lines: tuple[str, ...] = field(default=(), repr=False)

    @property
    def measured(self) -> list[EpochMetrics]:
        """The epochs with metrics, in order."""
        return epoch_metrics(self.metric_lines)

    @property
    def validated(self) -> int:
        """How many epochs are done."""
        return sum(metrics.validation_mIOU is not None for metrics in self.measured)

    @property
    def current(self) -> int:
        """The epoch that runs, counted from 1. Small datasets log no notices between epochs."""
        return min(max(self.epoch, self.validated) + 1, self.epochs or sys.maxsize)

    @property
    def share_done(self) -> float | None:
        """0..1, None before the schedule is known. An epoch is done when it has been validated."""
        if not self.epochs or not self.iterations_per_epoch:
            return None
        part = min(self.iteration / self.iterations_per_epoch, 1.0) if self.epoch >= self.validated else 0.0
        return min((self.validated + part) / self.epochs, 1.0)

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before there is one and when all is done. Early stopping may end it
        sooner."""
        share = self.share_done
        if not share or share == 1.0 or self.started is None or self.seen is None or self.seen <= self.started:
            return None
        return (self.seen - self.started) * (1 - share) / share


def advance(progress: Progress, lines: Iterable[str]) -> Progress:
    """The progress after further lines of the log."""
    for line in lines:
        progress = _advance_line(progress, ANSI.sub("", line))
    return progress


def _advance_line(progress: Progress, line: str) -> Progress:
    stamp = parse_stamp(line)
    if stamp is not None:
        progress = replace(progress, seen=stamp)
    schedule = parse_schedule(line)
    if schedule:
        return replace(progress, iterations_per_epoch=schedule[0], epochs=schedule[1], started=progress.seen)
    notice = parse_progress(line)
    if notice:
        return replace(progress, epoch=notice[0], iteration=notice[1], images_per_second=notice[2])
    if progress.device is None and (device := parse_device(line)):
        return replace(progress, device=device)
    if "_metric. host:" in line:
        return replace(progress, metric_lines=(*progress.metric_lines, line))
    return progress


def describe_epoch(metrics: EpochMetrics, epochs: int | None, *, on_train: bool) -> str:
    """One epoch in a line; epochs are counted from 1 for people. Scores of the training images are
    called so."""
    kind = "training " if on_train else ""
    parts = [
        f"epoch {metrics.epoch + 1}" + (f"/{epochs}" if epochs else ""),
        _number("loss", metrics.train_loss),
        _number(f"{kind}mIOU", metrics.validation_mIOU),
        _number(f"{kind}pixel accuracy", metrics.validation_pixel_accuracy),
        _number("", metrics.train_throughput, " images/s", digits=1),
    ]
    return "  ".join(part for part in parts if part)


def describe_progress(progress: Progress, status: str, usd: float | None, *, on_train: bool) -> str:
    """The live line: status, epoch, time left, money so far, speed, last metrics. What a narrow terminal
    cuts off comes last."""
    epoch = f"epoch {progress.current}/{progress.epochs}" if progress.epochs else ""
    measured = progress.measured
    last = measured[-1] if measured else EpochMetrics(0)
    scores = describe_epoch(last, None, on_train=on_train).split("  ")[1:] if measured else []
    scores = [score for score in scores if not score.endswith("images/s")]
    left = progress.seconds_left
    parts = [
        status,
        epoch,
        f"about {format_roughly(left)} left" if left is not None else "",
        f"${usd:.2f} so far" if usd is not None else "",
        _number("", progress.images_per_second, " images/s", digits=1),
        *scores,
    ]
    return "  ".join(part for part in parts if part)


def _number(name: str, value: float | None, unit: str = "", digits: int = 4) -> str:
    return "" if value is None else f"{name} {value:.{digits}f}{unit}".strip()
