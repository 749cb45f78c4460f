"""Arrays by what they hold; their shapes stand where they are used. And arrays that grow."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.int64, np.float64)
_FEWEST = 16


class GrowingRows(Generic[Number]):
    """Arrays of one shape that come one by one, each a row of a larger one: numbers of images, or of groups, without an
    object for each. Its memory doubles where it is full, and what no row has reached yet takes none."""

    def __init__(self) -> None:
        self._rows: npt.NDArray[Number] | None = None
        self._count = 0

    def add(self, number: int, values: npt.NDArray[Number]) -> None:
        """Add values to the row of a number, which begins as zeros; a new row is the next."""
        if self._rows is None:
            self._rows = np.zeros((_FEWEST, *values.shape), values.dtype)
        elif number == len(self._rows):
            larger = np.zeros((2 * number, *values.shape), values.dtype)
            larger[:number] = self._rows
            self._rows = larger
        self._rows[number] += values
        self._count = max(self._count, number + 1)

    @property
    def rows(self) -> npt.NDArray[Number]:
        """All of them. Raises ValueError where there is none, whose shape nobody knows."""
        if self._rows is None:
            raise ValueError("no row was added")
        return self._rows[: self._count]
