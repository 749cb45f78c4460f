"""Bands below a drawing that say what its colours mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from analysis.drawing.colours import Colour
from analysis.drawing.fonts import Font, drawable
from formats.images import Rgb

Entries = tuple[tuple[str, Colour], ...]
"""What each colour means, in order."""

BAND, BAND_TEXT = (20, 22, 26), (235, 237, 240)
_MIN_EM = 12
_Entry = tuple[str, Font, Colour, int]
"""A meaning, its font, its colour, and the pixels that it takes in a row."""


def text_size(width: int) -> int:
    """The size of letters, in pixels, below a drawing of that width."""
    return max(_MIN_EM, width // 70)


@lru_cache(maxsize=16)
def legend_band(width: int, entries: Entries, em: int) -> Rgb:
    """A band `width` pixels wide with a square of each colour and its meaning, in as many rows as
    it takes; read-only, for it is drawn once."""
    meanings = [(*drawable(text, em), colour) for text, colour in entries]
    rows = _rows([(*each, int(3 * em + each[1].getlength(each[0]))) for each in meanings], width - em)
    band = Image.new("RGB", (width, (2 * len(rows)) * em), BAND)
    draw = ImageDraw.Draw(band)
    for number, row in enumerate(rows):
        left, top = em, 2 * number * em + em // 2
        for text, font, colour, length in row:
            draw.rectangle((left, top, left + em - 1, top + em - 1), fill=colour)
            draw.text((left + em * 1.5, top + em / 2), text, BAND_TEXT, font, anchor="lm")
            left += length
    pixels = np.array(band)
    pixels.setflags(write=False)
    return pixels


def _rows(entries: Iterable[_Entry], width: int) -> list[list[_Entry]]:
    rows: list[list[_Entry]] = [[]]
    for entry in entries:
        if rows[-1] and sum(length for *_, length in rows[-1]) + entry[-1] > width:
            rows.append([])
        rows[-1].append(entry)
    return rows


def caption_band(width: int, captions: Sequence[str], em: int) -> Rgb:
    """A band `width` pixels wide with captions in columns of one width, each above its middle."""
    band = Image.new("RGB", (width, 2 * em), BAND)
    draw, font = ImageDraw.Draw(band), ImageFont.load_default(em)
    step = width / len(captions)
    for number, caption in enumerate(captions):
        draw.text(((number + 0.5) * step, em), caption, BAND_TEXT, font, anchor="mm")
    return np.array(band)
