"""Crops that the check finds nothing in, and ways to spoil them, for its tests."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from formats.dataset import image_path, manifest_path, mask_path, open_dataset
from jobs.check.dataset_check import check_dataset, describe
from jobs.check.evidence import Machine
from jobs.check.files import Finding
from jobs.contract.hyperparameters import Hyperparameters
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import make_source

GOOD = {"crop_size": 64, "mini_batch_size": 1}
MACHINE = Machine(("ml.p3.2xlarge",), 30)


def make_crops(tmp_path: Path) -> Path:
    """Crops of 64 of eight images in four groups."""
    source = make_source(tmp_path / "source", {"a": 2, "b": 2, "c": 2, "d": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, val=1, workers=1))
    return tmp_path / "dataset"


def check(dataset: Path, machine: Machine = MACHINE, *, workers: int = 1, **settings: Any) -> list[Finding]:
    opened = open_dataset(dataset)
    decided = {"num_classes": len(opened.classes), "num_training_samples": 1}
    return check_dataset(opened, Hyperparameters(**{**decided, **GOOD, **settings}), machine, workers=workers)


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, [describe(finding) for finding in findings]
    return findings[0]


def rows(dataset: Path) -> list[dict[str, str]]:
    with manifest_path(dataset).open(newline="") as file:
        return list(csv.DictReader(file))


def kept(dataset: Path, split: str = "train") -> str:
    """The id of a crop with files."""
    return next(row["id"] for row in rows(dataset) if row["kept"] == "1" and row["split"] == split)


def replace_image(content: bytes) -> Callable[[Path], Path]:
    def spoil(dataset: Path) -> Path:
        path = image_path(dataset, kept(dataset))
        path.write_bytes(content)
        return path

    return spoil


def replace_mask(content: bytes) -> Callable[[Path], Path]:
    def spoil(dataset: Path) -> Path:
        path = mask_path(dataset, kept(dataset))
        path.write_bytes(content)
        return path

    return spoil


GREY = np.full((64, 64, 3), 120, np.uint8)


def of_rule(findings: list[Finding], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]
