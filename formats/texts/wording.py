"""How numbers, shares and times read for a person, and colours for a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches

UNDEFINED = "–"


def name_first(names: Sequence[object], shown: int = 10) -> str:
    """The first names of many: `a, b, c …`."""
    return ", ".join(map(str, names[:shown])) + (" …" if len(names) > shown else "")


def nearest_or_all(asked: str, known: Sequence[str]) -> str:
    """What may have been meant among many words, or all of them, as the next step of a refusal."""
    near = get_close_matches(asked, known, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"


def format_score(value: float | None) -> str:
    """Four places; but never rounded up to a perfect 1 or down to a clean 0."""
    if value is None or math.isnan(value):
        return UNDEFINED
    if 0 < value < 0.00005:
        return "<0.0001"
    if 0.99995 <= value < 1:
        return ">0.9999"
    return f"{value:.4f}"


def format_difference(value: float | None) -> str:
    """A difference of two scores with its sign, four places."""
    if value is None or math.isnan(value):
        return UNDEFINED
    return f"{value:+.4f}".replace("-", "−")


def format_share(value: float | None) -> str:
    """A share 0..1 in per cent, with two digits that say something; but never rounded to a clean 0 or 100."""
    if value is None or math.isnan(value):
        return UNDEFINED
    percent = 100 * value
    if 0 < percent < 0.0005:
        return "<0.001 %"
    if 99.95 <= percent < 100:
        return ">99.9 %"
    return f"{percent:.3f} %" if 0 < abs(percent) < 1 else f"{percent:.1f} %"


def format_number(value: float | None) -> str:
    """A quantity: thousands apart, decimals only where it is small."""
    if value is None or math.isnan(value):
        return UNDEFINED
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def format_interval(interval: tuple[float, float] | list[float] | None) -> str:
    """Low to high of a confidence interval; nothing where there is none."""
    return f"{format_score(interval[0])} to {format_score(interval[1])}" if interval else ""


def format_colour(colour: Sequence[int]) -> str:
    """Red, green and blue, each 0..255, as CSS writes them."""
    red, green, blue = colour
    return f"rgb({red} {green} {blue})"


def format_seconds(seconds: float) -> str:
    """A time that was measured: `45 s`, `14 min 25 s`, `2 h 7 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def format_roughly(seconds: float) -> str:
    """A time that is not over: `45 s`, `12 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def format_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines whose columns begin one below the other; the first row is the headings."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
