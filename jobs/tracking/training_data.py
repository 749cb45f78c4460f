"""How a model's images were prepared and its masks read, from whoever still tells it: the job's record, the
artefact of the open implementation, or the record that lies beside an artefact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws.clients import make_client
from aws.errors import AwsError, is_missing
from aws.s3 import parse_s3_uri
from formats.prepared.preparation import ARTEFACT, Preparation, read_preparation
from formats.texts.typed_json import parse_told
from jobs.contract.artefact import LABEL_MAP
from jobs.contract.file_uris import file_uri_path
from jobs.tracking.records import RECORD, JobRecord, parse_record


@dataclass(frozen=True)
class TrainingData:
    """`preparation` is None where nobody tells it; `label_map` are the job's label maps as they were given,
    by channel, empty where it had none."""

    preparation: Preparation | None = None
    label_map: Mapping[str, Any] = field(default_factory=dict)


def data_of_record(record: JobRecord) -> TrainingData:
    return TrainingData(read_preparation(record.preparation, record.name), record.label_map)


def data_of_artefact(hyperparameters: Mapping[str, str], source: str) -> TrainingData | None:
    """What an artefact's hyperparams.json tells; None for one that Amazon's container wrote."""
    prepared = read_preparation(hyperparameters, source, ARTEFACT)
    if prepared is None:
        return None
    where = f"{source}: {LABEL_MAP}"
    label_map = parse_told(hyperparameters.get(LABEL_MAP, "{}"), dict[str, Any], where, "train it again")
    return TrainingData(prepared, label_map)


def data_beside(artefact_uri: str, region: str) -> TrainingData | None:
    """What the record beside `<output>/<job>/output/model.tar.gz` tells; None where there is none."""
    folder = artefact_uri.rpartition("/")[0].rpartition("/")[0]
    text = _of_s3(folder, region) if artefact_uri.startswith("s3://") else _of_files(folder)
    return None if text is None else data_of_record(parse_record(text, f"{folder}/{RECORD}"))


def _of_s3(folder: str, region: str) -> bytes | None:
    try:
        return parse_s3_uri(folder).get(make_client("s3", region), RECORD)
    except AwsError as e:
        if is_missing(e):
            return None
        raise


def _of_files(folder: str) -> bytes | None:
    path = file_uri_path(folder) / RECORD
    return path.read_bytes() if path.is_file() else None
