"""The one place where clients of AWS are made; `local` gives the same clients for the emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from formats.errors import SagesegError
from jobs.emulator.launcher import ensure_emulator
from jobs.records import home

LOCAL_REGION = "us-east-1"
_CONFIG = Config(retries={"mode": "adaptive", "max_attempts": 8}, max_pool_connections=32)


def make_client(service: str, backend: str, region: str | None) -> Any:
    """A boto3 client of a service, at AWS or at this folder's emulator (which it starts)."""
    if backend == "local":
        return boto3.client(
            service,
            region_name=region or LOCAL_REGION,
            endpoint_url=ensure_emulator(home()),
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 (the emulator checks no signature)
            config=_CONFIG.merge(Config(proxies={})),  # a company's proxy is no way to 127.0.0.1
        )
    return boto3.client(service, region_name=region, config=_CONFIG)


def configured_region(region: str | None) -> str:
    """The region asked for, or the environment's or profile's. Raises SagesegError without one."""
    found = region or os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if not found:
        raise SagesegError("region: none configured; pass --region, or set AWS_REGION or a profile's region")
    return str(found)


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what AWS refuses, and connections that fail, into one line: what was being done, AWS's
    own words, the next step."""
    try:
        yield
    except botocore.exceptions.ClientError as e:
        error = e.response.get("Error", {})
        raise SagesegError(f"{doing}: {error.get('Code', 'error')}: {error.get('Message', e)}") from e
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError) as e:
        raise SagesegError(
            f"{doing}: no AWS credentials; run aws configure or aws sso login, or set AWS_PROFILE"
        ) from e
    except botocore.exceptions.BotoCoreError as e:
        raise SagesegError(f"{doing}: {e}") from e
