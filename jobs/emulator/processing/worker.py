"""One host of a processing job: its tree, its container with its log, and what it leaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from formats.disk.whole_files import write_text
from jobs.contract.instances import EMULATED
from jobs.contract.log_lines import PROCESSING_LOGS
from jobs.emulator.host.container import Container, start_container
from jobs.emulator.host.hosts import resource_config
from jobs.emulator.host.rehearsal import ProcessingTrouble
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.processing.inputs import Input, bring_inputs
from jobs.emulator.processing.outputs import Uploads, outputs_in, upload
from jobs.emulator.processing.program import command_of, environment_of, names_opt_ml
from jobs.emulator.processing.record import outputs_of
from jobs.emulator.store.job_records import failure_reason
from jobs.emulator.store.log_events import open_stream
from jobs.emulator.store.state import Record

TREE = "SAGESEG_OPT_ML"
"""Tells a program the tree that stands for `/opt/ml`."""
_ASTRAY = f"its log names /opt/ml, which is the folder in {TREE} here; let the script take its paths from its arguments"
"""Most scripts that fail so have fixed paths in their code, which no container makes right here."""
_CONFIG = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
)
"""The members of processingjobconfig.json (developer guide, Build Your Own Processing Container)."""


class Worker:
    """The host of a number, from 0, among all hosts of a job. `run` is the work of a thread; `end` comes from others.

    The lock guards whether it is over and what runs: no container starts after its end was asked for, and none that
    has started is missed by it.
    """

    def __init__(
        self, place: Workplace, record: Record, folder: Path, hosts: Sequence[str], number: int, stamp: int
    ) -> None:
        self._place, self._record, self._hosts, self._number = place, record, hosts, number
        self.host = hosts[number]
        self._folder = folder / self.host
        self._root = self._folder / "ml"
        self._stream = f"{record['ProcessingJobName']}/{self.host}-{stamp}"
        self._lock = threading.Lock()
        self._halted = threading.Event()
        self._container: Container | None = None

    def end(self, *, kill: bool = False) -> None:
        """Ask the container to end, or end it at once; where none runs yet, none will."""
        with self._lock:
            self._halted.set()
            if self._container is not None and kill:
                self._container.kill()
            elif self._container is not None:
                self._container.terminate(self._place.grace_seconds)

    def prepare(self, inputs: Sequence[Input], instance_type: str) -> None:
        """Make the tree of a host on such an instance, with its share of the inputs."""
        for folder in ("config", "output", "processing"):
            (self._root / folder).mkdir(parents=True)
        files = {
            "resourceconfig.json": resource_config(instance_type, self.host, self._hosts),
            "processingjobconfig.json": {name: self._record.get(name) for name in _CONFIG},
        }
        for name, content in files.items():
            write_text(self._root / "config" / name, json.dumps(content, indent=2))
        for output in outputs_in(outputs_of(self._record), self._root):
            output.folder.mkdir(parents=True, exist_ok=True)  # there before the container starts
        count = len(self._hosts)
        bring_inputs(self._place.storage, inputs, self._number, count, self._root, self._halted)

    def run(self, trouble: ProcessingTrouble) -> str:
        """Run the container to its end, while continuous outputs go out; answers why it failed, empty when it did
        not. Raises SagesegError for outputs that cannot be written."""
        outputs = outputs_in(outputs_of(self._record), self._root)
        path = self._folder.with_suffix(".jsonl")
        with (
            closing(open_stream(self._place.state, PROCESSING_LOGS, self._stream, path)) as writer,
            closing(Uploads(self._place.storage, outputs, self.end)),
        ):
            container = None if _fails(trouble, 0) else self._start()
            if container is None:
                return self._reason(trouble.algorithm_error, 1) if _fails(trouble, 0) else ""
            failing = astray = False
            for number, line in enumerate(filter(None, container.lines()), 1):
                writer.write(line)
                astray = astray or names_opt_ml(line)
                if _fails(trouble, number):
                    failing = True
                    container.kill()
            code = container.wait()
            if failing:
                return self._reason(trouble.algorithm_error, 1)
            ending = container.ending() or (_ASTRAY if astray else "")
            return self._reason(ending, code) if code else ""

    def _reason(self, ending: str, code: int) -> str:
        """Why the container failed, with its host where there are several."""
        return failure_reason(ending, code, host=self.host if len(self._hosts) > 1 else "")

    def _start(self) -> Container | None:
        """Start the container, unless its end was asked for before."""
        application, root = self._record["AppSpecification"], self._root
        environment = {
            "SAGESEG_HOME": str(self._folder / "home"),
            **environment_of(self._record.get("Environment", {}), root),
            TREE: str(root),
            EMULATED: "1",
        }
        with self._lock:
            if self._halted.is_set():
                return None
            command = command_of(application, self._place.programs.process, root)
            self._container = start_container(command, self._folder, environment)
            return self._container

    def upload(self) -> None:
        """Send what is to be sent at the end."""
        upload(self._place.storage, outputs_in(outputs_of(self._record), self._root))


def _fails(trouble: ProcessingTrouble, line: int) -> bool:
    """Whether a rehearsal ends the container with this line of its log."""
    return bool(trouble.algorithm_error) and line == trouble.fail_at_line
