"""`--pretrained`: ImageNet weights as a channel of our own image, for jobs without internet."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.training.options import DataOptions, MachineOptions, StartOptions, TrainOptions
from jobs.training.plan import Surroundings, plan_training
from jobs.training.starting_point import EarlierModel
from tests.support.aws_setup import ROLE
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import emulator, messages, request, wait_for_end

OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
TIMM = "resnet50s.gluon_in1k.safetensors"
LISTS = 'print("weights", *sorted(path.name for path in (root / "input/data/pretrained").iterdir()))\n'


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(2)}
    splits = {"car0_01": "val", "car1_01": "train"}
    return make_channels(make_dataset(tmp_path / "dataset", images, splits=splits))


def plan(
    dataset: Dataset,
    pretrained: object,
    *,
    backend: str = "aws",
    image: str | None = OWN,
    earlier: EarlierModel | None = None,
    **given: str,
) -> dict[str, Any]:
    options = TrainOptions(
        StartOptions(backend=backend, name="job"),
        DataOptions(data="s3://bucket/cars", pretrained=str(pretrained)),
        MachineOptions(image=image),
    )
    strings = {"mini_batch_size": "1", **given}
    around = Surroundings("us-east-1", ROLE, NOW, os.environ)
    return plan_training(dataset, strings, options, around, earlier).attempts[0].request


def place_of(request: dict[str, Any]) -> str:
    """Where the channel, which must be the last, is read."""
    channel = request["InputDataConfig"][-1]
    assert (channel["ChannelName"], channel["InputMode"]) == ("pretrained", "File")
    uri: str = channel["DataSource"]["S3DataSource"]["S3Uri"]
    return uri


@pytest.mark.parametrize(
    ("named", "uri"),
    [
        ("s3://bucket/weights", "s3://bucket/weights/"),  # without a slash it would match weights2 too
        ("s3://bucket/weights/", "s3://bucket/weights/"),
        ("s3://bucket/weights/model.safetensors", "s3://bucket/weights/model.safetensors"),
        (f"s3://bucket/{TIMM}", f"s3://bucket/{TIMM}"),
    ],
)
def test_at_aws_the_channel_is_a_place_in_s3(dataset: Dataset, named: str, uri: str) -> None:
    assert place_of(plan(dataset, named)) == uri


@pytest.mark.parametrize(
    ("name", "by"), [("model.safetensors", "folder"), ("model.safetensors", "file"), (TIMM, "file")]
)
def test_on_this_machine_the_emulator_delivers_the_folder(dataset: Dataset, tmp_path: Path, name: str, by: str) -> None:
    weights = tmp_path / "weights" / name
    weights.parent.mkdir()
    weights.touch()
    sent = plan(dataset, weights if by == "file" else weights.parent, backend="local", image=None)
    assert place_of(sent) == weights.parent.as_uri()
    assert sent["AlgorithmSpecification"]["TrainingImage"] == OPEN_IMAGE
    with emulator(tmp_path, LISTS) as (sagemaker, logs, _):
        sagemaker.create_training_job(**sent)
        assert wait_for_end(sagemaker)["TrainingJobStatus"] == "Completed"
        assert f"weights {name}" in messages(logs)


@pytest.mark.parametrize(
    ("named", "changes", "message"),
    [
        ("s3://b/w", {"image": None}, "s3://b/w: the built-in algorithm's image knows no such channel; .* --image of"),
        (
            "s3://b/w",
            {"use_pretrained_model": "False"},
            "use_pretrained_model is False; .* --use-pretrained-model True",
        ),
        ("s3://b/w", {"algorithm": "unet"}, "use_pretrained_model is False; leave it out$"),
        ("s3://b/w", {"earlier": EarlierModel("s3://b/model.tar.gz", {})}, "the model of --model is trained further"),
        ("s3://b/x.safetensors", {}, f"expected {TIMM} or model.safetensors as the object's name"),
        (f"s3://b/{TIMM}", {"backbone": "resnet-101"}, "expected resnet101s.gluon_in1k.safetensors or model"),
        ("weights", {}, r"weights: is on this machine; copy it to S3 \(aws s3 cp\) and name its s3:// URI"),
        ("file:///weights", {}, "file:///weights: expected s3://bucket/prefix"),
        ("s3://b/w", {"backend": "local"}, "s3://b/w: expected a file or folder of this machine"),
        ("nowhere", {"backend": "local"}, "nowhere: expected a file or folder of this machine"),
        ("s3://b/w", {"backend": "local", "image": builtin_image("us-east-1")}, "knows no such channel"),
    ],
)
def test_what_cannot_be_read_is_refused_before(
    dataset: Dataset, named: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SagesegError, match=message):
        plan(dataset, named, **changes)


def test_a_file_that_the_training_would_pass_over_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").touch()
    with pytest.raises(SagesegError, match=rf"holds neither {TIMM} nor model.safetensors"):
        plan(dataset, tmp_path / "x.safetensors", backend="local")
    (tmp_path / "model.safetensors").touch()
    (tmp_path / TIMM).touch()
    with pytest.raises(SagesegError, match=rf"model.safetensors: {TIMM} beside it would be read"):
        plan(dataset, tmp_path / "model.safetensors", backend="local")


def test_the_emulator_refuses_the_channel_under_the_builtins_image(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        given = request(tmp_path)
        given["AlgorithmSpecification"]["TrainingImage"] = builtin_image("eu-central-1")
        given["ResourceConfig"]["InstanceType"] = "ml.p3.2xlarge"
        channel = given["InputDataConfig"][0]
        given["InputDataConfig"] = [*given["InputDataConfig"], channel | {"ChannelName": "pretrained"}]
        with pytest.raises(sagemaker.exceptions.ClientError, match="Channel pretrained is not known to semantic-segm"):
            sagemaker.create_training_job(**given)
