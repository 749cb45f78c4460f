"""`sageseg jobs pipeline`, and the hidden verbs that its instances run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formats.errors import SagesegError
from formats.verbs.command_options import takes
from jobs.pipelines.options import PipelineOptions

if TYPE_CHECKING:
    from jobs.processing.given import Found
    from sageseg.pipeline.reading import Around
    from sageseg.pipeline.sections import Read

_OUT = "pipeline"
"""Where a rehearsal's executions lie, below the experiment's `out`."""


@takes(PipelineOptions, "options")
def pipeline(
    context: typer.Context,
    experiment: Annotated[Path, typer.Argument(help="A YAML file that names each step, as sageseg run takes it.")],
    options: PipelineOptions,
) -> None:
    """An experiment as a SageMaker pipeline: prints its definition, or creates and starts it.

    At AWS it says what an execution may cost and asks first, unless --yes or --max-cost is given.
    """
    from formats.console import result_json, say
    from jobs.pipelines.policies import cache_notes

    read, made, region = _read(context.find_root().command, experiment, options)
    notes = cache_notes(made["Steps"], read.experiment.given) if options.cache else ()
    for line in (*read.lines, *notes):
        say(line)
    if not options.start:
        result_json(made)
        return
    from jobs.pipelines.start import Sent, start_pipeline

    start_pipeline(read.experiment, made, Sent(read.uploads, read.code), options, region)


def _read(root: Any, path: Path, options: PipelineOptions) -> tuple[Read, dict[str, Any], str]:
    """The experiment, from where its paths are told from; its definition, and the region. Raises SagesegError that
    names the file."""
    from formats.state_home import working_in
    from jobs.pipelines.definition import definition
    from sageseg.experiment.steps import read_experiment
    from sageseg.pipeline.sections import read_sections

    sections = read_experiment(path)
    around = _around(options, path, str(sections.get("out", ".")))
    with working_in(path.parent):
        try:
            read = read_sections(sections, root, around)
            made = definition(read.experiment)
        except SagesegError as e:
            raise SagesegError(f"{path}: {e}") from e
    return read, made, around.surroundings.region


def _around(options: PipelineOptions, path: Path, out: str) -> Around:
    """Who asks for the pipeline, and where it leaves what it makes."""
    from aws.clients import configured_region
    from aws.names import check_name, name_stem, utc_now
    from jobs.backends import LOCAL_REGION, LOCAL_ROLE
    from jobs.contract.registry import OPEN_IMAGE
    from jobs.pipelines.policies import Policies, check_waits
    from jobs.pipelines.states import state_of
    from jobs.processing.wheel import read_wheel
    from jobs.training.plan import Surroundings
    from sageseg.pipeline.reading import Around
    from sageseg.process import EVERY_EXTRA

    check_waits(options.again, options.pause)
    local = options.backend == "local"
    region = options.region or LOCAL_REGION if local else configured_region(options.region)
    role = options.role or os.environ.get("SAGESEG_ROLE") or (LOCAL_ROLE if local else "")
    image = options.image or (OPEN_IMAGE if local else "")
    own = "this project's image in your registry, made by its Dockerfile, or a stock one with --wheel"
    for value, name, expected in (
        (role, "--role", "the ARN of a role for SageMaker"),
        (image, "--image", "an image with Python 3.11 or newer" if options.wheel else own),
    ):
        if not value:
            raise SagesegError(f"{name}: missing; expected {expected} (or --backend local, which needs none)")
    more = () if path.stem == "experiment" else (path.stem,)
    name = options.name or name_stem(path.parent.resolve().name, *more)
    check_name(name)
    if options.group:
        check_name(options.group)
    place = _place(options, path, out)
    return Around(
        surroundings=Surroundings(region, role, utc_now(), os.environ if local else {}),
        backend=options.backend,
        out=place,
        role=role,
        image=image,
        name=name,
        group=options.group or name,
        tags=options.tags or {},
        find=lambda value: _find(value, options, place),
        policies=Policies(options.again, options.pause, options.cache or ""),
        state=(lambda value: state_of(value, options.region)) if options.cache else None,
        wheel=read_wheel(options.wheel, EVERY_EXTRA) if options.wheel else None,
    )


def _place(options: PipelineOptions, path: Path, out: str) -> str:
    """The URI below which executions leave what they make."""
    from aws.s3 import parse_s3_uri

    given = options.out
    if given and given.startswith("s3://"):
        if not parse_s3_uri(given).prefix:
            raise SagesegError(
                f"--out {given}: a whole bucket; expected a prefix in it, such as {given.rstrip('/')}/cars"
            )
        return given.rstrip("/")
    if options.backend == "aws":
        raise SagesegError(
            f"--out{f' {given}' if given else ''}: on AWS an execution writes to S3; expected s3://bucket/prefix"
        )
    folder = Path(given) if given else path.parent / out / _OUT
    return folder.resolve().as_uri()


def _find(value: str, options: PipelineOptions, out: str) -> Found:
    from aws.clients import make_client
    from jobs.processing.given import find_at_aws, find_here, find_in_s3

    if value.startswith("s3://") or options.backend == "aws":
        s3 = make_client("s3", options.region)
        return find_in_s3(value, s3) if value.startswith("s3://") else find_at_aws(value, s3, f"{out}-inputs")
    return find_here(value)


def pipeline_host(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="VERB…", show_default=False)],
) -> None:
    """What the instances of a pipeline's steps run."""
    from sageseg.pipeline.host import run_lines

    run_lines(context.find_root().command, words)


def pipeline_facts(
    dataset: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    into: Annotated[Path, typer.Argument(help="Where it goes.")],
    split: Annotated[str, typer.Argument(help="The split that is predicted.")],
    scores: Annotated[list[str] | None, typer.Argument(help="What the gate looks at.")] = None,
    images: Annotated[bool, typer.Option("--images", help="A transform is sent the split's images.")] = False,
) -> None:
    """What a pipeline's steps take of a dataset."""
    from sageseg.pipeline.host import tell_facts

    tell_facts(dataset, into, split, scores or (), images=images)


def pipeline_answers(
    answers: Annotated[Path, typer.Argument(help="Folder of a transform's answers.")],
    dataset: Annotated[Path, typer.Option(help="The dataset whose images were sent.")],
    split: Annotated[str, typer.Option(help="The split that was sent.")],
    out: Annotated[Path, typer.Option(help="Folder of the predictions to make.")],
    probabilities: Annotated[bool, typer.Option("--probabilities", help="The answers are probabilities.")] = False,
) -> None:
    """Predictions of a batch transform's answers."""
    from formats.dataset import open_dataset
    from jobs.prediction.batch_answers import gather_answers

    gather_answers(open_dataset(dataset), split, answers, out, probabilities=probabilities)
