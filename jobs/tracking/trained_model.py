"""From a job's name, a file or an s3:// URI to the trained model: its artefact, its classes, what ran it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aws.clients import configured_region, make_client
from aws.names import ATTEMPT_TAG, MAX_ENDPOINT_NAME, default_name
from aws.s3 import parse_s3_object, parse_s3_uri
from formats.classes import ClassTable
from formats.disk.private_files import private_folder
from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.predictions import ModelFacts
from formats.state_home import home
from jobs.backends import LOCAL_REGION, LOCAL_ROLE
from jobs.contract.artefact import ONNX, Artefact, artefact_network, read_artefact
from jobs.contract.file_uris import file_uri_path, is_file_uri, named_path
from jobs.contract.hyperparameters import NetworkSettings, parse_network
from jobs.contract.instances import has_gpus, running_on
from jobs.contract.registry import OPEN_IMAGE, builtin_image, is_builtin
from jobs.contract.training_request import ANY_NETWORK, Network
from jobs.cost.estimates import THIS_MACHINE
from jobs.cost.spent import billed_usd
from jobs.onnx_models import check_model, open_session, read_onnx
from jobs.tracking.find_jobs import find_training
from jobs.tracking.job_calls import FoundJob
from jobs.tracking.records import JobRecord, record_path
from jobs.tracking.training_data import TrainingData, data_beside, data_of_artefact, data_of_record

_EXPECTED = "a model.tar.gz or model.onnx, its file:/// or s3:// URI, or the name of a job"


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, before its artefact is fetched.

    `name` is the job's, or the artefact as it was named. `image`, `role`, `network` and `kms_key` are
    the job's own, None where there is none. `classes` and `dataset` are None where only the artefact
    is known. `facts` go into predictions.json.
    """

    name: str
    backend: str
    region: str
    artefact_uri: str
    request: Mapping[str, Any] = field(default_factory=dict)
    classes: ClassTable | None = None
    dataset: Path | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: ModelFacts = field(default_factory=ModelFacts)
    record: JobRecord | None = None

    @property
    def is_job(self) -> bool:
        return bool(self.request)

    @property
    def role(self) -> str | None:
        return self.request.get("RoleArn")

    @property
    def kms_key(self) -> str | None:
        key: str | None = self.request.get("OutputDataConfig", {}).get("KmsKeyId")
        return key

    @property
    def network(self) -> Network:
        places = self.request.get("VpcConfig")
        isolated = self.request.get("EnableNetworkIsolation", False)
        if not places:
            return Network(isolated=True) if isolated else ANY_NETWORK
        return Network(tuple(places["Subnets"]), tuple(places["SecurityGroupIds"]), isolated)

    @cached_property
    def artefact_path(self) -> Path:
        """The artefact as a file of this machine; from S3 it is fetched once for a job."""
        return _fetch(self)

    @cached_property
    def artefact(self) -> Artefact:
        return read_onnx(self.artefact_path) if self.is_bare_onnx else read_artefact(self.artefact_path)

    @property
    def is_bare_onnx(self) -> bool:
        """Whether it is a model.onnx by itself, in no artefact."""
        return self.artefact_uri.endswith(".onnx")

    @property
    def is_onnx(self) -> bool:
        """Whether it is, or holds, an ONNX model; a job leaves none."""
        return not self.is_job and self.artefact.onnx is not None

    @cached_property
    def data(self) -> TrainingData:
        """How its images were prepared and its masks read, as far as anybody tells."""
        if self.record:
            return data_of_record(self.record)
        told = data_of_artefact(self.artefact.hyperparameters, self.name)
        return told or data_beside(self.artefact_uri, self.region) or TrainingData()

    @property
    def image(self) -> str:
        """The container that reads the artefact: the job's own, or the one that such an artefact needs."""
        if self.is_job:
            return str(self.request["AlgorithmSpecification"]["TrainingImage"])
        ours = self.is_onnx or self.trained_network.algorithm == "unet"
        return OPEN_IMAGE if ours else builtin_image(self.region)

    @cached_property
    def trained_network(self) -> NetworkSettings:
        """What was trained, as far as predicting asks."""
        if not self.is_job:
            return artefact_network(self.artefact)
        try:
            return parse_network(self.request["HyperParameters"])
        except SagesegError as e:
            raise SagesegError(f"{self.name}: {e}; train it again") from e

    @property
    def num_classes(self) -> int:
        return self.trained_network.num_classes


def find_model(named: str, region: str | None = None) -> TrainedModel:
    """The model of a completed job (of a tuning job's best as `TUNING:best`), of a model.tar.gz or
    model.onnx here by its path or `file:///` URI, or of one in S3.

    Raises SagesegError for a name that is none of these, and for a job without a model.
    """
    if named.startswith("s3://"):
        parse_s3_uri(named)
        return TrainedModel(named, "aws", configured_region(region), named, facts=ModelFacts(artefact=named))
    path = named_path(named)
    if path.is_file():
        facts = ModelFacts(artefact_sha256=_sha256(path))
        return TrainedModel(str(path), "local", LOCAL_REGION, path.absolute().as_uri(), facts=facts)
    if is_file_uri(named) or "/" in named or path.suffix in (".gz", ".tgz", ".tar", ".onnx"):
        raise SagesegError(f"{path}: {_no_file(path)}")
    return model_of(find_training(named, region))


