"""What stands in or off a generated car's body: seats, wheels, mirrors, roof rails, spoiler, antenna."""

from __future__ import annotations

import cv2
import numpy as np

from sageseg.studio.backdrop import Floats
from sageseg.studio.canvas import BITS, Layer, View, draw_line, fill_hull, fill_polygon, fixed, rgba
from sageseg.studio.mesh import SIDE_ROWS, WINDOW_ROWS, CarMesh


def shown_sides(mesh: CarMesh, view: View) -> list[int]:
    """The sides that the camera sees: left 1, right -1, neither from straight ahead or behind."""
    return [side for side in (1, -1) if view.shows(side, mesh.car.body.half_width)]


def _box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Floats:
    return np.array([(a, b, c) for a in x for b in y for c in z], np.float32)


def paint_seats(layer: Layer, mesh: CarMesh, view: View) -> None:
    """Backrests and headrests; their silhouettes stand in the windows."""
    body = mesh.car.body
    belt, roof = body.belt[0], max(z for _, z in body.outline)
    front = body.outline[body.roof_front][0] + 0.35
    rows = [front] if body.name == "pickup" else [front, front + 0.85]
    seats = [(body.length / 2 - u, y) for u in rows for y in (-0.36, 0.36)]
    for x, y in sorted(seats, key=lambda seat: -float(view.pixels(np.array((*seat, 1.0), np.float32))[1])):
        tall = belt + 0.42 * (roof - belt)
        fill_hull(
            layer, view, _box((x - 0.1, x), (y - 0.24, y + 0.24), (belt - 0.3, tall)), rgba(mesh.car.interior, 1.3)
        )
        head = _box((x - 0.1, x - 0.02), (y - 0.12, y + 0.12), (tall + 0.03, tall + 0.17))
        fill_hull(layer, view, head, rgba(mesh.car.interior, 1.2))


def _circle(mesh: CarMesh, axle: float, radius: float, y: float) -> Floats:
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    x = mesh.car.body.length / 2 - axle + radius * np.cos(angles)
    z = mesh.car.body.wheel_radius + radius * np.sin(angles)
    return np.stack((x, np.full_like(x, y), z), -1).astype(np.float32)


def paint_wheel(layer: Layer, mesh: CarMesh, view: View, axle: float, side: int) -> None:
    """A tyre with its rim; the rim shows on the camera's side only."""
    radius, outside = mesh.car.body.wheel_radius, side * (mesh.car.body.half_width * 0.985)
    tyre = np.stack([_circle(mesh, axle, radius, outside - side * depth) for depth in (0.02, 0.22)])
    fill_hull(layer, view, tyre, rgba((25, 25, 27)))
    if side not in shown_sides(mesh, view):
        return
    fill_hull(layer, view, _circle(mesh, axle, 0.94 * radius, outside), rgba((36, 36, 38)))
    fill_hull(layer, view, _circle(mesh, axle, 0.72 * radius, outside), rgba(mesh.car.rim))
    fill_hull(layer, view, _circle(mesh, axle, 0.66 * radius, outside), rgba((44, 45, 48)))
    _paint_spokes(layer, mesh, view, axle, outside)
    fill_hull(layer, view, _circle(mesh, axle, 0.16 * radius, outside), rgba(mesh.car.rim, 0.9))


def _paint_spokes(layer: Layer, mesh: CarMesh, view: View, axle: float, y: float) -> None:
    body, count = mesh.car.body, mesh.car.spokes
    centre = np.array((body.length / 2 - axle, body.wheel_radius))
    for spoke in range(count):
        angle = 2 * np.pi * (spoke + axle) / count
        along, across = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
        wide = body.wheel_radius * 0.9 / count
        corners = [centre + body.wheel_radius * r * along + wide * w * across
                   for r, w in ((0.1, 0.45), (0.7, 0.7), (0.7, -0.7), (0.1, -0.45))]  # fmt: skip
        points = np.array([(x, y, z) for x, z in corners], np.float32)
        fill_hull(layer, view, points, rgba(mesh.car.rim, 0.92 + 0.08 * float(np.sin(angle))))


def paint_arches(layer: Layer, mesh: CarMesh, view: View, side: int) -> None:
    """Cut the wheel arches into the near side and show the wheels in them."""
    stencil, wheel = np.empty(layer.shape[:2], np.uint8), np.empty(layer.shape, np.uint8)
    for axle in mesh.car.body.axles:
        if mesh.car.cladding:
            fill_polygon(layer, view, _arch(mesh, axle, side, 1.33), rgba((40, 41, 43)))
        opening = _arch(mesh, axle, side, 1.17)
        left, top, width, height = cv2.boundingRect(fixed(view.pixels(opening)[0]) >> BITS)
        box = slice(max(top, 0), top + height + 1), slice(max(left, 0), left + width + 1)
        stencil[box], wheel[box] = 0, (14, 14, 15, 255)
        fill_polygon(stencil, view, opening, 255)
        paint_wheel(wheel, mesh, view, axle, side)
        np.copyto(layer[box], wheel[box], where=stencil[box][..., None] > 0)


