"""Hosts of processing jobs that begin at once: each is the project's command in a fork of one process that has loaded
it, because to start Python and load all of it takes many times as long as their work."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import NoReturn

from jobs.emulator.host.container import OWN_PROGRAMS, Programs

_ROOT = Path(__file__).parents[2]
_HOST = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect(sys.argv[1])
    socket.send_fds(line, [b"-"], [1, 2])
    line.sendall(json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]).encode() + b"\\n")
    code = line.recv(1)
sys.exit(code[0] if code else 1)
"""
"""The container's process: where it is killed, so is what works for it."""


@contextmanager
def warm_programs() -> Iterator[Programs]:
    """The project's own programs, whose processing begins at once."""
    with TemporaryDirectory() as folder:  # a socket's name must be short
        place = str(Path(folder, "socket"))
        words = [sys.executable, "-m", "tests.support.warm_hosts", place]
        with subprocess.Popen(words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            server.stdout.readline()
            host = [sys.executable, "-I", "-S", "-c", _HOST, place]
            yield Programs(OWN_PROGRAMS.train, OWN_PROGRAMS.serve, lambda _: host)
            server.terminate()


def _serve(place: str) -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select([server, sys.stdin], [], [])[0]:  # which is at its end when the tests are
            line, _ = server.accept()
            if not os.fork():
                _work(line)
            line.close()


def _load() -> None:
    """What the verbs load when they run. What they leave need not reach the disk, nor take several processes, as in
    tests/conftest.py."""
    for name in ("analysis.report.sharded.shards", "prep.dataset.shards", "prep.readers.pairs.reader", "sageseg.cli"):
        import_module(name)
    from formats import parallel

    setattr(os, "fsync", lambda _: None)  # noqa: B010 (its parameter has a name)
    parallel.available_cores = lambda: 1


def _work(line: socket.socket) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _, outputs, *_ = socket.recv_fds(line, 1, 2)
        words, environment, folder = json.loads(line.makefile("rb").readline())
        for number, output in enumerate(outputs, 1):
            os.dup2(output, number)
        sys.stdout, sys.stderr = open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        threading.Thread(target=_end_with, args=(line,), daemon=True).start()
        code = _typed(words)
    except BaseException:  # noqa: BLE001 (a fork must not go on as its parent)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        line.sendall(bytes([code]))
        os._exit(code)


def _typed(words: list[str]) -> int:
    from sageseg.cli import main

    sys.argv = ["sageseg", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _end_with(line: socket.socket) -> None:
    line.recv(1)
    os._exit(1)


if __name__ == "__main__":
    _serve(sys.argv[1])
