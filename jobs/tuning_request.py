"""The CreateHyperParameterTuningJob request, as a pure function of a tuning's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from formats.errors import SagesegError
from jobs.hyperparameters import KINDS, TABLE, TUNABLE, limits_of
from jobs.limits import Tunable
from jobs.training_request import TrainingJob, tag_list, training_body

OBJECTIVES = ("validation:mIOU", "validation:pixel_accuracy")
"""What the built-in algorithm may be tuned for; both are maximised (developer guide)."""
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
    strategy: Literal["Bayesian", "Random", "Hyperband", "Grid"] = "Bayesian"


def tuning_request(tuning: Tuning) -> dict[str, Any]:
    """The dictionary that `create_hyper_parameter_tuning_job` takes. Raises SagesegError for a range
    that the hyperparameter does not allow."""
    for name, tunable in tuning.ranges.items():
        check_range(name, tunable)
    static = {name: value for name, value in tuning.training.hyperparameters.items() if name not in tuning.ranges}
    return {
        "HyperParameterTuningJobName": tuning.name,
        "HyperParameterTuningJobConfig": {
            "Strategy": tuning.strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": tuning.objective},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": tuning.max_jobs,
                "MaxParallelTrainingJobs": tuning.parallel,
            },
            "ParameterRanges": parameter_ranges(tuning.ranges),
            "TrainingJobEarlyStoppingType": "Off",
        },
        "TrainingJobDefinition": {"StaticHyperParameters": static, **training_body(tuning.training)},
        "Tags": tag_list(tuning.training.tags),
    }


def parameter_ranges(ranges: Mapping[str, Tunable]) -> dict[str, list[dict[str, Any]]]:
    """The service's three lists; every bound is a string."""
    lists: dict[str, list[dict[str, Any]]] = {
        "ContinuousParameterRanges": [],
        "IntegerParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for name, tunable in ranges.items():
        if tunable.choices:
            lists["CategoricalParameterRanges"].append({"Name": name, "Values": list(tunable.choices)})
            continue
        kind = "IntegerParameterRanges" if KINDS[name] is int else "ContinuousParameterRanges"
        bounds = {"MinValue": f"{tunable.low:.12g}", "MaxValue": f"{tunable.high:.12g}"}
        lists[kind].append({"Name": name, **bounds, "ScalingType": tunable.scaling})
    return lists


def check_range(name: str, tunable: Tunable) -> None:
    """Raise SagesegError unless a tuning job may vary this hyperparameter over this range."""
    if name not in TABLE:
        raise SagesegError(f"--range {name}: no such hyperparameter; expected one of {', '.join(TUNABLE)}")
    limits = limits_of(name)
    if limits.tunable is None:
        reason = limits.untunable or "not tunable"
        raise SagesegError(f"--range {name}: {reason}; expected one of {', '.join(TUNABLE)}")
    if limits.tunable.choices:
        wrong = [choice for choice in tunable.choices if choice not in limits.choices]
        if wrong or not tunable.choices:
            raise SagesegError(f"--range {name}: expected values from {', '.join(limits.choices)}")
        return
    _check_bounds(name, tunable)


def _check_bounds(name: str, tunable: Tunable) -> None:
    limits = limits_of(name)
    whole = KINDS[name] is not int or (tunable.low == int(tunable.low) and tunable.high == int(tunable.high))
    if not (whole and limits.accepts(tunable.low) and limits.accepts(tunable.high) and tunable.low < tunable.high):
        noun = "whole numbers" if KINDS[name] is int else "numbers"
        raise SagesegError(
            f"--range {name}={tunable.low:g}:{tunable.high:g}: expected two {noun} {limits.describe_range()}, "
            "the smaller first"
        )
