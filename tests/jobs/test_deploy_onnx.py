"""An endpoint for an ONNX model: on processors, in our container, and only for a model that loads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.errors import SagesegError
from formats.images import encode_image
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.endpoints.options import DeployOptions
from jobs.endpoints.plan import plan_deployment, requests_of
from jobs.tracking.trained_model import TrainedModel, check_served_onnx, find_model
from jobs.training.starting_point import earlier_model
from tests.support.onnx_samples import bright_onnx, write_onnx_artefact
from tests.support.tiny_model import write_artefact
from tests.support.typed_commands import typed

NOW = datetime(2026, 11, 29, tzinfo=UTC)
OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"


def plan(trained: TrainedModel, **options: Any) -> dict[str, dict[str, Any]]:
    planned = plan_deployment(trained, DeployOptions(**options), role=ROLE, scheduler_role=None, now=NOW)
    return requests_of(planned)


def test_our_container_serves_it(tmp_path: Path) -> None:
    trained = find_model(str(write_onnx_artefact(tmp_path / "cars.tar.gz")))
    model = plan(trained)["CreateModel"]["PrimaryContainer"]
    assert model == {"Image": OPEN_IMAGE, "ModelDataUrl": (tmp_path / "cars.tar.gz").as_uri()}
    assert (trained.is_onnx, trained.is_bare_onnx, trained.num_classes) == (True, False, 2)


def test_at_aws_it_wants_an_image_of_ours(tmp_path: Path) -> None:
    found = find_model(str(write_onnx_artefact(tmp_path / "cars.tar.gz")))
    trained = replace(found, backend="aws", region="us-east-1", artefact_uri="s3://cars/cars.tar.gz")
    trained.__dict__["artefact_path"] = tmp_path / "cars.tar.gz"  # as if it had been fetched
    with pytest.raises(SagesegError, match="cars.tar.gz: an ONNX model, which no container of AWS serves; deploy it"):
        plan(trained)
    with pytest.raises(SagesegError, match="holds an ONNX model, which .*semantic-segmentation:1 does not read"):
        plan(trained, image=builtin_image("us-east-1"))
    assert plan(trained, image=OWN_IMAGE)["CreateModel"]["PrimaryContainer"]["Image"] == OWN_IMAGE


def test_a_gpu_is_not_paid_for(tmp_path: Path) -> None:
    trained = find_model(str(write_onnx_artefact(tmp_path / "cars.tar.gz")))
    with pytest.raises(SagesegError, match=r"--instance-type ml\.g5\.xlarge: .* runs on processors alone; choose one"):
        plan(trained, instance_type="ml.g5.xlarge")
    check_served_onnx(trained, OPEN_IMAGE, "ml.c5.xlarge")


def test_what_would_not_load_is_not_paid_for(tmp_path: Path) -> None:
    torn = find_model(str(write_onnx_artefact(tmp_path / "torn.tar.gz", bright_onnx()[:-200])))
    with pytest.raises(SagesegError, match=r"torn\.tar\.gz: model\.onnx: onnxruntime does not load it \("):
        plan(torn)
    other = find_model(str(write_onnx_artefact(tmp_path / "other.tar.gz", bright_onnx(classes=3))))
    with pytest.raises(SagesegError, match=r"model\.onnx: gives 3 classes, but its num_classes is 2; export it again"):
        plan(other)


def test_a_model_without_an_artefact_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "cars.onnx").write_bytes(bright_onnx())
    with pytest.raises(SagesegError, match=r"cars\.onnx: SageMaker serves artefacts; sageseg jobs export MODEL --out"):
        plan(find_model(str(tmp_path / "cars.onnx")))


def test_a_network_is_served_as_ever(tmp_path: Path) -> None:
    write_artefact(tmp_path / "cars.tar.gz", 2)
    check_served_onnx(find_model(str(tmp_path / "cars.tar.gz")), builtin_image("us-east-1"), "ml.g5.xlarge")


def test_none_is_trained_further(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"--model .*cars\.tar\.gz: holds an ONNX model; name the artefact"):
        earlier_model(str(write_onnx_artefact(tmp_path / "cars.tar.gz")), "local", lambda _: pytest.fail("asked"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no model", "cars.onnx: onnxruntime does not load it ("),
        (b"", "cars.onnx: onnxruntime does not load it ("),
        (bright_onnx(silent=True), "cars.onnx: tells no sageseg.hyperparameters, so sageseg jobs export did not write"),
        (None, "cars.onnx: not found; expected a model.tar.gz or model.onnx"),
    ],
    ids=["other", "empty", "silent", "absent"],
)
def test_a_file_that_is_no_model_is_one_line(content: bytes | None, problem: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "cars.onnx").write_bytes(content)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(encode_image(np.zeros((32, 32, 3), np.uint8)))
    ran = typed(["jobs", "predict", "cars.onnx", "images", "--out", "predictions"], tmp_path)
    assert ran.returncode == 1
    assert f"error: {problem}" in ran.stderr
