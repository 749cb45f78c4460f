"""What benchmarks take and tell; what they measure is theirs."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A benchmark as a module, which finds its neighbours."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.parametrize(
    "words",
    [
        "unet --folder x base_size=216 epochs=1",
        "unet base_size=216 --folder x epochs=1",
        "unet base_size=216 epochs=1 --folder x",
        "--folder x unet base_size=216 --seconds 9 epochs=1",
    ],
)
def test_hyperparameters_may_stand_among_the_options(words: str, load: Any) -> None:
    given = load("algorithm_quality").parse_words(words.split())
    assert (given.algorithm, given.folder) == ("unet", Path("x"))
    assert given.hyperparameters == ["base_size=216", "epochs=1"]


def test_a_word_that_is_no_hyperparameter_is_named(load: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load("algorithm_quality").parse_words(["unet", "--folder", "x", "epochs"])
    assert "epochs: expected NAME=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        ({"least": 3.0}, 3.0, "reached"),
        ({"least": 3.0}, 2.99, "NOT REACHED"),
        ({"most": 10.0}, 10.0, "reached"),
        ({"most": 10.0}, 10.1, "NOT REACHED"),
        ({}, 1.0, ""),
    ],
)
def test_a_goal_is_reached_or_not(goal: dict[str, float], value: float, verdict: str, load: Any) -> None:
    row = load("goals").Row("speed", value, "×", **goal)
    assert row.verdict == verdict
    assert load("goals").draw([row]).endswith(verdict or "×")


def test_rows_are_kept_and_the_last_of_a_name_counts(tmp_path: Path, load: Any) -> None:
    goals = load("goals")
    first, again, other = (goals.Row(what, value, "s", most=2.0) for what, value in (("a", 1), ("a", 3), ("b", 2)))
    goals.tell("one", [first, other], tmp_path / "kept.jsonl")
    goals.tell("one", [again], tmp_path / "kept.jsonl")
    assert goals.read_rows(tmp_path) == {"one": [again, other]}


def test_a_tree_holds_as_many_images_as_asked_for_of_however_few_there_are(tmp_path: Path, load: Any) -> None:
    pairs = tmp_path / "pairs"
    for folder, suffix in (("train", "jpg"), ("train_annotation", "png")):
        (pairs / folder).mkdir(parents=True)
        for number in range(3):
            (pairs / folder / f"{number}.{suffix}").write_text(f"{suffix} {number}")
    load("training_log").write_tree(tmp_path / "root", pairs, 7, {"algorithm": "fcn"})
    data = tmp_path / "root/input/data"
    assert [path.read_text() for path in sorted((data / "train").iterdir())] == [f"jpg {n % 3}" for n in range(7)]
    for path in (data / "train").iterdir():
        mask = data / "train_annotation" / f"{path.stem}.png"
        assert mask.read_text().split()[1] == path.read_text().split()[1]


@given(st.lists(st.floats(1, 1e4), min_size=2, max_size=6))
def test_a_logs_speed_is_between_those_of_the_later_epochs(speeds: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        module = importlib.import_module("training_log")
    from jobs.contract.log_lines import EpochMetrics

    log = module.Log([EpochMetrics(number, train_throughput=speed) for number, speed in enumerate(speeds)])
    assert log.first_speed == speeds[0]
    assert min(speeds[1:]) <= log.speed <= max(speeds[1:])


def test_the_script_for_a_gpu_is_a_script_and_says_its_parts() -> None:
    script = BENCHMARKS / "gpu.sh"
    assert subprocess.run(["/bin/bash", "-n", str(script)], check=False).returncode == 0
    asked = subprocess.run(["/bin/bash", str(script)], capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    for part in ("prepare", "needs", "train240", "train512", "quality", "predict", "memory", "tests", "all", "table"):
        assert part in asked.stderr


def test_a_dataset_that_is_named_is_never_drawn(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quality = load("algorithm_quality")
    words = ["x", "unet", "--folder", str(tmp_path / "run"), "--dataset", str(tmp_path / "typo")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit, match="typo: not found; --draw makes it, or leave --dataset out"):
        quality.main()
    assert list(tmp_path.iterdir()) == []


def test_the_hour_of_a_training_is_that_of_one_core(load: Any) -> None:
    """The tests see no GPU."""
    quality = load("algorithm_quality")
    assert quality.time_row(quality.Spent(wall=1900.0, processor=3700.0)).verdict == "NOT REACHED"
    assert quality.time_row(quality.Spent(wall=3700.0, processor=3500.0)).verdict == "reached"
