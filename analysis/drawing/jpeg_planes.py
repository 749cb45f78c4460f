"""Images as JPEG holds them: brightness at full size, colour at half of it.

What is grey but for some paint is drawn so in half the time, and encoded without a conversion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from formats.images import Rgb

Plane = npt.NDArray[np.uint8]

CENTRE = 128
"""The value of both colour planes where there is no colour."""
_FROM_RGB = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
"""JPEG's brightness and colour differences of red, green and blue (JFIF 1.02; ITU-T T.871)."""


@dataclass(frozen=True)
class Planes:
    """`brightness` (height, width), `blue` and `red` (height / 2, width / 2, both rounded up), uint8."""

    brightness: Plane
    blue: Plane
    red: Plane


def colour_differences(colour: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Brightness, blue and red difference of RGB colours (…, 3), without the CENTRE, same shape."""
    differences: npt.NDArray[np.float64] = np.asarray(colour, np.float64) @ _FROM_RGB.T
    return differences


def to_planes(image: Rgb, first: int = 0) -> Planes:
    """An image (height, width, 3) as planes, those of colour from row `first` on."""
    values = np.add(colour_differences(image), (0, CENTRE, CENTRE)).round().clip(0, 255).astype(np.uint8)
    brightness, blue, red = (np.ascontiguousarray(values[..., channel]) for channel in range(3))
    return Planes(brightness, halve(blue[first:]), halve(red[first:]))


def without_colour(brightness: Plane) -> Planes:
    """A grey image, whose planes may be written to."""
    height, width = brightness.shape
    blue, red = np.full((2, (height + 1) // 2, (width + 1) // 2), CENTRE, np.uint8)
    return Planes(brightness, blue, red)


def halve(plane: Plane) -> Plane:
    """The mean of each two by two pixels; an odd last row or column counts twice."""
    paired = _in_pairs(plane)
    half = (paired.shape[1] // 2, paired.shape[0] // 2)
    return np.asarray(cv2.resize(paired, half, interpolation=cv2.INTER_AREA), np.uint8)


def _in_pairs(plane: Plane) -> Plane:
    """A plane of whole pairs of rows and of columns; an odd last one stands twice."""
    height, width = plane.shape
    if not (height % 2 or width % 2):
        return plane
    return np.asarray(cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)


def stack(above: Planes, below: Planes) -> Planes:
    """One image below another of the same width. Below an odd number of rows the colour of the first
    row is that of the last above: `below` has its own from its second row on."""
    pairs = zip(vars(above).values(), vars(below).values(), strict=True)
    return Planes(*(np.concatenate(pair) for pair in pairs))


def encode_planes(planes: Planes, quality: int) -> bytes:
    """A JPEG, 4:2:0, of the brightness' size, odd or even.

    libjpeg-turbo takes whole pairs of rows and columns from the plane of brightness, and reads whatever lies in memory
    behind one of an odd size (seen with simplejpeg 1.9.0): it is given a part of a larger plane, whose last row and
    column stand twice.
    """
    height, width = planes.brightness.shape
    brightness = _in_pairs(planes.brightness)[:height, :width]
    return bytes(simplejpeg.encode_jpeg_yuv_planes(brightness, planes.blue, planes.red, quality, True))
