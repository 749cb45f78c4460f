"""From a dataset and settings to the exact training requests: pure but for the sizes of the dataset's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aws.names import ATTEMPT_TAG, DATASET_TAG, check_name, default_name, numbered
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.prepared.label_map import read_label_maps
from formats.prepared.preparation import ENVIRONMENT, dataset_preparation
from formats.state_home import models_folder
from jobs.backends import LOCAL_ROLE
from jobs.contract.hyperparameters import Hyperparameters, Rules, parse_hyperparameters, without_effect
from jobs.contract.registry import OPEN_IMAGE, builtin_image, is_builtin
from jobs.contract.service_model import check_request
from jobs.contract.training_request import ManagedMlflow, Spot, TrainingJob, training_request
from jobs.cost.quotes import TrainingQuote
from jobs.recording.place import experiment_name, is_arn
from jobs.tracking.records import Kind
from jobs.training.augmented_manifest import manifest_folder
from jobs.training.machines import as_list, instance_types, left_out, volume_gb, with_quota
from jobs.training.options import TrainOptions
from jobs.training.starting_point import EarlierModel, check_classes, pretrained_uri, with_earlier

_PRETRAINED = "SAGESEG_PRETRAINED"
_OPEN_SETTINGS = (_PRETRAINED, "SAGESEG_PRECISION")
"""What the open implementation reads from its environment: files of weights, and the precision."""


@dataclass(frozen=True)
class Surroundings:
    """What a plan depends on beside its options: where it runs and as whom, when, this shell's environment, and the
    quotas of instance types, as far as they are known."""

    region: str
    role: str | None
    now: datetime
    environment: Mapping[str, str] = field(default_factory=dict)
    quotas: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """One instance type to try: the job, its request, what it may cost (None where nothing is paid). Where the
    service chooses the type, `choices` are the attempts on each.

    Of a tuning job `job` is what its training jobs share, under the tuning job's name; `jobs` of them
    run, `parallel` at a time.
    """

    job: TrainingJob
    request: dict[str, Any]
    quote: TrainingQuote | None = None
    kind: Kind = "training"
    jobs: int = 1
    parallel: int = 1
    choices: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class JobPlan:
    """The attempts in the order in which they are made, the hyperparameters as they were checked, and
    the lines that a person should be told. `listed` is one job for which the service itself tries all types, under
    the first attempt's name: the attempts are made where it refuses that."""

    attempts: tuple[Attempt, ...]
    settled: Hyperparameters
    lines: tuple[str, ...] = ()
    listed: Attempt | None = None

    @property
    def first(self) -> Attempt:
        return self.listed or self.attempts[0]


@dataclass(frozen=True)
class SettledJobs:
    """The same training on each instance type to try."""

    jobs: tuple[TrainingJob, ...]
    settled: Hyperparameters
    lines: tuple[str, ...]


def plan_training(
    dataset: Dataset,
    given: Mapping[str, str],
    options: TrainOptions,
    around: Surroundings,
    earlier: EarlierModel | None = None,
) -> JobPlan:
    """Settle a training job and check its requests against the service's model.

    Raises SagesegError with the service's own words for what it would refuse.
    """
    found = settle_jobs(dataset, given, options, around, earlier)
    local = options.start.backend == "local"
    attempts = tuple(Attempt(job, _checked_request(job, local=local)) for job in found.jobs)
    job = as_list(found.jobs)
    listed = Attempt(job, _checked_request(job, local=local)) if job else None
    return JobPlan(attempts, found.settled, found.lines, listed)


def _checked_request(job: TrainingJob, *, local: bool) -> dict[str, Any]:
    request = training_request(job)
    check_request("sagemaker", "CreateTrainingJob", request, file_uris=local)
    return request


def settle_jobs(
    dataset: Dataset,
    given: Mapping[str, str],
    options: TrainOptions,
    around: Surroundings,
    earlier: EarlierModel | None = None,
) -> SettledJobs:
    """Settle every part of a job, once for each instance type in the order in which they are tried; the
    second is called NAME-2, and so on."""
    local = options.start.backend == "local"
    given = with_earlier(given, earlier)
    own = given.get("algorithm") == "unet" or options.data.pretrained is not None
    image = options.machine.image or _default_image(own=own, local=local, region=around.region)
    rules: Rules = "builtin" if is_builtin(image) else "open"
    hyperparameters, settled = _settle(dataset, given, rules, options.data.validate_on)
    check_classes(dataset, earlier)
    name = options.start.name or default_name(settled.algorithm, dataset.root.absolute().name, now=around.now)
    check_name(name)
    data_uri, output_uri = _places(dataset, options, local=local)
    volume = options.machine.volume_size or volume_gb(dataset)
    wanted = instance_types(options.machine.instance_type, rules, volume)
    types = with_quota(wanted, around.quotas)
    first = TrainingJob(
        name=name,
        image=image,
        role=around.role or (LOCAL_ROLE if local else _required(None, "--role", "the ARN of a role for SageMaker")),
        data_uri=manifest_folder(dataset, data_uri, local=local) if options.data.augmented_manifest else data_uri,
        output_uri=output_uri,
        instance_type=types[0],
        volume_gb=volume,
        max_runtime_seconds=options.machine.max_runtime,
        hyperparameters=hyperparameters,
        validate_on=options.data.validate_on,
        augmented=options.data.augmented_manifest,
        label_map_uri=_label_map_uri(dataset, options, data_uri, local=local),
        model_uri=earlier.uri if earlier else None,
        pretrained_uri=pretrained_uri(options, settled, rules, earlier),
        kms_key=options.security.kms_key,
        network=options.security.network,
        tags={DATASET_TAG: dataset.digest[:16], **(options.security.tags or {})},
        environment=_environment(dataset, around.environment, rules, local=local),
        mlflow=_managed(options.start.mlflow, local=local),
    )
    jobs = [first, *(_later_attempt(first, number, kind) for number, kind in enumerate(types[1:], 2))]
    jobs = [replace(job, spot=_spot(options, job)) for job in jobs]
    lines = [*without_effect(given, settled), *left_out(wanted, types, spot=options.machine.spot)]
    return SettledJobs(tuple(jobs), settled, tuple(f"note: {line}" for line in lines))


