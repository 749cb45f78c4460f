"""Rows of numbers that come one by one, a row for each image or group, without an object for each."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", np.int64, np.float64)
_FEWEST = 16


class GrowingRows(Generic[Number]):
    """Arrays of one shape, each a row of a larger one. Its memory doubles where it is full, and what no row has reached
    yet is not touched, so that it takes none."""

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
