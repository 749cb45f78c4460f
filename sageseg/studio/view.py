"""One view of a generated car: its mesh projected and painted from far to near.

Two layers are painted: what stands behind the near surface (inner sides, seats, far wheels), and
the near surface itself, in which glass is half transparent. Laid over each other they show the
studio through the windows, while the mask counts glass as car.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sageseg.studio.backdrop import Floats, lit
from sageseg.studio.canvas import Layer, View, cells, draw_line, fill, rgba, turn
from sageseg.studio.details import Strip, details
from sageseg.studio.fittings import paint_arches, paint_fittings, paint_seats, paint_wheel, shown_sides
from sageseg.studio.mesh import BLACK, GLASS, MOULDING, PAINT, TINTED, TRIM, CarMesh

_GLASS_OPACITY = {GLASS: 0.50, TINTED: 0.86}


@dataclass(frozen=True)
class Quads:
    """The body's quads as one view sees them: corners (n, 4, 2), depth (n,), whether they face the
    camera (n,), height above the floor (n,), material (n,), unit normals and centres (n, 3) in world
    coordinates."""

    corners: Floats
    depth: Floats
    facing: npt.NDArray[np.bool_]
    height: Floats
    material: npt.NDArray[np.uint8]
    normals: Floats
    centres: Floats


def project_quads(mesh: CarMesh, view: View) -> Quads:
    """The body's quads in a view."""
    pixels, _ = view.pixels(mesh.vertices)
    corners, solid = cells(pixels), cells(mesh.vertices)
    facing = turn(corners) * (-1 if view.mirrored else 1) < 0
    normals = np.cross(solid[:, 2] - solid[:, 0], solid[:, 3] - solid[:, 1])
    shape = (mesh.vertices.shape[0] - 1, mesh.vertices.shape[1] - 1, 3)
    smooth = cv2.blur(normals.reshape(shape), (3, 3)).reshape(-1, 3)
    normals = smooth @ view.axes / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-9)
    centres = solid.mean(1)
    depth = view.pixels(centres)[1]
    return Quads(corners, depth, facing, centres[:, 2], mesh.materials.ravel(), normals, centres @ view.axes)


def _body_colours(mesh: CarMesh, view: View, quads: Quads) -> Floats:
    """The lit colour and opacity of each quad, (n, 4)."""
    car = mesh.car
    table = {
        PAINT: (car.paint.colour, car.paint.gloss),
        TRIM: ((38, 39, 41), 0.15),
        MOULDING: (car.trim, 0.6),
        BLACK: ((20, 21, 23), 0.8),
        GLASS: ((52, 60, 62), 1.6),
        TINTED: ((22, 25, 27), 1.4),
    }
    base = np.array([table[material][0] for material in range(6)], np.float32)[quads.material]
    gloss = np.array([table[material][1] for material in range(6)], np.float32)[quads.material]
    to_camera = view.camera.position - quads.centres
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    rgb = lit(base, gloss, quads.normals, to_camera)
    rgb *= np.clip(0.62 + 0.6 * quads.height, 0, 1)[:, None]
    opacity = np.full(len(rgb), 255, np.float32)
    for material, share in _GLASS_OPACITY.items():
        opacity[quads.material == material] = 255 * share
    return np.concatenate((rgb, opacity[:, None]), axis=1)


def paint_car(mesh: CarMesh, view: View) -> tuple[Layer, Layer]:
    """The layers (behind, near) of a car, at the view's scale."""
    behind, near = np.zeros(view.shape, np.uint8), np.zeros(view.shape, np.uint8)
    quads = project_quads(mesh, view)
    colours = _body_colours(mesh, view, quads)
    _paint_behind(behind, mesh, view, quads)
    order = np.argsort(-quads.depth)
    order = order[quads.facing[order]]
    fill(near, quads.corners[order], colours[order])
    for strip in details(mesh):
        _paint_strip(near, view, strip)
    _paint_seams(near, mesh, view)
    for side in shown_sides(mesh, view):
        paint_arches(near, mesh, view, side)
    paint_fittings(near, behind, mesh, view)
    return behind, near


def _paint_behind(layer: Layer, mesh: CarMesh, view: View, quads: Quads) -> None:
    for side in (1, -1):
        for axle in mesh.car.body.axles:
            paint_wheel(layer, mesh, view, axle, side)
    glass = (quads.material == GLASS) | (quads.material == TINTED)
    inner = np.flatnonzero(~quads.facing & ~glass)
    inner = inner[np.argsort(-quads.depth[inner])]
    shade = np.clip(0.55 + 0.3 * quads.height[inner], 0, 1)[:, None] * np.array(mesh.car.interior, np.float32)
    fill(layer, quads.corners[inner], np.concatenate((shade, np.full((len(inner), 1), 255, np.float32)), axis=1))
    paint_seats(layer, mesh, view)


def _paint_strip(layer: Layer, view: View, strip: Strip) -> None:
    quads = cells(view.pixels(strip.edges)[0])
    seen = turn(quads) < 0
    colour = np.tile(np.array(rgba(strip.colour), np.float32), (int(seen.sum()), 1))
    fill(layer, quads[seen], colour)


def _paint_seams(layer: Layer, mesh: CarMesh, view: View) -> None:
    """The gaps around the doors, as thin dark lines on the near side."""
    body = mesh.car.body
    shade = rgba(mesh.car.paint.colour, 0.5)
    front = body.outline[body.cowl][0] + 0.12
    for side in shown_sides(mesh, view):
        for u in (front, *body.pillars):
            low, high = body.clearance + 0.06, float(np.interp(u, (0, body.length), body.belt))
            line = mesh.on_side(np.full(8, u), np.linspace(low, high, 8), side)
            draw_line(layer, view, line, shade, 0.008)


def paint_reflection(mesh: CarMesh, view: View) -> Layer:
    """The car's image in the floor, for a mirrored view; its opacity fades with the height of what
    is reflected."""
    layer = np.zeros(view.shape, np.uint8)
    quads = project_quads(mesh, view)
    colours = _body_colours(mesh, view, quads)
    colours[:, 3] = 255 * np.exp(-quads.height / 0.8)
    order = np.argsort(-quads.depth)
    order = order[quads.facing[order]]
    fill(layer, quads.corners[order], colours[order])
    for side in shown_sides(mesh, view):
        for axle in mesh.car.body.axles:
            paint_wheel(layer, mesh, view, axle, side)
    return layer
