"""The schema of experiment files: what it offers is what the commands take, and what they refuse it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from formats.errors import SagesegError
from formats.texts.yaml_text import parse_yaml
from formats.verbs.completion import closed_choice
from sageseg.cli import app
from sageseg.experiment.command_lines import find_command, readers
from sageseg.experiment.schema import experiment_schema
from sageseg.experiment.steps import PROCESSED, STEPS, VERBS, read_experiment
from tests.support.doc_commands import PAGES

SCHEMA = experiment_schema(app)
VALIDATOR = Draft7Validator(SCHEMA)
BLOCKS = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECTIONS = [(name, VERBS[name]) for name in (*STEPS[1:], "process")]
READERS = [(reader, (*VERBS["prep"], reader)) for reader in readers(app)]
NO_LINES = {"out", "dry-run", "mlflow", "shard"}


def lines_of(name: str) -> dict[str, Any]:
    """The lines that a section may have: of prep, with the reader of this name."""
    if name in SCHEMA["properties"]:
        section = SCHEMA["properties"][name]
    else:
        parts = SCHEMA["properties"]["prep"]["allOf"]
        section = next(part["then"] for part in parts if part["if"] == {"required": [name]})
    return {**section["properties"], **section["patternProperties"]}


def samples() -> Iterator[tuple[str, str]]:
    yield "demo", files("sageseg").joinpath("demo.yaml").read_text(encoding="utf-8")
    for page in PAGES:
        if page.name in ("experiment.md", "pipeline.md"):
            for number, block in enumerate(BLOCKS.findall(page.read_text(encoding="utf-8"))):
                yield f"{page.name} {number}", block


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("name", "text"), list(samples()))
def test_the_samples_of_demo_and_docs_are_valid(name: str, text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(parse_yaml(text))] == []


@pytest.mark.parametrize(("name", "verb"), [*SECTIONS, *READERS])
def test_a_section_offers_the_options_that_help_lists(name: str, verb: tuple[str, ...]) -> None:
    """By what the command itself prints, and back."""
    shown = CliRunner().invoke(app, [*verb, "--help"], terminal_width=200).stdout
    helped = set(re.findall(r"^  --([a-z0-9-]+)", shown, re.MULTILINE)) - {"help"} - NO_LINES
    offered = {key.replace("_", "-") for key in lines_of(name) if not key.startswith("^")}
    assert offered - ({"steps"} if name == "process" else {name}) == helped


@pytest.mark.parametrize(("name", "verb"), [*SECTIONS, *READERS])
def test_switched_off_and_hyphened_lines_are_known_to_the_parser(name: str, verb: tuple[str, ...]) -> None:
    command, _ = find_command(app, verb)
    known = {option[2:] for each in command.params for option in (*each.opts, *each.secondary_opts)}
    spelled = {key[1:-1].replace("[-_]", "-") for key in lines_of(name) if key.startswith("^")}
    assert spelled <= known
    assert {option for option in known if option.startswith("no-")} - {"no-dry-run"} <= spelled


def all_options() -> Iterator[Any]:
    for _, verb in (*SECTIONS, *READERS):
        yield from (each for each in find_command(app, verb)[0].params if each.param_type_name == "option")


def test_choices_are_those_of_the_options_own_parsers() -> None:
    tried = 0
    for option in all_options():
        parse = option.type_descriptor.parameter_info.parser
        if parse is None or not (words := closed_choice(option.metavar or "")):
            continue
        tried += 1
        for word in words:
            parse(word)
        with pytest.raises(SagesegError):
            parse("zzz")
    assert tried > 10


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "out: results",
        "trian: {}",
        "prep: {}",
        "prep: {crop: 512}",
        "prep: {carvana: images}",
        "prep: {carvana: [images]}",
        "prep: {carvana: [images, masks, more]}",
        "prep: {carvana: [images, masks], crp: 512}",
        "prep: {coco: [a.json], metadata: m.csv}",
        "prep: {carvana: [images, masks], shard: 1/2}",
        "prep: {geotiff: [city.tif]}",
        "prep: {carvana: [images, masks], focus_share: [1, 2]}",
        "train: {epoch: 3}",
        "train: {epochs: 0}",
        "train: {epochs: 1.5}",
        "train: {algorithm: unett}",
        "train: {learning_rate: 2}",
        "train: {backend: lokal}",
        "train: {dry_run: true}",
        "train: {spot: 3}",
        "train: {no_wait: false}",
        "train: {out: elsewhere}",
        "train: {early_stopping: maybe}",
        "train: [a]",
        "train: {}\ntune: {}",
        "prep: {kitti: [road]}\ndataset: cars",
        "dataset: [cars]\ntrain: {}",
        "gate: {least: mean_iou=0.8}",
        "report: {}\ngate: {}",
        "report: {colors: pink}",
        "train: {}\nprocess: {}",
        "report: {}\nprocess: {steps: [train]}",
        "predict: {split: vall}",
        "report: {draws: many}",
    ],
)
def test_what_the_command_refuses_is_refused(text: str, tmp_path: Path) -> None:
    """By the schema, and by the experiment's own parser: neither stands alone."""
    from sageseg.experiment.checks import check_experiment
    from sageseg.experiment.steps import plan_steps

    assert list(VALIDATOR.iter_errors(parse_yaml(text)))
    path = tmp_path / "experiment.yaml"
    path.write_text(text)
    if text in ("train: {epochs: 0}", "train: {epochs: 1.5}", "train: {algorithm: unett}", "train: {learning_rate: 2}"):
        plan_steps(read_experiment(path))  # hyperparameters are looked at by the job's check, with the dataset
        return
    if text in ("prep: {carvana: [images, masks], focus_share: [1, 2]}", "train: {early_stopping: maybe}"):
        return
    with pytest.raises(SagesegError):
        check_experiment(path, app)


@pytest.mark.parametrize(
    "text",
    [
        "train:",
        "train: {mini-batch-size: 8, mini_batch_size: '8'}",
        "train: {use_pretrained_model: False, early_stopping: 'True', no-wait: yes, spot: off}",
        "tune: {range: [learning_rate=1e-3:1e-1, momentum], instance_type: [ml.g5.2xlarge, ml.g4dn.2xlarge]}",
        "tune: {range: momentum}",
        "prep: {labelme: [a, b, c], labels: labels.txt, crop: none, resize: 960x540}",
        "prep: {coco: [a.json]}",
        "prep: {coco: [a.json, images]}",
        "stitch: {fill_holes: true}\nreport: {overlays: all}",
        "stitch: {fill_holes: 20}",
        f"report: {{}}\nstitch: {{}}\nprocess: {{backend: local, steps: {list(PROCESSED[1:])}}}".replace("'", ""),
    ],
)
def test_all_ways_to_write_a_line_are_valid(text: str, tmp_path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(parse_yaml(text))] == []
    (tmp_path / "experiment.yaml").write_text(text)
    read_experiment(tmp_path / "experiment.yaml")


def test_it_is_printed_and_written(tmp_path: Path) -> None:
    out = tmp_path / "experiment.schema.json"
    printed = CliRunner().invoke(app, ["schema"]).stdout
    for words in ([], ["--overwrite"]):
        assert CliRunner().invoke(app, ["schema", "--out", str(out), *words]).exit_code == 0
    assert out.read_text(encoding="utf-8") == printed
    assert parse_yaml(printed[:100_000]) == SCHEMA
    assert "exists already" in str(CliRunner().invoke(app, ["schema", "--out", str(out)]).exception)
