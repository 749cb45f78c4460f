"""What failed, told from what was made to fail."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

Errors = (ClientError, BotoCoreError, http.client.HTTPException, OSError)


class WrongAnswerError(Exception):
    """An answer that came, and is not what was asked for."""


def expect(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise WrongAnswerError(otherwise)


class Watch:
    """What failed, and when something was made to fail. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: list[tuple[float, float, str]] = []
        self._made: list[tuple[float, float]] = []
        self.tried: Counter[str] = Counter()
        self.ended = threading.Event()

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except (*Errors, WrongAnswerError) as e:
            with self._lock:
                self._failed.append((began, time.monotonic(), f"{what}: {type(e).__name__}: {e}"))
        finally:
            with self._lock:
                self.tried[what] += 1

    @contextmanager
    def making_it_fail(self) -> Iterator[None]:
        """Until the block has seen that all is well again."""
        began = time.monotonic()
        with self._lock:
            self._made.append((began, float("inf")))
        yield
        with self._lock:
            self._made.remove((began, float("inf")))
            self._made.append((began, time.monotonic()))

    def faults(self) -> tuple[str, ...]:
        """What failed while nothing was made to."""
        return tuple(
            what
            for began, ended, what in self._failed
            if not any(began <= until and since <= ended for since, until in self._made)
        )

    @property
    def injected(self) -> int:
        return len(self._failed) - len(self.faults())
