"""The verbs of jobs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from formats.command_options import takes
from formats.console import result, say
from jobs.hyperparameter_options import takes_hyperparameters
from jobs.options import PredictOptions, TrainOptions

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Training jobs and predictions, on AWS or on this machine.",
)

DatasetFolder = Annotated[Path, typer.Argument(help="Folder of a dataset that prep wrote.")]
JobName = Annotated[str, typer.Argument(help="Name of a job that was started from this folder.")]


@app.callback()
def jobs() -> None:
    """Training jobs and predictions, on AWS or on this machine."""


@app.command()
@takes(TrainOptions, "options")
@takes_hyperparameters
def train(dataset: DatasetFolder, hyperparameters: dict[str, str], options: TrainOptions) -> None:
    """Start the built-in algorithm, or unet under our own image, on a dataset."""
    from formats.dataset import open_dataset
    from jobs.train import plan_job, request_of, start, utc_now

    opened = open_dataset(dataset)
    region = _region(options)
    role = options.role or os.environ.get("SAGESEG_ROLE")
    job = plan_job(opened, hyperparameters, options, region=region, role=role, now=utc_now())
    request = request_of(job, local=options.backend == "local")
    if options.dry_run:
        result(json.dumps(request, indent=2))
        return
    record = start(opened, request, options, region)
    say(f"started {record.name}")
    if options.wait:
        _follow(record.name)
    else:
        result(record.name)


def _region(options: TrainOptions) -> str:
    from jobs.clients import LOCAL_REGION, configured_region

    return options.region or LOCAL_REGION if options.backend == "local" else configured_region(options.region)


def _follow(name: str) -> None:
    from jobs.records import read_record
    from jobs.watch import follow

    record = follow(read_record(name))
    result(f"{record.name}: {record.description['TrainingJobStatus']}")
    result(record.description["ModelArtifacts"]["S3ModelArtifacts"])


@app.command("list")
def list_jobs() -> None:
    """The jobs started from this folder, newest first."""
    from jobs.records import read_record, record_names
    from jobs.watch import describe

    described = [describe(read_record(name)) for name in record_names()]
    for job in sorted(described, key=lambda job: str(job["CreationTime"]), reverse=True):
        result(f"{job['TrainingJobName']}  {job['TrainingJobStatus']}  {job['SecondaryStatus']}")


@app.command()
def show(name: JobName, json_: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False) -> None:
    """A job's status, times, metrics and artefact."""
    from jobs.records import read_record
    from jobs.watch import describe

    description = describe(read_record(name))
    if json_:
        result(json.dumps(description, indent=2, default=str))
        return
    for key, value in _headlines(description).items():
        result(f"{key:16}{value}")


def _headlines(description: dict[str, Any]) -> dict[str, Any]:
    metrics = {m["MetricName"]: f"{m['Value']:.4f}" for m in description.get("FinalMetricDataList", [])}
    lines = {
        "name": description["TrainingJobName"],
        "status": f"{description['TrainingJobStatus']} ({description['SecondaryStatus']})",
        "reason": description.get("FailureReason"),
        "instance": description["ResourceConfig"]["InstanceType"],
        "billed seconds": description.get("BillableTimeInSeconds"),
        **metrics,
        "artefact": description.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
    }
    return {key: value for key, value in lines.items() if value is not None}


@app.command()
def logs(name: JobName) -> None:
    """A job's log so far."""
    from jobs.records import read_record
    from jobs.watch import log_lines

    for line in log_lines(read_record(name)):
        result(line)


@app.command()
def stop(name: JobName) -> None:
    """Stop a running job; what it has learned so far is kept."""
    from jobs.clients import aws_errors, make_client
    from jobs.records import read_record

    record = read_record(name)
    with aws_errors(f"stopping {name}"):
        make_client("sagemaker", record.backend, record.region).stop_training_job(TrainingJobName=name)
    result(f"{name}: stopping")


@app.command()
def metrics(
    name_or_logfile: Annotated[str, typer.Argument(help="A job's name, or a file with a training log.")],
    json_: Annotated[bool, typer.Option("--json", help="A list, one object per epoch.")] = False,
) -> None:
    """Loss, mIOU, accuracy and throughput of each epoch."""
    from jobs.log_lines import epoch_metrics
    from jobs.records import read_record
    from jobs.watch import log_lines

    path = Path(name_or_logfile)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else None
    epochs = [asdict(found) for found in epoch_metrics(lines or log_lines(read_record(name_or_logfile)))]
    if json_:
        result(json.dumps(epochs, indent=2))
        return
    columns = ("train_loss", "validation_mIOU", "validation_pixel_accuracy", "train_throughput")
    result("epoch" + "".join(f"{column:>27}" for column in columns))
    for epoch in epochs:
        result(f"{epoch['epoch']:5}" + "".join(f"{_cell(epoch[column]):>27}" for column in columns))


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


@app.command()
def upload(
    dataset: DatasetFolder,
    uri: Annotated[str, typer.Argument(help="s3://bucket/prefix")],
    region: Annotated[str | None, typer.Option(help="AWS region; by default the environment's.")] = None,
) -> None:
    """Upload a dataset's channels to S3."""
    from formats.dataset import open_dataset
    from jobs.clients import configured_region, make_client
    from jobs.upload import upload_dataset

    opened = open_dataset(dataset)
    count = upload_dataset(make_client("s3", "aws", configured_region(region)), opened, uri)
    result(f"{count} files in {uri}")


@app.command()
@takes(PredictOptions, "options")
def predict(
    job_or_artefact: Annotated[str, typer.Argument(help="A job's name, or a model.tar.gz.")],
    images_or_dataset: Annotated[Path, typer.Argument(help="A dataset, or a folder of full images.")],
    out: Annotated[Path, typer.Option(help="Folder of the predictions to make.", show_default=False)],
    options: PredictOptions,
) -> None:
    """Predict masks with a trained model."""
    from jobs.predict import predict_with_artefact

    count = predict_with_artefact(job_or_artefact, images_or_dataset, out, options)
    result(f"{count} predictions in {out}")


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    idle_seconds: Annotated[
        float | None, typer.Option(help="End after so long without requests or work; by default never.")
    ] = None,
) -> None:
    """SageMaker's API on this machine, for any client."""
    from jobs.emulator.server import serve
    from jobs.records import home

    serve(host, port, home(), float("inf") if idle_seconds is None else idle_seconds)
