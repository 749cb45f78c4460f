"""One section of a pipeline's experiment: its lines parsed by its own command, and what of it instances do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import typer

from analysis.report.gate import check_once
from formats.errors import SagesegError
from jobs.contract.hyperparameter_options import service_word
from jobs.contract.hyperparameters import TABLE, limits_of
from jobs.pipelines.definition import ARTEFACT, Batch, least_parameters
from jobs.pipelines.references import place
from jobs.pipelines.steps import THEN, chained, made, taken
from jobs.pipelines.training import Trained, one_type, plan_trained
from jobs.prediction.options import RouteOptions
from jobs.processing.options import ProcessOptions
from jobs.processing.request import Hosts
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.tuning.options import TuningOptions
from sageseg.experiment.checks import check_gate, check_predict
from sageseg.experiment.steps import Step, plan_steps
from sageseg.pipeline.reading import Reading
from sageseg.process import command_of

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


def hosts_of(sections: Mapping[str, Any], reading: Reading) -> tuple[Hosts, Sequence[str]]:
    """What processing steps run on, by the section `process`, and what is to be said of it."""
    section = sections.get("process") or {}
    if "steps" in section:
        raise SagesegError(
            "section process: a pipeline's instances share prep, and one makes the report; take the line steps away"
        )
    if "shards" in section:
        raise SagesegError("section process: shards: a pipeline keeps them below its --out; take the line away")
    words = [str(word) for step in plan_steps(sections) if step.name == "report" for word in step.process or ()]
    values = section_values("process", reading, ["jobs", "process", *words, "report"])
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


def section_values(section: str, reading: Reading, words: Sequence[str]) -> dict[str, Any]:
    try:
        return reading.parsed(words)
    except typer.TyperException as e:
        raise SagesegError(f"section {section}: {e}") from e
    except SagesegError as e:
        raise SagesegError(f"section {section}: {e}") from e


def trained_by(step: Step, reading: Reading, volume_gb: int, mlflow: str | None) -> tuple[Trained, list[str]]:
    """What is trained, and the hyperparameters as the check takes them."""
    around = reading.around
    values = section_values(step.name, reading, step.line({"prep": Path("dataset")}, "job")[:-2])
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


def prepare_words(step: Step, reading: Reading, *, isolated: bool) -> list[str]:
    """The words of prep, whose shards the instances make."""
    line = step.line({"prep": Path("dataset")}, "")
    try:
        command_of(reading.root, step.verb, line)
        return reading.told("prepare", line, isolated=isolated)
    except SagesegError as e:
        raise SagesegError(f"section prep: {e}") from e


def predict_words(step: Step, reading: Reading) -> tuple[Sequence[str], Batch | None, str]:
    """The line of the prediction; or the batch transform in its place; and the split."""
    folders = {**_FOLDERS, "predict": made("predictions")}
    line = step.line({name: Path(place) for name, place in folders.items()}, ARTEFACT)
    values = section_values("predict", reading, line)
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


def report_words(
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
            section_values(name, reading, line)
            lines.append(reading.told("report", line))
    words = chained(lines)
    if "gate" not in steps:
        return words, {}
    check_gate(section_values("report", reading, steps["report"].line(folders, "")))
    line = steps["gate"].line(folders, "")
    values = section_values("gate", reading, line)
    check_once(values["least"])
    least = {each.score: each.value for each in values["least"]}
    wanted = [f"--least={score}={place(name)}" for score, name in least_parameters(least).items()]
    return (*words, THEN, "analysis", "gate", made("report"), "--out", GATE_FILE, *wanted), least
