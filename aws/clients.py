"""The one place where clients of AWS are made, and where what AWS refuses becomes one line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
from botocore.config import Config

from aws.answers import AnswerParsers
from aws.errors import AwsError
from formats.console import detail
from formats.errors import SagesegError
from formats.texts.redaction import know

_CONFIG = Config(
    retries={"mode": "adaptive", "max_attempts": 8},
    max_pool_connections=32,
    # every upload carries its MD5; a second checksum would be computed for nothing
    request_checksum_calculation="when_required",
    # botocore would put its own together for every request: a seventh of the time that a small file takes
    user_agent="sageseg",
)
_HURRIED = _CONFIG.merge(Config(retries={"max_attempts": 1}, connect_timeout=3, read_timeout=10))
_ONCE = _CONFIG.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=70))
_COLD = _ONCE.merge(Config(read_timeout=250))  # 3 minutes to start and one to answer (developer guide)
_BEGAN = "sageseg_began"
_SERVER_FAILS = 500
_SIGN_IN = "run aws configure or aws sso login, or set AWS_PROFILE"


class NetworkError(SagesegError):
    """A request that did not arrive, or whose answer did not: `what` was asked, and how it went."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; check the network and run the same command again")
        self.what = what

    def __reduce__(self) -> tuple[type[NetworkError], tuple[str]]:
        return type(self), (self.what,)


class NoRegionError(SagesegError):
    """No AWS region is configured: where AWS is one of several places to look at, it is passed over."""


def client_config(*, hurried: bool = False, once: bool = False, cold: bool = False) -> Config:
    """How a client waits and tries again.

    A `hurried` one gives up within seconds: for what can be done without. `once` leaves trying again
    to the caller, and waits out the 60 s that an endpoint may take to answer; `cold` too, and the minutes before in
    which a serverless one starts.
    """
    return _HURRIED if hurried else _COLD if cold else _ONCE if once else _CONFIG


def make_client(
    service: str, region: str | None, *, hurried: bool = False, once: bool = False, cold: bool = False
) -> Any:
    """A boto3 client of a service at AWS; `client_config` says what `hurried`, `once` and `cold` are."""
    with aws_errors(f"opening {service}"):
        try:
            config = client_config(hurried=hurried, once=once, cold=cold)
            client = _session().client(service, region_name=region, config=config)
        except ValueError as e:  # botocore's, of a URL that it cannot take apart
            raise SagesegError(f"opening {service}: {e}; correct AWS_ENDPOINT_URL, or unset it") from e
    _attend(client, boto3.DEFAULT_SESSION)
    return client


def _attend(client: Any, session: Any) -> None:
    """Look at what a client is answered, and hide the keys that it signs with in all that is printed and written: to
    ask for them earlier could take a request of its own."""

    def know_keys(**_: Any) -> None:
        if credentials := session.get_credentials():
            keys = credentials.get_frozen_credentials()
            know(keys.access_key, keys.secret_key, keys.token)

    tell_requests(client)
    client.meta.events.register("before-parse", _refuse_page)
    client.meta.events.register("before-sign", know_keys)


def credential_source() -> tuple[str, str] | None:
    """Where the credentials come from (`env`, `shared-credentials-file`, `sso`, in botocore's words), and the profile;
    None without any. Off EC2 it may wait a second for the instance's own. Raises SagesegError for what is damaged."""
    with aws_errors("looking for AWS credentials"):
        session = _session()
        found = session.get_credentials()
    return (str(found.method), str(session.profile_name)) if found else None


