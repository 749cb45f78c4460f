"""`sageseg jobs record`: a job, and the report of its model, written down at an MLflow server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import result
from formats.errors import SagesegError
from formats.verbs.completion import JOBS
from jobs.recording.place import check_installed, experiment_name, parse_mlflow

if TYPE_CHECKING:
    from jobs.recording.facts import Report


def record(
    name: Annotated[
        str, typer.Argument(help="Name of a job; TUNING:best is a tuning job's best.", autocompletion=JOBS)
    ],
    mlflow: Annotated[
        str | None,
        typer.Option(help="An MLflow server, or a managed one; by default MLFLOW_TRACKING_URI.", metavar="URI|ARN"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder of the report of its model.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region to look in; by default the environment's.")] = None,
) -> None:
    """Write a job down at an MLflow server: hyperparameters, epochs, cost, and the scores of its report.

    The same again adds what is new, and makes no second run. Of a tuning job each training job has a run of its own.
    """
    from jobs.recording.record import record_job
    from jobs.tracking.find_jobs import find_job

    uri = parse_mlflow(mlflow or os.environ.get("MLFLOW_TRACKING_URI") or _missing())
    check_installed(uri)
    found = find_job(name, region)
    run_id = record_job(uri, found, report_of(report, found.record.name) if report else None)
    result(f"{found.record.name}: run {run_id} of experiment {experiment_name()} at {uri}")


def _missing() -> str:
    raise SagesegError("--mlflow: missing; expected an MLflow server's URI (or MLFLOW_TRACKING_URI in the environment)")


def report_of(folder: Path, job: str) -> Report:
    """What a run holds of a report: scores, page and tables; layers and overlays stay where they are."""
    from analysis.report_files import IMAGES, PAGE, SCORES
    from jobs.recording.facts import Report
    from sageseg.told_report import open_report

    told = open_report(folder, job)
    files = (folder / name for name in (PAGE, SCORES, IMAGES))
    return Report(folder, told.scores, tuple(path for path in files if path.is_file()))
