"""The project's wheel, which the instances of a stock image install: what is sent of it, and what they run first.

It must be what this machine runs, file by file: shards that another code makes are not those of the plan.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jobs
from aws.s3 import parse_s3_uri
from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.texts.typed_json import short
from formats.version import tool_version
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.training_request import Network
from jobs.processing import start_wheel
from jobs.processing.request import CODE, Given

_HERE = Path(jobs.__file__).resolve().parent.parent
_NAME = re.compile(r"sageseg-([^-]+)-py3-none-any\.whl")
_BUILD = "build it in the checkout, with pip wheel --no-deps ."
_DAMAGED = (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Wheel:
    """`files` lie in one folder on each instance, `extras` are those of setup.cfg that the verb may need."""

    name: str
    extras: Collection[str]
    files: Mapping[str, bytes]

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """What stands in the place of the command `sageseg`."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return ("python3", f"{CODE}/{Path(start_wheel.__file__).name}", f"{self.name}{extras}")

    def given(self, inputs_uri: str) -> Given:
        """The input of the job by which instances get the files; others lie in another folder below `inputs_uri`."""
        told = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            told.update(f"{name} {len(content)}\n".encode() + content)
        return Given(f"{inputs_uri}/{told.hexdigest()[:16]}/", CODE)

    def send(self, given: Given, s3: Callable[[], Any], kms_key: str | None) -> None:
        """Put the files where the input takes them from: in S3, by the client that is made then, or on this machine."""
        for name, content in self.files.items():
            if is_file_uri(given.uri):
                write_bytes(file_uri_path(given.uri) / name, content)
            else:
                parse_s3_uri(given.uri).put(s3(), name, content, kms_key=kms_key)


def check_way_out(network: Network) -> None:
    """Raise SagesegError for containers that could not install the wheel."""
    if network.isolated:
        raise SagesegError(
            "--wheel: instances fetch what it needs from a package index, which --network-isolation shuts off; leave "
            "one of them out"
        )


def read_wheel(path: Path, extras: Collection[str]) -> Wheel:
    """Raises SagesegError for a file that is no wheel of what runs here."""
    found = _NAME.fullmatch(path.name)
    if found is None or not path.is_file():
        raise SagesegError(
            f"--wheel {path}: expected a file such as sageseg-{tool_version()}-py3-none-any.whl; {_BUILD}"
        )
    if found[1] != tool_version():
        raise SagesegError(f"--wheel {path}: of version {found[1]}, and this is {tool_version()}; {_BUILD}")
    try:
        other = start_wheel.other_file(path, _HERE)
    except _DAMAGED as e:
        raise SagesegError(f"--wheel {path}: cannot be read ({e}); {_BUILD}") from e
    if other:
        raise SagesegError(f"--wheel {path}: in it {short(other)} is another than here; {_BUILD}")
    starter = Path(start_wheel.__file__)
    pins = "".join(f"{pin}\n" for pin in pins_of(extras))
    files = {path.name: path.read_bytes(), starter.name: starter.read_bytes(), start_wheel.PINS: pins.encode()}
    return Wheel(path.name, extras, files)


def pins_of(extras: Collection[str]) -> Iterator[str]:
    """What the project requires in the versions that this machine has, so that instances make the same bytes; but for
    torch, of which an image may have the one that suits its machine."""
    for told in requires("sageseg") or ():
        name, extra = re.split(r"[^\w.-]", told)[0], re.search(r"extra == [\"'](\w+)", told)
        if name != "torch" and (extra is None or extra[1] in extras):
            with suppress(PackageNotFoundError):
                yield f"{name}=={version(name)}"
