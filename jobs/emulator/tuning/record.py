"""A tuning job's record, as DescribeHyperParameterTuningJob answers it, and its training jobs.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from jobs.contract.hyperparameters import TUNING_OBJECTIVE
from jobs.contract.statuses import RUNNING
from jobs.emulator.host.storage import join_uri
from jobs.emulator.store.collection import ResourceKind
from jobs.emulator.store.state import Record
from jobs.emulator.tuning.search import Values

TUNING_JOBS = ResourceKind(
    word="hyper-parameter-tuning-job",
    prefix="HyperParameterTuningJob",
    listed="HyperParameterTuningJobSummaries",
    missing=("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name {name}."),
    taken=(
        "ResourceInUse",
        "Hyperparameter tuning job names must be unique within an AWS account and region, "
        "and a tuning job with this name already exists ({arn})",
    ),
    noun="hyperparameter tuning job",
)
_OF_TUNING = ("DefinitionName", "TuningObjective", "StaticHyperParameters")
"""What a definition has that a training job has not."""


def child_request(request: Record, name: str, values: Values) -> Record:
    """The training job that tries some values. Its hyperparameters also name the objective, which the
    container finds beside its own. Tags are passed on, as documented; checkpoints get a folder for each
    job, which is inferred."""
    definition = request["TrainingJobDefinition"]
    child = {member: value for member, value in definition.items() if member not in _OF_TUNING} | {
        "TrainingJobName": name,
        "HyperParameters": {
            **definition.get("StaticHyperParameters", {}),
            **values,
            TUNING_OBJECTIVE: objective_of(request)[0],
        },
        "Tags": request.get("Tags", []),
    }
    checkpoints = definition.get("CheckpointConfig")
    if checkpoints is not None:
        child["CheckpointConfig"] = {**checkpoints, "S3Uri": join_uri(checkpoints["S3Uri"], name)}
    return child


def objective_of(request: Record) -> tuple[str, bool]:
    """The (metric, whether it is maximized) of a tuning job."""
    config = request["HyperParameterTuningJobConfig"]
    objective = config.get("HyperParameterTuningJobObjective") or request["TrainingJobDefinition"]["TuningObjective"]
    return objective["MetricName"], objective["Type"] == "Maximize"


def objective_value(child: Record, metric: str) -> float | None:
    """What a training job that ended well made of the objective."""
    if child["TrainingJobStatus"] not in ("Completed", "Stopped"):
        return None
    found = {item["MetricName"]: item["Value"] for item in child.get("FinalMetricDataList", [])}
    return found.get(metric)


def summarize_child(child: Record, tuning: Record) -> Record:
    """A training job as ListTrainingJobsForHyperParameterTuningJob tells of it, which says less than its record."""
    metric, maximize = objective_of(tuning)
    value = objective_value(child, metric)
    summary = {**child, "TunedHyperParameters": child["_Tuned"], "ObjectiveStatus": _objective_status(child, value)}
    if value is not None:
        summary["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": "Maximize" if maximize else "Minimize",
            "MetricName": metric,
            "Value": value,
        }
    return summary


def _objective_status(child: Record, value: float | None) -> str:
    if child["TrainingJobStatus"] in RUNNING:
        return "Pending"
    return "Failed" if value is None else "Succeeded"


_COUNTED = {
    "Completed": "Completed",
    "InProgress": "InProgress",
    "Stopping": "InProgress",
    "Failed": "NonRetryableError",
    "Stopped": "Stopped",
}


def progress(children: Sequence[Record]) -> Record:
    """Counters and best training job, of the children's summaries."""
    statuses = Counter(_COUNTED[child["TrainingJobStatus"]] for child in children)
    objectives = Counter(child["ObjectiveStatus"] for child in children)
    counted: Record = {
        "TrainingJobStatusCounters": {name: statuses[name] for name in (*_COUNTED.values(), "RetryableError")},
        "ObjectiveStatusCounters": {name: objectives[name] for name in ("Succeeded", "Pending", "Failed")},
    }
    best = best_child(children)
    return counted if best is None else counted | {"BestTrainingJob": best, "OverallBestTrainingJob": best}


def best_child(children: Sequence[Record]) -> Record | None:
    scored = [child for child in children if child["ObjectiveStatus"] == "Succeeded"]
    return max(scored, key=_goodness, default=None)


def _goodness(child: Record) -> float:
    metric: dict[str, Any] = child["FinalHyperParameterTuningJobObjectiveMetric"]
    value: float = metric["Value"]
    return value if metric["Type"] == "Maximize" else -value
