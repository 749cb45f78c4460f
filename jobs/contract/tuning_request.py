"""The CreateHyperParameterTuningJob request, as a pure function of a tuning's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import KINDS
from jobs.contract.log_lines import METRIC_DEFINITIONS
from jobs.contract.registry import is_builtin
from jobs.contract.training_request import TrainingJob, tag_list, training_body
from jobs.contract.tunable_ranges import check_range

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
