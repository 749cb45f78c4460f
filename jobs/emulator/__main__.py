"""python -m jobs.emulator [--host 127.0.0.1] [--port 0] [--home DIR] [--idle-seconds 60]"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import run_app
from jobs.emulator.server import DEFAULT_HOST, DEFAULT_IDLE_SECONDS, serve

app = typer.Typer(add_completion=False)


@app.command()
def emulator(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    home: Annotated[Path | None, typer.Option(help="Where state is kept; default $SAGESEG_HOME, or .sageseg.")] = None,
    idle_seconds: Annotated[
        float, typer.Option(help="Leave after so long without request or job.")
    ] = DEFAULT_IDLE_SECONDS,
) -> None:
    """SageMaker's API on this machine, doing the work."""
    serve(host, port, home, idle_seconds)


if __name__ == "__main__":
    run_app(app)
