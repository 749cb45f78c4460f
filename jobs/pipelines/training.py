"""The training of a pipeline: the very request of `jobs train` or `jobs tune`, for a dataset that is yet to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from formats.classes import BACKGROUND, ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.prepared.preparation import ENVIRONMENT
from jobs.contract.hyperparameters import FROM_DATASET
from jobs.contract.registry import is_builtin
from jobs.pipelines.references import STAND_IN, Expression, json_get, place
from jobs.training.options import TrainOptions
from jobs.training.plan import Attempt, JobPlan, Surroundings, plan_training
from jobs.tuning.options import TuningOptions
from jobs.tuning.plan import plan_tuning

CHANNELS, MODELS = "channels", "models"
"""The places that a training reads and writes."""
_CANNOT = {
    "data": "its channels are made on the way",
    "output": "artefacts go below the pipeline's --out",
    "model": "it trains from the beginning",
    "label_map": "the masks of its own dataset need none",
    "augmented_manifest": "it reads channels",
}
_NAME = "training"
"""Of the checkpoints too; the job itself is named by its pipeline."""
_SAMPLES = 1_000_000
"""Training images that no batch is larger than: how many there are, the dataset tells."""


class _Unmade(Dataset):
    """A dataset of which nothing is known yet."""

    def kept(self, split: str) -> list[ManifestRow]:
        return [ManifestRow("image", split, "group", "image.jpg", 0, 0, 1, 1, 1, 1)] * _SAMPLES

    @property
    def digest(self) -> str:
        return ""


UNMADE = _Unmade(Path(STAND_IN), ClassTable((BACKGROUND, "object")), (), {})


@dataclass(frozen=True)
class Trained:
    """What a pipeline trains: its request, of a training job or a tuning job, and what that may cost."""

    attempt: Attempt
    lines: tuple[str, ...] = ()

    @property
    def is_tuning(self) -> bool:
        return self.attempt.kind == "tuning"

    @property
    def image(self) -> str:
        return self.attempt.job.image


def plan_trained(
    given: Mapping[str, str],
    options: TrainOptions,
    around: Surroundings,
    tuning: TuningOptions | None = None,
    *,
    volume_gb: int,
) -> Trained:
    """Settle the training, checked as the service would. `volume_gb` is its disk where the options name none: how
    large the dataset will be, nobody knows.

    Raises SagesegError for what a pipeline cannot do.
    """
    for name, why in _CANNOT.items():
        if getattr(options.data, name):
            raise SagesegError(f"--{name.replace('_', '-')}: not in a pipeline, {why}; leave it out")
    for name in ("like", "name"):
        if getattr(options.start, name):
            raise SagesegError(f"--{name}: not in a pipeline; leave it out")
    wanted = options.machine.instance_type or ()
    machine = replace(options.machine, volume_size=options.machine.volume_size or volume_gb)
    local = options.start.backend == "local"  # where it reads what stands in for a dataset
    data = replace(options.data, output=place(MODELS), data=None if local else place(CHANNELS))
    start = replace(options.start, name=_NAME)  # one with the time in it would make another definition each time
    options = replace(options, machine=machine, data=data, start=start)
    plan: JobPlan
    if tuning is None:
        plan = plan_training(UNMADE, given, options, around)
    else:
        plan = plan_tuning(UNMADE, given, options, tuning, around)
    kind = plan.attempts[0].job.instance_type
    return Trained(plan.attempts[0], (*plan.lines, *one_type("trains", kind, wanted, "TrainInstanceType")))


def one_type(does: str, taken: str, wanted: Sequence[str], parameter: str) -> list[str]:
    """What is to be said where several instance types are named, of which a step takes one."""
    if len(wanted) < 2:
        return []
    return [f"note: a pipeline {does} on one type, {taken}; its parameter {parameter} names another at its start"]


def with_facts(request: Mapping[str, Any], step: str, file: str) -> dict[str, Any]:
    """A request whose hyperparameters that tell of the dataset are those of a property file; the open implementation
    is told by it too how the images were prepared."""
    facts: dict[str, Expression] = {name: json_get(step, file, name) for name in FROM_DATASET}
    if "TrainingJobDefinition" in request:
        inner = request["TrainingJobDefinition"]
        static = {**inner["StaticHyperParameters"], **facts}
        return {**request, "TrainingJobDefinition": {**_prepared(inner, step, file), "StaticHyperParameters": static}}
    return {**_prepared(request, step, file), "HyperParameters": {**request["HyperParameters"], **facts}}


def _prepared(job: Mapping[str, Any], step: str, file: str) -> dict[str, Any]:
    if is_builtin(job["AlgorithmSpecification"]["TrainingImage"]):
        return dict(job)
    told = {name: json_get(step, file, name) for name in ENVIRONMENT.values()}
    return {**job, "Environment": {**job.get("Environment", {}), **told}}
