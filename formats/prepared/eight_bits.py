"""Values of more than 8 bits brought to 8, by what --range says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from formats.prepared.value_range import ValueRange, number_text

_WHITE = 255


class DepthError(ValueError):
    """An image over 8 bits a channel without --range, or one of 8 with it; it is no broken file."""


def to_8_bits(pixels: npt.NDArray[Any], values: ValueRange) -> npt.NDArray[np.uint8]:
    """Pixels, shape (height, width, channels), at 8 bits: (value - low) / (high - low) * 255, rounded half up; what
    lies below is 0, what lies above 255.

    Raises DepthError where there are other numbers of channels than of pairs, and for values that are no number.
    """
    channels = pixels.shape[2]
    if len(values.bands) not in (1, channels):
        raise DepthError(f"{channels} channel(s), but --range {values} has {len(values.bands)} pairs")
    pairs = values.bands * channels if len(values.bands) == 1 else values.bands
    out = np.empty(pixels.shape, np.uint8)
    for channel, pair in enumerate(pairs):
        out[..., channel] = _channel(pixels[..., channel], pair)
    return out


def _channel(values: npt.NDArray[Any], pair: tuple[float, float]) -> npt.NDArray[np.uint8]:
    if values.dtype == np.uint16:  # one place of a table for each value: the same numbers, ten times as fast
        return np.asarray(_scaled(np.arange(2**16), *pair)[values], np.uint8)
    if np.isnan(values).any():
        raise DepthError("values that are no number (NaN); fill them first, or read a raster with sageseg prep geotiff")
    return _scaled(values, *pair)


def _scaled(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    shares = (np.clip(values.astype(np.float64), low, high) - low) / (high - low)
    return np.floor(shares * _WHITE + 0.5).astype(np.uint8)


def describe_values(pixels: npt.NDArray[Any]) -> str:
    """For a person who must choose a range: `uint16, values 3 to 4095, the middle 96 % from 130 to 2980`. NaN and
    infinities do not count."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if not finite.size:
        return f"{pixels.dtype}, no value that is a number"
    low, high = np.percentile(finite, (2, 98))
    lowest, highest = float(finite.min()), float(finite.max())
    ends = f"values {number_text(lowest)} to {number_text(highest)}"
    return f"{pixels.dtype}, {ends}, the middle 96 % from {low:.6g} to {high:.6g}"
