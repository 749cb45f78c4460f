"""What runs now: every job and endpoint has a thread that takes it through its life, some for so long only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, Protocol, TypeVar

from formats.errors import SagesegError
from jobs.emulator.host.workplace import BUG

Halt = Literal["stop", "abandon"]
"""Why a run ends before its time: somebody asked for it, or the server itself ends."""


@contextmanager
def time_limit(seconds: float | None, on_expiry: Callable[[], None]) -> Iterator[None]:
    """Call `on_expiry`, from a thread of its own, when the block lasts longer; None lets it last."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), on_expiry)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def failures_told(finish: Callable[[Literal["Failed"], str], None]) -> Iterator[None]:
    """End a job as Failed with what is raised in the block. A bug is raised on: its traceback goes to the
    server's log, and the job is not left hanging."""
    try:
        yield
    except SagesegError as e:
        finish("Failed", f"ClientError: {e}")
    except BaseException:
        finish("Failed", BUG)
        raise


class Run(Protocol):
    """One life. `run` is the thread's work; `halt` comes from other threads and does not wait for the end."""

    @property
    def name(self) -> str: ...

    def run(self) -> None: ...

    def halt(self, why: Halt) -> None: ...


R = TypeVar("R", bound=Run)


class Runs(Generic[R]):
    """All lives of one kind, by name. `wakeful`: whether the server stays up for them."""

    def __init__(self, *, wakeful: bool = True) -> None:
        self._wakeful = wakeful
        self._lock = threading.Lock()
        self._running: dict[str, tuple[R, threading.Thread]] = {}

    @property
    def busy(self) -> bool:
        with self._lock:
            return self._wakeful and bool(self._running)

    def start(self, run: R) -> None:
        thread = threading.Thread(target=self._follow, args=(run,), name=run.name, daemon=True)
        with self._lock:
            self._running[run.name] = run, thread
        thread.start()

    def _follow(self, run: R) -> None:
        try:
            run.run()
        finally:
            with self._lock:
                del self._running[run.name]

    def get(self, name: str) -> R | None:
        with self._lock:
            found = self._running.get(name)
        return found[0] if found else None

    def all(self) -> list[R]:
        with self._lock:
            return [run for run, _ in self._running.values()]

    def stop(self, name: str) -> None:
        """Ask a run to end; one that has ended already is left alone."""
        run = self.get(name)
        if run is not None:
            run.halt("stop")

    def wait(self, name: str) -> None:
        """Return when the run has ended."""
        with self._lock:
            found = self._running.get(name)
        if found:
            found[1].join()

    def shut_down(self) -> None:
        """End every run at once, and wait for them."""
        with self._lock:
            running = list(self._running.values())
        for run, _ in running:
            run.halt("abandon")
        for _, thread in running:
            thread.join()
