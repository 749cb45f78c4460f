"""What CreateHyperParameterTuningJob refuses beyond the service model.

Texts that begin with "You don't have", "A metric is required" and "The hyperparameter tuning job
you requested" are AWS's, from public issues; the others are ours.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator

from jobs.contract.hyperparameters import TUNABLE
from jobs.contract.log_lines import METRIC_DEFINITIONS
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import image_rules
from jobs.emulator.host.storage import Storage
from jobs.emulator.store.state import Record
from jobs.emulator.training.rules import check_training_request
from jobs.emulator.tuning.record import child_request, objective_of
from jobs.emulator.tuning.search import Categories, NumberRange, Range

OBJECTIVES = ("validation:mIOU", "validation:pixel_accuracy")
"""By what the built-in lets be tuned (developer guide, "Tuning a Semantic Segmentation Model")."""


def check_tuning_request(request: Record, storage: Storage) -> list[Range]:
    """The ranges to search. Raises ServiceError or SagesegError for what cannot be started."""
    for problem in _not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    _check_strategy(request["HyperParameterTuningJobConfig"]["Strategy"])
    ranges = read_ranges(request["HyperParameterTuningJobConfig"]["ParameterRanges"])
    _check_ranges(ranges, request)
    for values in _probes(ranges):
        check_training_request(child_request(request, "probe", values), storage)
    _check_algorithm(request, ranges)
    _check_limits(request["HyperParameterTuningJobConfig"]["ResourceLimits"], ranges)
    return ranges


def _not_emulated(request: Record) -> Iterator[str]:
    yield from (name for name in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune") if name in request)
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None:
        yield "A tuning job without TrainingJobDefinition"
        return
    yield from (name for name in ("StrategyConfig", "TuningJobCompletionCriteria") if name in config)
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield "TrainingJobEarlyStoppingType Auto"
    if "ParameterRanges" not in config or config["ParameterRanges"].get("AutoParameters"):
        yield "A tuning job without ParameterRanges, or with AutoParameters,"
    if "HyperParameterRanges" in definition or "HyperParameterTuningResourceConfig" in definition:
        yield "HyperParameterRanges or HyperParameterTuningResourceConfig in TrainingJobDefinition"
    if "HyperParameterTuningJobObjective" not in config and "TuningObjective" not in definition:
        yield "A tuning job without HyperParameterTuningJobObjective"
    if "AlgorithmName" in definition["AlgorithmSpecification"]:
        yield "AlgorithmName"


def _check_strategy(strategy: str) -> None:
    if strategy not in ("Random", "Bayesian"):
        raise invalid(f"Strategy {strategy} is not emulated; expected Random or Bayesian")
    if strategy == "Bayesian" and importlib.util.find_spec("optuna") is None:
        raise invalid("Strategy Bayesian needs Optuna; install it with pip install optuna, or use Random")


def read_ranges(parameter_ranges: Record) -> list[Range]:
    """The ranges of a request. Raises ServiceError for numbers that are none."""
    ranges: list[Range] = []
    for member, whole in (("IntegerParameterRanges", True), ("ContinuousParameterRanges", False)):
        for given in parameter_ranges.get(member, []):
            low, high = (_number(given, bound, whole=whole) for bound in ("MinValue", "MaxValue"))
            ranges.append(NumberRange(given["Name"], low, high, whole, given.get("ScalingType", "Auto")))
    categorical = parameter_ranges.get("CategoricalParameterRanges", [])
    return ranges + [Categories(given["Name"], tuple(dict.fromkeys(given["Values"]))) for given in categorical]


def _number(given: Record, bound: str, *, whole: bool) -> float:
    try:
        value = int(given[bound]) if whole else float(given[bound])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        noun = "a whole number" if whole else "a number"
        raise invalid(f"{bound} of {given['Name']} is {given[bound]!r}; expected {noun}")
    return value


def _check_ranges(ranges: list[Range], request: Record) -> None:
    names = [found.name for found in ranges]
    if not names:
        raise invalid("ParameterRanges is empty; expected at least one range")
    fixed = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    for found in ranges:
        if names.count(found.name) > 1 or found.name in fixed:
            raise invalid(f"Hyperparameter {found.name} is given twice, as a range and once more")
        problem = found.problem() if isinstance(found, NumberRange) else None
        if problem:
            raise invalid(f"Range of {found.name}: {problem}")


def _probes(ranges: list[Range]) -> Iterator[dict[str, str]]:
    """Values that reach every end of every range and every category."""
    most = max(2, *(len(r.values) for r in ranges if isinstance(r, Categories)), 2)
    for number in range(most):
        yield {
            r.name: r.values[number % len(r.values)] if isinstance(r, Categories) else r.at(number % 2) for r in ranges
        }


def _check_algorithm(request: Record, ranges: list[Range]) -> None:
    metric, _ = objective_of(request)
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    image = algorithm["TrainingImage"]
    if image_rules(image) != "builtin":
        own = algorithm.get("MetricDefinitions")
        if metric not in ([definition["Name"] for definition in own] if own else METRIC_DEFINITIONS):
            raise invalid(
                "A metric is required for this hyperparameter tuning job objective. "
                "Provide a metric in the metric definitions."
            )
        return
    if metric not in OBJECTIVES:
        raise invalid(f"Objective metric {metric} is not one of the algorithm's: {', '.join(OBJECTIVES)}")
    untunable = [found.name for found in ranges if found.name not in TUNABLE]
    if untunable:
        raise invalid(
            "The hyperparameter tuning job you requested contains the following untunable hyperparameters: "
            f"[{', '.join(untunable)}]. For the algorithm, {image}, you can tune only [{', '.join(sorted(TUNABLE))}]. "
            "Delete untunable hyperparameters."
        )


def _check_limits(limits: Record, ranges: list[Range]) -> None:
    most = limits.get("MaxNumberOfTrainingJobs")
    if most is None:
        raise invalid("ResourceLimits.MaxNumberOfTrainingJobs is missing; a search without it is not emulated")
    if limits["MaxParallelTrainingJobs"] > most:
        raise invalid(f"MaxParallelTrainingJobs exceeds MaxNumberOfTrainingJobs {most}")
    combinations = math.prod(found.count for found in ranges)
    if combinations < most:
        raise invalid(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{float(combinations)}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )
