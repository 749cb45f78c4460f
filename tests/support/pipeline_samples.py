"""Experiments read as pipelines, without a folder of theirs or an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import typer

from jobs.backends import LOCAL_ROLE
from jobs.contract.registry import OPEN_IMAGE
from jobs.pipelines.definition import definition
from jobs.processing.given import Found
from jobs.training.plan import Surroundings
from sageseg.cli import app
from sageseg.pipeline.reading import Around
from sageseg.pipeline.sections import Read, read_sections
from tests.support.aws_setup import ROLE

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
OUT = {"aws": "s3://cars/out", "local": "file:///cars/out"}
SECTIONS: dict[str, Any] = {
    "prep": {"pairs": ["s3://cars/images", "s3://cars/masks"], "crop": "none", "val": 0.2},
    "train": {"algorithm": "psp", "epochs": 3, "spot": True, "instance_type": "ml.g5.xlarge"},
    "predict": {},
    "report": {"draws": 100},
    "gate": {"least": ["mean_iou=0.8", "iou.my car=0.9"]},
}
"""Of an experiment at AWS."""
ROOT = typer.main.get_command(app)


def around(backend: str, **more: Any) -> Around:
    role = ROLE if backend == "aws" else LOCAL_ROLE
    return Around(
        surroundings=Surroundings("us-east-1", role, NOW),
        backend=backend,
        out=OUT[backend],
        role=role,
        image=IMAGE if backend == "aws" else OPEN_IMAGE,
        name="cars",
        group="cars",
        tags={"team": "vision"},
        find=lambda value: Found(value, is_file=value.endswith(".txt")),
        **more,
    )


def read(sections: dict[str, Any], backend: str = "aws", **more: Any) -> Read:
    """`more`: of what is known beside the experiment."""
    return read_sections(sections, ROOT, around(backend, **more))


def define(sections: dict[str, Any], backend: str = "aws", **more: Any) -> dict[str, Any]:
    return definition(read(sections, backend, **more).experiment)


def steps_by_name(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All steps of a definition, those below its condition too."""
    found = {}
    for step in made["Steps"]:
        found[step["Name"]] = step
        for member in ("IfSteps", "ElseSteps"):
            found |= {inner["Name"]: inner for inner in step["Arguments"].get(member, ())}
    return found
