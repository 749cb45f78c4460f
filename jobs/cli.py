"""The verbs of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from formats.console import result
from jobs.cli_model import export
from jobs.cli_train import train, upload
from jobs.cli_watch import list_jobs, logs, metrics, show, stop
from jobs.options import PredictOptions

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Training jobs and predictions, on AWS or on this machine.",
)


@app.callback()
def jobs() -> None:
    """Training jobs and predictions, on AWS or on this machine."""


app.command()(train)
app.command("list")(list_jobs)
for verb in (show, logs, stop, metrics, upload, export):
    app.command()(verb)


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
