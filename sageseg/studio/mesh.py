"""A generated car's geometry: the body's surface as a grid of quads.

The body is its side outline, resampled into stations; at each station stands a rounded
cross-section whose rows keep their meaning along the car (sill, shoulder, window, roof), so that
windows, pillars and bumpers are ranges of stations and rows. Car coordinates are metres: x to the
nose, y to the car's left, z up from the floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sageseg.studio.backdrop import Floats
from sageseg.studio.model import BodyStyle, Car

PAINT, TRIM, MOULDING, BLACK, GLASS, TINTED = range(6)
"""What a quad of the body is made of; GLASS and TINTED let light through."""

SIDE_ROWS, WINDOW_ROWS, ARC_ROWS, TOP_ROWS = 14, 4, 4, 6
_HALF = SIDE_ROWS + WINDOW_ROWS + ARC_ROWS + TOP_ROWS
_BOW = 0.17
"""How far nose and tail curve back towards the sides, in metres."""
_SPACING = 0.06


@dataclass(frozen=True)
class CarMesh:
    """The body's grid: `vertices` (stations, rows, 3), rows from the left sill over the roof to the
    right one; `materials` (stations - 1, rows - 1); `u` and `knots` (stations,): metres from the
    nose and position along the outline's corners."""

    car: Car
    vertices: Floats
    materials: npt.NDArray[np.uint8]
    u: Floats
    knots: Floats

    def on_side(self, u: npt.ArrayLike, z: npt.ArrayLike, side: int) -> Floats:
        """Points (n, 3) of the body's side, left 1 or right -1, seen at u and z."""
        roof = np.flatnonzero(self.vertices[:, SIDE_ROWS - 1, 2] > self.car.body.clearance + 0.3)
        points = []
        for along, height in zip(np.atleast_1d(u), np.atleast_1d(z), strict=True):
            station = roof[np.argmin(np.abs(self.u[roof] - along))]
            rows = self.vertices[station, : SIDE_ROWS + WINDOW_ROWS]
            width = np.interp(height, rows[:, 2], rows[:, 1]) + 0.006
            points.append((self.car.body.length / 2 - along, side * width, height))
        return np.array(points, np.float32)

    def on_end(self, y: npt.ArrayLike, z: npt.ArrayLike, end: int) -> Floats:
        """Points (n, 3) of the nose (end 1) or the tail (-1), seen at y and z, which may be one for all."""
        centre = self.vertices[:, _HALF - 1]
        half = len(centre) // 2
        stations = slice(0, half) if end > 0 else slice(len(centre), half, -1)
        profile = centre[stations]
        y, z = np.broadcast_arrays(y, z)
        rising = np.maximum.accumulate(profile[:, 2])
        x = np.interp(z, rising, profile[:, 0]) - end * (_BOW * (y / self.car.body.half_width) ** 2 - 0.006)
        return np.stack((x, y, z), -1).astype(np.float32)


def build_mesh(car: Car) -> CarMesh:
    """The body of a car as a grid of quads."""
    u, z, knots = _stations(car.body)
    rows_y, rows_z = _cross_sections(car.body, u, z)
    half = np.stack((np.zeros_like(rows_y), rows_y, rows_z), -1)
    mirrored = half[:, -2::-1] * np.array((1, -1, 1))
    vertices = np.concatenate((half, mirrored), axis=1)
    vertices[..., 0] = (car.body.length / 2 - u)[:, None] - _bow(car.body, u)[:, None] * (
        vertices[..., 1] / car.body.half_width
    ) ** 2
    left = _materials(car, u, knots, rows_z)
    materials = np.concatenate((left, left[:, ::-1]), axis=1)
    return CarMesh(car, vertices.astype(np.float32), materials, u.astype(np.float32), knots.astype(np.float32))


def _stations(body: BodyStyle) -> tuple[npt.NDArray[np.float64], ...]:
    """The outline, corners smoothed, every few centimetres: u, z and position among its corners."""
    corners = np.array(body.outline)
    lengths = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))))
    fine = np.linspace(0, lengths[-1], round(lengths[-1] / 0.01))
    bell = np.exp(-0.5 * (np.arange(-18, 19) / 6.5) ** 2)
    u, z = (
        np.convolve(np.pad(np.interp(fine, lengths, axis), 18, mode="edge"), bell / bell.sum(), "valid")
        for axis in corners.T
    )
    picked = np.linspace(0, len(fine) - 1, round(lengths[-1] / _SPACING)).round().astype(int)
    return u[picked], z[picked], np.interp(fine, lengths, np.arange(len(corners)))[picked]


