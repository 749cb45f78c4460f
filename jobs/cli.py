"""The verbs of jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from formats.verbs.mounting import make_app
from jobs.account.commands import lambda_, policy
from jobs.endpoints.commands import delete, deploy, forget, leftovers, show
from jobs.prediction.commands import features, merge
from jobs.tracking.commands import list_jobs, logs, metrics, stop
from jobs.training.commands import train, upload
from jobs.tuning.commands import tune

app = make_app("Training jobs and predictions, on AWS or on this machine.")


@app.callback()
def jobs() -> None:
    """Training jobs and predictions, on AWS or on this machine."""


app.command()(train)
app.command()(tune)
app.command("list")(list_jobs)
for verb in (show, logs, stop, metrics, upload, deploy, delete, forget, leftovers, merge, features, policy):
    app.command()(verb)
app.command("lambda")(lambda_)


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    idle_seconds: Annotated[
        float | None, typer.Option(help="End after so long without requests or work; by default never.")
    ] = None,
    with_s3: Annotated[
        bool, typer.Option("--with-s3", help="The rest of AWS too, by moto, and the lines that make a shell use both.")
    ] = False,
    bucket: Annotated[
        list[str] | None, typer.Option(help="With --with-s3: a bucket to make there; may be given several times.")
    ] = None,
    s3_port: Annotated[int, typer.Option(help="With --with-s3: moto's port; 0 takes a free one.")] = 0,
    env: Annotated[
        bool, typer.Option("--env", help="Print the lines that make a shell use this folder's emulator, with its keys.")
    ] = False,
) -> None:
    """SageMaker's API on this machine, for any client."""
    from formats.errors import SagesegError
    from formats.state_home import home

    if env:
        given = {"--port": port, "--host": host != "127.0.0.1", "--with-s3": with_s3, "--bucket": bucket}
        if idle := [option for option, value in given.items() if value]:
            raise SagesegError(f"{idle[0]}: not with --env, which tells of the emulator that runs; leave it out")
        from jobs.backends import tell_shell

        tell_shell(idle_seconds)
        return
    if with_s3:
        from jobs.emulator.rest_of_aws import rehearse

        if idle_seconds is not None:
            raise SagesegError("--idle-seconds: not with --with-s3, which would go while S3 is in use; Ctrl-C ends it")
        rehearse(home(), host, port, s3_port, bucket or ())
        return
    if bucket or s3_port:
        raise SagesegError(f"{'--bucket' if bucket else '--s3-port'}: is for --with-s3; add that, or leave it out")
    from formats.console import say
    from jobs.emulator.server import serve

    def tell(_url: str) -> None:
        say('eval "$(sageseg jobs emulator --env)" makes another shell, in this folder, use it')

    serve(home(), host, port, idle_seconds=float("inf") if idle_seconds is None else idle_seconds, tell=tell)
