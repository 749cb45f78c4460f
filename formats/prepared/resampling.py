"""Images at another size; masks have `formats.masks.resize_mask`."""

from __future__ import annotations

import cv2
import numpy as np

from formats.images import Rgb


def resize_image(image: Rgb, width: int, height: int) -> Rgb:
    """An image at another size: sides that shrink are averaged by area, so that nothing flickers,
    and sides that grow are interpolated."""
    for side_width, side_height, interpolation in (
        (min(width, image.shape[1]), min(height, image.shape[0]), cv2.INTER_AREA),
        (width, height, cv2.INTER_LINEAR),
    ):
        if image.shape[:2] != (side_height, side_width):
            image = np.asarray(cv2.resize(image, (side_width, side_height), interpolation=interpolation))
    return image
