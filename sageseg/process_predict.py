"""What `sageseg jobs process predict` cannot do, told before a job is started: its instances have the artefact and one
place of images, and nothing else of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from formats.errors import SagesegError


def check_predict(given: Mapping[str, Any], backend: str) -> None:
    """Raise SagesegError for what is `given` to predict, by the names of its arguments, and cannot be done so."""
    from jobs.prediction.options import RouteOptions

    if given["via"] != "artefact":
        raise SagesegError(
            f"--via {given['via']}: instances run the artefact themselves; leave it out, or run sageseg jobs predict "
            f"--via {given['via']} from this machine"
        )
    if given["stitch"]:
        raise SagesegError(
            "--stitch: puts together what is predicted of all images, and each instance predicts a part; leave it out, "
            "and run sageseg analysis stitch afterwards"
        )
    RouteOptions(**{of.name: given[of.name] for of in fields(RouteOptions)}).check_used_by(given["via"])
    first, *others = given["sources"]
    if not (first.exists() or str(first).startswith("s3:/")):  # Path has made one slash of two
        raise SagesegError(f"{first}: not found; expected a dataset, an image, a folder of images, or a video")
    if others:
        raise SagesegError(
            f"{others[0]}: a second place of images, which instances would name otherwise than this machine; "
            "name the one folder that holds all"
        )
    _check_model(given["model"], backend, given["region"])


def _check_model(named: str, backend: str, region: str | None) -> None:
    if named.startswith("s3://"):
        return
    if not Path(named).is_file():
        from jobs.contract.file_uris import file_uri_path, is_file_uri
        from jobs.tracking.trained_model import find_model

        uri = find_model(named, region).artefact_uri
        artefact = file_uri_path(uri) if is_file_uri(uri) else uri
        raise SagesegError(f"{named}: instances know no jobs of this machine; name the artefact, {artefact}")
    if backend == "aws":
        _check_record(Path(named))


def _check_record(artefact: Path) -> None:
    """A single file is sent, without the record beside it: refused where that alone tells how images are prepared."""
    from jobs.tracking.records import RECORD
    from jobs.tracking.trained_model import find_model
    from jobs.tracking.training_data import data_of_artefact

    job = artefact.resolve().parent.parent
    if (job / RECORD).is_file() and data_of_artefact(
        find_model(str(artefact)).artefact.hyperparameters, str(artefact)
    ) is None:
        raise SagesegError(
            f"{artefact}: how its images were prepared is told by {job / RECORD} alone, which would not come along; "
            f"put {job} into S3 and name the artefact there"
        )
