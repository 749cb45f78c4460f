"""What the tests of AWS share: moto's server, which the environment names as AWS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer
from typer.testing import Result

from formats.errors import SagesegError
from tests.support.keys import KEYS

ACCOUNT = "123456789012"
"""The account of every caller, as moto has it."""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/SageMaker"
REGION = "us-east-1"
SECRET = KEYS.secret_key
TOKEN = "IQoJb3JpZ2luX2VjE-not-a-real-token"  # noqa: S105


@contextmanager
def moto_server() -> Iterator[str]:
    """The URL of a server that answers for S3, STS, CloudWatch and the rest."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        # all servers of a process share moto's memory: nothing of an earlier test module may be in it
        urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()
        yield url
    finally:
        server.stop()


def use_aws(monkeypatch: pytest.MonkeyPatch, url: str, **services: str) -> None:
    """Make `url` AWS for this process and its children; `services` have URLs of their own. Who answers for
    SageMaker answers for its quotas and scaling too."""
    if "sagemaker" in services:
        services = dict.fromkeys(("service_quotas", "application_auto_scaling"), services["sagemaker"]) | services
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEYS.access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **{f"AWS_ENDPOINT_URL_{name.upper()}": place for name, place in services.items()},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials


@cache
def aws_client(service: str, url: str, region: str = REGION) -> Any:
    """A plain client of the server, to look at what the code under test did; made once, which takes as long as
    several requests; not of the default session, which tests listen to."""
    keys = {"aws_access_key_id": KEYS.access_key, "aws_secret_access_key": KEYS.secret_key}
    return _own_session().client(service, endpoint_url=url, region_name=region, **keys)


@cache
def _own_session() -> Any:
    return boto3.session.Session()


def no_price_list(*_: str) -> list[str]:
    """In the place of the price list, for an account that may not ask for it."""
    raise SagesegError("asking for the price: AccessDeniedException: not allowed")


def error_of(ran: Result) -> str:
    """The one line with which a command was refused."""
    assert isinstance(ran.exception, SagesegError), ran.output
    assert "\n" not in str(ran.exception)
    return str(ran.exception)


class Terminal(StringIO):
    """Where progress is shown as to somebody who looks on."""

    def isatty(self) -> bool:
        return True
