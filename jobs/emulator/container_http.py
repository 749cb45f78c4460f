"""Requests to a serving container, as SageMaker sends them: one answer within a time, or none.

Developer guide, "Use Your Own Inference Code with Hosting Services".
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_CHUNK = 2**18


class NoAnswerError(Exception):
    """The container did not answer: `late` when its time was over, else it closed the connection."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("late" if late else "closed")
        self.late = late


@dataclass(frozen=True)
class Answer:
    """What a container answered. `body` ends one byte behind the limit where it is longer."""

    status: int
    content_type: str
    attributes: str | None
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


def ask(
    port: int,
    method: str,
    path: str,
    *,
    seconds: float,
    limit: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request to the container on a port. Raises NoAnswerError after so many seconds."""
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(
            response.status,
            response.headers.get("Content-Type", ""),
            response.headers.get(ATTRIBUTES),
            _read(connection, response, deadline, limit),
        )
    except TimeoutError as e:
        raise NoAnswerError(late=True) from e
    except (OSError, http.client.HTTPException) as e:
        raise NoAnswerError(late=False) from e
    finally:
        connection.close()


def _read(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline: float, limit: int
) -> bytes:
    """The body up to one byte more than the limit; a container that trickles is cut off."""
    parts: list[bytes] = []
    missing = limit + 1
    while missing and (part := response.read(min(missing, _CHUNK))):
        parts.append(part)
        missing -= len(part)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:  # None once the response has taken the socket over
            connection.sock.settimeout(left)
    return b"".join(parts)
