"""Our settings as a ModelTrainer's arguments. The SDK itself judges them in oracles/sdk_model_trainer.py."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.contract.training_request import Network, Spot, TrainingJob, training_request
from jobs.training.model_trainer import model_trainer, trainer_settings

PLAIN = TrainingJob(
    name="cars",
    image="811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
    role="arn:aws:iam::123456789012:role/sageseg",
    data_uri="s3://cars/one",
    output_uri="s3://cars/one/output",
    instance_type="ml.p3.2xlarge",
    volume_gb=30,
    max_runtime_seconds=3600,
    hyperparameters={"num_classes": "2", "early_stopping": "True"},
    tags={"sageseg:dataset": "0123"},
)
JOBS = {
    "plain": PLAIN,
    "spot": replace(PLAIN, spot=Spot(7200, "s3://cars/one/output/checkpoints/cars")),
    "closed": replace(PLAIN, kms_key="alias/cars", network=Network(("subnet-1",), ("sg-1",), isolated=True)),
    "manifests": replace(PLAIN, augmented=True),
    "listed": replace(PLAIN, preferences=("ml.p3.2xlarge", "ml.g5.2xlarge")),
    "further": replace(PLAIN, model_uri="s3://cars/model.tar.gz", label_map_uri="s3://cars/one/label_map"),
}


def leaves(value: Any) -> Iterator[str]:
    """Every value that is in a structure, however deep and under whatever name."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield repr(value)


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_nothing_of_a_request_is_lost_or_added(job: TrainingJob) -> None:
    request = training_request(job)
    assert Counter(leaves(trainer_settings(request))) == Counter(leaves(request))


def test_the_names_are_the_sdks() -> None:
    settings = trainer_settings(training_request(JOBS["closed"]))
    assert settings["base_job_name"] == "cars"
    assert settings["hyperparameters"] == {"num_classes": "2", "early_stopping": "True"}
    assert settings["compute"] == {
        "instance_type": "ml.p3.2xlarge",
        "instance_count": 1,
        "volume_size_in_gb": 30,
        "volume_kms_key_id": "alias/cars",
    }
    assert settings["input_data_config"][0] == {
        "channel_name": "train",
        "data_source": {
            "s3_data_source": {
                "s3_data_type": "S3Prefix",
                "s3_uri": "s3://cars/one/train/",
                "s3_data_distribution_type": "FullyReplicated",
            }
        },
        "content_type": "image/jpeg",
        "compression_type": "None",
        "record_wrapper_type": "None",
        "input_mode": "File",
    }
    assert settings["output_data_config"] == {"s3_output_path": "s3://cars/one/output", "kms_key_id": "alias/cars"}
    assert settings["stopping_condition"] == {"max_runtime_in_seconds": 3600}
    assert settings["networking"] == {
        "security_group_ids": ["sg-1"],
        "subnets": ["subnet-1"],
        "enable_network_isolation": True,
    }
    assert settings["tags"] == [{"key": "sageseg:dataset", "value": "0123"}]
    assert "checkpoint_config" not in settings


def test_a_list_of_instance_types_goes_in_place_of_one() -> None:
    assert trainer_settings(training_request(JOBS["listed"]))["compute"] == {
        "instance_preferences": [{"instance_type": "ml.p3.2xlarge"}, {"instance_type": "ml.g5.2xlarge"}],
        "instance_count": 1,
        "volume_size_in_gb": 30,
    }


def test_spot_and_manifests() -> None:
    spot = trainer_settings(training_request(JOBS["spot"]))
    assert spot["compute"]["enable_managed_spot_training"] is True
    assert spot["stopping_condition"]["max_wait_time_in_seconds"] == 7200
    assert spot["checkpoint_config"] == {"s3_uri": "s3://cars/one/output/checkpoints/cars"}
    manifests = trainer_settings(training_request(JOBS["manifests"]))
    assert manifests["training_input_mode"] == "Pipe"
    source = manifests["input_data_config"][0]["data_source"]["s3_data_source"]
    assert source["attribute_names"] == ["source-ref", "segmentation-ref"]


def test_settings_are_json_as_a_dry_run_is() -> None:
    request = training_request(PLAIN)
    assert trainer_settings(json.loads(json.dumps(request))) == trainer_settings(request)


def test_without_the_sdk_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    with pytest.raises(
        SagesegError, match=r"the SageMaker SDK 3 is not installed \(.*\); pip install 'sagemaker>=3\.22'"
    ):
        model_trainer(training_request(PLAIN))
