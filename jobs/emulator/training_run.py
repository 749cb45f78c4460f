"""The life of training jobs: each runs in a thread that follows its container to the end."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from jobs.emulator.container import Command, Container, kill_survivor, start_container
from jobs.emulator.log_events import open_stream
from jobs.emulator.log_files import read_events
from jobs.emulator.opt_ml import HOST, OptMl, make_tree
from jobs.emulator.state import Record, State
from jobs.emulator.storage import Storage, is_file_uri, join_uri, uri_folder
from jobs.emulator.training_record import KIND, Ending, enter, failure_reason, finish, is_running, metric_data

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
INTERRUPTED = "InternalServerError: the emulator ended while the job was running; start the job again"


@dataclass(frozen=True)
class Workplace:
    """What every run needs: where jobs lie, what runs them, how long SIGTERM may take."""

    folder: Path
    state: State
    storage: Storage
    command: Command
    grace_seconds: float


def job_folder(folder: Path, name: str) -> Path:
    return folder / "training-jobs" / name


def log_path(folder: Path, name: str) -> Path:
    return job_folder(folder, name) / "log.jsonl"


def change_record(state: State, name: str, change: Callable[[Record, float], None]) -> None:
    """Change a job's record at this moment, alone among all threads."""

    def apply(record: Record) -> tuple[str, float]:
        now = time.time()
        change(record, now)
        return record["TrainingJobStatus"], now

    state.update(KIND, name, apply)


