"""Work over many items on all cores, in order, with flat memory and a visible count."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from formats.console import Voice, speak, track, voice
from formats.errors import CannotWriteError, Faults, SagesegError

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_co = TypeVar("Item_co", covariant=True)

_WAITING_PER_WORKER = 4
"""Tasks handed out ahead of their turn: enough to keep workers busy, few enough to bound memory."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD, _KEPT_BYTES = 2**25, 2**28
"""mallopt(3): glibc takes no larger threshold than 32 MiB; more than 256 MiB are returned."""
_WORTH_A_PROCESS = 4
"""A process takes as long to start as a few images take to do."""


class Items(Protocol[Item_co]):
    """What is worked on, so many items; they may be made when each has its turn."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item_co]: ...


def map_parallel(
    function: Callable[[Item], Result], items: Items[Item], *, workers: int | None, label: str
) -> Iterator[Result]:
    """The results of `function` in the order of the items, computed by processes.

    `workers` None means one per core, fewer for few items. `function`, items and results must be
    picklable. The first exception ends the work and is raised here.
    """
    count = workers or min(available_cores(), -(-len(items) // _WORTH_A_PROCESS))
    results = map(function, items) if min(count, len(items)) <= 1 else _from_processes(function, items, count)
    return track(results, len(items), label)


def map_all(
    function: Callable[[Item], Result], items: Items[Item], *, workers: int | None, label: str, whole: bool = True
) -> Iterator[Result]:
    """`map_parallel` that goes on where `function` raises SagesegError, and raises all of that at the end. After the
    first fault it yields no more results, so that each goes with its item, unless they need not be `whole`."""
    faults = Faults()
    for found in map_parallel(_Attempt(function), items, workers=workers, label=label):
        if isinstance(found, _Failed):
            faults.add(found.error)
        elif not (whole and faults.count):
            yield found
    faults.check()


@dataclass(frozen=True)
class _Failed:
    error: SagesegError


@dataclass(frozen=True)
class _Attempt(Generic[Item, Result]):
    function: Callable[[Item], Result]

    def __call__(self, item: Item) -> Result | _Failed:
        try:
            return self.function(item)
        except CannotWriteError:
            raise
        except SagesegError as e:
            return _Failed(e)


def available_cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _from_processes(function: Callable[[Item], Result], items: Items[Item], workers: int) -> Iterator[Result]:
    # spawn: forking a process that has threads (BLAS, OpenCV, torch) can deadlock
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), context, initializer=_start_worker, initargs=(voice(),)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= workers * _WAITING_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as e:
            raise SagesegError("a worker process died, likely for want of memory; try again with --workers 1") from e
        finally:
            for future in waiting:
                future.cancel()


def _start_worker(says: Voice) -> None:
    speak(says)
    # read by OpenCV when it loads: each worker has a core, not all of them
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"
    _keep_memory()
    # Ctrl-C reaches the whole process group; the parent alone answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _keep_memory() -> None:
    """Have glibc keep freed memory for the next image instead of returning it to the system at once:
    touching it anew takes up to half of the time of the work on it. Elsewhere nothing is done."""
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune:
        tune(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        tune(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _end_with_parent() -> None:
    """A pool's workers would outlive a parent that was killed, and write into what its successor makes."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
