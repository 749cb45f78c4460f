"""What a step does: its job created, followed to its end and ended before its time; where its values come from."""

from __future__ import annotations

import json
import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.emulator.api import wire
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.runs import Halt, Runs
from jobs.emulator.host.storage import Storage, StoredObject, join_uri
from jobs.emulator.pipelines.definition import Step
from jobs.emulator.pipelines.kinds import CHILDREN, JOBS, job_name, request_of
from jobs.emulator.pipelines.retries import exception_of_call, exception_of_job, policy_for
from jobs.emulator.store.state import Record
from jobs.emulator.tuning.record import objective_of

MAX_JSON = 2**24
"""Bytes of a property file."""
_LETTERS = string.ascii_letters + string.digits
Progress = Callable[[Record], None]
"""Takes what of a step's record has changed."""


class StepFailedError(Exception):
    """Why a step failed: its FailureReason."""


class HaltedError(Exception):
    """The step was ended before its time."""


class Doers:
    """The emulator's other operations, as steps use them. `runs`: what runs now, by the type of step."""

    def __init__(
        self,
        operations: Mapping[tuple[str, str], Operation],
        runs: Mapping[str, Runs[Any]],
        storage: Storage,
        admit: Callable[[str], None],
    ) -> None:
        self._operations, self.runs, self.storage, self._admit = operations, runs, storage, admit

    def call(self, operation: str, request: Record, region: str) -> Record:
        """An operation's answer to a request that is checked as one that comes over the wire. Raises ServiceError."""
        parsed = wire.parse_request("sagemaker", operation, json.dumps(request).encode())
        self._admit(operation)
        try:
            return self._operations["sagemaker", operation](parsed, region)
        except SagesegError as e:
            raise ServiceError("ValidationException", str(e)) from e

    def describe(self, step_type: str, name: str, region: str) -> Record:
        """A job as its Describe call tells it."""
        job = JOBS[step_type]
        return self._operations["sagemaker", job.describe]({job.kind.name_member: name}, region)

    def settle_group(self, group: str, region: str) -> None:
        """Create the group of a RegisterModel step where it is not there, as Amazon's own examples rely on. Raises
        ServiceError."""
        try:
            self.call("CreateModelPackageGroup", {"ModelPackageGroupName": group}, region)
        except ServiceError as e:
            if "already exists" not in e.message:
                raise

    def is_there(self, step_type: str, name: str, region: str) -> bool:
        """Whether a job can still be described."""
        try:
            self.describe(step_type, name, region)
        except ServiceError:
            return False
        return True

    def properties(self, step_type: str, name: str, region: str) -> Record:
        """What later steps may take of a job: its description, and of a tuning job its training jobs, the best
        first."""
        record = self.describe(step_type, name, region)
        if step_type != "Tuning":
            return record
        order = "Descending" if objective_of(record)[1] else "Ascending"
        request = {JOBS["Tuning"].kind.name_member: name, "StatusEquals": "Completed", "MaxResults": 100}
        request |= {"SortBy": "FinalObjectiveMetricValue", "SortOrder": order}
        listed = self._operations["sagemaker", "ListTrainingJobsForHyperParameterTuningJob"](request, region)
        return record | {CHILDREN: listed[CHILDREN]}

    def file_uri(self, step_type: str, name: str, output: str, path: str, region: str) -> str:
        """Where a property file of a processing job lies."""
        outputs = self.describe(step_type, name, region).get("ProcessingOutputConfig", {}).get("Outputs", [])
        for each in outputs:
            if each["OutputName"] == output:
                return join_uri(each["S3Output"]["S3Uri"], path)
        raise SagesegError(f"The job {name} has no output {output!r}, in which its property file should lie")

    def read_json(self, uri: str) -> Any:
        """The content of a JSON file. Raises SagesegError, which names it."""
        content = self.storage.read(StoredObject("", uri, file_uri_path(uri) if is_file_uri(uri) else None), MAX_JSON)
        if len(content) > MAX_JSON:
            raise SagesegError(f"{uri}: over {MAX_JSON} bytes; expected a small JSON file")
        try:
            return parse_json(content)
        except ValueError as e:
            raise SagesegError(f"{uri}: not JSON ({e})") from e


