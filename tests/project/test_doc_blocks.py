"""What README and docs show besides command lines is taken by whom it is for: Python runs, YAML is read."""

import re
import shlex
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from jobs.contract.probabilities import encode_probabilities
from jobs.emulator.host.rehearsal import read_plan
from sageseg.cli import app
from sageseg.experiment.command_lines import check_words
from sageseg.experiment.runs import FOLDERS
from sageseg.experiment.steps import plan_steps, read_experiment
from tests.support.doc_commands import PAGES
from tests.support.emulator_setup import ROLE, emulator
from tests.support.pipeline_samples import define, steps_by_name
from tests.support.pipeline_setup import start, wait_for_end

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = {
    (page.name, block[1]): block[2]
    for page in PAGES
    for block in _FENCED.finditer(page.read_text(encoding="utf-8"))
    if block[1] not in ("sh", "console")
}


def execute(page: str, **names: Any) -> dict[str, Any]:
    exec(compile(BLOCKS[page, "python"], page, "exec"), names)  # noqa: S102 (our own pages)
    return names


def test_every_block_has_its_test_here() -> None:
    assert sorted(BLOCKS) == [
        ("algorithm.md", "python"),
        ("emulator.md", "json"),
        ("emulator.md", "yaml"),
        ("experiment.md", "yaml"),
        ("pipeline.md", "yaml"),
        ("record.md", "yaml"),
    ]


def test_the_probabilities_of_an_answer_are_read_as_algorithm_md_says() -> None:
    sent = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    answer = {"Body": BytesIO(encode_probabilities(sent))}
    np.testing.assert_array_equal(execute("algorithm.md", response=answer)["probabilities"], sent)


@pytest.mark.parametrize(("low", "ending"), [("0.7", "Failed"), ("0.8", "Succeeded")])
def test_the_pipeline_of_emulator_md_gates(tmp_path: Path, low: str, ending: str) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.create_pipeline(PipelineName="cars", PipelineDefinition=BLOCKS["emulator.md", "json"], RoleArn=ROLE)
        assert wait_for_end(sagemaker, start(sagemaker, parameters={"Low": low}))["PipelineExecutionStatus"] == ending


def test_the_failures_on_request_of_emulator_md_are_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "rehearsal.yaml"
    path.write_text(BLOCKS["emulator.md", "yaml"], encoding="utf-8")
    plan = read_plan(path)
    assert "ml.p3.*" in repr(plan)


def test_the_experiment_of_pipeline_md_is_one_that_a_pipeline_does(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(BLOCKS["pipeline.md", "yaml"], encoding="utf-8")
    steps = steps_by_name(define(read_experiment(path)))
    assert list(steps) == ["Prepare", "Dataset", "Train", "Predict", "Report", "Gate", "Register", "TooLow"]


def test_the_experiments_of_experiment_md_are_some_whose_steps_the_command_takes(tmp_path: Path) -> None:
    (page,) = (page for page in PAGES if page.name == "experiment.md")
    told = []
    for block in _FENCED.finditer(page.read_text(encoding="utf-8")):
        path = tmp_path / "experiment.yaml"
        path.write_text(block[2], encoding="utf-8")
        steps = plan_steps(read_experiment(path))
        told.append([step.name for step in steps])
        for step in steps:
            for typed in (step, replace(step, process=None)):
                check_words(app, typed.line({name: tmp_path / name for name in FOLDERS}, "JOB"))
    ends = ["predict", "stitch", "report"]
    assert told == [["prep", "train", *ends], ["prep", "tune", *ends, "gate"]]


def test_the_experiment_of_pipeline_md_becomes_the_steps_that_it_tells(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(BLOCKS["pipeline.md", "yaml"], encoding="utf-8")
    made = steps_by_name(define(read_experiment(path)))
    assert [*made] == ["Prepare", "Dataset", "Train", "Predict", "Report", "Gate", "Register", "TooLow"]


def test_the_stages_of_record_md_are_lines_that_the_command_takes_and_name_what_they_make() -> None:
    stages = yaml.safe_load(BLOCKS["record.md", "yaml"])["stages"]
    made = {"images", "masks", "labels.txt"}
    for stage in stages.values():
        words = shlex.split(stage["cmd"])
        assert words[0] == "sageseg"
        values = check_words(app, words[1:])
        assert set(stage["deps"]) <= made
        made |= {str(values.get("out") or values["output"])}
        assert made >= {*stage.get("outs", stage.get("metrics"))}
    assert list(stages) == ["prep", "train", "predict", "stitch", "report", "gate"]
