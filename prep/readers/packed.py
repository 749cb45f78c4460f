"""Many small objects that are held for long, kept as bytes: two paths take a kilobyte, their bytes a tenth of it."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar, overload

Item = TypeVar("Item")
_TOGETHER = 64
"""Items of a block: what they have in common is kept once, and all are made to give one."""


class Packed(Sequence[Item]):
    """Items, which must be picklable, each made anew whenever it is asked for: the same in value, and no object twice.
    In order they come a block at a time."""

    def __init__(self, items: Iterable[Item]) -> None:
        left = iter(items)
        self._blocks: list[bytes] = []
        self._count = 0
        while block := list(islice(left, _TOGETHER)):
            self._blocks.append(pickle.dumps(block, pickle.HIGHEST_PROTOCOL))
            self._count += len(block)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        for block in self._blocks:
            yield from pickle.loads(block)  # noqa: S301  # our own of a moment ago

    @overload
    def __getitem__(self, place: int) -> Item: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | Sequence[Item]:
        if isinstance(place, slice):
            start, stop, step = place.indices(self._count)
            return Packed(islice(self, start, stop, step) if step > 0 else [*self][place])
        at = range(self._count)[place]
        found: Item = pickle.loads(self._blocks[at // _TOGETHER])[at % _TOGETHER]  # noqa: S301
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list's
