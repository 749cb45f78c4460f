"""From a job's name or a file to its artefact, its classes and where it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.staging import write_bytes
from jobs.clients import aws_errors, make_client
from jobs.find_jobs import find_record
from jobs.records import JobRecord, record_path
from jobs.s3_places import parse_s3_uri
from jobs.watch import describe


@dataclass(frozen=True)
class ModelSource:
    """An artefact on this machine; `classes` is None where only the file is known."""

    artefact: Path
    classes: ClassTable | None
    provenance: dict[str, Any]


def find_model(job_or_artefact: str) -> ModelSource:
    """The model of a completed job, or of a model.tar.gz."""
    path = Path(job_or_artefact)
    if path.is_file():
        return ModelSource(path, None, {"artefact_sha256": _sha256(path)})
    if path.suffix == ".gz":
        raise SagesegError(f"{path}: not found; expected a model.tar.gz or the name of a job")
    record = find_record(job_or_artefact)
    description = describe(record)
    uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if description["TrainingJobStatus"] != "Completed" or not uri:
        raise SagesegError(
            f"{record.name}: {description['TrainingJobStatus']}, so it has no artefact; wait for it to complete"
        )
    artefact = _fetch(record, uri)
    return ModelSource(artefact, ClassTable(tuple(record.classes)), _provenance(record, description, artefact))


def _fetch(record: JobRecord, uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    path = record_path(record.name).parent / "model.tar.gz"
    if not path.exists():
        place = parse_s3_uri(uri)
        with aws_errors(f"fetching {uri}"):
            s3 = make_client("s3", "aws", record.region)
            answer = s3.get_object(Bucket=place.bucket, Key=place.prefix.rstrip("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, answer["Body"].read())
    return path


def _provenance(record: JobRecord, description: dict[str, Any], artefact: Path) -> dict[str, Any]:
    settings = record.request["HyperParameters"]
    return {
        "job": record.name,
        "backend": record.backend,
        "algorithm": settings.get("algorithm", "fcn"),
        "backbone": settings.get("backbone"),
        "hyperparameters": settings,
        "image": record.request["AlgorithmSpecification"]["TrainingImage"],
        "instance_type": record.request["ResourceConfig"]["InstanceType"],
        "seconds": description.get("BillableTimeInSeconds"),
        "epochs": record.epochs,
        "artefact_sha256": _sha256(artefact),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
