"""What an earlier job lends to a new one: its hyperparameters (--like), its model (--model)."""

from __future__ import annotations

from pathlib import Path

from formats.errors import SagesegError
from jobs.contract.hyperparameters import FROM_DATASET
from jobs.tracking.find_jobs import find_record
from jobs.tracking.follow_training import describe
from jobs.tracking.records import JobRecord
from jobs.training.plan import EarlierModel


def hyperparameters_like(job: str, region: str | None) -> dict[str, str]:
    """The hyperparameters of a job, without what its dataset decided. `TUNING:best` is the best
    training job of a tuning job."""
    request = find_record(job, region).request
    return {name: value for name, value in request["HyperParameters"].items() if name not in FROM_DATASET}


def earlier_model(named: str, backend: str, region: str | None) -> EarlierModel:
    """The model of a completed job, of a model.tar.gz, or at a URI, as the `model` channel takes it.

    The emulator reads folders, so that there it is the artefact's folder.
    """
    if "://" in named:
        return EarlierModel(_for_backend(named, backend, named), {})
    path = Path(named)
    if path.is_file():
        from jobs.contract.artefact import read_artefact

        known = read_artefact(path).hyperparameters
        return EarlierModel(
            _for_backend(path.absolute().as_uri(), backend, named), {k: str(v) for k, v in known.items()}
        )
    record = find_record(named, region)
    return EarlierModel(_for_backend(_artefact_uri(record), backend, named), record.request["HyperParameters"])


def _artefact_uri(record: JobRecord) -> str:
    description = describe(record)
    uri = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    if description["TrainingJobStatus"] != "Completed" or not uri:
        raise SagesegError(f"{record.name}: {description['TrainingJobStatus']}, so it has no model to train further")
    return str(uri)


def _for_backend(uri: str, backend: str, named: str) -> str:
    scheme = uri.partition("://")[0]
    if backend == "aws" and scheme != "s3":
        raise SagesegError(f"--model {named}: is on this machine; copy it to S3 (aws s3 cp) and name its s3:// URI")
    if backend == "local" and scheme != "file":
        raise SagesegError(f"--model {named}: is in S3; copy it here (aws s3 cp) and name the file")
    if backend == "local":
        folder, _, name = uri.rpartition("/")
        return f"{folder}/" if name.endswith(".gz") else uri
    return uri
