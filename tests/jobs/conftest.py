"""What the tests of jobs share: AWS as they have it, made once for a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from formats.dataset import Dataset
    from tests.support.serving_setup import Served


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a server in AWS's place, with the bucket `cars`."""
    from tests.support.aws_setup import aws_client, moto_server

    with moto_server() as url:
        aws_client("s3", url).create_bucket(Bucket="cars")
        yield url


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four small cars with their channels, one of them for validation."""
    from tests.support.channel_samples import make_channels
    from tests.support.dataset_samples import disc_image, make_dataset

    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(4)}
    splits = {stem: "val" if stem == "car0_01" else "train" for stem in images}
    return make_channels(make_dataset(tmp_path / "dataset", images, splits=splits))


@pytest.fixture
def sagemaker(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an emulator in SageMaker's place, whose jobs train at once."""
    from tests.support.jobs_on_aws import TRAINS, sagemaker_running

    with sagemaker_running(tmp_path, moto, monkeypatch, TRAINS) as url:
        yield url


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A job that was trained at such an AWS, where models are served too."""
    from tests.support.serving_setup import served_job

    with served_job(tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture
def aws(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """`served`, whose job the test's own home knows; the test leaves nothing behind."""
    from tests.support.serving_setup import each_test

    for _ in each_test(served, monkeypatch):
        yield served
