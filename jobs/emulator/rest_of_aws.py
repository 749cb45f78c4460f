"""The rest of AWS beside the emulator: moto's S3, IAM, STS, Scheduler and what else it stands in for, so that a
workflow over `s3://` is rehearsed without an account.

    sageseg jobs emulator --with-s3 --bucket my-bucket
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from aws.clients import aws_errors, make_client
from formats.console import result, say
from formats.errors import SagesegError, from_extra
from jobs.emulator.server import listen, serve, url_at

REGION = "us-east-1"
EMULATED = ("SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH_LOGS", "SERVICE_QUOTAS", "PRICING")
"""Services that the emulator answers for, as `AWS_ENDPOINT_URL_…` names them. It knows no prices, and says so; moto
would fail of the question."""
FORGOTTEN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_S3")
"""What a shell may have that leads to a real account, or past the endpoints."""
_TOLD = (
    "In another shell, paste these lines: all that runs there takes these two servers for AWS, and reaches no account.",
    "Jobs really run, on this machine; data is in memory. Ctrl-C here ends both, and all is gone.",
)


def shell_variables(emulator: str, rest: str, home: Path) -> dict[str, str]:
    """What a shell is told, so that all that runs there takes these two servers for AWS. The keys are no keys: AWS
    itself refuses them."""
    endpoints = {f"AWS_ENDPOINT_URL_{name}": emulator for name in EMULATED}
    keys = {"AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
    regions = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION)
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1")
    return {"AWS_ENDPOINT_URL": rest, **endpoints, **keys, **regions, **direct, "SAGESEG_HOME": str(home)}


def shell_lines(variables: Mapping[str, str]) -> list[str]:
    """What is copied into another shell."""
    return [f"unset {' '.join(FORGOTTEN)}", *(f"export {name}={quote(value)}" for name, value in variables.items())]


def rehearse(home: Path, host: str, port: int, s3_port: int, buckets: Sequence[str]) -> None:
    """Serve both until a signal, from a home of their own under `home`: what moto keeps is gone with this process,
    and so is what is known of jobs over it. Call it from the main thread. Raises SagesegError where moto is not
    installed, an address cannot be had, or a bucket's name is refused.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SagesegError(f"{home}: cannot be made ({e.strerror}); set SAGESEG_HOME to a folder of yours") from e
    with TemporaryDirectory(prefix="rehearsal-", dir=home) as own, _moto(host, s3_port) as rest:

        def tell(emulator: str) -> None:
            variables = shell_variables(emulator, rest, Path(own))
            for name in FORGOTTEN:
                os.environ.pop(name, None)
            os.environ.update(variables)  # the emulator and its containers, too, find S3 by them
            for bucket in buckets:
                with aws_errors(f"making the bucket {bucket}"):
                    make_client("s3", REGION).create_bucket(Bucket=bucket)
            for line in shell_lines(variables):
                result(line)
            for line in _TOLD:
                say(line)

        serve(Path(own), host, port, idle_seconds=float("inf"), tell=tell)


@contextmanager
def _moto(host: str, port: int) -> Iterator[str]:
    """The URL of moto's server, until the block ends."""
    with from_extra("rehearse", "--with-s3"):
        from moto.server import ThreadedMotoServer
    with listen(host, port, "--s3-port"):  # moto's own thread would die of an address that is taken, unseen
        pass
    server = ThreadedMotoServer(host, port, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server.start()
    try:
        yield url_at(host, server.get_host_and_port()[1])
    finally:
        server.stop()
