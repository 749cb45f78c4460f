"""The verbs of jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from formats.verbs.mounting import make_app
from jobs.account.commands import lambda_, policy
from jobs.endpoints.commands import delete, deploy, leftovers
from jobs.prediction.commands import export, features, predict
from jobs.tracking.commands import list_jobs, logs, metrics, show, stop
from jobs.training.commands import train, upload
from jobs.tuning.commands import tune

app = make_app("Training jobs and predictions, on AWS or on this machine.")


@app.callback()
def jobs() -> None:
    """Training jobs and predictions, on AWS or on this machine."""


app.command()(train)
app.command()(tune)
app.command("list")(list_jobs)
for verb in (show, logs, stop, metrics, upload, deploy, delete, leftovers, predict, export, features, policy):
    app.command()(verb)
app.command("lambda")(lambda_)


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    idle_seconds: Annotated[
        float | None, typer.Option(help="End after so long without requests or work; by default never.")
    ] = None,
) -> None:
    """SageMaker's API on this machine, for any client."""
    from formats.state_home import home
    from jobs.emulator.server import serve

    serve(home(), host, port, idle_seconds=float("inf") if idle_seconds is None else idle_seconds)
