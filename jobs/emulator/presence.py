"""How a running emulator is found: its lock, the file with its address, its health page."""

from __future__ import annotations

import fcntl
import hmac
import http.client
import json
import math
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from formats.disk.private_files import FOLDER, private, private_folder, write_private
from formats.disk.whole_files import write_errors
from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from formats.texts.typed_json import check_type
from jobs.emulator.keys import Keys, keys_path, read_keys

HEALTH_PATH, CHALLENGE = "/health", "X-Sageseg-Challenge"
_HEALTH_SECONDS = 5.0
_MAX_HEALTH_BYTES = 1000
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Presence:
    """A server: where it answers, its process, the home that it serves, the tool's version."""

    url: str
    pid: int
    home: str
    version: str

    def prove_alive(self, keys: Keys, challenge: str) -> str:
        """What this server alone, by its keys, answers to a challenge."""
        return keys.prove(f"{challenge}\n{json.dumps(asdict(self), sort_keys=True)}")


def emulator_folder(home: Path) -> Path:
    """Where a home's emulator keeps its state, for its owner alone. Raises SagesegError when it cannot be had."""
    folder = private_folder(home, "emulator")
    try:
        folder.chmod(FOLDER)
    except OSError as e:
        raise SagesegError(f"{folder}: {e.strerror}; set SAGESEG_HOME to a folder of yours") from e
    return folder


def presence_path(home: Path) -> Path:
    return home / "emulator" / "endpoint.json"


def server_lock_path(home: Path) -> Path:
    """Held by the server of a home as long as its process lives."""
    return home / "emulator" / "server.lock"


def log_file_path(home: Path) -> Path:
    return home / "emulator" / "server.log"


def write_presence(presence: Presence) -> None:
    write_private(presence_path(Path(presence.home)), json.dumps(asdict(presence)) + "\n")


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
    """The server that serves a home now: what it wrote, and its own proof, which no other that came to its port can
    give. Raises SagesegError where its keys cannot be trusted."""
    presence = read_presence(home)
    if presence is None or not keys_path(home).exists():
        return None
    challenge = secrets.token_hex(16)
    proof = _ask_health(presence.url, challenge)
    return presence if hmac.compare_digest(proof, presence.prove_alive(read_keys(home), challenge)) else None


def _ask_health(url: str, challenge: str) -> str:
    """A server's proof; empty where there is none."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH, headers={CHALLENGE: challenge})
        proof = json.loads(connection.getresponse().read(_MAX_HEALTH_BYTES))["proof"]
        return proof if isinstance(proof, str) and proof.isascii() else ""
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError):
        return ""
    finally:
        connection.close()


@contextmanager
def exclusive(path: Path, wait_seconds: float = math.inf) -> Iterator[bool]:
    """Hold a lock file; answers whether it is held after waiting so long. The system frees it when
    the process ends, in whatever way."""
    deadline = time.monotonic() + wait_seconds
    with write_errors(path), open(path, "a", opener=private) as file:
        while not (held := _try_lock(file)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        yield held


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
