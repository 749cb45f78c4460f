"""The command `sageseg`: three rooms, and the ways through all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import app as analysis_app
from formats.console import run_app
from jobs.cli import app as jobs_app
from prep.cli import app as prep_app

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Semantic segmentation with SageMaker's built-in algorithm, from raw labels to a report.",
)
app.add_typer(prep_app, name="prep")
app.add_typer(jobs_app, name="jobs")
app.add_typer(analysis_app, name="analysis")


@app.command()
def run(experiment: Annotated[Path, typer.Argument(help="A YAML file that names each step.")]) -> None:
    """One experiment through all rooms; steps that are done and unchanged are passed over."""
    from sageseg.experiment import run_experiment

    run_experiment(experiment)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for images, results and report.")] = Path("sageseg-demo"),
) -> None:
    """Draw a studio shoot of cars and take it through the whole path on this machine."""
    from sageseg.demo import run_demo

    run_demo(out)


def main() -> None:
    """The console script's entry."""
    run_app(app)
