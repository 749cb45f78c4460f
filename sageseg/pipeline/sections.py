"""An experiment's sections as what a pipeline does: each section's own command parses its lines, and tells what of it
instances do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from formats.dataset import open_dataset
from formats.errors import SagesegError
from jobs.contract.registry import is_builtin
from jobs.pipelines.definition import Experiment
from jobs.pipelines.states import combined
from jobs.pipelines.steps import MADE, chained, made, taken
from jobs.processing.request import MOST_WORDS, Given
from jobs.processing.wheel import Wheel, check_way_out
from jobs.recording.place import is_arn
from sageseg.experiment.steps import TRAININGS, Step, plan_steps
from sageseg.pipeline.each_section import (
    hosts_of,
    predict_words,
    prepare_words,
    report_words,
    trained_by,
)
from sageseg.pipeline.reading import Around, Reading
from sageseg.process import EXTRAS

_ROOMS = {"Prepare": "prep", "Dataset": "", "Predict": "jobs", "Report": "analysis"}
"""By the steps that run this project, the room whose verbs need extras; merging and checking need none."""


@dataclass(frozen=True)
class Read:
    """A pipeline's experiment, and what its author should be told: lines to say, and files to send; where instances
    install the wheel first, that and the input by which they get it."""

    experiment: Experiment
    lines: tuple[str, ...]
    uploads: Mapping[Path, str]
    code: tuple[Wheel, Given] | None = None


def read_sections(sections: Mapping[str, Any], root: Any, around: Around) -> Read:
    """What a pipeline does of an experiment. `root` is the command whose verbs parse the sections.

    Raises SagesegError that names the section, for what its command would refuse and for what a pipeline cannot do.
    """
    reading = Reading(root, around)
    steps = {step.name: step for step in plan_steps({k: v for k, v in sections.items() if k != "process"})}
    training = _training_of(steps, sections)
    hosts, more = hosts_of(sections, reading)
    mlflow = _managed_mlflow(sections.get("mlflow"), training, around.backend)
    trained, hyperparameters = trained_by(steps[training], reading, hosts.volume_gb, mlflow)
    given = "" if "prep" in steps else _given(str(sections["dataset"]), around)
    prepare = [] if given else prepare_words(steps["prep"], reading, isolated=hosts.network.isolated)
    predict, batch, split = predict_words(steps["predict"], reading)
    folder = taken("dataset") if given else made("merged")
    check = ["prep", "check", folder, *hyperparameters]
    if is_builtin(trained.image):
        check.append(f"--instance-type={trained.attempt.job.instance_type}")
    report, least = report_words(steps, reading, batch, split)
    facts = ["jobs", "pipeline-facts", folder, MADE, split, *least]
    merge = [] if given else [["prep", "merge", taken("shards"), "--out", folder]]
    dataset = chained([*merge, check, [*facts, *(["--images"] if batch else [])]])
    _check_room(least, dataset, report)
    experiment = Experiment(
        name=around.name,
        out=around.out,
        hosts=hosts,
        predict_type=batch.instance_type if batch else hosts.instance_type,
        trained=trained,
        prepare=prepare,
        dataset=dataset,
        predict=predict,
        report=report,
        given=given,
        batch=batch,
        reads=reading.reads,
        least=least,
        group=around.group,
        tags=around.tags,
        policies=replace(around.policies, states={step: combined(told) for step, told in reading.states.items()}),
    )
    lines = (*more, *trained.lines, *reading.lines)
    if around.wheel:
        experiment, code = _on_stock_image(experiment, around.wheel)
        return Read(experiment, lines, reading.uploads, (around.wheel, code))
    return Read(experiment, lines, reading.uploads)


def _training_of(steps: Mapping[str, Step], sections: Mapping[str, Any]) -> str:
    """The name of the section that trains. Raises SagesegError where one is missing that each pipeline has."""
    training = next((name for name in TRAININGS if name in steps), None)
    if training is None or "report" not in steps:
        missing = "report" if training else "train or tune"
        raise SagesegError(f"a pipeline trains, predicts and reports; add a section {missing}")
    if "predict" not in steps:
        raise SagesegError("a pipeline predicts before it reports; add a section predict")
    if "prep" not in steps and "dataset" not in sections:
        raise SagesegError("a pipeline begins with labels, or with a dataset; add a section prep, or a line dataset")
    return training


def _check_room(least: Mapping[str, float], *steps: Sequence[str]) -> None:
    """Raise SagesegError for more scores of a gate than the words of its steps have room for."""
    room = len(least) + MOST_WORDS - max(map(len, steps))
    if least and room < len(least):
        raise SagesegError(
            f"section gate: least: {len(least)} scores; the {MOST_WORDS} words of a step have room for {room} of them: "
            "name fewer, or one that sums them up, such as mean_iou"
        )


def _on_stock_image(experiment: Experiment, wheel: Wheel) -> tuple[Experiment, Given]:
    """The experiment whose instances install the wheel, each with what its step may need."""
    check_way_out(experiment.hosts.network)
    code = wheel.given(f"{experiment.out}-inputs")
    commands = {step: replace(wheel, extras=EXTRAS.get(room, ())).entrypoint for step, room in _ROOMS.items()}
    reads = {step.lower(): [*experiment.reads.get(step.lower(), ()), code] for step in _ROOMS}
    return replace(experiment, commands=commands, reads=reads), code


def _given(dataset: str, around: Around) -> str:
    """The URI of a dataset that is there. Raises SagesegError for a place where none is."""
    if dataset.startswith("s3://"):
        folder = dataset.rstrip("/")
        try:
            around.find(f"{folder}/dataset.json")
        except SagesegError as e:
            raise SagesegError(f"dataset: {e}") from e
        return folder
    if around.backend == "aws":
        raise SagesegError(
            f"dataset: {dataset}: AWS's machines read it from S3; put it there (aws s3 sync {shlex.quote(dataset)} "
            "s3://bucket/prefix), and name that"
        )
    return open_dataset(Path(dataset)).root.resolve().as_uri()


def _managed_mlflow(mlflow: str | None, training: str, backend: str) -> str | None:
    """Where AWS keeps a run of the training. Raises SagesegError for what no step can be told."""
    if mlflow is None or (is_arn(mlflow) and training == "train" and backend == "aws"):
        return mlflow
    why = (
        "nobody follows its jobs who could write there"
        if not is_arn(mlflow)
        else "only a training at AWS is told of it"
    )
    raise SagesegError(f"mlflow: {mlflow}: not in this pipeline, {why}; take the line away")
