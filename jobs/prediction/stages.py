"""A stage of a pipeline: work in threads of its own, ahead of the stage that follows, in order and in bounded memory.

What runs so lets go of the interpreter's lock: simplejpeg, Pillow's codecs, zlib, numpy's copies, torch, requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from formats.errors import SagesegError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    cost: Callable[[Item], int] = lambda _: 0,
    most: int = 0,
    give_up: Callable[[], None] = lambda: None,
) -> Generator[Result]:
    """The results of `function` in the order of the items, computed by so many threads.

    At most two items a thread are under way, the results that nobody has taken among them; and of several only so many
    as cost `most` together. Where `items` or `function` raises SagesegError, what stands before is yielded first.
    Closed early it waits for what its threads are at, and begins nothing more; `give_up` is called first, for what they
    may wait for.
    """
    waiting: deque[tuple[int, Future[Result]]] = deque()
    under_way, failures = 0, list[SagesegError]()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in until_failure(items, failures):
            price = cost(item)
            while waiting and (len(waiting) == 2 * threads or under_way + price > most):
                paid, future = waiting.popleft()
                under_way -= paid
                yield future.result()
            waiting.append((price, pool.submit(function, item)))
            under_way += price
        while waiting:
            yield waiting.popleft()[1].result()
    finally:
        give_up()
        pool.shutdown(cancel_futures=True)
    if failures:
        raise failures[0]


def until_failure(items: Iterable[Item], failures: list[SagesegError]) -> Generator[Item]:
    """The items before a SagesegError, which goes into `failures`: who has taken them is to finish them first."""
    try:
        yield from items
    except SagesegError as e:
        failures.append(e)