def _arch(mesh: CarMesh, axle: float, side: int, factor: float) -> Floats:
    body = mesh.car.body
    angles = np.linspace(-0.35, np.pi + 0.35, 30)
    u = axle - factor * body.wheel_radius * np.cos(angles)
    z = body.wheel_radius + factor * body.wheel_radius * np.sin(angles)
    return mesh.on_side(u, np.maximum(z, body.clearance - 0.01), side)


def paint_fittings(near: Layer, behind: Layer, mesh: CarMesh, view: View) -> None:
    """What stands off the body: mirrors, roof rails, spoiler, antenna or fin."""
    for side in (1, -1):
        layer = near if side in shown_sides(mesh, view) else behind
        _paint_mirror(layer, mesh, view, side)
        if mesh.car.roof_rails:
            draw_line(near, view, _rail(mesh, side), rgba((72, 74, 77)), 0.035)
    if mesh.car.spoiler:
        _paint_spoiler(near if view.axes[0, 1] > 0 else behind, mesh, view)
    _paint_antenna(near, mesh, view)


def _paint_mirror(layer: Layer, mesh: CarMesh, view: View, side: int) -> None:
    body = mesh.car.body
    u = body.outline[body.cowl][0] + 0.42
    foot = mesh.on_side([u], [float(np.interp(u, (0, body.length), body.belt)) + 0.02], side)[0]
    turns, tilts = np.meshgrid(np.linspace(0, 2 * np.pi, 12), np.linspace(-1.4, 1.4, 7))
    ball = np.stack(
        (0.07 * np.cos(turns) * np.cos(tilts), 0.12 * np.sin(turns) * np.cos(tilts), 0.08 * np.sin(tilts)), -1
    )
    housing = foot + np.array((0.0, side * 0.14, 0.09)) + ball
    arm = np.stack((foot, foot + np.array((0, side * 0.12, 0.07))))
    fill_hull(layer, view, arm.astype(np.float32), rgba((30, 31, 33)))
    fill_hull(layer, view, housing.astype(np.float32), rgba(mesh.car.paint.colour, 0.62))
    upper = housing[ball[..., 2] > -0.01]
    fill_hull(layer, view, upper.astype(np.float32), rgba(mesh.car.paint.colour, 0.92))
    if view.axes[0, 1] > 0:
        glass = foot + np.array((-0.07, side * 0.14, 0.085)) + ball * np.array((0, 0.8, 0.75))
        fill_hull(layer, view, glass.astype(np.float32), rgba((120, 126, 130)))


def _roof_station(mesh: CarMesh, knot: float) -> int:
    return int(np.argmin(np.abs(mesh.knots - knot)))


def _rail(mesh: CarMesh, side: int) -> Floats:
    body = mesh.car.body
    stations = slice(_roof_station(mesh, body.roof_front + 0.2), _roof_station(mesh, body.roof_rear - 0.05))
    row = SIDE_ROWS + WINDOW_ROWS + 2 if side > 0 else -(SIDE_ROWS + WINDOW_ROWS + 3)
    return np.asarray(mesh.vertices[stations, row] + np.array((0, 0, 0.035), np.float32))


def _paint_spoiler(layer: Layer, mesh: CarMesh, view: View) -> None:
    body = mesh.car.body
    sedan = body.name == "sedan"
    u, z = body.outline[body.deck + 1 if sedan else body.roof_rear]
    x = body.length / 2 - u
    wide = (0.72 if sedan else 0.62) * body.half_width
    lift = 0.09 if sedan else 0.02
    wing = _box((x - 0.16, x + 0.1), (-wide, wide), (z + lift, z + lift + 0.035))
    for y in (-0.7 * wide, 0.7 * wide) if sedan else ():
        fill_hull(
            layer, view, _box((x - 0.04, x + 0.04), (y - 0.03, y + 0.03), (z - 0.05, z + lift)), rgba((30, 31, 33))
        )
    fill_hull(layer, view, wing, rgba(mesh.car.paint.colour, 0.6))
    fill_hull(layer, view, wing[wing[:, 2] > z + lift], rgba(mesh.car.paint.colour, 0.95))


def _paint_antenna(layer: Layer, mesh: CarMesh, view: View) -> None:
    car, body = mesh.car, mesh.car.body
    foot = mesh.vertices[_roof_station(mesh, body.roof_rear - 0.25), mesh.vertices.shape[1] // 2]
    if not car.antenna:
        fin = foot + np.array(((0.1, 0, -0.01), (-0.08, 0.02, -0.01), (-0.08, -0.02, -0.01), (-0.09, 0, 0.08)))
        fill_hull(layer, view, fin.astype(np.float32), rgba(car.paint.colour, 0.5))
        return
    base = foot + np.array((0, car.antenna_side, -0.01))
    tip = base + car.antenna * np.array((-0.45, 0, 0.89))
    draw_line(layer, view, np.stack((base, tip)).astype(np.float32), rgba((28, 28, 30)), 0.012)
