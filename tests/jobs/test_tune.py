"""Tuning: from ranges and options to the exact request, refused where it would buy nothing."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from aws.names import default_name
from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.cli import app
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import TUNABLE
from jobs.contract.tuning_request import MAX_NAME
from jobs.training.options import DataOptions, MachineOptions, StartOptions, TrainOptions
from jobs.training.plan import Surroundings
from jobs.tuning.options import TuningOptions
from jobs.tuning.plan import plan_tuning
from jobs.tuning.ranges import combinations, example, notes_on, parse_range, settle_ranges
from tests.support.aws_setup import ROLE
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import make_dataset

NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
AROUND = Surroundings("us-east-1", ROLE, NOW)
ON_AWS = TrainOptions(StartOptions(name="cars"), DataOptions(data="s3://bucket/cars"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (32, 32, 3), np.uint8), rng.integers(0, 2, (32, 32)).astype(np.uint8)
    images = {f"car{number}_01": (image, mask) for number in range(20)}
    splits = {stem: "val" if number < 4 else "train" for number, stem in enumerate(images)}
    return make_channels(make_dataset(tmp_path_factory.mktemp("tune") / "cars", images, splits=splits))


def plan(
    dataset: Dataset,
    typed: dict[str, str] | None = None,
    options: TrainOptions = ON_AWS,
    lent: dict[str, str] | None = None,
    **tuning: Any,
) -> dict[str, Any]:
    """The first request."""
    settings = TuningOptions(**tuning)
    return plan_tuning(dataset, typed or {}, options, settings, AROUND, lent=lent).attempts[0].request


def varied(request: dict[str, Any]) -> set[str]:
    lists = request["HyperParameterTuningJobConfig"]["ParameterRanges"].values()
    return {one["Name"] for ranges in lists for one in ranges}


@pytest.mark.parametrize(
    ("text", "name", "tunable"),
    [
        ("learning_rate=1e-4:1e-1", "learning_rate", Tunable(1e-4, 1e-1, "Logarithmic")),
        ("learning-rate=0.01:0.02", "learning_rate", Tunable(0.01, 0.02, "Logarithmic")),
        ("mini_batch_size=4:16", "mini_batch_size", Tunable(4, 16)),
        ("optimizer=sgd, nag,sgd", "optimizer", Tunable(choices=("sgd", "nag"))),
        ("optimizer", "optimizer", TUNABLE["optimizer"]),
        ("weight_decay", "weight_decay", TUNABLE["weight_decay"]),
    ],
)
def test_a_range_is_scaled_as_the_documented_one(text: str, name: str, tunable: Tunable) -> None:
    assert parse_range(text) == (name, tunable)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs=1:10", "--range epochs: more epochs nearly always score higher"),
        ("rate=1:10", "--range rate: no such hyperparameter; expected one of"),
        ("crop_size=64:128", "--range crop_size: not tunable; expected one of"),
        ("learning_rate=0.1:0.1", r"learning_rate=0.1:0.1: expected two numbers in \(0, 1\], the smaller first"),
        ("learning_rate=0.2:0.1", "the smaller first"),
        ("learning_rate=0:0.1", r"in \(0, 1\]"),
        ("learning_rate=1e-4", r"--range learning_rate=1e-4: expected two numbers, such as learning_rate=0.0001:0.1"),
        ("learning_rate=low:high", "expected two numbers"),
        ("learning_rate=nan:nan", "expected two numbers"),
        ("mini_batch_size=1.5:2", "expected two whole numbers at least 1"),
        ("mini_batch_size=1:inf", "expected two whole numbers at least 1"),
        ("optimizer=sgd", "--range optimizer=sgd: expected two or more values from adam, adagrad"),
        ("optimizer=sgd,lion", "expected two or more values"),
        ("", "--range : no such hyperparameter"),
    ],
)
def test_a_range_that_is_none_is_one_line(text: str, message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        parse_range(text)


@pytest.mark.parametrize(
    ("typed", "lent", "names"),
    [
        ({}, {}, {"mini_batch_size", "learning_rate", "momentum", "weight_decay"}),
        ({"optimizer": "adam"}, {}, {"mini_batch_size", "learning_rate"}),
        ({}, {"optimizer": "adam", "learning_rate": "0.1"}, {"mini_batch_size", "learning_rate"}),
        ({"optimizer": "sgd", "momentum": "0.9"}, {"optimizer": "adam"}, {"mini_batch_size", "learning_rate"}),
    ],
)
def test_without_ranges_the_documented_ones_that_act_vary(
    typed: dict[str, str], lent: dict[str, str], names: set[str]
) -> None:
    expected = names | ({"weight_decay"} if typed.get("optimizer") == "sgd" else set())
    ranges = settle_ranges((), typed, lent, samples=1000)
    assert set(ranges) == expected
    assert all(ranges[name] == TUNABLE[name] for name in ranges)


@pytest.mark.parametrize(
    ("texts", "typed", "message"),
    [
        (["momentum"], {"optimizer": "adam"}, "--range momentum: has no effect with optimizer adam; leave it out"),
        (["momentum", "optimizer=adam,nag"], {}, "--range momentum: has no effect with optimizer adam or nag"),
        (["momentum", "momentum=0.9:0.95"], {}, "--range momentum: given twice"),
        (["learning_rate"], {"learning_rate": "0.1"}, "--range learning_rate: --learning-rate 0.1 is given too"),
        (["mini_batch_size=4:32"], {}, "mini_batch_size=4:32: over the 16 training images; expected at most 16"),
        (
            [],
            {"learning_rate": "0.1", "mini_batch_size": "4", "optimizer": "adam"},
            "nothing is left to vary; leave an option out, or name a --range",
        ),
    ],
)
def test_ranges_that_would_buy_nothing_are_refused(texts: list[str], typed: dict[str, str], message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        settle_ranges(texts, typed, {}, samples=16)


def test_a_tuned_optimizer_may_go_with_ranges_of_sgd_and_that_is_said() -> None:
    ranges = settle_ranges(["optimizer=sgd,adam,nag", "momentum"], {}, {}, samples=16)
    assert notes_on(ranges) == ["momentum has no effect in the jobs that get optimizer adam or nag"]
    assert notes_on(settle_ranges((), {}, {}, samples=16)) == []
    assert example("optimizer", ranges["optimizer"]) == "sgd"  # with which momentum acts
    assert example("optimizer", Tunable(choices=("adam", "nag"))) == "adam"


def test_no_batch_is_larger_than_the_training_images() -> None:
    assert settle_ranges((), {}, {}, samples=16)["mini_batch_size"] == Tunable(1, 16)
    assert settle_ranges(["mini_batch_size"], {}, {}, samples=16)["mini_batch_size"] == Tunable(1, 16)
    assert "mini_batch_size" not in settle_ranges((), {}, {}, samples=1)


@given(st.integers(1, 100), st.integers(1, 100))
def test_combinations_are_counted_where_they_are_finite(low: int, more: int) -> None:
    batch, optimizer = Tunable(low, low + more), Tunable(choices=("sgd", "adam", "nag"))
    assert combinations({"mini_batch_size": batch, "optimizer": optimizer}) == 3 * len(range(low, low + more + 1))
    assert combinations({"mini_batch_size": batch, "learning_rate": TUNABLE["learning_rate"]}) == float("inf")


def test_the_request_holds_what_varies_and_what_does_not(dataset: Dataset) -> None:
    ranges = ["learning_rate=1e-3:1e-1", "optimizer"]
    request = plan(dataset, {"epochs": "30", "algorithm": "psp"}, range=ranges, max_jobs=20, parallel=2, seed=3)
    assert request["HyperParameterTuningJobName"] == "cars"
    config = request["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2}
    assert (config["Strategy"], config["RandomSeed"]) == ("Bayesian", 3)
    assert varied(request) == {"learning_rate", "optimizer"}
    definition = request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"] == {
        "algorithm": "psp",
        "epochs": "30",
        "num_classes": "2",
        "num_training_samples": "16",
    }
    assert "MetricDefinitions" not in definition["AlgorithmSpecification"]
    assert definition["ResourceConfig"]["InstanceType"] == "ml.g5.2xlarge"
    assert [tag["Key"] for tag in request["Tags"]] == ["sageseg:dataset"]


def test_an_earlier_jobs_hyperparameters_stand_where_none_vary(dataset: Dataset) -> None:
    lent = {"epochs": "7", "learning_rate": "0.5", "optimizer": "adam"}
    request = plan(dataset, {"crop_size": "64"}, lent=lent)
    assert varied(request) == {"learning_rate", "mini_batch_size"}
    static = request["TrainingJobDefinition"]["StaticHyperParameters"]
    assert {name: static[name] for name in ("crop_size", "epochs", "optimizer")} == {
        "crop_size": "64",
        "epochs": "7",
        "optimizer": "adam",
    }


def test_unet_is_tuned_under_our_own_image_with_its_metrics(dataset: Dataset) -> None:
    local = TrainOptions(StartOptions(backend="local", name="cars"))
    definition = plan(dataset, {"algorithm": "unet"}, local)["TrainingJobDefinition"]
    algorithm = definition["AlgorithmSpecification"]
    assert algorithm["TrainingImage"] == "sageseg:local"
    assert "validation:mIOU" in [metric["Name"] for metric in algorithm["MetricDefinitions"]]
    assert definition["StaticHyperParameters"]["use_pretrained_model"] == "False"


@pytest.mark.parametrize(
    ("typed", "changes", "message"),
    [
        ({}, {"parallel": 11}, "--parallel 11: more than --max-jobs 10; lower it, or raise --max-jobs"),
        ({}, {"max_jobs": 0}, "--max-jobs 0: expected at least 1"),
        ({}, {"parallel": 0}, "--parallel 0: expected at least 1"),
        ({}, {"range": ["optimizer"]}, "--max-jobs 10: these ranges have only 2 combinations; pass --max-jobs 2"),
        ({"algorithm": "unet"}, {}, "unet: not part of the built-in algorithm"),
        ({"learning_rate": "7"}, {}, "learning_rate is '7'"),
        ({}, {"name": "c" * 33}, "--name c+: 33 characters; a tuning job's name has at most 32"),
        ({}, {"name": "-cars"}, "--name -cars: expected letters"),
        ({}, {"validate_on": "train"}, "--validate-on train: the search would find what learns its own images"),
        ({}, {"data": None}, "--data: missing"),
        ({}, {"seed": -1}, "randomSeed"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    dataset: Dataset, typed: dict[str, str], changes: dict[str, Any], message: str
) -> None:
    start = StartOptions(name=changes.pop("name", "cars"))
    data = DataOptions(
        data=changes.pop("data", "s3://bucket/cars"), validate_on=changes.pop("validate_on", "validation")
    )
    with pytest.raises(SagesegError, match=message):
        plan(dataset, typed, TrainOptions(start, data), **changes)


def test_names_stay_within_the_services_32_characters(dataset: Dataset) -> None:
    def names(name: str | None, typed: dict[str, str]) -> list[str]:
        options = replace(ON_AWS, start=StartOptions(name=name))
        attempts = plan_tuning(dataset, typed, options, TuningOptions(), AROUND).attempts
        named = [attempt.job.name for attempt in attempts]
        assert named == [attempt.request["HyperParameterTuningJobName"] for attempt in attempts]
        return named

    assert names("cars", {}) == ["cars", "cars-2"]
    assert names("c" * 32, {}) == ["c" * 32, "c" * 30 + "-2"]
    assert names(None, {"algorithm": "deeplab"})[0] == "deeplab-cars-20261121-010203"
    assert len(default_name("deeplab", "x" * 60, now=NOW, most=MAX_NAME)) == 32


def test_a_bayesian_search_here_needs_optuna_and_says_so(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    local = ("tune", str(dataset.root), "--backend", "local", "--dry-run")
    ran = CliRunner().invoke(app, local)
    assert "needs Optuna, which is not installed; run pip install optuna, or pass --strategy random" in str(
        ran.exception
    )
    assert CliRunner().invoke(app, [*local, "--strategy", "random"]).exit_code == 0
    assert dry_run(dataset).exit_code == 0  # at AWS it is Amazon's


def test_spot_checkpoints_have_the_tuning_jobs_folder(dataset: Dataset) -> None:
    options = replace(ON_AWS, machine=MachineOptions(spot=True))
    definition = plan(dataset, {}, options)["TrainingJobDefinition"]
    assert definition["CheckpointConfig"] == {"S3Uri": "s3://bucket/cars/output/checkpoints/cars"}


def dry_run(dataset: Dataset, *words: str) -> Result:
    common = ("--data", "s3://bucket/cars", "--role", ROLE, "--region", "eu-west-1", "--dry-run")
    return CliRunner().invoke(app, ["tune", str(dataset.root), *common, *words])


def test_dry_run_prints_the_request_and_says_the_rest_beside_it(dataset: Dataset) -> None:
    words = ("--range", "learning_rate=1e-4:1e-1", "--range", "optimizer=sgd,adam", "--range", "momentum")
    ran = dry_run(dataset, *words, "--strategy", "random", "--objective", "validation:pixel_accuracy", "--spot")
    assert ran.exit_code == 0, ran.output
    request = json.loads(ran.stdout)
    assert varied(request) == {"learning_rate", "optimizer", "momentum"}
    config = request["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Random"
    assert config["HyperParameterTuningJobObjective"] == {
        "Type": "Maximize",
        "MetricName": "validation:pixel_accuracy",
    }
    said = [line for line in ran.stderr.splitlines() if not line.startswith(("check: ", "warning: "))]
    unsigned = "no AWS credentials; run aws configure or aws sso login, or set AWS_PROFILE"
    assert said[0] == f"note: no quota was looked at: listing the quotas of SageMaker: {unsigned}"
    assert said[4:] == [
        f"note: AWS's price list was not to be had: asking for the price: {unsigned}",
        "ml.g5.2xlarge: price unknown (no price of ml.g5.2xlarge in eu-west-1 in this project's table of 2026-11-21)",
        "if it moves on: ml.g4dn.2xlarge: price unknown (no price of ml.g4dn.2xlarge in eu-west-1 in this project's "
        "table of 2026-11-21)",
    ]
    assert said[1:4] == [
        "10 jobs, 1 at a time, vary learning_rate 0.0001 to 0.1, logarithmic; optimizer sgd, adam; "
        "momentum 0.9 to 0.999",
        "note: momentum has no effect in the jobs that get optimizer adam",
        "note: that each training job has checkpoints of its own under --spot is inferred, not tried on AWS",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--objective", "validation:loss"), "--objective validation:loss: expected validation:mIOU or validation:pix"),
        (("--strategy", "hyperband"), "--strategy hyperband: it ends jobs by .* expected bayesian or random"),
        (("--strategy", "grid"), "--strategy grid: it takes lists of values only"),
        (("--strategy", "guess"), "--strategy guess: expected bayesian or random"),
        (("--range", "epochs=1:100"), "--range epochs: more epochs"),
    ],
)
def test_words_that_the_command_does_not_know_are_one_line(
    dataset: Dataset, words: tuple[str, ...], message: str
) -> None:
    ran = dry_run(dataset, *words)
    assert isinstance(ran.exception, SagesegError), ran.output
    assert re.search(message, str(ran.exception))


def test_help_names_the_ranges_and_every_hyperparameter() -> None:
    shown = CliRunner().invoke(app, ["tune", "--help"]).stdout
    for word in ("--range ", "--objective ", "--max-jobs ", "--parallel ", "--strategy ", "--epochs ", "--max-cost "):
        assert word in shown


def test_no_file_is_written_for_a_dry_run(dataset: Dataset, own_home: Path) -> None:
    assert dry_run(dataset).exit_code == 0
    assert not own_home.exists()


@pytest.mark.parametrize(
    ("types", "ranges", "named"),
    [
        (("ml.p3.8xlarge",), None, ["4 GPUs of ml.p3.8xlarge"]),
        (("ml.p3.2xlarge", "ml.g5.12xlarge", "ml.g5.48xlarge"), ["mini_batch_size=4:16"], ["8 GPUs of ml.g5.48xlarge"]),
        (("ml.p3.2xlarge",), ["mini_batch_size=1:16"], []),
        (("ml.p3.16xlarge",), ["learning_rate"], []),
    ],
)
def test_a_range_that_begins_under_the_gpus_is_warned_of(
    dataset: Dataset, types: tuple[str, ...], ranges: list[str] | None, named: list[str]
) -> None:
    options = replace(ON_AWS, machine=MachineOptions(instance_type=types))
    lines = plan_tuning(dataset, {}, options, TuningOptions(range=ranges), AROUND).lines
    warned = [line for line in lines if line.startswith("warning: mini_batch_size from ")]
    assert len(warned) == len(named)
    assert all(gpus in line for gpus, line in zip(named, warned, strict=True))
