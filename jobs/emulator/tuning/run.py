"""The life of a tuning job: as many training jobs at a time as it may have, each told by the search
what to try."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from jobs.contract.statuses import Ended
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.runs import Halt, time_limit
from jobs.emulator.host.workplace import BUG, INTERRUPTED
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.job_records import settle_job
from jobs.emulator.store.state import Record
from jobs.emulator.training.operations import TrainingJobs
from jobs.emulator.tuning.record import child_request, objective_of, objective_value
from jobs.emulator.tuning.search import BayesianSearch, RandomSearch, Range, Search

MAX_FAILURES = 5
"""With so many failures and no success a tuning job gives up (messages in public issues)."""


def make_search(request: Record, ranges: Sequence[Range]) -> Search:
    config = request["HyperParameterTuningJobConfig"]
    if config["Strategy"] == "Random":
        return RandomSearch(ranges, config.get("RandomSeed"))
    return BayesianSearch(ranges, config.get("RandomSeed"), maximize=objective_of(request)[1])


class TuningRun:
    """One tuning job on its way. The lock guards all that changes: its workers, each in a thread, count and
    search together."""

    def __init__(
        self, tunings: Collection, training: TrainingJobs, request: Record, ranges: Sequence[Range], region: str
    ) -> None:
        self._tunings, self._training, self._request, self._region = tunings, training, request, region
        self.name: str = request["HyperParameterTuningJobName"]
        self._arn = tunings.get(self.name, region).arn
        self._limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
        self._search = make_search(request, ranges)
        self._lock = threading.Lock()
        self._halted: Halt | None = None
        self._reason = ""
        self._started = self._failures = self._successes = 0
        self._current: set[str] = set()

    def run(self) -> None:
        try:
            with time_limit(self._limits.get("MaxRuntimeInSeconds"), lambda: self.halt("stop")):
                parallel = self._limits["MaxParallelTrainingJobs"]
                with ThreadPoolExecutor(parallel) as pool:
                    for worker in [pool.submit(self._work) for _ in range(parallel)]:
                        worker.result()
                self._conclude()
        except BaseException:  # a bug: its traceback goes to the server's log
            self._finish("Failed", BUG)
            raise

    def halt(self, why: Halt) -> None:
        """Start no more, and end what runs."""
        with self._lock:
            self._halted = self._halted or why
            current = sorted(self._current)
        for name in current:
            if why == "stop":
                self._stop_child(name)
            else:
                run = self._training.runs.get(name)
                if run is not None:
                    run.halt(why)

    def _stop_child(self, name: str) -> None:
        with suppress(ServiceError):  # it has just ended
            self._training.stop({"TrainingJobName": name}, self._region)

    def _work(self) -> None:
        """One training job after another, until there are none left to start."""
        while self._may_start():
            self._try_values()

    def _may_start(self) -> bool:
        with self._lock:
            hopeless = self._failures >= MAX_FAILURES and not self._successes
            if self._halted or self._reason or hopeless or self._started >= self._limits["MaxNumberOfTrainingJobs"]:
                return False
            self._started += 1
            return True

    def _try_values(self) -> None:
        with self._lock:
            trial = self._search.ask()
            name = f"{self.name}-{self._started:03}-{uuid.uuid4().hex[:8]}"
            self._current.add(name)
        try:
            self._begin(name, trial.values)
            self._training.runs.wait(name)
            child = self._training.jobs.get(name, self._region).record
            value = objective_value(child, objective_of(self._request)[0])
        except ServiceError as e:  # a quota, or a child that somebody deleted
            with self._lock:
                self._reason = f"{e.code}: {e.message}"
            return
        finally:
            with self._lock:
                self._current.discard(name)
        with self._lock:
            self._search.tell(trial, value)
            self._successes += value is not None
            self._failures += value is None

    def _begin(self, name: str, values: dict[str, str]) -> None:
        request = child_request(self._request, name, values)
        self._training.begin(request, self._region, TuningJobArn=self._arn, _Tuned=values)
        if self._halted:  # it came between
            self._stop_child(name)

    def _conclude(self) -> None:
        if self._halted == "abandon":
            self._finish("Failed", INTERRUPTED)
        elif self._halted:
            self._finish("Stopped")
        elif self._reason:
            self._finish("Failed", self._reason)
        elif not self._successes:
            self._finish("Failed", self._hopeless())
        else:
            self._finish("Completed")

    def _hopeless(self) -> str:
        look = "Please take a look at the training job failures to get more details."
        if self._failures >= MAX_FAILURES:
            return f"No training job succeeded after {MAX_FAILURES} attempts. {look}"
        return f"All training jobs failed. {look}"

    def _finish(self, ending: Ended, reason: str = "") -> None:
        settle_job(self._tunings, self.name, ending, reason)