def _environment(dataset: Dataset, environment: Mapping[str, str], rules: Rules, *, local: bool) -> dict[str, str]:
    """What the open implementation is told: how the images were prepared, which its artefact then tells, and on
    this machine the settings of this shell. Amazon's container knows none of it, and is not told."""
    prepared = dataset_preparation(dataset.info) if local or rules == "open" else None
    told = prepared.to_strings(ENVIRONMENT) if prepared else {}
    return {**told, **(_open_settings(environment) if local else {})}


def _managed(mlflow: str | None, *, local: bool) -> ManagedMlflow | None:
    """What AWS is told of a managed MLflow; the emulator knows none, and what follows its jobs writes there itself."""
    return ManagedMlflow(mlflow, experiment_name()) if mlflow and is_arn(mlflow) and not local else None


def _later_attempt(first: TrainingJob, number: int, instance_type: str) -> TrainingJob:
    tags = {**first.tags, ATTEMPT_TAG: first.name}
    return replace(first, name=numbered(first.name, number), instance_type=instance_type, tags=tags)


def _open_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The open implementation's settings of this shell: the emulator may have been started in another."""
    found = {name: environment[name] for name in _OPEN_SETTINGS if environment.get(name)}
    if _PRETRAINED in found:
        found[_PRETRAINED] = str(Path(found[_PRETRAINED]).absolute())
    return found


def _default_image(*, own: bool, local: bool, region: str) -> str:
    """On this machine our own image where the job needs it, else the built-in's."""
    return OPEN_IMAGE if local and own else builtin_image(region)


def _settle(
    dataset: Dataset, given: Mapping[str, str], rules: Rules, validate_on: str
) -> tuple[dict[str, str], Hyperparameters]:
    if not dataset.kept("train"):
        raise SagesegError(f"{dataset.root}: no train images; prepare the dataset again")
    if validate_on == "validation" and not dataset.kept("val"):
        raise SagesegError(
            f"{dataset.root}: no val images, and the algorithm needs train and validation; prepare the dataset with "
            "--val 0.2, or pass --validate-on train (its metrics then say nothing about images the model has not seen)"
        )
    samples = len(dataset.kept("train"))
    strings = {**given, "num_classes": str(len(dataset.classes)), "num_training_samples": str(samples)}
    settled = parse_hyperparameters(strings, rules)
    if settled.algorithm == "unet":
        strings.setdefault("use_pretrained_model", "False")
    if settled.mini_batch_size > samples:
        raise SagesegError(
            f"mini_batch_size {settled.mini_batch_size}: over the {samples} training images; lower --mini-batch-size"
        )
    return strings, settled


def _places(dataset: Dataset, options: TrainOptions, *, local: bool) -> tuple[str, str]:
    """The URIs of data and output."""
    if local:
        data_uri = (dataset.root / "channels").absolute().as_uri()
        return data_uri, _output_uri(options.data.output, local=True) or models_folder().as_uri()
    data_uri = _required(options.data.data, "--data", "s3://bucket/prefix").rstrip("/")
    return data_uri, _output_uri(options.data.output, local=False) or f"{data_uri}/output"


def _required(value: str | None, name: str, expected: str) -> str:
    if not value:
        raise SagesegError(f"{name}: missing; expected {expected} (or --backend local, which needs none)")
    return value


def _output_uri(output: str | None, *, local: bool) -> str | None:
    if output is None or "://" in output:
        return output
    if local:
        return Path(output).absolute().as_uri()
    raise SagesegError(f"--output {output}: expected s3://bucket/prefix")


def _label_map_uri(dataset: Dataset, options: TrainOptions, data_uri: str, *, local: bool) -> str | None:
    folder = options.data.label_map
    if folder is None:
        return None
    read_label_maps(folder, len(dataset.classes))
    return folder.absolute().as_uri() if local else f"{data_uri}/label_map"


def _spot(options: TrainOptions, job: TrainingJob) -> Spot | None:
    machine = options.machine
    if not machine.spot:
        if machine.max_wait is not None:
            raise SagesegError(f"--max-wait {machine.max_wait}: only with --spot; add that, or leave it out")
        return None
    wait = machine.max_wait or 2 * machine.max_runtime
    if wait < machine.max_runtime:
        raise SagesegError(
            f"--max-wait {wait}: shorter than --max-runtime {machine.max_runtime}; it counts waiting and running"
        )
    return Spot(wait, f"{job.output_uri.rstrip('/')}/checkpoints/{job.name}")
