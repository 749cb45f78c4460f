"""The canvas that views of a generated car are painted on: projection, polygons, lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from sageseg.studio.backdrop import Camera, Floats
from sageseg.studio.model import Colour

Layer = npt.NDArray[np.uint8]
"""Red, green, blue and opacity, shape (height, width, 4)."""

BITS = 4
"""Fractional bits of the pixel coordinates that cv2's drawing takes."""


@dataclass(frozen=True)
class View:
    """How a car is looked at: `heading` in radians (0: nose to the camera, growing towards the
    image's left), `scale` in drawn pixels per image pixel, `mirrored` for its image in the floor."""

    camera: Camera
    heading: float
    scale: int
    mirrored: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.camera.height * self.scale, self.camera.width * self.scale, 4

    @cached_property
    def axes(self) -> Floats:
        """Rows: the car's x, y and z axes in world coordinates."""
        sin, cos = np.sin(self.heading), np.cos(self.heading)
        return np.array(((-sin, -cos, 0), (cos, -sin, 0), (0, 0, -1 if self.mirrored else 1)), np.float32)

    def pixels(self, points: Floats) -> tuple[Floats, Floats]:
        """Car coordinates (..., 3) to drawn pixels (..., 2) and depths (...)."""
        position, depth = self.camera.project(points @ self.axes)
        return position * self.scale - 0.5, depth

    def shows(self, side: int, half_width: float) -> bool:
        """Whether the camera sees the left (1) or right (-1) side of a car of that width."""
        return bool(side * self.axes[1] @ self.camera.position > half_width + 0.1)


def fixed(points: Floats) -> npt.NDArray[np.int32]:
    """Pixels as the fixed-point integers that cv2's drawing takes."""
    return np.asarray((points * 2**BITS).round(), np.int32)


def rgba(colour: Colour, factor: float = 1.0) -> tuple[float, float, float, float]:
    """A colour, dimmed by a factor, as an opaque pixel of a layer."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor, 255.0


def fill(layer: Layer, quads: Floats, colours: Floats) -> None:
    """Paint convex polygons (n, corners, 2) in order with colours (n, 4)."""
    for polygon, colour in zip(fixed(quads), colours.tolist(), strict=True):
        cv2.fillConvexPoly(layer, polygon, colour, cv2.LINE_8, BITS)


def fill_hull(layer: Layer, view: View, points: Floats, colour: tuple[float, float, float, float]) -> None:
    """Paint the outline of a convex solid given by points (..., 3) in car coordinates."""
    hull = cv2.convexHull(fixed(view.pixels(points.reshape(-1, 3))[0]))
    cv2.fillConvexPoly(layer, hull, colour, cv2.LINE_8, BITS)


def fill_polygon(layer: npt.NDArray[np.uint8], view: View, points: Floats, colour: float | tuple[float, ...]) -> None:
    """Paint a polygon (n, 3) in car coordinates."""
    cv2.fillPoly(layer, [fixed(view.pixels(points)[0])], colour, cv2.LINE_8, BITS)


def draw_line(layer: Layer, view: View, points: Floats, colour: tuple[float, ...], metres: float) -> None:
    """Paint a line (n, 3) in car coordinates, as thick as so many metres at the turntable."""
    thickness = max(round(metres * view.camera.focal * view.shape[1] / view.camera.distance), 1)
    cv2.polylines(layer, [fixed(view.pixels(points)[0])], False, colour, thickness, cv2.LINE_8, BITS)


def cells(grid: Floats) -> Floats:
    """The four corners of each cell of a (stations, rows, d) grid, (cells, 4, d)."""
    corners = np.stack((grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]), 2)
    return np.asarray(corners.reshape(-1, 4, grid.shape[-1]), np.float32)


def turn(quads: Floats) -> Floats:
    """Twice the signed area of quads (n, 4, 2); negative where a surface shows its outside."""
    one, other = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
