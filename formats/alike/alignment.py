"""Two thumbnails laid over each other: how far they differ once small shifts, small zooms, brightness and contrast are
taken away, as between an image and its edited copy."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 64
"""A thumbnail's side in pixels, whatever the image's aspect."""
SHIFT = 4
"""The largest shift that is tried, in pixels of the thumbnail: a sixteenth of the image."""
ZOOMS = (0.97, 0.985, 1.0, 1.015, 1.03)
FLAT = 2.0
"""Standard deviation, in grey levels, below which an image has no contrast that could be fitted, only noise."""
GAIN = 2.5
"""The strongest change of contrast that is fitted."""

_HOPELESS = 12.0
"""Grey levels of a difference that no part of a pixel mends."""
_BLACK, _WHITE = 4, 251
"""Beyond these grey levels a copy made lighter or darker may have lost what the other still has."""
_INNER = slice(SHIFT, SIDE - SHIFT)

Grey = npt.NDArray[np.float32]
"""Grey levels 0..255, square, dtype float32."""


@dataclass(frozen=True, order=True)
class Alignment:
    """How `b` lies best over `a`. `difference` is the mean absolute difference in grey levels (0..255) of the inner
    part once `b` is zoomed by `zoom` about its centre and moved by `dx, dy` pixels of the thumbnail."""

    difference: float
    dx: float
    dy: float
    zoom: float


def soften(thumbnail: npt.NDArray[np.uint8]) -> Grey:
    """Float copies of a thumbnail whose single pixels count less: a shift or zoom by part of a pixel blurs them."""
    return np.asarray(cv2.GaussianBlur(thumbnail.astype(np.float32), (3, 3), 0))


def lay_over(a: Grey, b: Grey) -> Alignment:
    """Compare two softened thumbnails at every zoom and shift; the place of the best correlation decides."""
    centre = a[_INNER, _INNER]
    if min(centre.std(), b.std()) < FLAT:  # nothing to hold on to
        return Alignment(difference(centre, b[_INNER, _INNER]), 0.0, 0.0, 1.0)
    maps = [_correlations(_moved(b, zoom), centre) for zoom in ZOOMS]
    best = max(range(len(ZOOMS)), key=lambda place: float(maps[place].max()))
    found, zoom = maps[best], ZOOMS[best]
    top, left = divmod(int(found.argmax()), found.shape[1])
    whole = _measure(centre, b, zoom, left, top)
    if whole.difference > _HOPELESS:
        return whole
    return min(whole, _measure(centre, b, zoom, *_between(found, left, top)))


def _correlations(image: Grey, centre: Grey) -> Grey:
    """By shift: shape (2 × SHIFT + 1, 2 × SHIFT + 1)."""
    return np.asarray(cv2.matchTemplate(image, centre, cv2.TM_CCOEFF_NORMED), np.float32)


def _measure(centre: Grey, b: Grey, zoom: float, x: float, y: float) -> Alignment:
    """At a place of the map of correlations."""
    dx, dy = x - SHIFT, y - SHIFT
    moved = _moved(b, zoom, dx, dy)[_INNER, _INNER]
    return Alignment(difference(centre, moved), round(dx, 2), round(dy, 2), zoom)


def _moved(image: Grey, zoom: float, x: float = 0.0, y: float = 0.0) -> Grey:
    """The image zoomed about its centre; what lay at `x, y` right and below comes to where it is looked at."""
    if (zoom, x, y) == (1, 0, 0):
        return image
    rest = (1 - zoom) * (SIDE - 1) / 2
    matrix = np.array([[zoom, 0, rest - x], [0, zoom, rest - y]], np.float32)
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE))


def _between(found: Grey, left: int, top: int) -> tuple[float, float]:
    """The peak of the parabola through a map's highest value and its neighbours, by axis."""
    x, y = float(left), float(top)
    if 0 < left < found.shape[1] - 1:
        x += _peak(*found[top, left - 1 : left + 2])
    if 0 < top < found.shape[0] - 1:
        y += _peak(*found[top - 1 : top + 2, left])
    return x, y


def _peak(before: float, here: float, after: float) -> float:
    bend = float(before) - 2 * float(here) + float(after)
    return 0.0 if bend >= 0 else float(np.clip((float(before) - float(after)) / (2 * bend), -0.5, 0.5))


def difference(a: Grey, b: Grey) -> float:
    """The mean absolute difference in grey levels of the one with more contrast, once the other has its brightness and
    contrast. Either may be the edited copy, and have been clipped."""
    return round(min(_explained(a, b), _explained(b, a)), 3)


def _explained(a: Grey, b: Grey) -> float:
    """How far `b` is from gain × `a` + offset, clipped to 0..255; both are fitted where `b` is not clipped."""
    open_ = (b > _BLACK) & (b < _WHITE)
    if open_.mean() < 0.25:  # too little left to fit by
        open_ = np.ones_like(open_)
    ours, theirs = (a.ravel(), b.ravel()) if open_.all() else (a[open_], b[open_])  # the same, in half of the time
    gain = float(np.clip(max(theirs.std(), FLAT) / max(ours.std(), FLAT), 1 / GAIN, GAIN))
    fitted = np.clip((a - ours.mean()) * gain + theirs.mean(), 0, 255)
    return float(np.abs(fitted - b).mean()) * max(1.0, 1 / gain)
