"""What a training is likely to take: from what was measured alike, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.dataset import Dataset
from jobs.contract.hyperparameters import Hyperparameters, parse_hyperparameters
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.contract.training_request import TrainingJob, training_request
from jobs.cost.estimates import Pace, Work, estimate
from jobs.cost.prices import Rate
from jobs.cost.quotes import TrainingQuote
from jobs.tracking.records import JobRecord, record_path, write_record
from jobs.training.quoting import expected_for
from tests.support.dataset_samples import disc_image, make_dataset

JOB = TrainingJob(
    name="next",
    image=builtin_image("us-east-1"),
    role="arn:aws:iam::123456789012:role/sageseg",
    data_uri="s3://cars/one",
    output_uri="s3://cars/one/output",
    instance_type="ml.g5.2xlarge",
    volume_gb=30,
    max_runtime_seconds=3600,
    hyperparameters={},
)
EPOCHS = [{"train_throughput": train, "validation_throughput": 20.0} for train in (1.0, 10.0, 30.0)]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": disc_image(8, 8, seed=number) for number in range(10)}
    splits = {stem: "val" if number < 4 else "train" for number, stem in enumerate(images)}
    return make_dataset(tmp_path / "dataset", images, splits=splits)


def settings(**given: str) -> Hyperparameters:
    return parse_hyperparameters({"num_classes": "2", "num_training_samples": "6", "epochs": "5", **given}, "open")


def record(name: str, job: TrainingJob = JOB, created: str = "2026-11-20T00:00:00+00:00", **changes: Any) -> None:
    """A finished job in this folder."""
    request = training_request(replace(job, name=name))
    description = {"ResourceConfig": request["ResourceConfig"]} | changes.pop("description", {})
    facts: dict[str, Any] = {"created": created, "description": description, "epochs": EPOCHS, **changes}
    write_record(JobRecord(name, facts.pop("backend", "aws"), "us-east-1", "", "", [], request, **facts))


@given(
    st.integers(1, 500),
    st.integers(1, 10**5),
    st.integers(0, 10**5),
    st.floats(0.1, 1e4),
    st.floats(0.1, 1e4),
)
def test_epochs_add_up_and_a_pace_twice_as_fast_takes_half(
    epochs: int, train: int, validation: int, fast: float, also: float
) -> None:
    one = estimate(Work(1, train, validation), Pace(fast, also, "a test")).seconds
    assert one == pytest.approx(train / fast + validation / also)
    assert estimate(Work(epochs, train, validation), Pace(fast, also, "")).seconds == pytest.approx(epochs * one)
    assert estimate(Work(1, train, validation), Pace(2 * fast, 2 * also, "")).seconds == pytest.approx(one / 2)


def test_nothing_is_expected_where_nothing_was_measured(dataset: Dataset) -> None:
    assert expected_for(JOB, dataset, settings()) is None


def test_the_latest_job_that_trained_alike_gives_the_pace(dataset: Dataset) -> None:
    record("older", epochs=[{"train_throughput": 1.0, "validation_throughput": 1.0}])
    record("newer", created="2026-11-21T00:00:00+00:00")
    expected = expected_for(JOB, dataset, settings())
    assert expected is not None
    assert expected.seconds == 5 * (6 / 10.0 + 4 / 20.0)  # medians
    assert expected.basis == "an estimate, by 10 images/s of job newer"
    on_train = expected_for(replace(JOB, validate_on="train"), dataset, settings())
    assert on_train is not None
    assert on_train.seconds == 5 * (6 / 10.0 + 6 / 20.0)
    ireland = replace(JOB, image=builtin_image("eu-west-1"))  # the same program
    assert expected_for(ireland, dataset, settings()) == expected


def test_a_broken_record_hinders_nothing(dataset: Dataset) -> None:
    record("broken", created="2026-11-21T00:00:00+00:00")
    record_path("broken").write_text("{")
    record("whole")
    expected = expected_for(JOB, dataset, settings())
    assert expected is not None
    assert expected.pace.source == "job whole"


@pytest.mark.parametrize(
    ("job", "given_", "changes"),
    [
        (replace(JOB, instance_type="ml.g5.xlarge"), {}, {}),
        (JOB, {"crop_size": "512"}, {}),
        (JOB, {"algorithm": "psp"}, {}),
        (JOB, {"backbone": "resnet-101"}, {}),
        (replace(JOB, image="123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"), {}, {}),
        (JOB, {}, {"backend": "local"}),
        (JOB, {}, {"epochs": []}),
        (JOB, {}, {"epochs": [{"train_throughput": 10.0, "validation_throughput": None}]}),
    ],
)
def test_what_trained_otherwise_says_nothing(
    dataset: Dataset, job: TrainingJob, given_: dict[str, str], changes: dict[str, Any]
) -> None:
    record("other", **changes)
    assert expected_for(job, dataset, settings(**given_)) is None


def test_of_a_list_the_type_that_was_chosen_counts(dataset: Dataset) -> None:
    listed = replace(JOB, preferences=("ml.g5.2xlarge", "ml.g4dn.2xlarge"))
    resources = training_request(listed)["ResourceConfig"] | {"SelectedInstanceType": "ml.g4dn.2xlarge"}
    record("listed", listed, description={"ResourceConfig": resources})
    assert expected_for(JOB, dataset, settings()) is None
    assert expected_for(replace(JOB, instance_type="ml.g4dn.2xlarge"), dataset, settings()) is not None


def test_on_this_machine_the_instance_type_is_a_name_only(dataset: Dataset) -> None:
    record("here", replace(JOB, image=OPEN_IMAGE, instance_type="ml.m5.large"), backend="local")
    job = replace(JOB, image=OPEN_IMAGE, instance_type="ml.m5.xlarge")
    expected = expected_for(job, dataset, settings(), local=True)
    assert expected is not None
    assert expected.pace.source == "job here"
    assert expected_for(job, dataset, settings()) is None


def test_a_public_log_stands_in_for_its_own_network_crop_and_instance_alone(dataset: Dataset) -> None:
    volta = replace(JOB, instance_type="ml.p3.2xlarge")
    expected = expected_for(volta, dataset, settings())
    assert expected is not None
    assert "a public log of the built-in algorithm" in expected.basis
    assert expected_for(volta, dataset, settings(crop_size="480")) is None
    record("own", volta)
    own = expected_for(volta, dataset, settings())
    assert own is not None
    assert own.pace.source == "job own"


@pytest.mark.parametrize(
    ("rate", "seconds", "jobs", "likely"),
    [
        (3.6, 1200.0, 1, "likely $1.20 for 20 min of training (an"),
        (3.6, 1200.0, 3, "likely $3.60 for 3 times 20 min of training (an"),
        (3.6, 1.0, 1, "likely under $0.01 for 1 s of training (an"),
        (3.6, 7200.0, 1, "likely $7.20 for 2 h 00 min of training, longer than --max-runtime (an"),
        (None, 1200.0, 1, "likely 20 min of training (an"),
    ],
)
def test_a_quote_says_what_is_likely_and_from_what(rate: float | None, seconds: float, jobs: int, likely: str) -> None:
    expected = estimate(Work(1, round(10 * seconds), 0), Pace(10.0, 10.0, "job cars"))
    said = TrainingQuote("ml.g5.2xlarge", Rate(rate, "a test"), 3600, jobs=jobs, expected=expected).describe()
    assert f"; {likely} estimate, by 10 images/s of job cars; fetching the data comes on top)" in said
