"""What is no model, configuration or endpoint: refused, or failed, in SageMaker's words."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from jobs.contract.model_archive import packed_files
from jobs.contract.registry import builtin_image
from tests.support.emulator_setup import create_model, emulator, rehearse, wait_until
from tests.support.hosting_setup import PREFIX, configure, deploy, invoke, status


def test_an_endpoint_that_is_being_created_cannot_be_deleted(tmp_path: Path) -> None:
    rehearse(tmp_path, {"endpoints": {"*": {"start_seconds": 600}}})
    with emulator(tmp_path) as (sagemaker, _, server):
        create_model(sagemaker, tmp_path)
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        assert status(sagemaker) == "Creating"
        text = re.escape(f'Cannot update in-progress endpoint "{PREFIX}:endpoint/endpoint".')
        with pytest.raises(sagemaker.exceptions.ClientError, match=text):
            sagemaker.delete_endpoint(EndpointName="endpoint")
        with pytest.raises(sagemaker.exceptions.ClientError, match=r"\(ValidationError\).*not found"):
            invoke(server)


def test_a_model_that_is_no_archive(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        (tmp_path / "model.tar.gz").write_bytes(b"no archive")
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "Failed")
        reason = sagemaker.describe_endpoint(EndpointName="endpoint")["FailureReason"]
    assert "model.tar.gz: cannot be unpacked as model.tar.gz" in reason


def test_an_onnx_model_under_the_image_of_the_built_in(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        image = builtin_image("eu-central-1")
        create_model(sagemaker, tmp_path, Image=image)
        (tmp_path / "model.tar.gz").write_bytes(packed_files([("model.onnx", b"onnx")]))
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "Failed")
        reason = sagemaker.describe_endpoint(EndpointName="endpoint")["FailureReason"]
    assert reason == f"The container of {image} reads no model.onnx, and model.tar.gz holds no model_best.params."


@pytest.mark.parametrize("name", ["../outside", "/outside", "link"])
def test_a_model_that_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo(name)
            if name == "link":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member, io.BytesIO(b""))
        configure(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        wait_until(lambda: status(sagemaker) == "Failed")
        reason = sagemaker.describe_endpoint(EndpointName="endpoint")["FailureReason"]
    assert "is a link or lies outside" in reason


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "foreign image": ({"Image": "alpine:3"}, "'alpine:3' cannot run here"),
    "absent data": ({"ModelDataUrl": "file:///absent/model.tar.gz"}, "Could not find model data at file:///absent"),
    "several models": ({"Mode": "MultiModel"}, "Mode MultiModel is not emulated"),
    "source": (
        {
            "ModelDataSource": {
                "S3DataSource": {"S3Uri": "s3://b/k", "S3DataType": "S3Object", "CompressionType": "Gzip"}
            }
        },
        "PrimaryContainer.ModelDataSource is not emulated",
    ),
    "loader": ({"Environment": {"LD_PRELOAD": "x"}}, "Environment variable LD_PRELOAD"),
    "port": ({"Environment": {"SAGEMAKER_BIND_TO_PORT": "22"}}, "Environment variable SAGEMAKER_BIND_TO_PORT"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = REFUSED[case]
    with emulator(tmp_path) as (sagemaker, _, _):
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            create_model(sagemaker, tmp_path, **changes)
        assert sagemaker.list_models()["Models"] == []


CONFIGS_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two instances": ({"InitialInstanceCount": 2}, "InitialInstanceCount other than 1 is not emulated"),
    "bad instance": ({"InstanceType": "ml.p3.bogus"}, "Member must satisfy enum value set"),
    "training instance": ({"InstanceType": "ml.p4de.24xlarge.x"}, "Member must satisfy enum value set"),
    "serverless on an instance": (
        {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
        "ProductionVariants.1.InstanceType must not be given with ServerlessConfig",
    ),
    "absent model": ({"ModelName": "absent"}, 'Could not find model "arn:aws:sagemaker:eu-central-1:.*:model/absent"'),
}


@pytest.mark.parametrize("case", CONFIGS_REFUSED)
def test_configurations_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = CONFIGS_REFUSED[case]
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            configure(sagemaker, **changes)


def test_names_that_are_taken_or_unknown(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        deploy(sagemaker, tmp_path)
        failure = sagemaker.exceptions.ClientError
        with pytest.raises(failure, match=f'Cannot create already existing model "{PREFIX}:model/model"'):
            create_model(sagemaker, tmp_path)
        with pytest.raises(failure, match="Cannot create already existing endpoint configuration"):
            configure(sagemaker)
        with pytest.raises(failure, match=f'Cannot create already existing endpoint "{PREFIX}:endpoint/endpoint"'):
            sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        with pytest.raises(failure, match='Could not find endpoint configuration "'):
            sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="absent")
        with pytest.raises(failure, match='Could not find endpoint "'):
            sagemaker.delete_endpoint(EndpointName="absent")
        with pytest.raises(failure, match='Could not find model "'):
            sagemaker.delete_model(ModelName="absent")
