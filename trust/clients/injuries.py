"""What may come over a connection that is no request: halves, rubbish, drops, nothing."""

from __future__ import annotations

import random
import socket
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit


def _connect(url: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20)


def _break_off(url: str, chance: random.Random) -> None:
    """A request that ends in its middle."""
    whole = (
        b"POST /endpoints/endpoint/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\n"
        + b"x" * 5000
    )
    with _connect(url) as connection:
        connection.sendall(whole[: chance.randrange(1, len(whole))])


def _garble(url: str, chance: random.Random) -> None:
    with _connect(url) as connection, suppress(ConnectionError):
        connection.sendall(chance.randbytes(chance.randrange(1, 4000)))


def _read_slowly(url: str, chance: random.Random) -> None:
    """Many requests in one connection, whose answers are read a byte at a time, or not at all."""
    with _connect(url) as connection, suppress(ConnectionError):
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        for _ in range(chance.randrange(10)):
            connection.recv(1)
            time.sleep(0.002)


def _sit_idle(url: str, chance: random.Random) -> None:
    """More connections than a server keeps, each with nothing or with drops."""
    with ExitStack() as stack:
        for _ in range(chance.randrange(100, 300)):
            connection = stack.enter_context(_connect(url))
            with suppress(ConnectionError):
                connection.sendall(b"POST / HT"[: chance.randrange(1, 9)])
        time.sleep(0.2)


INJURIES = (_break_off, _garble, _read_slowly, _sit_idle)
