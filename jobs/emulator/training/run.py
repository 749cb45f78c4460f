"""The life of a training job: from its instance through its container, as often as a spot
interruption asks for, to its artefact."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path

from jobs.contract.instances import EMULATED
from jobs.contract.log_lines import TRAINING_LOGS
from jobs.emulator.host.container import Container, start_container
from jobs.emulator.host.preferences import select
from jobs.emulator.host.rehearsal import TrainingTrouble
from jobs.emulator.host.runs import Halt, failures_told, time_limit
from jobs.emulator.host.workplace import CAPACITY, INTERRUPTED, Workplace
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.job_records import failure_reason
from jobs.emulator.store.log_events import open_stream
from jobs.emulator.store.log_files import read_events
from jobs.emulator.store.state import Record
from jobs.emulator.training.attempts import Attempts
from jobs.emulator.training.channel_pipes import Pipes, Stream
from jobs.emulator.training.data import HOST, OptMl, bring_input, keep_checkpoints, make_tree, store_output
from jobs.emulator.training.record import Ending, enter, finish, metric_data


def job_folder(folder: Path, name: str) -> Path:
    return folder / "training-jobs" / name


class TrainingRun:
    """One job on its way. `run` is the thread's work; `halt` comes from others, as the end of a time
    limit and a failing pipe do.

    The lock guards how it ends before its time, `_halted`, and what runs, `_container`: no container
    starts after the end was asked for, and none that has started is missed by it. All else belongs to
    the thread.
    """

    def __init__(
        self, place: Workplace, jobs: Collection, record: Record, instance_type: str, trouble: TrainingTrouble
    ) -> None:
        self._place, self._jobs, self._record, self._trouble = place, jobs, record, trouble
        self._instance_type = instance_type
        self.name: str = record["TrainingJobName"]
        self._folder = job_folder(place.folder, self.name)
        self._attempts = Attempts(trouble, record["EnableManagedSpotTraining"])
        self._lock = threading.Lock()
        self._halted: Ending | None = None
        self._container: Container | None = None
        self._awake = threading.Event()

    def run(self) -> None:
        with failures_told(self._finish):
            shutil.rmtree(self._folder, ignore_errors=True)  # of a state that was removed by hand
            wait_seconds = self._record["StoppingCondition"].get("MaxWaitTimeInSeconds")
            with time_limit(wait_seconds, lambda: self._end("MaxWaitTimeExceeded")):
                tree, exit_code = self._until_uninterrupted()
            self._conclude(tree, exit_code)

    def halt(self, why: Halt) -> None:
        self._end("Failed" if why == "abandon" else "Stopped")

    def _end(self, ending: Ending) -> None:
        """End the run before its time, with this ending."""
        with self._lock:
            self._halted = self._halted or ending
            self._awake.set()
            if self._container is None:
                return
            if ending == "Failed":
                self._container.kill()
            else:
                self._container.terminate(self._place.grace_seconds)

    def _until_uninterrupted(self) -> tuple[OptMl, int]:
        """Train on one instance after another until none is reclaimed; answers the last one's tree
        and exit code."""
        while True:
            self._awake.wait(self._trouble.start_seconds)
            tree = make_tree(self._folder / "ml", self._record, self._instance_type)
            if self._trouble.capacity_error or self._halted:
                return tree, 0
            self._jobs.change(self.name, lambda record, _: select(record["ResourceConfig"], self._instance_type))
            self._enter("Downloading")
            streams = bring_input(self._place.storage, self._record, tree)
            self._enter("Training")
            exit_code = self._attempt(tree, streams)
            keep_checkpoints(self._place.storage, self._record, tree)
            if not self._attempts.interrupted or self._halted:
                return tree, exit_code
            self._enter("Interrupted")
            shutil.rmtree(tree.root)  # the next instance begins with empty disks
            self._enter("Starting")

    def _attempt(self, tree: OptMl, streams: list[Stream]) -> int:
        """Run the container to its end while its channels stream; answers the exit code."""
        with closing(Pipes(self._place.storage, streams, tree.data, self._kill_container)), self._attempts.one_more():
            return self._run_container(tree)

    def _kill_container(self) -> None:
        with self._lock:
            if self._container is not None:
                self._container.kill()

    def _run_container(self, tree: OptMl) -> int:
        """Run the container, keep its log, and do what the rehearsal asks for: a reclaimed instance is
        gone at once."""
        attempts = self._attempts
        path, stream = self._folder / f"log-{attempts.number:04}.jsonl", f"{self.name}/{HOST}-{attempts.stamp}"
        left = max(self._record["StoppingCondition"]["MaxRuntimeInSeconds"] - attempts.trained_seconds, 0)
        with (
            closing(open_stream(self._place.state, TRAINING_LOGS, stream, path)) as writer,
            time_limit(left, lambda: self._end("MaxRuntimeExceeded")),
        ):
            container = self._start(tree)
            if container is None:
                return 0
            for line in filter(None, container.lines()):
                writer.write(line)
                if attempts.end_with(line):
                    container.kill()
            return container.wait()

    def _start(self, tree: OptMl) -> Container | None:
        """Start the container, unless the job was stopped before or is to fail at once."""
        environment = {**self._record.get("Environment", {}), "TRAINING_JOB_NAME": self.name, EMULATED: "1"}
        with self._lock:
            if self._halted is None and not self._is_stopping() and not self._attempts.failing:
                command = self._place.programs.train(tree.root)
                self._container = start_container(command, self._folder, environment)
                return self._container
            return None

    def _is_stopping(self) -> bool:
        """Whether the job was asked to stop before `halt` could find its run."""
        resource = self._jobs.find(self.name)
        return resource is not None and resource.status == "Stopping"

    def _conclude(self, tree: OptMl, exit_code: int) -> None:
        if self._halted == "Failed":
            self._finish("Failed", INTERRUPTED)
        elif self._trouble.capacity_error and not self._halted:
            self._finish("Failed", CAPACITY)
        elif self._attempts.failing and not self._halted:
            self._finish("Failed", failure_reason(self._trouble.algorithm_error, 1))
        elif exit_code and not self._halted:
            ending = "" if self._container is None else self._container.ending()
            self._finish("Failed", failure_reason(_read_failure(tree), exit_code, ending))
        else:
            self._upload(tree)
            shutil.rmtree(tree.root, ignore_errors=True)
            self._finish(self._halted or "Completed")

    def _upload(self, tree: OptMl) -> None:
        """A stopped job's model is kept too, if it left one."""
        if self._halted and not any(tree.model.iterdir()):
            return
        self._enter("Uploading")
        store_output(self._place.storage, self._record, tree)

    def _enter(self, secondary: str) -> None:
        self._jobs.change(self.name, lambda record, now: enter(record, secondary, now))

    def _finish(self, ending: Ending, reason: str = "") -> None:
        finish_job(self._place.folder, self._jobs, self.name, ending, reason)


def _read_failure(tree: OptMl) -> str:
    try:
        return tree.failure.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError):
        return ""


def finish_job(folder: Path, jobs: Collection, name: str, ending: Ending, reason: str = "") -> None:
    """Write a job's end into its record, with the metrics of its log."""
    attempts = sorted(job_folder(folder, name).glob("log-*.jsonl"))
    events = [event for path in attempts for event in read_events(path)]

    def change(record: Record, now: float) -> None:
        record["FinalMetricDataList"] = metric_data(events, record["AlgorithmSpecification"]["MetricDefinitions"])
        finish(record, ending, now, reason)

    jobs.change(name, change)
