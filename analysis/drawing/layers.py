"""Masks and their difference as layers over an image on the page: their colours, and PNGs that are clear elsewhere."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
import numpy.typing as npt

from analysis.drawing.colours import AgreementColours, Colour
from analysis.drawing.overlays import Agreement
from formats.classes import IGNORE, voc_palette
from formats.mask_rows import LEVEL, SIGNATURE, palette_header, png_chunk
from formats.masks import Mask

Rgba = npt.NDArray[np.uint8]
"""Red, green, blue and opacity of each id, shape (n, 4), n at most 256."""
_EVERY_OTHER = np.array([int(f"{bits:b}", 4) for bits in range(256)], np.uint16)
"""Eight bits spread over sixteen: each goes to the lower place of its pair."""
SINGLE_CLASS: Colour = (178, 76, 245)
"""Violet for the only foreground class: VOC's dark red would read as a mistake beside the
difference, and no scheme of `analysis.drawing.colours` has it."""
_IGNORED: Colour = (128, 134, 145)
_OPACITY_MASK, _OPACITY_CORRECT, _OPACITY_ERROR = 0.6, 0.42, 0.95


def class_colours(num_classes: int) -> tuple[Colour, ...]:
    """The colour of each class on the page, by id: VOC's, and violet for a single foreground class."""
    colours = [(red, green, blue) for red, green, blue in voc_palette()[:num_classes].tolist()]
    if num_classes == 2:
        colours[1] = SINGLE_CLASS
    return tuple(colours)


def tint_palette(num_classes: int) -> Rgba:
    """Class ids as tints: the background is clear."""
    palette = np.zeros((256, 4), np.uint8)
    palette[:num_classes, :3] = class_colours(num_classes)
    palette[1:num_classes, 3] = round(255 * _OPACITY_MASK)
    palette[IGNORE] = (*_IGNORED, round(255 * _OPACITY_MASK))
    return palette


def difference_palette(colours: AgreementColours) -> Rgba:
    """`Agreement` codes as tints: where nothing is true or predicted it is clear."""
    palette = np.zeros((256, 4), np.uint8)
    palette[Agreement.CORRECT] = (*colours.correct, round(255 * _OPACITY_CORRECT))
    palette[Agreement.WRONG] = (*colours.wrong, round(255 * _OPACITY_ERROR))
    palette[Agreement.MISSED] = (*colours.missed, round(255 * _OPACITY_ERROR))
    return palette


def encode_palette_png(ids: Mask, palette: Rgba) -> bytes:
    """Ids (height, width), each less than len(palette), as a PNG of as few bits as they need.

    Format: PNG specification, third edition (w3.org/TR/png-3). Pillow takes five times as long
    for 1918 × 1280, because it packs pixels one by one.
    """
    used = int(ids.max(initial=0)) + 1
    bits = 1 if used <= 2 else 2 if used <= 4 else 8
    height, width = ids.shape
    return b"".join(
        (
            SIGNATURE,
            palette_header(width, height, bits=bits),
            png_chunk(b"PLTE", palette[:used, :3].tobytes()),
            png_chunk(b"tRNS", palette[:used, 3].tobytes()),
            png_chunk(b"IDAT", _compress(_pack(ids, bits))),
            png_chunk(b"IEND", b""),
        )
    )


def _pack(ids: Mask, bits: int) -> npt.NDArray[np.uint8]:
    """Rows of ids packed into bytes, the leftmost pixel in the highest bits."""
    if bits == 8:
        return ids
    if bits == 1:
        return np.packbits(ids, axis=1)
    packed = np.zeros((ids.shape[0], -(-ids.shape[1] // 4)), np.uint8)
    left, top, width, height = cv2.boundingRect(ids)  # masks are clear around what they show
    rows, first, last = slice(top, top + height), left // 8, -(-(left + width) // 8)
    shown = ids[rows, 8 * first : 8 * last]
    high, low = (_EVERY_OTHER[np.packbits(shown & bit, axis=1)] for bit in (2, 1))
    inside = packed[rows, 2 * first : 2 * last]
    inside[:] = (high << 1 | low).astype(">u2").view(np.uint8)[:, : inside.shape[1]]
    return packed


def _compress(rows: npt.NDArray[np.uint8]) -> bytes:
    """Rows with PNG's filter byte 0 before each."""
    filtered = np.zeros((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 1:] = rows
    return zlib.compress(filtered.tobytes(), LEVEL)
