"""What lies on a generated car's body: lamps, grille, plates, bumper inlets, door handles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sageseg.studio.backdrop import Floats
from sageseg.studio.mesh import CarMesh
from sageseg.studio.model import Colour

_LAMP: Colour = (206, 212, 218)
_RED: Colour = (170, 22, 26)
_DARK: Colour = (24, 25, 27)
_PLATE: Colour = (225, 228, 232)
_CHROME: Colour = (188, 190, 194)
_LENS: Colour = (96, 102, 110)


@dataclass(frozen=True)
class Strip:
    """A band on the surface: `edges` (n, 2, 3) holds its upper and lower edge in step. Wound so
    that it shows from outside only."""

    edges: Floats
    colour: Colour


def details(mesh: CarMesh) -> list[Strip]:
    """Lamps, grille, plates, bumper inlets, handles: bands on the body's surface."""
    sides = [strip for side in (1, -1) for strip in _side_details(mesh, side)]
    return sides + _front_details(mesh) + _rear_details(mesh)


def _band(upper: Floats, lower: Floats, colour: Colour, flip: bool) -> Strip:
    edges = np.stack((lower, upper) if flip else (upper, lower), axis=1)
    return Strip(edges, colour)


def _across(mesh: CarMesh, end: int, y: list[float], upper: float, lower: float, colour: Colour) -> Strip:
    """A band across the nose (end 1) or the tail (-1); `y` in half widths, left to right."""
    across = np.array(y) * mesh.car.body.half_width
    return _band(mesh.on_end(across, upper, end), mesh.on_end(across, lower, end), colour, flip=end > 0)


def _side_details(mesh: CarMesh, side: int) -> list[Strip]:
    car, body = mesh.car, mesh.car.body
    flip = side > 0
    strips = []
    door_rear = min(body.glass_end, body.axles[1] - 0.02)
    for pillar in (*body.pillars[:2], door_rear)[:2]:
        u = np.array((pillar - 0.34, pillar - 0.14))
        z = np.interp(u, (0, body.length), body.belt) - 0.12
        red, green, blue = car.paint.colour
        shade = (red * 7 // 10, green * 7 // 10, blue * 7 // 10)
        strips.append(_band(mesh.on_side(u, z, side), mesh.on_side(u, z - 0.035, side), shade, flip))
    return strips


def _front_details(mesh: CarMesh) -> list[Strip]:
    body = mesh.car.body
    low, high = body.outline[1][1], body.outline[3][1]
    strips = [
        _across(mesh, 1, [-0.4, 0, 0.4], high - 0.1, low + 0.03, _DARK),
        _across(mesh, 1, [-0.62, 0, 0.62], low - 0.08, low - 0.19, _DARK),
        _across(mesh, 1, [-0.2, 0.2], low + 0.06, low - 0.07, _PLATE),
        _across(mesh, 1, [-0.07, 0.07], high - 0.12, high - 0.2, _CHROME),
    ]
    for side in (-1, 1):
        y = body.half_width * side * np.array((0.48, 0.64, 0.76))
        u = np.array((0.3, 0.42, 0.54))
        upper = np.concatenate((mesh.on_end(y, high - 0.075, 1), mesh.on_side(u, high - 0.03 - 0.02 * u, side)))
        lower = np.concatenate(
            (mesh.on_end(y, high - np.array((0.13, 0.17, 0.19)), 1), mesh.on_side(u, high - 0.23 + 0.3 * u, side))
        )
        strips.append(_band(upper, lower, _LAMP, flip=side > 0))
        strips.append(_across(mesh, 1, sorted((0.54 * side, 0.62 * side)), high - 0.09, high - 0.155, _LENS))
    return strips


def _rear_details(mesh: CarMesh) -> list[Strip]:
    body = mesh.car.body
    tall = body.name in ("suv", "van", "pickup")  # upright tails have tall lamps
    deck = body.outline[body.deck][1]
    low, high = (deck - 0.36, deck - 0.06) if tall else (deck - 0.27, deck - 0.12)
    bumper = body.outline[-2][1]
    strips = [
        _across(mesh, -1, [-0.6, 0, 0.6], bumper - 0.12, bumper - 0.2, _DARK),
        _across(mesh, -1, [-0.22, 0.22], bumper + 0.24, bumper + 0.11, _PLATE),
        _across(mesh, -1, [-0.05, 0.05], high, high - 0.07, _CHROME),
    ]
    for side in (-1, 1):
        y = body.half_width * side * np.array((0.7 if tall else 0.46, 0.77))
        u = body.length - np.array((0.2, 0.3) if tall else (0.22, 0.42))
        upper = np.concatenate((mesh.on_end(y, high, -1), mesh.on_side(u, [high, high - 0.02], side)))
        lower = np.concatenate((mesh.on_end(y, low, -1), mesh.on_side(u, [low, low + 0.04], side)))
        strips.append(_band(upper, lower, _RED, flip=side < 0))
    return strips
