"""Connections that are opened and not used: they shut nobody out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from formats.web import connections
from jobs.emulator.server import running_server
from tests.support.emulator_setup import client, wait_until


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 8)
    with running_server(tmp_path) as server:
        yield server.url


def opened(url: str, stack: ExitStack, sent: bytes) -> socket.socket:
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=20)
    stack.callback(connection.close)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    try:
        connection.setblocking(False)
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST / HTTP/1.1\r\nHost: 127.0", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\nhalf"],
    ids=["nothing", "half a head", "half a body"],
)
def test_more_of_them_than_the_server_keeps_shut_nobody_out(url: str, sent: bytes) -> None:
    with ExitStack() as stack, client("sagemaker", url) as known:
        known.list_models()
        held = [opened(url, stack, sent) for _ in range(40)]
        with client("sagemaker", url) as newcomer:
            assert newcomer.list_models()["Models"] == []
        wait_until(lambda: sum(map(is_closed, held)) >= 30)
        assert not is_closed(held[-1])  # the oldest go
        assert known.list_models()["Models"] == []


def test_one_that_has_asked_before_outlives_those_that_never_did(url: str) -> None:
    with ExitStack() as stack:
        asked = opened(url, stack, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert asked.recv(9000).startswith(b"HTTP/1.1 200")
        held = [opened(url, stack, b"") for _ in range(20)]
        wait_until(lambda: sum(map(is_closed, held)) >= 12)
        assert not is_closed(asked)


def test_drops_do_not_keep_a_connection(url: str) -> None:
    with ExitStack() as stack:
        dripping = opened(url, stack, b"P")
        for letter in b"OST / HTTP":
            later = [opened(url, stack, b"") for _ in range(2)]
            if is_closed(dripping):
                break
            dripping.setblocking(True)
            dripping.sendall(bytes([letter]))
        wait_until(lambda: is_closed(dripping))
        assert not is_closed(later[-1])


@pytest.mark.parametrize("target", ["http://[::1/health", "//[::1", "http://]/", "http://[zz]/"])
def test_an_address_cut_in_half_is_a_bad_request_and_no_error_of_the_server(
    url: str, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        asking = opened(url, stack, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert asking.recv(9000).split()[1] in (b"400", b"403", b"404")
    assert caplog.text == ""
