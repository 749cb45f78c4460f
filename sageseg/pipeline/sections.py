"""An experiment's sections as what a pipeline does: each section's own command parses its lines, and tells what of it
instances do."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import typer

from analysis.report.gate import check_once
from formats.dataset import open_dataset
from formats.errors import SagesegError
from jobs.contract.hyperparameter_options import service_word
from jobs.contract.hyperparameters import TABLE, limits_of
from jobs.contract.registry import is_builtin
from jobs.pipelines.definition import ARTEFACT, Batch, Experiment, least_parameters
from jobs.pipelines.references import place
from jobs.pipelines.states import combined
from jobs.pipelines.steps import MADE, THEN, chained, made, taken
from jobs.pipelines.training import Trained, one_type, plan_trained
from jobs.prediction.options import RouteOptions
from jobs.processing.options import ProcessOptions
from jobs.processing.request import MOST_WORDS, Given, Hosts
from jobs.processing.wheel import Wheel, check_way_out
from jobs.recording.place import is_arn
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.tuning.options import TuningOptions
from sageseg.checks import check_gate, check_predict
from sageseg.pipeline.reading import Around, Reading
from sageseg.process import EXTRAS, command_of
from sageseg.steps import TRAININGS, Step, plan_steps

Settings = TypeVar("Settings")
GATE_FILE = made("gate/gate.json")
_FOLDERS = {
    "prep": taken("dataset"),
    "predict": taken("predictions"),
    "stitch": made("stitched"),
    "report": made("report"),
    "gate": GATE_FILE,
}
"""Where the steps' folders lie for the step Report."""
_ANOTHERS = ("backend", "region", "role", "yes", "max_cost", "rate", "dry_run", "wait")
"""Options of sections that the pipeline's command has for all of them."""
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
    training = next((name for name in TRAININGS if name in steps), None)
    if training is None or "report" not in steps:
        missing = "report" if training else "train or tune"
        raise SagesegError(f"a pipeline trains, predicts and reports; add a section {missing}")
    if "predict" not in steps:
        raise SagesegError("a pipeline predicts before it reports; add a section predict")
    if "prep" not in steps and "dataset" not in sections:
        raise SagesegError("a pipeline begins with labels, or with a dataset; add a section prep, or a line dataset")
    hosts, more = _hosts(sections, reading)
    mlflow = _managed_mlflow(sections.get("mlflow"), training, around.backend)
    trained, hyperparameters = _trained(steps[training], reading, hosts.volume_gb, mlflow)
    given = "" if "prep" in steps else _given(str(sections["dataset"]), around)
    prepare = [] if given else _prepare(steps["prep"], reading, isolated=hosts.network.isolated)
    predict, batch, split = _predict(steps["predict"], reading)
    folder = taken("dataset") if given else made("merged")
    check = ["prep", "check", folder, *hyperparameters]
    if is_builtin(trained.image):
        check.append(f"--instance-type={trained.attempt.job.instance_type}")
    report, least = _report(steps, reading, batch, split)
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


