"""A processing job followed to its end, in images done: what all its hosts' logs tell, added up."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from time import sleep
from typing import Any

from aws.clients import aws_errors
from formats.console import Screen, open_screen, parse_progress
from formats.errors import SagesegError
from jobs.backends import Place
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.contract.statuses import ENDED
from jobs.creating import PROCESSING
from jobs.tracking.failures import LAST_LINES, show_last_lines
from jobs.tracking.job_calls import POLL_SECONDS, LogTail


@dataclass
class Tally:
    """How far the hosts are. `label` is the work that was told of last: hosts go through the same kinds of it."""

    label: str = ""
    _done: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def take(self, host: str, line: str) -> bool:
        """Take a line of a host's log; whether it told of progress."""
        found = parse_progress(line.strip())
        if found is None:
            return False
        self.label, done, total = found
        self._done.setdefault(self.label, {})[host] = (done, total)
        return True

    def describe(self) -> str:
        """`images: 30 of 128, on 3 hosts`; empty before any told of progress."""
        hosts = self._done.get(self.label, {})
        if not hosts:
            return ""
        done, total = (sum(counts) for counts in zip(*hosts.values(), strict=True))
        return f"{self.label}: {done} of {total}, on {len(hosts)} host(s)"


def follow_processing(place: Place, name: str) -> dict[str, Any]:
    """The description of a job that has ended, however it did. Where it has not ended well, the last lines of each
    host's log are shown that did not say that its shard was done."""
    tail = LogTail(place.backend, place.region, f"{name}/", PROCESSING_LOGS)
    tally, last = Tally(), dict[str, deque[str]]()
    with open_screen() as screen:
        while True:
            with aws_errors(f"describing {PROCESSING.word} {name}"):
                description: dict[str, Any] = place.sagemaker.describe_processing_job(ProcessingJobName=name)
            _read(tail, tally, last, screen)
            status = description["ProcessingJobStatus"]
            if status in ENDED:
                break
            screen.live(f"{name}  {status}  {tally.describe()}")
            sleep(POLL_SECONDS[place.backend])
    if status != "Completed":
        _show(last)
    return description


def _read(tail: LogTail, tally: Tally, last: dict[str, deque[str]], screen: Screen) -> None:
    told = False
    try:
        with aws_errors("reading the logs"):
            for stream, line in tail.new_events():
                host = host_of(stream)
                told = tally.take(host, line) or told
                last.setdefault(host, deque(maxlen=LAST_LINES)).append(line)
    except SagesegError as e:
        screen.line(f"note: {e}")
    if told:
        screen.line(tally.describe())


def host_of(stream: str) -> str:
    """`job/algo-2-1700000000` is the stream of algo-2."""
    return "-".join(stream.rpartition("/")[2].split("-")[:2])


def _show(last: dict[str, deque[str]]) -> None:
    for host, lines in sorted(last.items()):
        if not lines[-1].strip().endswith("is done"):
            show_last_lines(host, [*lines])


def seconds_of(description: dict[str, Any]) -> float | None:
    """How long a job's instances ran."""
    started, ended = description.get("ProcessingStartTime"), description.get("ProcessingEndTime")
    return (ended - started).total_seconds() if started and ended else None


def told_end(name: str, description: dict[str, Any], missing: str) -> SagesegError:
    """Why a job's shards are not all there."""
    status = description["ProcessingJobStatus"]
    reason = description.get("FailureReason", "somebody stopped it, or --max-hours were over").rstrip(".")
    message = "; ".join(description.get("ExitMessage", "").splitlines())
    why = f" ({message or reason})" if message or status != "Completed" else ""
    return SagesegError(f"{PROCESSING.word} {name}: {status}{why}; {missing}")
