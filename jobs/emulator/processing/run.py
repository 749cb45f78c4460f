"""The life of a processing job: its hosts get their inputs, run their containers side by side, send their outputs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from formats.errors import SagesegError
from jobs.contract.statuses import Ended
from jobs.emulator.host.hosts import host_names
from jobs.emulator.host.rehearsal import ProcessingTrouble
from jobs.emulator.host.runs import Halt, failures_told, time_limit
from jobs.emulator.host.workplace import CAPACITY, INTERRUPTED, Workplace
from jobs.emulator.processing.inputs import read_inputs
from jobs.emulator.processing.record import MAX_MESSAGE, begin_processing, cluster_of, finish, inputs_of
from jobs.emulator.processing.worker import Worker
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.state import Record


def processing_folder(folder: Path, name: str) -> Path:
    return folder / "processing-jobs" / name


class ProcessingRun:
    """One job on its way. `run` is the thread's work; `halt` comes from others, as the end of its time does.

    The lock guards how it ends before its time, `_halted`, and why it fails, `_reason`: the first word counts.
    """

    def __init__(
        self, place: Workplace, jobs: Collection, record: Record, instance_type: str, trouble: ProcessingTrouble
    ) -> None:
        self._place, self._jobs, self._record, self._trouble = place, jobs, record, trouble
        self._instance_type = instance_type
        self.name: str = record["ProcessingJobName"]
        self._folder = processing_folder(place.folder, self.name)
        hosts, stamp = host_names(cluster_of(record)["InstanceCount"]), int(time.time())
        self._workers = [Worker(place, record, self._folder, hosts, number, stamp) for number in range(len(hosts))]
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._halted: Ended | None = None
        self._reason = ""

    def run(self) -> None:
        with failures_told(self._finish):
            shutil.rmtree(self._folder, ignore_errors=True)  # of a state that was removed by hand
            if self._is_stopping():
                self._end("Stopped")
            self._live()
            self._conclude()

    def halt(self, why: Halt) -> None:
        self._end("Failed" if why == "abandon" else "Stopped")

    def _is_stopping(self) -> bool:
        """Whether the job was asked to stop before `halt` could find its run."""
        resource = self._jobs.find(self.name)
        return resource is not None and resource.status == "Stopping"

    def _end(self, ending: Ended) -> None:
        """End the run before its time, with this ending."""
        with self._lock:
            self._halted = self._halted or ending
        self._awake.set()
        self._end_workers(kill=ending == "Failed")

    def _live(self) -> None:
        self._awake.wait(self._trouble.start_seconds)
        if self._halted:
            return
        if self._trouble.capacity_error:
            self._reason = CAPACITY
            return
        self._jobs.change(self.name, lambda record, now: begin_processing(record, self._instance_type, now))
        seconds = self._record["StoppingCondition"]["MaxRuntimeInSeconds"]
        with ThreadPoolExecutor(len(self._workers)) as pool:
            with time_limit(seconds, lambda: self._end("Stopped")):
                inputs = read_inputs(self._place.storage, inputs_of(self._record))
                self._each(pool, lambda worker: worker.prepare(inputs, self._instance_type))
                self._each(pool, self._work)
            if not self._reason and not self._halted:
                self._each(pool, Worker.upload)

    def _work(self, worker: Worker) -> None:
        """Run a host's container; where it fails, so does the job, and the other hosts are asked to end."""
        trouble = self._trouble if fnmatchcase(worker.host, self._trouble.fail_hosts) else ProcessingTrouble()
        try:
            reason = worker.run(trouble)
        except SagesegError as e:
            reason = f"ClientError: {e}"
        if not reason:
            return
        with self._lock:
            first = not self._reason and not self._halted
            self._reason = self._reason or reason
        if first:
            self._end_workers()

    def _each(self, pool: ThreadPoolExecutor, work: Callable[[Worker], None]) -> None:
        """Work of all hosts side by side. Where that of one raises, the others do not go on without it."""

        def done(worker: Worker) -> None:
            try:
                work(worker)
            except BaseException:
                self._end_workers()
                raise

        list(pool.map(done, self._workers))

    def _end_workers(self, *, kill: bool = False) -> None:
        for worker in self._workers:
            worker.end(kill=kill)

    def _conclude(self) -> None:
        if self._halted == "Failed":
            self._finish("Failed", INTERRUPTED)
        elif self._halted:
            self._finish("Stopped")
        elif self._reason:
            self._finish("Failed", self._reason)
        else:
            self._finish("Completed")

    def _finish(self, ending: Ended, reason: str = "") -> None:
        finish_job(self._place.folder, self._jobs, self.name, ending, reason)
        if ending == "Completed":
            for worker in self._workers:
                shutil.rmtree(self._folder / worker.host, ignore_errors=True)


def worker_folders(folder: Path) -> list[Path]:
    """The folders of a job's hosts, in the hosts' order."""
    return sorted((path for path in folder.glob("algo-*") if path.is_dir()), key=lambda path: int(path.name[5:]))


def finish_job(folder: Path, jobs: Collection, name: str, ending: Ended, reason: str = "") -> None:
    """Write a job's end into its record, with the messages of its containers."""
    found = worker_folders(processing_folder(folder, name))
    messages = {path.name: _read_message(path / "ml" / "output" / "message") for path in found}
    jobs.change(name, lambda record, now: finish(record, ending, now, reason, messages))


def _read_message(path: Path) -> bytes:
    """The beginning of a container's message, one byte more than counts; empty where it is no file."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(MAX_MESSAGE + 1)
