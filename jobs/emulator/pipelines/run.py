"""The life of an execution: each step begins when all that it needs has succeeded, so many at a time as it may have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from formats.errors import SagesegError
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.runs import Halt
from jobs.emulator.host.workplace import BUG, INTERRUPTED
from jobs.emulator.pipelines.cache import cache_key, earlier_runs
from jobs.emulator.pipelines.conditions import holds
from jobs.emulator.pipelines.definition import Definition, Step, parse_definition
from jobs.emulator.pipelines.expressions import Values, resolve
from jobs.emulator.pipelines.kinds import JOBS
from jobs.emulator.pipelines.record import (
    EXECUTIONS,
    STEP_FAILED,
    finish_execution,
    finish_step,
    new_step,
    outcome_of,
    ready,
    step_of,
)
from jobs.emulator.pipelines.work import Doers, HaltedError, JobWork, StepFailedError
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.state import Record

MOST_PARALLEL = 50
"""Steps at a time of an execution that says nothing about it."""


def iso(seconds: float) -> str:
    """A time as `Execution.StartDateTime` has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PipelineRun:
    """One execution on its way. `run` is the thread's work; `halt` comes from others. The lock guards how it ends
    before its time, and the work that is under way."""

    def __init__(self, executions: Collection, record: Record, doers: Doers, region: str) -> None:
        self._executions, self._doers, self._region = executions, doers, region
        self.name: str = record["PipelineExecutionName"]
        self._role: str = record["RoleArn"]
        self._definition: Definition = parse_definition(record["_Definition"], self._role)
        self._fixed: Mapping[str, Any] = record["_Fixed"]
        self._id: str = record["_Fixed"]["Execution"]["PipelineExecutionId"]
        self._pipeline: str = record["PipelineArn"]
        self._asked: Future[None] = Future()
        self._lock = threading.Lock()
        self._halted: Halt | None = None
        self._working: dict[str, JobWork] = {}

    def run(self) -> None:
        try:
            self._live()
        except BaseException:  # a bug: its traceback goes to the server's log
            self._executions.change(self.name, lambda record, now: finish_execution(record, "Failed", BUG, now))
            raise

    def halt(self, why: Halt) -> None:
        """Begin no more steps, and end what runs."""
        with self._lock:
            self._halted = self._halted or why
            working = list(self._working.values())
        for work in working:
            work.halt(why)

    def settle(self) -> None:
        """Let it look at its record again, which may allow more steps at a time."""
        with self._lock:
            if not self._asked.done():
                self._asked.set_result(None)

    def _parallel(self) -> int:
        """How many steps it may do at a time, as of now."""
        wanted = self._record().get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps", MOST_PARALLEL)
        return min(int(wanted), MOST_PARALLEL)

    def _live(self) -> None:
        running: set[Future[None]] = set()
        with ThreadPoolExecutor(min(MOST_PARALLEL, len(self._definition.steps))) as pool:
            while True:
                begun = self._begun()
                failed = any(step["StepStatus"] == "Failed" for step in begun.values())
                free = max(self._parallel() - len(running), 0)
                if not failed and not self._is_halted():
                    for step in ready(self._definition, begun)[:free]:
                        self._executions.change(self.name, _beginning(step))
                        running.add(pool.submit(self._carry_out, step))
                if not running:
                    break
                self._wait(running)
                for each in [each for each in running if each.done()]:
                    running.remove(each)
                    each.result()
        self._conclude()

    def _wait(self, running: set[Future[None]]) -> None:
        """Return when a step has ended, or `settle` was called."""
        wait({*running, self._asked}, return_when=FIRST_COMPLETED)
        with self._lock:
            if self._asked.done():
                self._asked = Future()

    def _begun(self) -> dict[str, Record]:
        return {step["StepName"]: step for step in self._record()["_Steps"]}

    def _record(self) -> Record:
        return self._executions.get(self.name, self._region).record

    def _is_halted(self) -> bool:
        """Whether it was asked to end, be it before `halt` could find this run."""
        return self._halted is not None or self._record()["PipelineExecutionStatus"] == "Stopping"

    def _conclude(self) -> None:
        failed = any(step["StepStatus"] == "Failed" for step in self._begun().values())

        def change(record: Record, now: float) -> None:
            if self._halted == "abandon":
                finish_execution(record, "Failed", INTERRUPTED, now)
            elif failed:
                finish_execution(record, "Failed", STEP_FAILED, now)
            else:
                finish_execution(record, "Succeeded", "", now)

        self._executions.change(self.name, change)

    def _carry_out(self, step: Step) -> None:
        """A step from its beginning to its end."""
        try:
            self._do(step)
        except HaltedError:
            if self._halted != "abandon":  # else it ends with the execution
                self._tell(step, lambda found, now: finish_step(found, "Stopped", now))
        except StepFailedError as e:
            reason = str(e)
            self._tell(step, lambda found, now: finish_step(found, "Failed", now, reason))
        except (SagesegError, ServiceError) as e:
            told = f"ClientError: {e}"
            self._tell(step, lambda found, now: finish_step(found, "Failed", now, told))
        else:
            self._tell(step, lambda found, now: finish_step(found, "Succeeded", now))

    def _do(self, step: Step) -> None:
        """Raises StepFailedError or HaltedError; SagesegError and ServiceError for values that are not there."""
        values = self._values()
        if step.type == "Fail":
            message = str(resolve(step.arguments.get("ErrorMessage", ""), values))
            self._tell(step, lambda found, _now: found.update(Metadata={"Fail": {"ErrorMessage": message}}))
            raise StepFailedError(message)
        if step.type == "Condition":
            held = [holds(each, values) for each in step.arguments["Conditions"]]
            outcome = str(all(held))
            self._tell(step, lambda found, _now: found.update(Metadata={"Condition": {"Outcome": outcome}}))
            return
        arguments = resolve(step.arguments, values)
        key = cache_key(step.type, arguments)
        if step.cache is not None and self._reuse(step, key, step.cache):
            return
        self._tell(step, lambda found, _now: found.update(_Key=key))
        work = JobWork(self._doers, step, self._id, self._role, self._region)
        with self._lock:
            if self._halted:
                raise HaltedError
            self._working[step.name] = work
        try:
            work.run(arguments, lambda changes: self._progress(step, changes))
        finally:
            with self._lock:
                del self._working[step.name]

    def _reuse(self, step: Step, key: str, seconds: float) -> bool:
        """Take over what an earlier run of the step came to; False where there is none that counts."""
        condition = "kind = ? AND json_extract(record, '$.PipelineArn') = ?"
        executions = self._executions.state.select(condition, (EXECUTIONS.word, self._pipeline))
        runs = earlier_runs((each.record for each in executions), step.name, key, seconds, time.time())
        kept = [run for run in runs if self._doers.is_there(step.type, run[1]["_Job"], self._region)]
        if not kept:
            return False
        arn, done = kept[0]
        taken = {"CacheHitResult": {"SourcePipelineExecutionArn": arn}, "_Key": key}
        taken |= {name: done[name] for name in ("Metadata", "_Job")}
        self._tell(step, lambda found, _now: found.update(taken))
        return True

    def _progress(self, step: Step, changes: Record) -> None:
        def change(found: Record, _now: float) -> None:
            found.update(changes)
            if found["StepStatus"] == "Starting":
                found["StepStatus"] = "Executing"

        self._tell(step, change)

    def _tell(self, step: Step, change: Callable[[Record, float], None]) -> None:
        """Change the record of a step that has begun."""
        self._executions.change(self.name, lambda record, now: change(step_of(record, step.name), now))

    def _values(self) -> Values:
        """Where values come from as of now."""
        execution = {**self._fixed["Execution"], "CurrentDateTime": iso(time.time())}
        return Values({**self._fixed, "Execution": execution}, self._properties, self._file_uri, self._doers.read_json)

    def _properties(self, name: str) -> Any:
        step, begun = self._definition.steps[name], self._begun()[name]
        if step.type not in JOBS:
            return {"Outcome": outcome_of(begun)}
        return self._doers.properties(step.type, begun["_Job"], self._region)

    def _file_uri(self, name: str, file: str) -> str:
        step, begun = self._definition.steps[name], self._begun()[name]
        return self._doers.file_uri(step.type, begun["_Job"], *step.files[file], self._region)


def _beginning(step: Step) -> Callable[[Record, float], None]:
    def change(record: Record, now: float) -> None:
        begun = new_step(step, now)
        if record["PipelineExecutionStatus"] == "Stopping":
            begun["StepStatus"] = "Stopping"
        record["_Steps"].append(begun)

    return change
