"""Where a job lives: at AWS, or on this machine's emulator, which the same clients speak to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from aws.clients import client_config, tell_requests, watched_session
from aws.clients import make_client as aws_client
from formats.console import result, say
from formats.state_home import home
from jobs.emulator.keys import keys_path, read_keys
from jobs.emulator.launcher import ensure_emulator
from jobs.emulator.presence import exclusive, living_emulator, presence_path, server_lock_path
from jobs.emulator.shell import shell_lines, shell_variables

LOCAL_REGION = "us-east-1"
SHELL_IDLE_SECONDS = 3600.0
LOCAL_ROLE = "arn:aws:iam::000000000000:role/sageseg-local"


def make_client(service: str, backend: str, region: str | None, *, once: bool = False, cold: bool = False) -> Any:
    """A boto3 client of a service, at AWS or at this folder's emulator (which it starts)."""
    if backend == "aws":
        return aws_client(service, region, once=once, cold=cold)
    url, keys = ensure_emulator(home()), read_keys(home())
    client = _local_session().client(
        service,
        region_name=region or LOCAL_REGION,
        endpoint_url=url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        config=client_config(once=once, cold=cold).merge(
            Config(proxies={})
        ),  # a company's proxy is no way to 127.0.0.1
    )
    tell_requests(client)
    return client


def tell_shell(idle_seconds: float | None) -> None:
    """Print what makes a shell use this folder's emulator. Where none runs, one is started that stays for an hour
    without requests and jobs, or for so many seconds: the shell's own commands cannot start it."""
    missing = not emulator_lives()
    seconds = SHELL_IDLE_SECONDS if idle_seconds is None else idle_seconds
    url = ensure_emulator(home(), seconds)
    if missing:
        say(f"note: started an emulator of {home()}; it ends when for {seconds:,.0f} s nobody asked it and no job ran")
    for line in shell_lines(shell_variables(url, read_keys(home()), home())):
        result(line, keys_too=True)


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


def emulator_lives() -> bool:
    """Whether an emulator runs for this home now; none is started."""
    return emulator_here() is not None


def emulator_here() -> tuple[str, str] | None:
    """The URL and the version of the emulator that runs for this home; None where none answers. None is started.
    Raises SagesegError for keys that no emulator would start with."""
    if keys_path(home()).exists():
        read_keys(home())
    found = living_emulator(home())
    return (found.url, found.version) if found else None


def emulator_is_silent() -> bool:
    """Whether an emulator holds this home, of those that did not answer: it hangs, or was stopped."""
    lock = server_lock_path(home())
    if not lock.exists():
        return False
    with exclusive(lock, 0) as free:
        return not free


def emulator_was_here() -> bool:
    """Whether an emulator ever ran for this home, so that asking it may find something."""
    return presence_path(home()).parent.exists()
