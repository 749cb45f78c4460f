"""From a dataset and settings to a started training job."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from formats.console import say
from formats.dataset import Dataset, manifest_path
from formats.errors import SagesegError
from jobs.hyperparameters import Hyperparameters, Rules, parse_hyperparameters, without_effect
from jobs.instances import DEFAULT_CPU, DEFAULT_GPU, check_builtin_instance
from jobs.options import TrainOptions
from jobs.records import JobRecord, home, write_record
from jobs.registry import OPEN_IMAGE, builtin_image
from jobs.service_model import check_request
from jobs.training_request import TrainingJob, training_request

LOCAL_ROLE = "arn:aws:iam::000000000000:role/sageseg-local"
_GIB = 2**30


def plan_job(
    dataset: Dataset, given: Mapping[str, str], options: TrainOptions, *, region: str, role: str | None, now: datetime
) -> TrainingJob:
    """Settle every part of a job. Pure but for the sizes of the dataset's files."""
    local = options.backend == "local"
    image = options.image or _default_image(given.get("algorithm", ""), local=local, region=region)
    rules: Rules = "builtin" if is_builtin(image) else "open"
    hyperparameters, settled = _settle(dataset, given, rules)
    instance_type = options.instance_type or (DEFAULT_GPU if rules == "builtin" else DEFAULT_CPU)
    if rules == "builtin":
        check_builtin_instance(instance_type)
    data_uri = (
        (dataset.root / "channels").absolute().as_uri()
        if local
        else _required(options.data, "--data", "s3://bucket/prefix")
    )
    default_output = (home() / "output").as_uri() if local else f"{data_uri.rstrip('/')}/output"
    return TrainingJob(
        name=options.name or default_name(settled.algorithm, dataset.root.absolute().name, now=now),
        image=image,
        role=role or (LOCAL_ROLE if local else _required(role, "--role", "the ARN of a role for SageMaker")),
        data_uri=data_uri,
        output_uri=_output_uri(options.output, local=local) or default_output,
        instance_type=instance_type,
        volume_gb=options.volume_size or volume_gb(dataset),
        max_runtime_seconds=options.max_runtime,
        hyperparameters=hyperparameters,
        tags={"sageseg:dataset": dataset_digest(dataset)[:16]},
    )


def is_builtin(image: str) -> bool:
    """Whether an image URI is the built-in algorithm's."""
    return re.search(r"/semantic-segmentation:\S+$", image) is not None


def _default_image(algorithm: str, *, local: bool, region: str) -> str:
    return OPEN_IMAGE if local and algorithm == "unet" else builtin_image(region)


def _settle(dataset: Dataset, given: Mapping[str, str], rules: Rules) -> tuple[dict[str, str], Hyperparameters]:
    for split in ("train", "val"):
        if not dataset.kept(split):
            raise SagesegError(
                f"{dataset.root}: no {split} images, and the algorithm needs train and validation; "
                "prepare the dataset with --val 0.2"
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
    for line in without_effect(given, settled):
        say(f"note: {line}")
    return strings, settled


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


def default_name(*parts: str, now: datetime) -> str:
    """A job name that says what and when, within SageMaker's 63 letters, digits and hyphens."""
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", "-".join(parts)).strip("-")[:42].strip("-")
    return f"{stem or 'job'}-{now:%Y%m%d-%H%M%S}"


def volume_gb(dataset: Dataset) -> int:
    """Disk for the dataset twice over and 10 GB beside it, never under SageMaker's usual 30 GB."""
    files = [
        path for row in dataset.rows if row.kept for path in (dataset.image_path(row.id), dataset.mask_path(row.id))
    ]
    gib = sum(path.stat().st_size for path in files) / _GIB
    return max(30, int(2 * gib) + 10)


def dataset_digest(dataset: Dataset) -> str:
    """sha256 of the manifest, which holds every file's checksum."""
    return hashlib.sha256(manifest_path(dataset.root).read_bytes()).hexdigest()


def request_of(job: TrainingJob, *, local: bool) -> dict[str, Any]:
    """The checked request. Raises SagesegError with the service's own words for what it would refuse."""
    request = training_request(job)
    check_request("sagemaker", "CreateTrainingJob", request, file_uris=local)
    return request


def start(dataset: Dataset, request: dict[str, Any], options: TrainOptions, region: str) -> JobRecord:
    """Upload where that is needed, create the job, and record it."""
    from jobs.clients import aws_errors, make_client
    from jobs.upload import upload_dataset

    backend = options.backend
    name = request["TrainingJobName"]
    if backend == "aws":
        upload_dataset(make_client("s3", "aws", region), dataset, str(options.data))
    record = JobRecord(
        name,
        backend,
        region,
        str(dataset.root.absolute()),
        dataset_digest(dataset),
        list(dataset.classes.names),
        request,
    )
    with aws_errors(f"creating training job {name}"):
        answer = make_client("sagemaker", backend, region).create_training_job(**request)
    record = replace(record, arn=answer["TrainingJobArn"])
    write_record(record)
    return record


def utc_now() -> datetime:
    return datetime.now(UTC)