class JobWork:
    """A step that is a job, in a thread of its own; `halt` comes from others.

    The lock guards which job runs, and whether it is over: no job starts after its end was asked for, and none that has
    started is missed by it.
    """

    def __init__(self, doers: Doers, step: Step, execution: str, role: str, region: str) -> None:
        self._doers, self._step, self._execution, self._role, self._region = doers, step, execution, role, region
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._halted: Halt | None = None
        self._current = ""

    def run(self, arguments: Record, tell: Progress) -> None:
        """Carry out the step with its settled arguments, as often as its policies say. Raises StepFailedError,
        HaltedError."""
        began, retried = time.monotonic(), 0
        while True:
            reason, exception = self._attempt(arguments, retried + 1, tell)
            if not reason:
                return
            policy = policy_for(self._step.retries, exception)
            pause = policy.pause(retried, time.monotonic() - began) if policy else None
            if pause is None:
                raise StepFailedError(reason)
            retried += 1
            if self._awake.wait(pause):
                raise HaltedError

    def halt(self, why: Halt) -> None:
        """End the job that runs, if one does, and start no more."""
        with self._lock:
            self._halted = self._halted or why
            current = self._current
        self._awake.set()
        if current:
            self._end(current, why)

    def _end(self, name: str, why: Halt) -> None:
        kind = self._step.type
        run = self._doers.runs[kind].get(name) if kind in self._doers.runs else None
        if run is None:
            return
        if why == "abandon":
            run.halt(why)
            return
        with suppress(ServiceError):  # it has just ended
            prefix = JOBS[kind].kind.prefix
            self._doers.call(f"Stop{prefix}", {f"{prefix}Name": name}, self._region)

    def _attempt(self, arguments: Record, number: int, tell: Progress) -> tuple[str, str | None]:
        """One job from its start to its end: why it failed, empty when it did not, and what kind of failure that is
        to a policy."""
        kind, job = self._step.type, JOBS[self._step.type]
        name = job_name(kind, self._execution, self._step.name, "".join(secrets.choice(_LETTERS) for _ in range(10)))
        with self._lock:
            if self._halted:
                raise HaltedError
            self._current = name
        try:
            group = arguments.get(job.numbered, "arn:")
            if not str(group).startswith("arn:"):
                self._doers.settle_group(group, self._region)
            answer = self._doers.call(job.create, request_of(kind, arguments, name, self._role), self._region)
        except ServiceError as e:
            reason = f"ClientError: Failed to invoke sagemaker:{job.create}. Error Details: {e.message}"
            return reason, exception_of_call(e.code)
        arn = answer[job.kind.arn_member]
        told = {"Metadata": {job.metadata: {"Arn": arn}}, "_Job": arn.partition("/")[2], "AttemptCount": number}
        tell(told)
        if kind not in self._doers.runs:
            return "", None
        halted = self._why_halted()
        if halted:  # it came between
            self._end(name, halted)
        self._doers.runs[kind].wait(name)
        return self._judge(name)

    def _why_halted(self) -> Halt | None:
        with self._lock:
            return self._halted

    def _judge(self, name: str) -> tuple[str, str | None]:
        """How a job ended, as `_attempt` answers it."""
        job = JOBS[self._step.type]
        record = self._doers.describe(self._step.type, name, self._region)
        status = record[job.kind.status_member]
        if status == "Completed":
            return "", None
        if self._why_halted():
            raise HaltedError
        if status == "Stopped":
            return f"ClientError: {job.metadata} {name} was stopped, or its time was over", None
        reason = record.get("FailureReason", "")
        return reason, exception_of_job(reason, self._step.type)