def _cross_sections(
    body: BodyStyle, u: npt.NDArray[np.float64], top: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The left half of the section at each station, (stations, rows): y and z from sill to centre."""
    end = np.abs(2 * u / body.length - 1)
    width = body.half_width * (1 - 0.05 * end**4)
    bottom = np.minimum(body.clearance + 0.07 * end**10, top - 0.02)
    radius = np.minimum(0.085, 0.45 * (top - bottom))
    belt = np.minimum(np.interp(u, (0, body.length), body.belt), top - radius)
    window = top - radius - belt
    ys, zs = [], []
    for share in np.linspace(0, 1, SIDE_ROWS):
        bulge = np.interp(share, (0, 0.1, 0.3, 0.5, 0.72, 0.8, 1), (0.925, 0.965, 0.985, 0.99, 1.0, 0.985, 0.95))
        ys.append(width * bulge)
        zs.append(bottom + share * (belt - bottom))
    for height in (np.minimum(0.035, 0.3 * window), 0.5 * window, window - np.minimum(0.02, 0.2 * window), window):
        ys.append(0.95 * width - body.tumblehome * height)
        zs.append(belt + height)
    rail = ys[-1]
    for angle in np.radians(np.linspace(0, 90, ARC_ROWS + 1)[1:]):
        ys.append(rail - radius * (1 - np.cos(angle)))
        zs.append(top - radius * (1 - np.sin(angle)))
    for share in np.linspace(1, 0, TOP_ROWS + 1)[1:]:
        ys.append((rail - radius) * share)
        zs.append(top + 0.03 * (1 - share**2))
    return np.stack(ys, 1), np.stack(zs, 1)


def _bow(body: BodyStyle, u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far the sides lie behind the centre line: towards the middle of the car, at both ends."""
    front, rear = np.clip(1 - u / 1.3, 0, 1) ** 2, np.clip(1 - (body.length - u) / 1.0, 0, 1) ** 2
    return np.asarray(_BOW * (front - rear))


def _materials(
    car: Car, u: npt.NDArray[np.float64], knots: npt.NDArray[np.float64], rows_z: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    body = car.body
    u, knot = (u[1:] + u[:-1]) / 2, (knots[1:] + knots[:-1]) / 2
    opening = rows_z[:, SIDE_ROWS + WINDOW_ROWS - 1] - rows_z[:, SIDE_ROWS - 1]
    opening = np.minimum(opening[1:], opening[:-1])
    window = slice(SIDE_ROWS, SIDE_ROWS + 2)
    top = slice(_HALF - 1 - TOP_ROWS, _HALF - 1)
    grid = np.full((len(u), _HALF - 1), PAINT, np.uint8)
    grid[:, : 4 if car.cladding else 1] = TRIM
    glazed = (opening > 0.1) & (knot > body.cowl) & (u < body.glass_end)
    grid[glazed, SIDE_ROWS - 1] = MOULDING
    grid[glazed, window] = GLASS
    if car.tinted:
        grid[glazed & (u > body.pillars[0]), window] = TINTED
    for pillar in body.pillars:
        grid[glazed & (np.abs(u - pillar) < 0.05), window] = BLACK if car.black_pillars else PAINT
    if car.black_roof:
        grid[(knot > body.roof_front - 0.05) & (knot < body.roof_rear + 0.1), top] = BLACK
    grid[(knot > body.cowl - 0.03) & (knot < body.cowl + 0.12), top] = BLACK
    grid[(knot > body.cowl + 0.1) & (knot < body.roof_front - 0.1), top] = GLASS
    grid[(knot > body.roof_rear + 0.14) & (knot < body.deck - 0.14), top] = TINTED if car.tinted else GLASS
    if body.name == "pickup":
        grid[knot > body.deck + 0.2, top] = BLACK
        grid[knot > len(body.outline) - 4.2, top] = PAINT
    grid[(knot < 0.8) | (knot > len(body.outline) - 1.7)] = TRIM
    return grid
