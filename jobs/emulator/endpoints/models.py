"""SageMaker's operations on models and endpoint configurations, which only describe."""

from __future__ import annotations

import time

from jobs.emulator.api.app import Operation
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.model_record import ENDPOINT_CONFIGS, MODELS, check_endpoint_config, check_model
from jobs.emulator.store.collection import Collection, make_arn
from jobs.emulator.store.state import Record


class Models:
    """The operations on models."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.models = Collection(place.state, MODELS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", "CreateModel"): self.create_model,
            ("sagemaker", "DescribeModel"): self.models.describe,
            ("sagemaker", "ListModels"): self.models.page,
            ("sagemaker", "DeleteModel"): self.delete_model,
        }

    def create_model(self, request: Record, region: str) -> Record:
        check_model(request, self._place.storage)
        arn = make_arn(MODELS, request["ModelName"], region, request.get("ExecutionRoleArn"))
        container = {"Mode": "SingleModel", "Environment": {}, **request["PrimaryContainer"]}
        record = {name: value for name, value in request.items() if name != "Tags"} | {
            "ModelArn": arn,
            "PrimaryContainer": container,
            "CreationTime": time.time(),
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        }
        self.models.add(record, request)
        return {"ModelArn": arn}

    def delete_model(self, request: Record, region: str) -> Record:
        self.models.remove(self.models.of_request(request, region).name)
        return {}


class EndpointConfigs:
    """The operations on endpoint configurations."""

    def __init__(self, place: Workplace, models: Collection) -> None:
        self._models = models
        self.configs = Collection(place.state, ENDPOINT_CONFIGS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return {
            ("sagemaker", "CreateEndpointConfig"): self.create_endpoint_config,
            ("sagemaker", "DescribeEndpointConfig"): self.configs.describe,
            ("sagemaker", "ListEndpointConfigs"): self.configs.page,
            ("sagemaker", "DeleteEndpointConfig"): self.delete_endpoint_config,
        }

    def create_endpoint_config(self, request: Record, region: str) -> Record:
        check_endpoint_config(request)
        variant = {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0, **request["ProductionVariants"][0]}
        model = self._models.get(variant["ModelName"], region)
        arn = make_arn(ENDPOINT_CONFIGS, request["EndpointConfigName"], region, model.arn)
        record = {name: value for name, value in request.items() if name != "Tags"} | {
            "EndpointConfigArn": arn,
            "ProductionVariants": [variant],
            "CreationTime": time.time(),
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        }
        self.configs.add(record, request)
        return {"EndpointConfigArn": arn}

    def delete_endpoint_config(self, request: Record, region: str) -> Record:
        self.configs.remove(self.configs.of_request(request, region).name)
        return {}