def tell_requests(client: Any) -> None:
    """Have each request of a client told in a `detail`: its service and name, how it went, and how long it took with
    all its tries."""

    def begin(context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = time.monotonic()

    def told(event_name: str, context: Mapping[str, Any], how: str) -> None:
        _, service, name = event_name.split(".", 2)
        took = time.monotonic() - context.get(_BEGAN, time.monotonic())
        detail(f"asked {service} {name}: {how}, {took:.3f} s")

    def end(event_name: str, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        metadata = parsed.get("ResponseMetadata", {})
        tries = 1 + metadata.get("RetryAttempts", 0)
        status = metadata.get("HTTPStatusCode", "answered")
        told(event_name, context, f"{status}{f' at try {tries}' if tries > 1 else ''}")

    def fail(event_name: str, exception: Exception, context: Mapping[str, Any], **_: Any) -> None:
        told(event_name, context, type(exception).__name__)

    for event, handler in (("before-call", begin), ("after-call", end), ("after-call-error", fail)):
        client.meta.events.register(event, handler)


def _session() -> Any:
    """boto3's default session, whose answers are looked at."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session(botocore_session=watched_session())
    return boto3.DEFAULT_SESSION


def watched_session(variables: Mapping[str, Any] | None = None, **settings: Any) -> Any:
    """A new session of botocore's with AnswerParsers; `settings` are defaults of theirs."""
    session = botocore.session.Session(variables)
    parsers = AnswerParsers()
    parsers.set_parser_defaults(**settings)
    session.register_component("response_parser_factory", parsers)
    return session


def _refuse_page(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """A portal's or a proxy's page is read by botocore as an answer of AWS without members. That of a failing server
    stays with botocore, which tries again."""
    if response_dict["status_code"] < _SERVER_FAILS and not operation_model.has_streaming_output:
        body = bytes(response_dict["body"])
        if body.lstrip()[:9].lower().startswith((b"<html", b"<!doctype")):
            status = str(response_dict["status_code"])
            raise AwsError(operation_model.name, status, body.decode("utf-8", "replace"), failed=True)


def make_s3_lister(region: str | None) -> Any:
    """An S3 client for long listings. It leaves times as text: to parse those of a page takes longer
    than all else that is done with it."""
    with aws_errors("opening s3"):
        of_lists = boto3.session.Session(botocore_session=watched_session(timestamp_parser=str))
        client = of_lists.client("s3", region_name=region, config=_CONFIG)
    _attend(client, of_lists)
    return client


def configured_region(region: str | None) -> str:
    """The region asked for, or the environment's or profile's. Raises NoRegionError without one."""
    with aws_errors("reading the AWS settings"):
        found = region or os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if not found:
        raise NoRegionError("region: none configured; pass --region, or set AWS_REGION or a profile's region")
    return str(found)


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what AWS refuses, and connections that fail, into one line: what was being done, AWS's
    own words, the next step. What AWS refused is an `AwsError`, which holds AWS's code."""
    try:
        yield
    except botocore.exceptions.ClientError as e:
        error, meta = e.response.get("Error", {}), e.response.get("ResponseMetadata", {})
        failed, tries = meta.get("HTTPStatusCode", 0) >= _SERVER_FAILS, 1 + meta.get("RetryAttempts", 0)
        raise AwsError(doing, str(error.get("Code", "error")), str(error.get("Message") or e), failed, tries) from e
    except botocore.exceptions.ProfileNotFound as e:
        raise SagesegError(f"{doing}: {e}; {_profiles()}") from e
    except botocore.exceptions.NoCredentialsError as e:
        raise SagesegError(f"{doing}: no AWS credentials; {_SIGN_IN}") from e
    except botocore.exceptions.PartialCredentialsError as e:
        raise SagesegError(f"{doing}: {e}; set what is missing, or unset the rest of it") from e
    except botocore.exceptions.ConfigParseError as e:
        raise SagesegError(f"{doing}: {e}; correct that file") from e
    except (
        botocore.exceptions.SSOError,
        botocore.exceptions.UnauthorizedSSOTokenError,
        botocore.exceptions.TokenRetrievalError,
        botocore.exceptions.CredentialRetrievalError,
    ) as e:
        raise SagesegError(f"{doing}: {e}; {_SIGN_IN}") from e
    except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as e:
        raise NetworkError(f"{doing}: {e}") from e
    except botocore.exceptions.BotoCoreError as e:
        raise SagesegError(f"{doing}: {e}") from e


def _profiles() -> str:
    names = botocore.session.Session().available_profiles
    return (
        f"the profiles are {', '.join(names)}"
        if names
        else "there is no profile; aws configure --profile NAME makes one"
    )
