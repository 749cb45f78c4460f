"""The rest of AWS beside the emulator: moto's S3, IAM, STS, Scheduler and what else it stands in for, so that a
workflow over `s3://` is rehearsed without an account.

    sageseg jobs emulator --with-s3 --bucket my-bucket
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aws.clients import aws_errors, make_client
from formats.console import result, say
from formats.disk.private_files import private_folder
from formats.errors import from_extra
from jobs.emulator.keys import read_keys
from jobs.emulator.server import LOOPBACK, listen, serve, url_at
from jobs.emulator.shell import FORGOTTEN, REGION, shell_lines, shell_variables

FORGOTTEN_TOO = (*FORGOTTEN, "AWS_ENDPOINT_URL_S3")
"""What a shell may have that leads past moto."""
_TOLD = (
    "In another shell, paste these lines: all that runs there takes these two servers for AWS, and reaches no account.",
    "Jobs really run, on this machine; data is in memory. Ctrl-C here ends both, and all is gone.",
)


def rehearse(home: Path, host: str, port: int, s3_port: int, buckets: Sequence[str]) -> None:
    """Serve both until a signal, from a home of their own under `home`: what moto keeps is gone with this process,
    and so is what is known of jobs over it. Call it from the main thread. Raises SagesegError where moto is not
    installed, an address cannot be had, or a bucket's name is refused.
    """
    private_folder(home)
    with TemporaryDirectory(prefix="rehearsal-", dir=home) as own, _moto(host, s3_port) as rest:

        def tell(emulator: str) -> None:
            keys = read_keys(Path(own))
            variables = {"AWS_ENDPOINT_URL": rest, **shell_variables(emulator, keys, Path(own))}
            for name in FORGOTTEN_TOO:
                os.environ.pop(name, None)
            os.environ.update(variables)  # the emulator and its containers, too, find S3 by them
            for bucket in buckets:
                with aws_errors(f"making the bucket {bucket}"):
                    make_client("s3", REGION).create_bucket(Bucket=bucket)
            for line in shell_lines(variables, FORGOTTEN_TOO):
                result(line, keys_too=True)
            for line in _TOLD:
                say(line)

        serve(Path(own), host, port, idle_seconds=float("inf"), tell=tell)


@contextmanager
def _moto(host: str, port: int) -> Iterator[str]:
    """The URL of moto's server, until the block ends."""
    with from_extra("rehearse", "--with-s3"):
        from moto.server import ThreadedMotoServer
    if host not in LOOPBACK:
        say(f"warning: moto at {host} checks no keys: whoever reaches it reads and changes the rehearsal's S3")
    with listen(host, port, "--s3-port"):  # moto's own thread would die of an address that is taken, unseen
        pass
    server = ThreadedMotoServer(host, port, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server.start()
    try:
        yield url_at(host, server.get_host_and_port()[1])
    finally:
        server.stop()
