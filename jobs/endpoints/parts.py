"""The parts of an endpoint at its backend: the endpoint, its configuration, its model; looked at and
deleted alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError, is_missing
from jobs.contract.serving_requests import Serverless


@dataclass(frozen=True)
class Kind:
    """A kind of part: its word for people, and SageMaker's: `describe_<call>(<member>Name=…)`."""

    word: str
    call: str
    member: str


ENDPOINT = Kind("endpoint", "endpoint", "Endpoint")
CONFIG = Kind("configuration", "endpoint_config", "EndpointConfig")
MODEL = Kind("model", "model", "Model")


def describe_part(sagemaker: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """The part as its backend describes it now; None when there is none."""
    try:
        with aws_errors(f"describing {kind.word} {name}"):
            answer: dict[str, Any] = getattr(sagemaker, f"describe_{kind.call}")(**{f"{kind.member}Name": name})
    except AwsError as e:
        if is_missing(e):
            return None
        raise
    return answer


def delete_part(sagemaker: Any, kind: Kind, name: str) -> bool:
    """Delete a part; whether there was one."""
    try:
        with aws_errors(f"deleting {kind.word} {name}"):
            getattr(sagemaker, f"delete_{kind.call}")(**{f"{kind.member}Name": name})
    except AwsError as e:
        if is_missing(e):
            return False
        raise
    return True


def tags_of(sagemaker: Any, arn: str) -> dict[str, str]:
    with aws_errors(f"reading the tags of {arn}"):
        pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


@dataclass(frozen=True)
class Capacity:
    """What an endpoint runs on, as its configuration tells it: instances of a type, or `serverless`. `answers_uri` is
    where an asynchronous one writes, `kms_key` encrypts there; `alive` are the instances that there are now."""

    instance_type: str = ""
    instances: int = 0
    serverless: Serverless | None = None
    answers_uri: str = ""
    kms_key: str | None = None
    alive: int | None = None


def capacity_of(config: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Capacity:
    """Of both descriptions."""
    variant = config["ProductionVariants"][0]
    alive = next((v.get("CurrentInstanceCount") for v in endpoint.get("ProductionVariants", ())), None)
    if given := variant.get("ServerlessConfig"):
        return Capacity(serverless=Serverless(given["MemorySizeInMB"], given["MaxConcurrency"]))
    output = config.get("AsyncInferenceConfig", {}).get("OutputConfig", {})
    return Capacity(
        variant.get("InstanceType", ""),
        variant.get("InitialInstanceCount", 1),
        answers_uri=output.get("S3OutputPath", "").rstrip("/"),
        kms_key=output.get("KmsKeyId"),
        alive=alive,
    )
