"""CacheConfig of a step: how long an earlier run of it counts, and which run that is.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html, and its pages on enabling and on default keys
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.emulator.pipelines.expressions import unparsable
from jobs.emulator.store.state import Record

_KEYS = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition"),
    "Transform": ("BatchStrategy", "DataProcessing", "Environment", "ModelName", "TransformInput"),
}
"""What makes two runs of a step alike; where the rest of their arguments differs, they count as one all the same. Steps
of other types have no cache. That of Transform is inferred."""
_OF_TRAINING = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
"""What counts of a tuning step's TrainingJobDefinition."""
_DURATION = re.compile(
    r"P?(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?)?",
    re.IGNORECASE,
)
_DAY = 86_400
_SECONDS = (365 * _DAY, 30 * _DAY, 7 * _DAY, _DAY, 3600, 60)
"""Of the parts of a duration, in its order."""


def parse_cache(given: Any, step_type: str, where: str) -> float | None:
    """For how many seconds an earlier run of a step counts; infinite where none are given, None to run the step always.
    Raises ServiceError."""
    if not isinstance(given, Mapping) or not given.keys() <= {"Enabled", "ExpireAfter"}:
        raise unparsable(f"{where}: CacheConfig {given!r:.100}; expected Enabled and ExpireAfter")
    enabled, after = given.get("Enabled", False), given.get("ExpireAfter")
    if not isinstance(enabled, bool):
        raise unparsable(f"{where}: CacheConfig.Enabled {enabled!r:.100}; expected true or false")
    seconds = math.inf if after is None else _parse_duration(after, where)
    if not enabled:
        return None
    if step_type not in _KEYS:
        raise unparsable(f"{where}: CacheConfig of a step of type {step_type}; expected one of {', '.join(_KEYS)}")
    return seconds


def _parse_duration(text: Any, where: str) -> float:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        raise unparsable(f"{where}: ExpireAfter {text!r:.100}; expected an ISO 8601 duration such as P30D or PT1H30M")
    return float(sum(int(number) * unit for number, unit in zip(found.groups(0), _SECONDS, strict=True)))


def cache_key(step_type: str, arguments: Record) -> str:
    """What is alike of all runs of a step, of its settled arguments, that count as one."""
    counted = {name: arguments.get(name) for name in _KEYS.get(step_type, ())}
    if step_type == "Tuning":
        counted["TrainingJobDefinition"] = {
            name: value for name, value in arguments["TrainingJobDefinition"].items() if name in _OF_TRAINING
        }
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def earlier_runs(
    executions: Iterable[Record], step: str, key: str, seconds: float, now: float
) -> list[tuple[str, Record]]:
    """The runs of a step that count at `now` (epoch seconds), the latest first: the ARN of the execution, and what it
    records of the step. What was taken from another run is none."""
    found = [
        (execution["PipelineExecutionArn"], done)
        for execution in executions
        for done in execution["_Steps"]
        if (done["StepName"], done.get("_Key"), done["StepStatus"]) == (step, key, "Succeeded")
        and "CacheHitResult" not in done
        and now - done["EndTime"] <= seconds
    ]
    return sorted(found, key=lambda run: run[1]["EndTime"], reverse=True)
