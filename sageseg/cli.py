"""The command `sageseg`: three rooms, and the ways through all of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import app as analysis_app
from formats.console import result, run_app, say
from formats.verbs.mounting import PROFILE_HELP, make_app, use_profile
from formats.version import tool_version
from jobs.check.commands import check
from jobs.cli import app as jobs_app
from prep.cli import app as prep_app
from sageseg.pipeline.command import pipeline, pipeline_answers, pipeline_facts, pipeline_host
from sageseg.predict import predict
from sageseg.preview import preview
from sageseg.process import WORDS_LAST, process, process_host

app = make_app("Semantic segmentation with SageMaker's built-in algorithm, from raw labels to a report.")
# verbs of prep to people; the rules of the one are SageMaker's, so it lives in jobs, and the other asks jobs too
prep_app.command()(preview)
prep_app.command()(check)
# one of jobs, which may stitch: jobs and analysis do not know each other
jobs_app.command()(predict)
# a verb of prep or analysis, by jobs
jobs_app.command(context_settings=WORDS_LAST)(process)
jobs_app.command("process-host", context_settings=WORDS_LAST, hidden=True)(process_host)
# an experiment, by jobs
jobs_app.command()(pipeline)
jobs_app.command("pipeline-host", context_settings=WORDS_LAST, hidden=True)(pipeline_host)
jobs_app.command("pipeline-facts", hidden=True)(pipeline_facts)
jobs_app.command("pipeline-answers", hidden=True)(pipeline_answers)
app.add_typer(prep_app, name="prep")
app.add_typer(jobs_app, name="jobs")
app.add_typer(analysis_app, name="analysis")


def _say_version(asked: bool) -> None:
    if asked:
        result(f"sageseg {tool_version()}")
        raise typer.Exit


@app.callback()
def sageseg(
    profile: Annotated[str | None, typer.Option(help=PROFILE_HELP, metavar="NAME")] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Semantic segmentation with SageMaker's built-in algorithm, from raw labels to a report."""
    if profile is not None:
        use_profile(profile)


@app.command()
def run(experiment: Annotated[Path, typer.Argument(help="A YAML file that names each step.")]) -> None:
    """Run one experiment file through all rooms.

    Steps that are done and unchanged are passed over.
    """
    from sageseg.experiment import run_experiment

    run_experiment(experiment, app)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for images, results and report.")] = Path("sageseg-demo"),
) -> None:
    """Run the whole path on drawn cars.

    Draws a studio shoot, trains on this machine, and leaves the experiment file for you to change.
    """
    from sageseg.demo import closing_lines, lay_out_demo
    from sageseg.experiment import run_experiment

    experiment = lay_out_demo(out)
    say(f"$ sageseg run {shlex.quote(str(experiment))}")
    for line in closing_lines(experiment, run_experiment(experiment, app)):
        say(line)


def main() -> None:
    """The console script's entry."""
    run_app(app)
