"""The steps that are jobs of SageMaker: which operations carry them out, and what their arguments may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobs.contract.service_model import describe_violations, find_violations, join_path, load_service
from jobs.emulator.endpoints.models import MODELS
from jobs.emulator.packages.record import MODEL_PACKAGES
from jobs.emulator.pipelines.expressions import Path, expressions_in, unparsable
from jobs.emulator.processing.record import PROCESSING_JOBS
from jobs.emulator.store.collection import ResourceKind
from jobs.emulator.store.state import Record
from jobs.emulator.training.record import TRAINING_JOBS
from jobs.emulator.transform.record import TRANSFORM_JOBS
from jobs.emulator.tuning.record import TUNING_JOBS

CHILDREN = "TrainingJobSummaries"
"""A tuning step has its training jobs, the best first, beside what its description says."""


@dataclass(frozen=True)
class JobKind:
    """`metadata` names it in a list of steps; `role` is the member that the pipeline's role fills where it is open."""

    kind: ResourceKind
    metadata: str
    role: str | None = None
    longest: int = 63
    """Characters of a name."""
    numbered: str = ""
    """The member by which it gets a number in a group instead of a name."""

    @property
    def create(self) -> str:
        return f"Create{self.kind.prefix}"

    @property
    def describe(self) -> str:
        return f"Describe{self.kind.prefix}"


JOBS = {
    "Processing": JobKind(PROCESSING_JOBS, "ProcessingJob", "RoleArn"),
    "Training": JobKind(TRAINING_JOBS, "TrainingJob", "RoleArn"),
    "Tuning": JobKind(TUNING_JOBS, "TuningJob", longest=32),
    "Model": JobKind(MODELS, "Model", "ExecutionRoleArn"),
    "RegisterModel": JobKind(MODEL_PACKAGES, "RegisterModel", numbered="ModelPackageGroupName"),
    "Transform": JobKind(TRANSFORM_JOBS, "TransformJob"),
}
"""By the type of their steps."""


def request_of(step_type: str, arguments: Record, name: str, role: str) -> Record:
    """The request that carries a step's settled arguments out."""
    job = JOBS[step_type]
    filled = {job.role: role} if job.role and job.role not in arguments else {}
    named = {} if job.numbered in arguments else {job.kind.name_member: name}
    return {**arguments, **filled, **named}


def job_name(step_type: str, execution: str, step: str, random: str) -> str:
    """The name of a step's job, as AWS makes it: `pipelines-<execution>-<step>-<random>`, the step's name cut to what
    is left; a tuning job's, which may have 32 characters, without the beginning."""
    head, longest = ("" if step_type == "Tuning" else "pipelines-") + execution, JOBS[step_type].longest
    middle = step.replace("_", "-")[: longest - len(head) - len(random) - 2].strip("-")
    return "-".join(filter(None, [head, middle, random]))


def knows_property(step_type: str, member: str) -> bool:
    """Whether a step's description has such a member."""
    shape: Any = load_service("sagemaker").operation_model(JOBS[step_type].describe).output_shape
    return member in shape.members or (step_type == "Tuning" and member == CHILDREN)


def check_arguments(step_type: str, arguments: Record, role: str, where: str) -> None:
    """Raise ServiceError for arguments that its operation would not take, whatever their expressions come to."""
    job = JOBS[step_type]
    model: Any = load_service("sagemaker").operation_model(job.create).input_shape
    for member in arguments:
        if member == job.kind.name_member:
            raise unparsable(f"{where}: {member}, a name of one's own, is not emulated; leave it out")
        if member not in model.members:
            raise unparsable(f"Unknown Argument member '{member}' ({where}).")
    request = request_of(step_type, arguments, "name", role)
    open_places = [_as_words(found.place, request) for found in expressions_in(request)]
    wrong = [
        violation
        for violation in find_violations("sagemaker", job.create, request, file_uris=True)
        if not any(_meet(place, _split(violation.path)) for place in open_places)
    ]
    if wrong:
        raise unparsable(f"{where}: {describe_violations(wrong)}")


def _meet(place: list[str], other: list[str]) -> bool:
    """Whether one of two places holds the other."""
    shorter = min(len(place), len(other))
    return place[:shorter] == other[:shorter]


def _split(path: str) -> list[str]:
    return [word for word in path.split(".") if word != "member"]


def _as_words(place: Path, request: Record) -> list[str]:
    """A place as violations tell it, whose lists begin at 1."""
    return list(_words(place, request))


def _words(place: Path, value: Any) -> Iterator[str]:
    for part in place:
        yield str(part + 1) if isinstance(part, int) else join_path("", part)
        value = value[part]
