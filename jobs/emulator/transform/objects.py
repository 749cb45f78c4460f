"""Batch transform's work on objects: each goes to the container whole and comes back as `<name>.out`.

A failing object does not end the others; the job fails at the end (API reference, TransformOutput).
The lines of the data log are those of real jobs, from public issues.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from jobs.emulator.host.serving_container import Answer, NoAnswerError, ServingContainer
from jobs.emulator.host.storage import Storage, StoredObject
from jobs.emulator.store.state import Record
from jobs.emulator.transform.record import DEFAULT_CONCURRENT, DEFAULT_PAYLOAD_MB

DEFAULT_TIMEOUT_SECONDS, DEFAULT_RETRIES = 600, 3
MAX_ANSWER_BYTES = 2**30
"""No limit of a batch answer is documented; this one only protects the machine."""
_PARAMETER_SECONDS = 5.0
_NO_ANSWER = "Unable to get response from algorithm"
Failure = Literal["ClientError", "AlgorithmError"]
_FAILURES: tuple[Failure, ...] = ("ClientError", "AlgorithmError")
"""The kinds of an object's failure; of several that were met the first gives the job its reason."""


@dataclass(frozen=True)
class Settings:
    """How objects are sent. Times in seconds, payload in MiB."""

    concurrent: int
    payload_mb: int
    seconds: float
    retries: int
    headers: dict[str, str]
    output_uri: str
    fail_objects: str = ""
    strategy: str = "MULTI_RECORD"


def settings_of(record: Record, fail_objects: str) -> Settings:
    """What a job's record asks for; 0 stands for what only the container can tell."""
    client = record.get("ModelClientConfig", {})
    given, made = record["TransformInput"], record["TransformOutput"]
    headers = {"Content-Type": given.get("ContentType"), "Accept": made.get("Accept")}
    return Settings(
        concurrent=record.get("MaxConcurrentTransforms", 0),
        payload_mb=record.get("MaxPayloadInMB", 0),
        seconds=client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS),
        retries=client.get("InvocationsMaxRetries", DEFAULT_RETRIES),
        headers={name: value for name, value in headers.items() if value},
        output_uri=made["S3OutputPath"],
        fail_objects=fail_objects,
        strategy={"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}[record["BatchStrategy"]],
    )


def complete_settings(settings: Settings, serving: ServingContainer) -> Settings:
    """Settle what the request left open with the container's `/execution-parameters`, where it has
    that page, or with the service's defaults."""
    try:
        answer = serving.ask("GET", "/execution-parameters", seconds=_PARAMETER_SECONDS, limit=2**16)
        advertised = parse_json(answer.body) if answer.good else {}
    except (NoAnswerError, ValueError):
        advertised = {}
    return replace(
        settings,
        concurrent=settings.concurrent or _positive(advertised, "MaxConcurrentTransforms", DEFAULT_CONCURRENT),
        payload_mb=settings.payload_mb or _positive(advertised, "MaxPayloadInMB", DEFAULT_PAYLOAD_MB),
    )


def _positive(advertised: Any, name: str, default: int) -> int:
    value = advertised.get(name) if isinstance(advertised, dict) else None
    return value if type(value) is int and value > 0 else default


def reason_of(met: Collection[Failure]) -> str:
    """Why a job fails whose objects met such failures; empty without one."""
    first = next((kind for kind in _FAILURES if kind in met), None)
    return f"{first}: See job logs for more information" if first else ""


class ObjectTransform:
    """Sends objects through a container. `log` takes the lines of the data log."""

    def __init__(
        self, storage: Storage, serving: ServingContainer, settings: Settings, log: Callable[[str], None]
    ) -> None:
        self._storage, self._serving, self._settings, self._log = storage, serving, settings, log
        self._log_lock = threading.Lock()

    def run(self, objects: Iterable[StoredObject], halted: threading.Event) -> set[Failure]:
        """Transform all objects until halted; answers the kinds of failures met."""
        s = self._settings
        self._say(f"MaxConcurrentTransforms={s.concurrent}, MaxPayloadInMB={s.payload_mb}, BatchStrategy={s.strategy}")

        def work(found: StoredObject) -> Failure | None:
            return None if halted.is_set() else self._transform(found)

        with ThreadPoolExecutor(s.concurrent) as pool:
            return {kind for kind in pool.map(work, objects) if kind is not None}

    def _transform(self, found: StoredObject) -> Failure | None:
        """Transform one object; answers the kind of failure, None when it went well."""
        limit = self._settings.payload_mb * 2**20
        try:
            content = self._storage.read(found, limit)
            if len(content) > limit:
                return self._complain(found, "ClientError: Too much data for max payload size")
            answer = self._ask(found, content)
            if answer is None:
                return self._complain(found, _NO_ANSWER)
            if not answer.good:
                return self._refused(found, answer)
            self._storage.write(answer.body, self._settings.output_uri, f"{found.name}.out")
        except SagesegError as e:
            return self._complain(found, f"ClientError: {e}")
        return None

    def _ask(self, found: StoredObject, content: bytes) -> Answer | None:
        """The container's answer, after as many tries as the job allows; what it refuses (4xx) is
        not tried again."""
        s = self._settings
        if s.fail_objects and fnmatchcase(found.name, s.fail_objects):
            return Answer(500, "", None, b"rehearsed failure of the model")
        answer = None
        for _ in range(1 + s.retries):
            try:
                answer = self._serving.ask(
                    "POST", "/invocations", seconds=s.seconds, limit=MAX_ANSWER_BYTES, body=content, headers=s.headers
                )
            except NoAnswerError:
                answer = None
            else:
                if answer.status < 500:
                    break
        return answer

    def _refused(self, found: StoredObject, answer: Answer) -> Failure:
        client = 400 <= answer.status < 500
        head = (
            f"ClientError: {answer.status}" if client else f"Bad HTTP status received from algorithm: {answer.status}"
        )
        return self._complain(found, head, "", "Message:", answer.body.decode("utf-8", "replace"))

    def _complain(self, found: StoredObject, *lines: str) -> Failure:
        place = found.uri.partition("://")[2].lstrip("/")
        for line in lines:
            self._say(f"{place}: {line}")
        return "ClientError" if lines[0].startswith("ClientError") else "AlgorithmError"

    def _say(self, line: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").partition("+")[0]
        with self._log_lock:
            self._log(f"{stamp}:[sagemaker logs]: {line}")