class TrainingRun:
    """One job on its way. `run` is the thread's work; `halt` comes from others."""

    def __init__(self, place: Workplace, record: Record) -> None:
        self._place, self._record = place, record
        self.name: str = record["TrainingJobName"]
        self._lock = threading.Lock()
        self._halted: Ending | None = None
        self._container: Container | None = None
        self._finished = False

    def run(self) -> None:
        try:
            self._live()
        except SagesegError as e:
            self._finish("Failed", f"ClientError: {e}")
        finally:
            if not self._finished:  # a bug: its traceback goes to the server's log, the job is not left hanging
                self._finish("Failed", "InternalServerError: the emulator failed; see its server.log")

    def _live(self) -> None:
        folder = job_folder(self._place.folder, self.name)
        shutil.rmtree(folder, ignore_errors=True)  # of a state that was removed by hand
        tree = make_tree(folder / "ml", self._record)
        self._enter("Downloading")
        self._download(tree)
        self._enter("Training")
        exit_code = self._train(tree)
        if self._halted == "Failed":
            self._finish("Failed", INTERRUPTED)
        elif exit_code and not self._halted:
            self._finish("Failed", failure_reason(_read_failure(tree), exit_code))
        else:
            self._upload(tree)
            shutil.rmtree(tree.root, ignore_errors=True)
            self._finish(self._halted or "Completed")

    def halt(self, ending: Ending) -> None:
        """End the run before its time, with this ending."""
        with self._lock:
            self._halted = self._halted or ending
            if self._container is None:
                return
            if ending == "Failed":
                self._container.kill()
            else:
                self._container.terminate(self._place.grace_seconds)

    def _enter(self, secondary: str) -> None:
        change_record(self._place.state, self.name, lambda record, now: enter(record, secondary, now))

    def _finish(self, ending: Ending, reason: str = "") -> None:
        self._finished = True
        finish_job(self._place, self.name, ending, reason)

    def _download(self, tree: OptMl) -> None:
        for channel in self._record.get("InputDataConfig", []):
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            self._place.storage.bring(uri, tree.data / channel["ChannelName"])
        checkpoints = self._record.get("CheckpointConfig", {}).get("S3Uri")
        if checkpoints is None:
            tree.checkpoints.mkdir()
        else:
            _make_folder(uri_folder(checkpoints))
            self._place.storage.bring(checkpoints, tree.checkpoints)

    def _train(self, tree: OptMl) -> int:
        """Run the container to its end and keep its log; answers the exit code."""
        path = log_path(self._place.folder, self.name)
        stream = f"{self.name}/{HOST}-{int(time.time())}"
        writer = open_stream(self._place.state, LOG_GROUP, stream, path)
        expiry = self._expiry()
        try:
            container = self._start(tree)
            if container is None:
                return 0
            expiry.start()
            for line in filter(None, container.lines()):
                writer.write(line)
            return container.wait()
        finally:
            expiry.cancel()
            writer.close()

    def _expiry(self) -> threading.Timer:
        seconds = self._record["StoppingCondition"]["MaxRuntimeInSeconds"]
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self.halt, ("MaxRuntimeExceeded",))
        timer.daemon = True
        return timer

    def _start(self, tree: OptMl) -> Container | None:
        """Start the container, unless the job was stopped before."""
        environment = {**self._record.get("Environment", {}), "TRAINING_JOB_NAME": self.name}
        with self._lock:
            if self._halted is None and not self._is_stopping():
                folder = job_folder(self._place.folder, self.name)
                self._container = start_container(self._place.command(tree.root), folder, environment)
            return self._container

    def _is_stopping(self) -> bool:
        """Whether the job was asked to stop before `halt` could find its run."""
        resource = self._place.state.get(KIND, self.name)
        return resource is not None and resource.status == "Stopping"

    def _upload(self, tree: OptMl) -> None:
        """Pack the model folder. A stopped job's model is kept too, if it left one."""
        from jobs.algorithm.artefact import pack_artefact  # numpy; not needed to answer requests

        if self._halted and not any(tree.model.iterdir()):
            return
        self._enter("Uploading")
        uri = join_uri(self._record["OutputDataConfig"]["S3OutputPath"], self.name, "output")
        local = uri_folder(uri) if is_file_uri(uri) else tree.output
        _make_folder(local)
        pack_artefact(tree.model, local / "model.tar.gz")
        if not is_file_uri(uri):
            self._place.storage.upload(local / "model.tar.gz", join_uri(uri, "model.tar.gz"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SagesegError(f"{folder}: cannot be made ({e.strerror})") from e


def _read_failure(tree: OptMl) -> str:
    try:
        return tree.failure.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError):
        return ""


def finish_job(place: Workplace, name: str, ending: Ending, reason: str = "") -> None:
    """Write a job's end into its record, with the metrics of its log."""
    path = log_path(place.folder, name)
    metrics = metric_data(read_events(path)) if path.exists() else []

    def change(record: Record, now: float) -> None:
        record["FinalMetricDataList"] = metrics
        finish(record, ending, now, reason)

    change_record(place.state, name, change)


class TrainingRuns:
    """All jobs that run now."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._running: dict[str, tuple[TrainingRun, threading.Thread]] = {}

    def recover(self) -> None:
        """Settle what an earlier server left running: end its containers, mark its jobs."""
        for resource in self._place.state.select("kind = ? AND status IN ('InProgress', 'Stopping')", (KIND,)):
            kill_survivor(job_folder(self._place.folder, resource.name))
            if is_running(resource.record):
                finish_job(self._place, resource.name, "Failed", INTERRUPTED)

    @property
    def busy(self) -> bool:
        with self._lock:
            return bool(self._running)

    def start(self, record: Record) -> None:
        run = TrainingRun(self._place, record)
        thread = threading.Thread(target=self._follow, args=(run,), name=run.name, daemon=True)
        with self._lock:
            self._running[run.name] = run, thread
        thread.start()

    def _follow(self, run: TrainingRun) -> None:
        try:
            run.run()
        finally:
            with self._lock:
                del self._running[run.name]

    def halt(self, name: str, ending: Ending) -> None:
        with self._lock:
            found = self._running.get(name)
        if found:
            found[0].halt(ending)

    def shut_down(self) -> None:
        """End every run at once; their jobs are Failed with the reason."""
        with self._lock:
            running = list(self._running.values())
        for run, thread in running:
            run.halt("Failed")
            thread.join()
