"""The command `sageseg`: three rooms, and the ways through all of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli import app as analysis_app
from formats.console import result, run_app, say, speaking
from formats.errors import SagesegError
from formats.verbs.mounting import PROFILE_HELP, make_app, show_examples, use_profile
from formats.version import tool_version
from jobs.check.commands import check
from jobs.cli import app as jobs_app
from jobs.doctor.commands import doctor
from prep.cli import app as prep_app
from sageseg.examples import EXAMPLES
from sageseg.export import export
from sageseg.pipeline.command import pipeline, pipeline_answers, pipeline_facts, pipeline_host
from sageseg.predict import predict
from sageseg.preview import preview
from sageseg.process import WORDS_LAST, process, process_host
from sageseg.record import record
from sageseg.register import register

app = make_app("Semantic segmentation with SageMaker's built-in algorithm, from raw labels to a report.")
# verbs of prep to people; the rules of the one are SageMaker's, so it lives in jobs, and the other asks jobs too
prep_app.command()(preview)
prep_app.command()(check)
# two of jobs, of which one may stitch and one scores: jobs and analysis do not know each other
jobs_app.command()(predict)
jobs_app.command()(export)
# of a job, and the report of its model
jobs_app.command()(record)
jobs_app.command()(register)
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
    context: typer.Context,
    profile: Annotated[str | None, typer.Option(help=PROFILE_HELP, metavar="NAME")] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Results, errors and warnings alone: no progress, no notes.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also what is read, decided, and asked of AWS, with its time.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Semantic segmentation with SageMaker's built-in algorithm, from raw labels to a report."""
    if quiet and verbose:
        raise SagesegError("--quiet and --verbose: one or the other; leave one out")
    if quiet or verbose:
        context.with_resource(speaking("quiet" if quiet else "verbose"))
    if profile is not None:
        use_profile(profile)


@app.command()
def run(experiment: Annotated[Path, typer.Argument(help="A YAML file that names each step.")]) -> None:
    """Run one experiment file through all rooms.

    Steps that are done and unchanged are passed over.
    """
    from sageseg.experiment.running import run_experiment

    run_experiment(experiment, app)


app.command()(doctor)


@app.command()
def init(
    folder: Annotated[
        str | None, typer.Argument(help="A folder of labels, or a file of them, or a dataset.", metavar="FOLDER")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("experiment.yaml"),
    backend: Annotated[str | None, typer.Option(help="Where to train.", metavar="local|aws")] = None,
    network: Annotated[str | None, typer.Option(help="Which network.", metavar="unet|fcn|psp|deeplab")] = None,
    crop: Annotated[str | None, typer.Option(help="Side of the crops in pixels, or none.", metavar="N|none")] = None,
    data: Annotated[
        str | None, typer.Option(help="With aws: where the dataset is uploaded to.", metavar="s3://BUCKET/PREFIX")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="With aws: a container of your own, which unet needs.", metavar="URI")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what is not given is taken, and said.")] = False,
) -> None:
    """Write a first experiment.yaml, with comments, for labels that prep auto knows.

    Asks what is not given by options; off a terminal it takes what it would propose.
    """
    from sageseg.init import Given, write_first

    write_first(Given(folder, out, backend, network, crop, data, image, yes), app)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(help="The file to write; else it is printed.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")] = False,
) -> None:
    """The JSON schema of experiment files, by which editors complete and check them."""
    from formats.disk.whole_files import refuse_existing_file, write_text
    from sageseg.init import schema_text

    if out is None:
        result(schema_text(app).rstrip())
        return
    refuse_existing_file(out, overwrite=overwrite)
    write_text(out, schema_text(app))
    result(str(out))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for images, results and report.")] = Path("sageseg-demo"),
) -> None:
    """Run the whole path on drawn cars.

    Draws a studio shoot, trains on this machine, and leaves the experiment file for you to change.
    """
    from sageseg.demo import closing_lines, lay_out_demo
    from sageseg.experiment.running import run_experiment

    experiment = lay_out_demo(out)
    say(f"$ sageseg run {shlex.quote(str(experiment))}")
    for line in closing_lines(experiment, run_experiment(experiment, app)):
        say(line)


show_examples(app, EXAMPLES, "sageseg")


def main() -> None:
    """The console script's entry."""
    run_app(app)