def _no_file(path: Path) -> str:
    for below in ("model.tar.gz", "output/model.tar.gz", "*/output/model.tar.gz"):
        if inside := next(path.glob(below), None):
            return f"a folder; name the artefact in it, such as {inside}"
    return f"{'a folder' if path.is_dir() else 'not found'}; expected {_EXPECTED}"


def model_of(found: FoundJob) -> TrainedModel:
    record, description = found.record, found.description
    status = description["TrainingJobStatus"]
    uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if status not in ("Completed", "Stopped") or not uri:
        raise SagesegError(f"{record.name}: {_no_artefact(record.name, description)}")
    return TrainedModel(
        record.name,
        record.backend,
        record.region,
        uri,
        request=record.request,
        classes=ClassTable(tuple(record.classes)) if record.classes else None,
        dataset=Path(record.dataset) if record.dataset else None,
        tags={tag["Key"]: tag["Value"] for tag in record.request.get("Tags", ())},
        facts=_facts(record, description),
        record=record,
    )


def _no_artefact(name: str, description: Mapping[str, Any]) -> str:
    status = description["TrainingJobStatus"]
    if status == "Failed":
        reason = description.get("FailureReason", "").rstrip(".")
        return f"Failed, so it has no artefact ({reason}); sageseg jobs logs {name} may tell more; train again"
    if status == "Stopped":
        return "Stopped before it had an artefact; train again"
    return f"{status}, so it has no artefact yet; sageseg jobs logs {name} --follow waits for it"


def _facts(record: JobRecord, description: Mapping[str, Any]) -> ModelFacts:
    settings = record.request["HyperParameters"]
    return ModelFacts(
        job=record.name,
        backend=record.backend,
        algorithm=settings.get("algorithm", "fcn"),
        backbone=settings.get("backbone"),
        hyperparameters=settings,
        image=record.request["AlgorithmSpecification"]["TrainingImage"],
        instance_type=THIS_MACHINE if record.backend == "local" else running_on(description["ResourceConfig"]) or "",
        seconds=description.get("BillableTimeInSeconds"),
        cost_usd=billed_usd(description, record.cost_on(description).get("usd_per_hour")),
        epochs=record.epochs,
    )


def _fetch(model: TrainedModel) -> Path:
    if is_file_uri(model.artefact_uri):  # a file keeps the name that it was given, for errors
        return file_uri_path(model.artefact_uri) if model.is_job else Path(model.name)
    if model.is_job:
        path = record_path(model.name).parent / "model.tar.gz"
        if path.exists():
            return path  # a job writes its artefact once
    else:
        place = hashlib.sha256(model.artefact_uri.encode()).hexdigest()[:24]
        path = private_folder(home(), "artefacts") / place / "model.tar.gz"
    folder, name = parse_s3_object(model.artefact_uri)
    content = folder.get(make_client("s3", model.region), name)
    write_bytes(path, content, durable=True)
    return path


def artefact_facts(model: TrainedModel) -> ModelFacts:
    """The model's facts, with the checksum of the artefact that was read."""
    return replace(model.facts, artefact_sha256=_sha256(model.artefact_path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def endpoint_name(trained: TrainedModel, now: datetime) -> str:
    """The name that the job was asked for under, as far as an endpoint's may be; an artefact's tells the
    file and the time."""
    if trained.is_job:
        return trained.tags.get(ATTEMPT_TAG, trained.name)[:MAX_ENDPOINT_NAME].rstrip("-")
    *folders, file = unquote(trained.artefact_uri).rstrip("/").split("/")
    stem = file.removesuffix(".gz").removesuffix(".tar")
    if stem == "model":  # as a job leaves it, <job>/output/model.tar.gz
        stem = folders[-2] if folders[-1] == "output" else folders[-1]
    return default_name(stem, now=now)


def served_image(trained: TrainedModel) -> str:
    """The container that serves a model by itself."""
    if trained.backend == "aws" and trained.image == OPEN_IMAGE:
        kind = "an ONNX model" if trained.is_onnx else "a unet"
        raise SagesegError(
            f"{trained.name}: {kind}, which no container of AWS serves; deploy it with an --image of your own, or "
            "predict with --via artefact"
        )
    return trained.image


def check_served_onnx(trained: TrainedModel, image: str, instance_type: str) -> None:
    """Raise SagesegError for an ONNX model that would not answer: by itself, in a container or on a machine that does
    not run it, or one that onnxruntime does not load. Any other model passes."""
    if not trained.is_onnx:
        return
    if trained.is_bare_onnx:
        raise SagesegError(
            f"{trained.name}: SageMaker serves artefacts; sageseg jobs export MODEL --out model.tar.gz makes one that "
            "holds ONNX"
        )
    if is_builtin(image):
        raise SagesegError(f"{trained.name}: holds an ONNX model, which {image} does not read; name an --image of ours")
    if has_gpus(instance_type):
        raise SagesegError(
            f"--instance-type {instance_type}: {trained.name} holds an ONNX model, which runs on processors alone; "
            "choose one such as ml.c5.xlarge, or deploy the artefact that it was exported from"
        )
    network, source = trained.trained_network, f"{trained.name}: {ONNX}"
    check_model(open_session(trained.artefact.onnx or b"", source), network.num_classes, source)


def served_role(trained: TrainedModel, given: str | None) -> str:
    role = given or trained.role or (LOCAL_ROLE if trained.backend == "local" else None)
    if not role:
        raise SagesegError("--role: missing; expected the ARN of a role for SageMaker, as no job tells one")
    return role
