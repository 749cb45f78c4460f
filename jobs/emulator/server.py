"""The emulator's process: it listens, and goes when there is nothing left to do."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from waitress import wasyncore

from formats.console import say
from formats.errors import SagesegError
from formats.version import tool_version
from formats.web.connections import create_server
from jobs.emulator.api.app import EmulatorApp
from jobs.emulator.endpoints.invocations import TIMEOUT_SECONDS
from jobs.emulator.host.container import OWN_PROGRAMS, Programs
from jobs.emulator.host.rehearsal import FILE_NAME, Rehearsal
from jobs.emulator.host.storage import OpenS3, Storage, open_s3
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.keys import settle_keys
from jobs.emulator.presence import (
    Presence,
    emulator_folder,
    exclusive,
    read_presence,
    remove_presence,
    server_lock_path,
    write_presence,
)
from jobs.emulator.services import Services
from jobs.emulator.store.state import State

DEFAULT_HOST = "127.0.0.1"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_BODY_BYTES = 8 * 2**20
"""No request may be larger, of anybody; each operation sets a limit of its own below this."""
THREADS = 64
"""An invocation holds one until its container answers; the others must not wait for it."""
STOP_GRACE_SECONDS = 120.0
"""What AWS leaves a container between SIGTERM and SIGKILL (StopTrainingJob's documentation)."""
_POLL_SECONDS = 0.5
_HANDOVER_SECONDS = 10.0


@dataclass(frozen=True)
class Server:
    """A server that answers requests in threads of its own."""

    presence: Presence
    app: EmulatorApp
    services: Services

    @property
    def url(self) -> str:
        return self.presence.url

    def idle_seconds(self) -> float:
        """How long nobody has asked anything and no job has run."""
        if self.services.busy:
            self.app.touch()
        return self.app.idle_seconds()


def serve(
    home: Path,
    host: str = DEFAULT_HOST,
    port: int = 0,
    *,
    idle_seconds: float,
    tell: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve a home until a signal, or until nothing was asked and no job ran for `idle_seconds`; `tell` is called
    with the URL once it answers. Call it from the main thread."""
    with _ending_signals() as ended, running_server(home, host, port) as server:
        say(f"emulator of {home} at {server.url}")
        tell(server.url)
        while not ended.wait(_POLL_SECONDS) and server.idle_seconds() < idle_seconds:
            pass
    say("emulator ended")


@contextmanager
def _ending_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, so that jobs are settled before the process ends."""
    ended = threading.Event()
    former = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ended
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def running_server(
    home: Path,
    host: str = DEFAULT_HOST,
    port: int = 0,
    *,
    programs: Programs = OWN_PROGRAMS,
    make_s3: OpenS3 = open_s3,
    grace_seconds: float = STOP_GRACE_SECONDS,
    invocation_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[Server]:
    """A server of a home, until the block ends; jobs that still run then are Failed.

    Raises SagesegError when another server has this home, or the address cannot be had.
    """
    home = home.absolute()
    folder = emulator_folder(home)
    with ExitStack() as stack:
        other = read_presence(home)  # one that shows no address is just ending, or just starting
        if not stack.enter_context(exclusive(server_lock_path(home), 0 if other else _HANDOVER_SECONDS)):
            where = (
                f", at {other.url}; use it, or end it: kill {other.pid}"
                if other
                else "; end it, or wait a minute: it goes when it is idle, and is found then"
            )
            raise SagesegError(f"{home}: another emulator serves it already{where}")
        keys = settle_keys(home)
        if host not in LOOPBACK:
            say(
                f"warning: {host} can be reached from other machines; whoever has the emulator's keys can start jobs "
                "and read files, and what is sent is not encrypted"
            )
        listener = stack.enter_context(listen(host, port))
        state = stack.enter_context(closing(State(folder / "state.sqlite")))
        rehearsal = Rehearsal(home / FILE_NAME)
        rehearsal.plan()  # a file that cannot be read is told at once
        place = Workplace(folder, state, Storage(make_s3), rehearsal, programs, grace_seconds)
        services = Services(place, invocation_seconds)
        stack.callback(services.shut_down)
        services.recover()
        presence = Presence(url_at(host, listener.getsockname()[1]), os.getpid(), str(home), tool_version())
        hosts = LOOPBACK if host in LOOPBACK else None
        app = EmulatorApp(services.answers(), keys, partial(presence.prove_alive, keys), hosts)
        stack.enter_context(_answering(app, listener))
        write_presence(presence)
        stack.callback(remove_presence, presence)
        yield Server(presence, app, services)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket at an address. Raises SagesegError, which names the option to choose another by."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as e:
        raise SagesegError(f"{host}:{port}: cannot listen there ({e}); choose another {option} or --host") from e


def url_at(host: str, port: int) -> str:
    """Where a server that listens there is reached from this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


@contextmanager
def _answering(app: EmulatorApp, listener: socket.socket) -> Iterator[None]:
    """Answer requests on a socket until the block ends."""
    channels: dict[int, Any] = {}
    server = create_server(
        app,
        sockets=[listener],
        map=channels,
        threads=THREADS,
        max_request_body_size=MAX_BODY_BYTES,
        ident="sageseg-emulator",
    )
    thread = threading.Thread(target=server.run, name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(channels, ignore_all=True))
        thread.join()
        server.task_dispatcher.shutdown()
