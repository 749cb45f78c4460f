"""The CreateHyperParameterTuningJob request, as a pure function of a tuning's settings, and the ranges that it
may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from formats.texts.wording import nearest_or_all
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import KINDS, TABLE, TUNABLE, limits_of
from jobs.contract.log_lines import METRIC_DEFINITIONS
from jobs.contract.registry import is_builtin
from jobs.contract.training_request import TrainingJob, tag_list, training_body

MAX_NAME = 32
"""The longest name of a tuning job: SageMaker appends a number and letters for each training job."""


@dataclass(frozen=True)
class Tuning:
    """What a tuning job varies, and how often. `training` is one training job's settings; its
    hyperparameters that are varied are left out of the static ones."""

    name: str
    training: TrainingJob
    ranges: Mapping[str, Tunable]
    objective: str = "validation:mIOU"
    max_jobs: int = 10
    parallel: int = 1
    strategy: str = "Bayesian"
    seed: int | None = None


def tuning_request(tuning: Tuning) -> dict[str, Any]:
    """The dictionary that `create_hyper_parameter_tuning_job` takes. Raises SagesegError for a range
    that the hyperparameter does not allow."""
    for name, tunable in tuning.ranges.items():
        check_range(name, tunable)
    config: dict[str, Any] = {
        "Strategy": tuning.strategy,
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": tuning.objective},
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": tuning.max_jobs,
            "MaxParallelTrainingJobs": tuning.parallel,
        },
        "ParameterRanges": parameter_ranges(tuning.ranges),
        "TrainingJobEarlyStoppingType": "Off",
    }
    if tuning.seed is not None:
        config["RandomSeed"] = tuning.seed
    return {
        "HyperParameterTuningJobName": tuning.name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": _definition(tuning),
        "Tags": tag_list(tuning.training.tags),
    }


def _definition(tuning: Tuning) -> dict[str, Any]:
    """How each training job trains. The service knows the built-in's metrics and refuses to be told
    them; of any other image it must be told how they stand in the log (developer guide, Define Metrics
    and Environment Variables)."""
    static = {name: value for name, value in tuning.training.hyperparameters.items() if name not in tuning.ranges}
    body = training_body(tuning.training)
    if not is_builtin(tuning.training.image):
        metrics = [{"Name": name, "Regex": pattern} for name, pattern in METRIC_DEFINITIONS.items()]
        body["AlgorithmSpecification"] = {**body["AlgorithmSpecification"], "MetricDefinitions": metrics}
    return {"StaticHyperParameters": static, **body}


def parameter_ranges(ranges: Mapping[str, Tunable]) -> dict[str, list[dict[str, Any]]]:
    """The service's three lists; every bound is a string."""
    kinds = ("Continuous", "Integer", "Categorical")
    lists: dict[str, list[dict[str, Any]]] = {f"{kind}ParameterRanges": [] for kind in kinds}
    for name, tunable in ranges.items():
        if tunable.choices:
            lists["CategoricalParameterRanges"].append({"Name": name, "Values": list(tunable.choices)})
            continue
        kind = "IntegerParameterRanges" if KINDS[name] is int else "ContinuousParameterRanges"
        bounds = {"MinValue": f"{tunable.low:.12g}", "MaxValue": f"{tunable.high:.12g}"}
        lists[kind].append({"Name": name, **bounds, "ScalingType": tunable.scaling})
    return lists


def documented_range(name: str) -> Tunable:
    """The range over which the service tunes a hyperparameter. Raises SagesegError where it does not."""
    if name not in TABLE:
        raise SagesegError(f"--range {name}: no such hyperparameter; {nearest_or_all(name, list(TUNABLE))}")
    limits = limits_of(name)
    if limits.tunable is None:
        reason = limits.untunable or "not tunable"
        raise SagesegError(f"--range {name}: {reason}; expected one of {', '.join(TUNABLE)}")
    return limits.tunable


def check_range(name: str, tunable: Tunable) -> None:
    """Raise SagesegError unless a tuning job may vary this hyperparameter over this range."""
    documented = documented_range(name)
    if not documented.choices:
        _check_bounds(name, tunable)
        return
    allowed = limits_of(name).choices
    wrong = [choice for choice in tunable.choices if choice not in allowed]
    if wrong or len(tunable.choices) < 2:
        shown = f"={','.join(tunable.choices)}" if tunable.choices else ""
        raise SagesegError(f"--range {name}{shown}: expected two or more values from {', '.join(allowed)}")


def _check_bounds(name: str, tunable: Tunable) -> None:
    limits, bounds = limits_of(name), (tunable.low, tunable.high)
    whole = KINDS[name] is not int or all(bound.is_integer() for bound in map(float, bounds))
    if not (whole and all(map(limits.accepts, bounds)) and tunable.low < tunable.high):
        noun = "whole numbers" if KINDS[name] is int else "numbers"
        raise SagesegError(
            f"--range {name}={format_bounds(tunable)}: expected two {noun} {limits.describe_range()}, the smaller first"
        )


def format_bounds(tunable: Tunable) -> str:
    """As `--range` takes them."""
    return f"{tunable.low:g}:{tunable.high:g}"
