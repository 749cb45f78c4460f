"""Our settings as a `sagemaker.train.ModelTrainer`, for those who live in the SageMaker SDK (extra `sdk`).

    request = json.loads(…)            # what `sageseg jobs train … --dry-run` prints
    model_trainer(request).train()

The SDK names the job itself: the request's name and the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from formats.errors import SagesegError

INSTALL = "pip install 'sagemaker>=3.22'"


def trainer_settings(request: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a ModelTrainer that sends this CreateTrainingJob request, as plain dictionaries
    with the SDK's names; absent where the request has nothing of the kind."""
    algorithm = request["AlgorithmSpecification"]
    compute = _snake(request["ResourceConfig"])
    if request.get("EnableManagedSpotTraining"):
        compute["enable_managed_spot_training"] = True
    networking = _snake(request.get("VpcConfig", {}))
    if request.get("EnableNetworkIsolation"):
        networking["enable_network_isolation"] = True
    settings = {
        "training_image": algorithm["TrainingImage"],
        "training_input_mode": algorithm["TrainingInputMode"],
        "role": request["RoleArn"],
        "base_job_name": request["TrainingJobName"],
        "hyperparameters": dict(request["HyperParameters"]),
        "compute": compute,
        "input_data_config": _snake(request["InputDataConfig"]),
        "output_data_config": _snake(request["OutputDataConfig"]),
        "stopping_condition": _snake(request["StoppingCondition"]),
        "networking": networking,
        "checkpoint_config": _snake(request.get("CheckpointConfig")),
        "tags": _snake(request.get("Tags")),
    }
    return {name: value for name, value in settings.items() if value}


def model_trainer(request: Mapping[str, Any], session: Any = None) -> Any:
    """A ModelTrainer that sends this CreateTrainingJob request. `session` is the SDK's own, by default
    its default.

    Raises SagesegError when the SDK is not installed or older than 3.
    """
    try:
        from sagemaker.core import shapes
        from sagemaker.core.training import configs
        from sagemaker.train import ModelTrainer
    except ImportError as e:
        raise SagesegError(f"the SageMaker SDK 3 is not installed ({e}); {INSTALL}") from e
    kinds = {
        "compute": configs.Compute,
        "output_data_config": shapes.OutputDataConfig,
        "stopping_condition": shapes.StoppingCondition,
        "networking": configs.Networking,
        "checkpoint_config": shapes.CheckpointConfig,
    }
    lists = {"input_data_config": shapes.Channel, "tags": shapes.Tag}
    settings = trainer_settings(request)
    made = {name: kind(**settings[name]) for name, kind in kinds.items() if name in settings}
    made |= {name: [kind(**each) for each in settings[name]] for name, kind in lists.items() if name in settings}
    return ModelTrainer(**{**settings, **made}, sagemaker_session=session)


def _snake(value: Any) -> Any:
    """A request's part with the SDK's names: `VolumeSizeInGB` is `volume_size_in_gb`, `S3Uri` `s3_uri`."""
    if isinstance(value, Mapping):
        return {_snake_name(name): _snake(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_snake(inner) for inner in value]
    return value


def _snake_name(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
