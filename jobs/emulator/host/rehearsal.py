"""What the user asks to go wrong, and the quotas that hold: `rehearsal.yaml` in the home.

The file is read again whenever it has changed, so that a running emulator heeds it.
docs/emulator.md describes it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from formats.errors import SagesegError
from formats.texts.yaml_text import parse_yaml
from jobs.emulator.api.faults import ServiceError, invalid

FILE_NAME = "rehearsal.yaml"
ANSWERS = ("ok", "throttle", "500", "503", "model-error")
"""What an endpoint can be told to answer to an invocation."""
_EXPECTED: dict[type, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number, 0 or above", lambda value: type(value) is int and value >= 0),
    float: ("a number, 0 or above", lambda value: type(value) in (int, float) and 0 <= value < float("inf")),
    str: ("a text", lambda value: isinstance(value, str)),
}
"""By a setting's type, what it must be, in words and as a check."""


@dataclass(frozen=True)
class Trouble:
    """What any job or endpoint can be told to meet. Times in seconds."""

    capacity_error: bool = False
    start_seconds: float = 0.0


@dataclass(frozen=True)
class TrainingTrouble(Trouble):
    """A step is a line of the log that begins a progress notice: `#progress_notice` or
    `#progress_metric`, counted over the job's whole life from 1. Step 0 is before the first."""

    algorithm_error: str = ""
    fail_at_step: int = 0
    interrupt_at_steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class EndpointTrouble(Trouble):
    """`answers` are what the first invocations get, in order. Serverless and asynchronous endpoints sleep when they
    were not asked for `sleeps_after_seconds`; AWS says of neither how long that is."""

    ping_fails: bool = False
    sleeps_after_seconds: float = 300.0
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class TransformTrouble(Trouble):
    """`fail_objects`: the container fails on objects whose names match. `lose_instance`: the container of the instance
    with this number, from 1, is gone when its first object comes; 0 loses none."""

    fail_objects: str = ""
    lose_instance: int = 0


@dataclass(frozen=True)
class ProcessingTrouble(Trouble):
    """The container of every host whose name matches `fail_hosts` fails with the error's text as its log has so many
    lines; 0 is before it starts."""

    algorithm_error: str = ""
    fail_hosts: str = "*"
    fail_at_line: int = 0


T = TypeVar("T", bound=Trouble)


@dataclass(frozen=True)
class RehearsalPlan:
    """The file's content. The keys of the first four are patterns of names or instance types
    (names hold no dot, instance types do), those of `quotas` of usages such as `ml.p3.2xlarge for
    training job usage`; `calls` says how often an operation is throttled."""

    training_jobs: Mapping[str, TrainingTrouble] = field(default_factory=dict)
    endpoints: Mapping[str, EndpointTrouble] = field(default_factory=dict)
    transform_jobs: Mapping[str, TransformTrouble] = field(default_factory=dict)
    processing_jobs: Mapping[str, ProcessingTrouble] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)

    def check_quota(self, instance_type: str, use: str, current: int, wanted: int = 1) -> None:
        """Raise ServiceError when so many instances more would exceed the quota of a use, such as
        `training job`, of which `current` are in use."""
        usage = f"{instance_type} for {use} usage"
        limit = self.quota_of(usage)
        if limit is not None and current + wanted > limit:
            raise ServiceError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{usage}' is {limit} Instances, with current utilization of "
                f"{current} Instances and a request delta of {wanted} Instances. Please use AWS Service Quotas to "
                "request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to "
                "request an increase for this quota.",
            )

    def quota_of(self, usage: str) -> int | None:
        """The quota of a usage, None without a limit."""
        return next((limit for pattern, limit in self.quotas.items() if fnmatchcase(usage, pattern)), None)


def trouble_of(troubles: Mapping[str, T], none: T, *names: str) -> T:
    """The first of a plan's troubles whose pattern fits the name or the instance type."""
    return next((t for pattern, t in troubles.items() if any(fnmatchcase(name, pattern) for name in names)), none)


class Rehearsal:
    """The plan of a home, always the file's latest. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._plan = RehearsalPlan()
        self._calls: Counter[str] = Counter()

    def plan(self) -> RehearsalPlan:
        """Raises SagesegError when the file cannot be read as a plan."""
        with self._lock:
            version = _version(self._path)
            if version != self._version:
                self._plan = RehearsalPlan() if version is None else read_plan(self._path)
                self._version = version
                self._calls.clear()
            return self._plan

    def admit(self, operation: str) -> None:
        """Raise ServiceError when a call is to be throttled, or the file cannot be read."""
        try:
            limit = self.plan().calls.get(operation, 0)
        except SagesegError as e:
            raise invalid(str(e)) from e
        with self._lock:
            self._calls[operation] += 1
            if self._calls[operation] <= limit:
                raise ServiceError("ThrottlingException", "Rate exceeded")


def _version(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_mtime_ns, found.st_size


def read_plan(path: Path) -> RehearsalPlan:
    """Read and check a plan. Raises SagesegError that names the file, the place in it and what was
    expected."""
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read as YAML ({e}); mend or remove it") from e
    try:
        return _plan(content or {})
    except ValueError as e:
        raise SagesegError(f"{path}: {e}; mend or remove it") from e


def _plan(content: Any) -> RehearsalPlan:
    sections = _mapping(content, "the file", list(_SECTIONS))
    read: dict[str, Any] = {
        name: {key: parse(value, f"{name}.{key}") for key, value in _mapping(sections[name], name).items()}
        for name, parse in _SECTIONS.items()
        if name in sections
    }
    return RehearsalPlan(**read)


def _mapping(value: Any, where: str, known: list[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{where} is {value!r}; expected names with values")
    unknown = [key for key in value if known is not None and key not in known]
    if unknown:
        raise ValueError(f"{where}: {unknown[0]!r} is not known; expected one of {', '.join(known or ())}")
    return value


def _trouble(kind: type[Trouble], value: Any, where: str) -> Trouble:
    defaults = {setting.name: setting.default for setting in fields(kind)}
    given = _mapping(value, where, list(defaults))
    return kind(**{name: _typed(defaults[name], item, f"{where}.{name}") for name, item in given.items()})


def _typed(default: Any, value: Any, where: str) -> Any:
    """The value, of the default's type. A list's items are steps, or answers under that name."""
    if isinstance(default, tuple):
        read = _answer if where.endswith(".answers") else partial(_typed, 0)
        return tuple(read(item, where) for item in (value if isinstance(value, list) else [value]))
    expected, accepts = _EXPECTED[type(default)]
    if not accepts(value):
        raise ValueError(f"{where} is {value!r}; expected {expected}")
    return value


def _answer(value: Any, where: str) -> str:
    if str(value) not in ANSWERS:
        raise ValueError(f"{where} holds {value!r}; expected {', '.join(ANSWERS)}")
    return str(value)


_SECTIONS: dict[str, Callable[[Any, str], Any]] = {
    "training_jobs": partial(_trouble, TrainingTrouble),
    "endpoints": partial(_trouble, EndpointTrouble),
    "transform_jobs": partial(_trouble, TransformTrouble),
    "processing_jobs": partial(_trouble, ProcessingTrouble),
    "quotas": partial(_typed, 0),
    "calls": partial(_typed, 0),
}
"""What reads a value of each section of the file."""
