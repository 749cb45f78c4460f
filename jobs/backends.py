"""Where a job lives: at AWS, or on this machine's emulator, which the same clients speak to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from aws.clients import client_config, watched_session
from aws.clients import make_client as aws_client
from formats.state_home import home
from jobs.emulator.launcher import ensure_emulator
from jobs.emulator.presence import presence_path

LOCAL_REGION = "us-east-1"
LOCAL_ROLE = "arn:aws:iam::000000000000:role/sageseg-local"


def make_client(service: str, backend: str, region: str | None, *, once: bool = False) -> Any:
    """A boto3 client of a service, at AWS or at this folder's emulator (which it starts)."""
    if backend == "aws":
        return aws_client(service, region, once=once)
    return _local_session().client(
        service,
        region_name=region or LOCAL_REGION,
        endpoint_url=ensure_emulator(home()),
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (the emulator checks no signature)
        config=client_config(once=once).merge(Config(proxies={})),  # a company's proxy is no way to 127.0.0.1
    )


@cache
def _local_session() -> Any:
    """A session that reads no profile: one that is missing is no hindrance on this machine."""
    return boto3.session.Session(botocore_session=watched_session({"profile": (None, None, None, None)}))


@dataclass(frozen=True)
class Place:
    """A backend in a region, with its SageMaker client."""

    backend: str
    region: str
    sagemaker: Any

    def __str__(self) -> str:
        return "this machine's emulator" if self.backend == "local" else f"AWS in {self.region}"


def open_place(backend: str, region: str) -> Place:
    return Place(backend, region, make_client("sagemaker", backend, region))


def emulator_was_here() -> bool:
    """Whether an emulator ever ran for this home, so that asking it may find something."""
    return presence_path(home()).parent.exists()
