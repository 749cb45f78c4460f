"""What the instances of a pipeline's steps do beside the commands that they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from formats.predictions import open_predictions
from jobs.prediction.batch_answers import gather_answers
from sageseg.pipeline.host import run_lines, tell_facts
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.prep_samples import digests


class Commands:
    """The command: writes what `made` says of a line's verb, then fails or ends with a code where it is to."""

    def __init__(self, tree: Path, failing: str = "", code: int = 0, *, verdict: bool = True) -> None:
        self.made, self.failing, self.code, self.verdict = tree / "processing" / "made", failing, code, verdict
        self.ran: list[str] = []

    def main(self, line: list[str], _name: str, **_: Any) -> int:
        self.ran.append(line[1])
        folder = self.made / ("gate" if line[1] == "gate" else "report")
        folder.mkdir(exist_ok=True)
        if line[1] != "gate" or self.verdict:
            (folder / f"{line[1]}.json").write_text(line[1])
        if line[1] == self.failing:
            if self.code:
                return self.code
            raise SagesegError(f"{folder}: too low")
        return 0


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAGESEG_OPT_ML", str(tmp_path))
    for name in ("report", "gate"):
        (tmp_path / "processing" / "output" / name).mkdir(parents=True)
    return tmp_path


def lines(tree: Path) -> list[str]:
    gate = str(tree / "processing" / "made" / "gate" / "gate.json")
    return ["analysis", "report", ";", "analysis", "gate", "--out", gate]


def left(tree: Path) -> set[str]:
    output = tree / "processing" / "output"
    return {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}


@pytest.mark.parametrize("failing", ["", "gate"])
def test_a_gate_that_fails_leaves_its_verdict_to_the_pipelines_condition(tree: Path, failing: str) -> None:
    commands = Commands(tree, failing)
    run_lines(commands, lines(tree))
    assert commands.ran == ["report", "gate"]
    assert left(tree) == {"report/report.json", "gate/gate.json"}


@pytest.mark.parametrize(
    ("failing", "code", "verdict", "said"),
    [
        ("report", 0, True, "processing/made/report: too low"),
        ("report", 3, True, "sageseg analysis report: ended with exit code 3; its log says why"),
        ("gate", 0, False, "processing/made/gate: too low"),
    ],
)
def test_a_line_that_fails_ends_the_step_and_gives_nothing_away(
    tree: Path, failing: str, code: int, verdict: bool, said: str
) -> None:
    with pytest.raises(SagesegError, match=said):
        run_lines(Commands(tree, failing, code, verdict=verdict), lines(tree))
    assert left(tree) == set()
    assert (tree / "output" / "message").read_text() == said


def dataset_of(root: Path) -> Any:
    images = {f"car_{number}": disc_image(40, 32, seed=number) for number in range(4)}
    splits = {"car_0": "train", "car_1": "train", "car_2": "test"}
    return make_dataset(root, images, splits=splits)


def test_a_dataset_is_divided_into_what_steps_read(tmp_path: Path) -> None:
    dataset_of(tmp_path / "merged")
    (tmp_path / "merged" / "channels" / "train").mkdir(parents=True)
    tell_facts(tmp_path / "merged", tmp_path, "test", images=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["channels", "dataset", "facts", "images"]
    facts = json.loads((tmp_path / "facts" / "facts.json").read_text())
    assert (facts["num_classes"], facts["num_training_samples"]) == ("2", "2")
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["car_2.jpg"]
    assert len(open_dataset(tmp_path / "dataset").kept("train")) == 2


def test_a_dataset_that_was_given_stays_as_it_is(tmp_path: Path) -> None:
    dataset_of(tmp_path / "given")
    before = digests(tmp_path / "given")
    (tmp_path / "made").mkdir()
    tell_facts(tmp_path / "given", tmp_path / "made", "test", images=True)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["facts", "images"]
    assert digests(tmp_path / "given") == before


@pytest.mark.parametrize(
    ("split", "score", "said"),
    [
        ("test2", "mean_iou", "no image in the split test2; prepare it with --test2 0.2"),
        ("test", "mean_iou", "section gate: all images of the split test are of one group, car, which gives scores no"),
        ("test", "iou.cra", "--least iou.cra: no such class; did you mean iou.car\\?"),
    ],
)
def test_what_would_be_found_after_the_training_alone_is_found_before(
    tmp_path: Path, split: str, score: str, said: str
) -> None:
    dataset_of(tmp_path / "merged")
    with pytest.raises(SagesegError, match=said):
        tell_facts(tmp_path / "merged", tmp_path, split, [score])


def test_answers_of_a_transform_become_predictions(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "dataset")
    (tmp_path / "answers").mkdir()
    mask = np.zeros((32, 40), np.uint8)
    mask[3:9] = 1
    Image.fromarray(mask).save(tmp_path / "answers" / "car_2.jpg.out", "PNG")
    assert gather_answers(dataset, "test", tmp_path / "answers", tmp_path / "out", probabilities=False) == 1
    assert np.array_equal(read_mask(open_predictions(tmp_path / "out").mask_path("car_2")), mask)
    with pytest.raises(SagesegError, match=r"car_3\.jpg\.out: was not written"):
        gather_answers(dataset, "val", tmp_path / "answers", tmp_path / "none", probabilities=False)
    assert not (tmp_path / "none").exists()