def settings_of(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """A settings dataclass of the values of its options."""
    return kind(**{field.name: values[field.name] for field in dataclasses.fields(kind)})  # type: ignore[arg-type]


def _check_left(section: str, values: Mapping[str, Any], defaults: Mapping[str, Any], backend: str) -> None:
    """Raise SagesegError for an option that is the pipeline's to say; the same backend may be said again."""
    for name in _ANOTHERS:
        given = values.get(name)
        if name not in defaults or given == defaults[name] or (name == "backend" and given == backend):
            continue
        if name == "rate":
            raise SagesegError(f"section {section}: rate: a pipeline goes by the price list alone; take it away")
        raise SagesegError(
            f"section {section}: {name.replace('_', '-')} is the pipeline's, for all steps; say it to sageseg jobs "
            "pipeline, and take it away here"
        )


def _defaults(*kinds: Any) -> dict[str, Any]:
    return {field.name: field.default for kind in kinds for field in dataclasses.fields(kind)}


def _hosts(sections: Mapping[str, Any], reading: Reading) -> tuple[Hosts, Sequence[str]]:
    """What processing steps run on, by the section `process`, and what is to be said of it."""
    section = sections.get("process") or {}
    if "steps" in section:
        raise SagesegError(
            "section process: a pipeline's instances share prep, and one makes the report; take the line steps away"
        )
    if "shards" in section:
        raise SagesegError("section process: shards: a pipeline keeps them below its --out; take the line away")
    words = [str(word) for step in plan_steps(sections) if step.name == "report" for word in step.process or ()]
    values = _values("process", reading, ["jobs", "process", *words, "report"])
    _check_left("process", values, _defaults(ProcessOptions, SecurityOptions), reading.around.backend)
    for name in ("name", "tags", "image", "wheel"):
        if values[name]:
            raise SagesegError(f"section process: {name} is the pipeline's; say it to sageseg jobs pipeline")
    options, security = settings_of(ProcessOptions, values), settings_of(SecurityOptions, values)
    around = reading.around
    try:
        network = security.network
    except SagesegError as e:
        raise SagesegError(f"section process: {e}") from e
    hosts = Hosts(
        around.image,
        around.role,
        options.instance_type[0],
        options.instances,
        options.volume_gb,
        options.max_runtime_seconds,
        kms_key=security.kms_key,
        network=network,
    )
    return hosts, one_type("processes", hosts.instance_type, options.instance_type, "ProcessInstanceType")


def _values(section: str, reading: Reading, words: Sequence[str]) -> dict[str, Any]:
    try:
        return reading.parsed(words)
    except typer.TyperException as e:
        raise SagesegError(f"section {section}: {e}") from e
    except SagesegError as e:
        raise SagesegError(f"section {section}: {e}") from e


def _trained(step: Step, reading: Reading, volume_gb: int, mlflow: str | None) -> tuple[Trained, list[str]]:
    """What is trained, and the hyperparameters as the check takes them."""
    around = reading.around
    values = _values(step.name, reading, step.line({"prep": Path("dataset")}, "job")[:-2])
    if step.job:
        raise SagesegError(f"section {step.name}: a pipeline names its jobs itself; take the line name away")
    kinds = (StartOptions, DataOptions, MachineOptions, SecurityOptions)
    _check_left(step.name, values, _defaults(*kinds), around.backend)
    region = around.surroundings.region
    start = replace(settings_of(StartOptions, values), backend=around.backend, region=region, mlflow=mlflow)
    rest = [settings_of(kind, values) for kind in kinds[1:]]
    options = TrainOptions(start, *rest)  # type: ignore[arg-type]
    given = {name: service_word(name, text) for name in TABLE if (text := values.get(name)) is not None}
    tuning = settings_of(TuningOptions, values) if step.name == "tune" else None
    try:
        trained = plan_trained(given, options, around.surroundings, tuning, volume_gb=volume_gb)
    except SagesegError as e:
        raise SagesegError(f"section {step.name}: {e}") from e
    as_builtin = given.get("algorithm") != "unet"  # whose rules the check then goes by
    checked = {name: text for name, text in given.items() if not (as_builtin and limits_of(name).open_only)}
    return trained, [f"--{name.replace('_', '-')}={text}" for name, text in checked.items()]


def _prepare(step: Step, reading: Reading, *, isolated: bool) -> list[str]:
    """The words of prep, whose shards the instances make."""
    line = step.line({"prep": Path("dataset")}, "")
    try:
        command_of(reading.root, step.verb, line)
        return reading.told("prepare", line, isolated=isolated)
    except SagesegError as e:
        raise SagesegError(f"section prep: {e}") from e


def _predict(step: Step, reading: Reading) -> tuple[Sequence[str], Batch | None, str]:
    """The line of the prediction; or the batch transform in its place; and the split."""
    folders = {**_FOLDERS, "predict": made("predictions")}
    line = step.line({name: Path(place) for name, place in folders.items()}, ARTEFACT)
    values = _values("predict", reading, line)
    _check_left("predict", values, _defaults(RouteOptions), reading.around.backend)
    try:
        options, route = check_predict(values)
    except SagesegError as e:
        raise SagesegError(f"section predict: {e}") from e
    split = options.split or "val"
    if options.via == "endpoint":
        raise SagesegError("section predict: via endpoint: a pipeline leaves no endpoint; say via: batch, or nothing")
    if options.via == "artefact":
        return reading.told("predict", line), None, split
    for name, given in (("images", options.images), ("stitch", values["stitch"]), ("keep", route.keep)):
        if given:
            raise SagesegError(f"section predict: {name}: not with via batch in a pipeline; take it away")
    return (), Batch(route.instance_type, route.instances, options.probabilities), split


def _report(
    steps: Mapping[str, Step], reading: Reading, batch: Batch | None, split: str
) -> tuple[Sequence[str], dict[str, float]]:
    """The words of the step Report, and what the gate looks at."""
    lines: list[Sequence[str]] = []
    folders = {name: Path(place) for name, place in _FOLDERS.items()}
    if batch:
        folders["predict"] = Path(made("predictions"))
        answers = ["jobs", "pipeline-answers", taken("answers"), "--dataset", taken("dataset"), "--split", split]
        lines.append([*answers, *(["--probabilities"] if batch.probabilities else []), "--out", made("predictions")])
    for name in ("stitch", "report"):
        if name in steps:
            line = steps[name].line(folders, "")
            _values(name, reading, line)
            lines.append(reading.told("report", line))
    words = chained(lines)
    if "gate" not in steps:
        return words, {}
    check_gate(_values("report", reading, steps["report"].line(folders, "")))
    line = steps["gate"].line(folders, "")
    values = _values("gate", reading, line)
    check_once(values["least"])
    least = {each.score: each.value for each in values["least"]}
    wanted = [f"--least={score}={place(name)}" for score, name in least_parameters(least).items()]
    return (*words, THEN, "analysis", "gate", made("report"), "--out", GATE_FILE, *wanted), least
