"""Smooth scenes of which no two are alike, to be looked at from slightly different places."""

from __future__ import annotations

import cv2
import numpy as np

from formats.images import Rgb

WIDTH, HEIGHT = 320, 240


def scene(number: int) -> Rgb:
    """A smooth scene like no other, with room to be shifted in."""
    coarse = np.random.default_rng(number).integers(40, 200, (9, 12, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH + 80, HEIGHT + 80), interpolation=cv2.INTER_CUBIC))


def view(image: Rgb, dx: int = 0, dy: int = 0) -> Rgb:
    return image[40 + dy : 40 + dy + HEIGHT, 40 + dx : 40 + dx + WIDTH]
