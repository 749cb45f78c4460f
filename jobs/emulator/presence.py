"""How a running emulator is found: its lock, the file with its address, its health page."""

from __future__ import annotations

import fcntl
import http.client
import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from formats.errors import SagesegError
from formats.staging import write_text
from formats.texts.json_text import parse_json
from formats.texts.typed_json import check_type

HEALTH_PATH = "/health"
_HEALTH_SECONDS = 5.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Presence:
    """A server: where it answers, its process, the home that it serves, the tool's version."""

    url: str
    pid: int
    home: str
    version: str


def emulator_folder(home: Path) -> Path:
    """Where a home's emulator keeps its state. Raises SagesegError when it cannot be made."""
    folder = home / "emulator"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SagesegError(
            f"{folder}: cannot be made ({e.strerror}); set SAGESEG_HOME to a folder that can be written to"
        ) from e
    return folder


def presence_path(home: Path) -> Path:
    return home / "emulator" / "endpoint.json"


def log_file_path(home: Path) -> Path:
    return home / "emulator" / "server.log"


def write_presence(presence: Presence) -> None:
    write_text(presence_path(Path(presence.home)), json.dumps(asdict(presence)) + "\n")


def remove_presence(presence: Presence) -> None:
    """Take back what this server wrote, unless another has written since: a folder that was removed
    and made again under the same name is the other's."""
    if read_presence(Path(presence.home)) == presence:
        presence_path(Path(presence.home)).unlink(missing_ok=True)


def read_presence(home: Path) -> Presence | None:
    """What the last server of a home wrote; it may be gone."""
    try:
        told = parse_json(presence_path(home).read_bytes())
        check_type(told, Presence)
        return Presence(**told)
    except (OSError, ValueError, TypeError):
        return None


def living_emulator(home: Path) -> Presence | None:
    """The server that serves a home now: what it wrote, confirmed by its own answer."""
    presence = read_presence(home)
    return presence if presence and _ask_health(presence.url) == asdict(presence) else None


def _ask_health(url: str) -> object:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


@contextmanager
def exclusive(path: Path, wait_seconds: float = math.inf) -> Iterator[bool]:
    """Hold a lock file; answers whether it is held after waiting so long. The system frees it when
    the process ends, in whatever way."""
    deadline = time.monotonic() + wait_seconds
    with path.open("a") as file:
        while not (held := _try_lock(file)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        yield held


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
