"""What of an experiment is refused before anything is trained, though its command lines could be typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from formats.errors import SagesegError
from formats.state_home import working_in
from jobs.prediction.options import PredictOptions, RouteOptions
from sageseg.experiment.command_lines import check_words
from sageseg.experiment.runs import FOLDERS
from sageseg.experiment.steps import Step, plan_steps, read_experiment

if TYPE_CHECKING:
    from formats.dataset import Dataset


def check_experiment(path: Path, app: typer.Typer) -> None:
    """Raise SagesegError for an experiment file that `run_experiment` would refuse before its first step."""
    sections = read_experiment(path)
    with working_in(path.parent):
        given_dataset(sections, path)
        check_steps(sections, plan_steps(sections), path, app)


def check_steps(
    sections: Mapping[str, Any], steps: Sequence[Step], path: Path, app: typer.Typer
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Where in S3 shards go, if they do, and by step the values of its command line."""
    bucket = ""
    if "process" in sections:
        bucket = check_process(sections["process"] or {}, steps, f"{path}: section process")
    values = {step.name: _check(app, step, path) for step in steps}
    if "gate" in values:
        check_gate(values["report"], f"{path}: ")
    return bucket, values


def _check(app: typer.Typer, step: Step, path: Path) -> dict[str, Any]:
    """The values of a step's command line. Raises SagesegError unless it could be typed: of one that a processing job
    makes, both."""
    values: dict[str, Any] = {}
    folders = {name: Path(folder) for name, folder in FOLDERS.items()}
    for typed in dict.fromkeys((replace(step, process=None), step)):
        try:
            with usage_errors(path, typed):
                values = check_words(app, typed.line(folders, "job")) | values
            if step.name == "predict":
                check_predict(values)
        except SagesegError as e:
            where = f"{path}: section {step.name}: "
            raise SagesegError(f"{where}{str(e).removeprefix(where)}") from e
    return values


@contextmanager
def usage_errors(path: Path, step: Step) -> Iterator[None]:
    """What a command line's parser refuses, as a SagesegError that names the file and the section."""
    try:
        yield
    except typer.TyperException as e:
        raise SagesegError(f"{path}: section {step.name}: {e.format_message()}") from e


def given_dataset(sections: Mapping[str, Any], path: Path) -> Dataset | None:
    """The dataset that the file names, if it names one. Raises SagesegError for a place where none is."""
    if "dataset" not in sections:
        return None
    from formats.dataset import open_dataset

    given = sections["dataset"]
    if given.startswith("s3://"):
        raise SagesegError(
            f"{path}: dataset is {given}; a run reads a folder of this machine: fetch it (aws s3 sync {given} dataset) "
            "and name that, or have AWS do the experiment by sageseg jobs pipeline"
        )
    try:
        return open_dataset(Path(given))
    except SagesegError as e:
        raise SagesegError(f"{path}: dataset: {e}") from e


def check_process(settings: Mapping[str, Any], steps: Sequence[Step], where: str) -> str:
    """Where in S3 the shards of its jobs go; empty on this machine. Raises SagesegError for what a run cannot have."""
    if "name" in settings:
        raise SagesegError(f"{where}: name: each of its jobs has its own; take it away")
    shards = str(settings.get("shards", ""))
    if settings.get("backend") == "local":
        if shards:
            raise SagesegError(f"{where}: shards: on this machine each run has its own; take it away")
        return ""
    if any(step.process is not None and step.name != "prep" for step in steps):
        raise SagesegError(
            f"{where}: AWS's machines reach no folder of a run, which are on this one; say backend: local, or steps: "
            "[prep] for a prep of s3:// places, or have AWS do all of it by sageseg jobs pipeline"
        )
    if not shards.startswith("s3://"):
        raise SagesegError(f"{where}: shards: at AWS expected s3://bucket/prefix; or say backend: local")
    return shards.rstrip("/")


def check_predict(values: Mapping[str, Any]) -> tuple[PredictOptions, RouteOptions]:
    """How an experiment predicts. Raises SagesegError for what would be refused once a job is trained: an option that
    its dataset, or its route, does not take."""
    options = PredictOptions(**{of.name: values[of.name] for of in fields(PredictOptions)})
    route = RouteOptions(**{of.name: values[of.name] for of in fields(RouteOptions)})
    options.check_for_dataset("what an experiment predicts")
    route.check_used_by(options.via)
    return options, route


def check_dataset(dataset: Dataset, split: str | None, scores: Sequence[str], *, images: bool = False) -> None:
    """Raise SagesegError for what else would be found only once a job is trained: a split of which nothing can be
    predicted, with source `images` or without, and scores of which a gate could tell no lower bound, or that there are
    not."""
    from analysis.report.gate import check_class

    split = split or "val"
    groups = {row.group for row in dataset.rows if row.split == split and (row.kept or images)}
    if not groups:
        raise SagesegError(
            f"the dataset has no image in the split {split}; prepare it with --{split} 0.2, or predict another split"
        )
    for score in scores:
        check_class(score, dataset.classes.names)
    if scores and len(groups) == 1:
        raise SagesegError(
            f"section gate: all images of the split {split} are of one group, {min(groups)}, which gives scores no "
            "interval; predict two groups or more (prep --group-by says what a group is)"
        )


def check_gate(report: Mapping[str, Any], where: str = "") -> None:
    """Raise SagesegError for a report, by the values of its options, whose scores have no lower bounds."""
    if report["draws"] == 0:
        raise SagesegError(
            f"{where}section report: draws 0: the gate goes by intervals, which are then not made; take it away"
        )
