"""Following a job: its status and its log, from CloudWatch or from the emulator, which speaks alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import time
from typing import Any

from aws.clients import aws_errors
from formats.console import Screen, open_screen, say
from formats.texts.wording import format_roughly
from jobs.contract.log_lines import EpochMetrics, device_line, epoch_metrics
from jobs.contract.statuses import ENDED
from jobs.contract.training_request import validates_on_train
from jobs.cost.spent import billed_usd, usd_so_far
from jobs.tracking.failures import console_link, find_cure, show_last_lines
from jobs.tracking.job_calls import JobFailedError, describe, pause, tail_of
from jobs.tracking.progress import Progress, advance, describe_epoch, describe_progress
from jobs.tracking.records import JobRecord, write_record

Seen = Callable[[dict[str, Any], Sequence[EpochMetrics]], None]
"""Told a job's description and the metrics of its epochs so far, whenever there is another epoch."""


@dataclass
class Following:
    """What has been seen and shown of a job."""

    record: JobRecord
    screen: Screen
    progress: Progress = field(default_factory=Progress)
    lines: list[str] = field(default_factory=list)
    transitions: int = 0
    epochs: int = 0

    def show(self, description: Mapping[str, Any], new: Iterable[str]) -> None:
        """Lines that stay for each change of status and each epoch; the rest on the live line."""
        changes = description.get("SecondaryStatusTransitions", [])
        for change in changes[self.transitions :]:
            message = change.get("StatusMessage")
            self.screen.line(change["Status"] + (f" - {message}" if message else ""))
        self.transitions = len(changes)
        fresh = list(new)
        self.lines += fresh
        known, self.progress = self.progress.device, advance(self.progress, fresh)
        if self.progress.device != known:
            self.screen.line(device_line(str(self.progress.device)))
        on_train = validates_on_train(description)
        validated = [epoch for epoch in self.progress.measured if epoch.validation_mIOU is not None]
        for metrics in validated[self.epochs :]:
            self.screen.line(describe_epoch(metrics, self.progress.epochs, on_train=on_train))
        left = self.progress.seconds_left
        if validated and not self.epochs and left is not None:
            self.screen.line(f"about {format_roughly(left)} left at this pace")
        self.epochs = len(validated)
        rate = self.record.cost_on(description).get("usd_per_hour")
        started, ended = description.get("TrainingStartTime"), description.get("TrainingEndTime")
        usd = usd_so_far([(started, ended)], rate, time()) if started else None
        self.screen.live(describe_progress(self.progress, description["SecondaryStatus"], usd, on_train=on_train))


def follow(record: JobRecord, seen: Seen | None = None) -> JobRecord:
    """Show status and progress on stderr until the job has ended; returns the record with both. `seen` hears of each
    epoch before the end.

    Raises JobFailedError with the service's reason and the cure, where one is known, when the job
    did not complete. Ctrl-C is the caller's.
    """
    tail = tail_of(record)
    with open_screen() as screen:
        following = Following(record, screen)
        while True:
            description = describe(record)
            known = following.epochs
            with aws_errors(f"reading the log of {record.name}"):
                following.show(description, tail.new_lines())
            if description["TrainingJobStatus"] in ENDED:
                break
            if seen and following.epochs > known:
                seen(description, following.progress.measured)
            pause(record)
    record = finished_record(record, description, following.lines)
    write_record(record)
    _check_completed(record, following.lines)
    return record


def finished_record(record: JobRecord, description: dict[str, Any], lines: Iterable[str]) -> JobRecord:
    """The record with the job's end: description, metrics, what it cost."""
    cost = record.cost_on(description)
    if cost:
        cost["actual_usd"] = billed_usd(description, cost.get("usd_per_hour"))
    epochs = [asdict(metrics) for metrics in epoch_metrics(lines)]
    return replace(record, description=description, epochs=epochs, cost=cost)


def _check_completed(record: JobRecord, lines: list[str]) -> None:
    status = record.description["TrainingJobStatus"]
    if status == "Completed":
        return
    reason = record.description.get("FailureReason") or record.description.get("SecondaryStatus", "")
    if status == "Failed":
        show_last_lines(record.name, lines)
        if record.backend == "aws":
            say(console_link(record.name, record.region))
    cure = find_cure(record.description, lines, local=record.backend == "local") if status == "Failed" else ""
    ending = f"; {cure}" if cure else f"; sageseg jobs logs {record.name} shows its log"
    raise JobFailedError(f"{record.name}: {status}: {reason.rstrip('.')}{ending}", reason)
