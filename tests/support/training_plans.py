"""Twenty cars and the request of a training of them, for the tests of its plan."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from formats.dataset import Dataset
from jobs.training.options import DataOptions, MachineOptions, StartOptions, TrainOptions
from jobs.training.plan import Surroundings, plan_training
from jobs.training.starting_point import EarlierModel
from tests.support.aws_setup import ROLE
from tests.support.dataset_samples import make_dataset

NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
NAMED = StartOptions(name="fcn-cars")
DATA = DataOptions(data="s3://bucket/cars")
ON_AWS = TrainOptions(NAMED, DATA)


def on_machine(**machine: Any) -> TrainOptions:
    return TrainOptions(NAMED, DATA, MachineOptions(**machine))


def with_data(**data: Any) -> TrainOptions:
    return TrainOptions(NAMED, DataOptions(**{"data": "s3://bucket/cars", **data}))


def image_and_mask(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (32, 32, 3), np.uint8), rng.integers(0, 2, (32, 32)).astype(np.uint8)


def twenty_cars(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": image_and_mask(number) for number in range(20)}
    splits = {stem: "val" if number < 4 else "train" for number, stem in enumerate(images)}
    return make_dataset(tmp_path / "cars", images, splits=splits)


def plan(
    dataset: Dataset,
    given: dict[str, str],
    options: TrainOptions = ON_AWS,
    role: str | None = ROLE,
    earlier: EarlierModel | None = None,
) -> dict[str, Any]:
    return plan_training(dataset, given, options, around(role), earlier).first.request


def around(role: str | None = ROLE) -> Surroundings:
    return Surroundings("us-east-1", role, NOW, os.environ)
