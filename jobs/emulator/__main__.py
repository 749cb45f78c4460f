"""What the launcher starts: `python -m jobs.emulator --home DIR --idle-seconds 60`.

A person starts `sageseg jobs emulator`, which says what it takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import run_app
from jobs.emulator.server import serve

app = typer.Typer(add_completion=False)


@app.command(add_help_option=False)
def emulator(home: Annotated[Path, typer.Option()], idle_seconds: Annotated[float, typer.Option()]) -> None:
    serve(home, idle_seconds=idle_seconds)


if __name__ == "__main__":
    run_app(app)
