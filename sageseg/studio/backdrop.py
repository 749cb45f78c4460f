"""The studio of the generated shoot: its camera, its backdrop and the light that falls on a car.

World coordinates are metres: the turntable's centre is the origin, x runs to the camera's right,
y away from it, z up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

DISC_RADIUS, FLOOR_RADIUS = 3.35, 9.0
_SIGN = "SAGESEG"


@dataclass(frozen=True)
class Camera:
    """A pinhole camera of width × height pixels that stands before the turntable and looks down."""

    width: int
    height: int
    distance: float = 11.0
    elevation: float = 2.55
    aim: float = 0.66
    """Height above the turntable's centre that the optical axis meets."""
    focal: float = 1.72
    """In image widths."""
    centre: tuple[float, float] = (0.49, 0.49)
    """Where the optical axis meets the image, in shares of width and height."""

    @property
    def position(self) -> Floats:
        return np.array((0.0, -self.distance, self.elevation), np.float32)

    @property
    def axes(self) -> Floats:
        """Rows: right, up, forward; unit vectors in world coordinates."""
        drop = np.arctan2(self.elevation - self.aim, self.distance)
        sin, cos = np.sin(drop), np.cos(drop)
        return np.array(((1, 0, 0), (0, sin, cos), (0, cos, -sin)), np.float32)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points (..., 3) to pixels (..., 2) and depths (...)."""
        right, up, forward = np.moveaxis((points - self.position) @ self.axes.T, -1, 0)
        scale = self.focal * self.width / forward
        column = self.centre[0] * self.width + scale * right
        row = self.centre[1] * self.height - scale * up
        return np.stack((column, row), -1), forward

    def rays(self) -> Floats:
        """The direction of every pixel, (height, width, 3), not normalised."""
        columns = (np.arange(self.width, dtype=np.float32) + 0.5 - self.centre[0] * self.width) / self.width
        rows = (self.centre[1] * self.height - np.arange(self.height, dtype=np.float32) - 0.5) / self.width
        right, up = np.meshgrid(columns / np.float32(self.focal), rows / np.float32(self.focal))
        directions = np.stack((right, up, np.ones_like(up)), -1) @ self.axes
        return np.asarray(directions, np.float32)


@cache
def backdrop(camera: Camera, seed: int) -> Floats:
    """The empty studio, (height, width, 3) in 0..255: a bright wall with a sign, a round floor that
    meets it in a glow, the turntable's disc, mottling and a vignette. Read-only."""
    rays = camera.rays()
    steps = np.where(rays[..., 2] < -1e-4, camera.elevation / np.maximum(-rays[..., 2], 1e-4), 1e4)
    floor_x = rays[..., 0] * steps
    floor_y = rays[..., 1] * steps - camera.distance
    radius = np.hypot(floor_x, floor_y).astype(np.float32)
    image = _wall(camera) * (1 - _inside(radius, FLOOR_RADIUS, 0.25))[..., None]
    image += _floor(radius, floor_x, floor_y) * _inside(radius, FLOOR_RADIUS, 0.25)[..., None]
    image *= (_mottling(camera, seed) * _vignette(camera))[..., None]
    image.setflags(write=False)
    return np.asarray(image, np.float32)


def _inside(radius: Floats, limit: float, softness: float) -> Floats:
    return np.asarray(np.clip((limit - radius) / softness + 0.5, 0, 1), np.float32)


def _wall(camera: Camera) -> Floats:
    rows = np.linspace(0, 1, camera.height, dtype=np.float32)
    level = np.interp(rows, (0, 0.12, 0.3, 0.36), (219, 230, 240, 250)).astype(np.float32)
    wall = level[:, None, None] * np.array((1.0, 0.996, 0.998), np.float32)
    wall = np.repeat(wall, camera.width, axis=1)
    strength = (_sign(camera).astype(np.float32) / 255)[..., None]
    return np.asarray(wall * (1 - strength) + strength * np.array((118, 116, 122), np.float32))


def _floor(radius: Floats, floor_x: Floats, floor_y: Floats) -> Floats:
    far = np.interp(floor_y, (-6, 0, 5, 9), (214, 206, 200, 206)).astype(np.float32)
    ground = far[..., None] * np.array((0.985, 0.99, 1.012), np.float32)
    disc = _inside(radius, DISC_RADIUS, 0.05)[..., None] * np.float32(0.85)
    shine = 10 * np.exp(-((floor_x - 0.4) ** 2 + (floor_y + 2.2) ** 2) / 2.5)
    ground = ground * (1 - disc) + disc * (far + shine)[..., None] * np.array((1.0, 0.985, 0.955), np.float32)
    rim = np.exp(-(((radius - DISC_RADIUS) / 0.03) ** 2)).astype(np.float32)
    return np.asarray(ground * (1 - 0.16 * rim)[..., None], np.float32)


def _sign(camera: Camera) -> npt.NDArray[np.uint8]:
    """Large letters on the wall, as coverage 0..255."""
    canvas = np.zeros((camera.height, camera.width), np.uint8)
    pitch, top, tall = camera.width / len(_SIGN), 0.075 * camera.height, 0.19 * camera.height
    for place, letter in enumerate(_SIGN):
        thickness = max(round(camera.width * (0.006 if place < 4 else 0.014)), 1)
        for stroke in _strokes(letter):
            points = np.array(stroke) * (0.62 * pitch, -tall) + ((place + 0.19) * pitch, top + tall)
            cv2.polylines(canvas, [(points * 16).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, 4)
    return canvas


def _strokes(letter: str) -> list[list[tuple[float, float]]]:
    """A capital letter as polylines in the unit square, y up."""
    strokes: dict[str, list[list[tuple[float, float]]]] = {
        "A": [[(0, 0), (0.5, 1), (1, 0)], [(0.2, 0.36), (0.8, 0.36)]],
        "E": [[(1, 1), (0.05, 1), (0.05, 0), (1, 0)], [(0.05, 0.52), (0.85, 0.52)]],
        "G": [[*_arc(0.5, 0.5, 0.5, 50, 350), (1.0, 0.45), (0.55, 0.45)]],
        "S": [[*_arc(0.75, 0.46, 0.25, 20, 270), *_arc(0.25, 0.5, 0.25, 90, -160)]],
    }
    return strokes[letter]


def _arc(y: float, wide: float, tall: float, start: float, end: float) -> list[tuple[float, float]]:
    """Part of an ellipse around (0.5, y), angles in degrees."""
    angles = np.radians(np.linspace(start, end, 24))
    return list(zip((0.5 + wide * np.cos(angles)).tolist(), (y + tall * np.sin(angles)).tolist(), strict=True))


def _mottling(camera: Camera, seed: int) -> Floats:
    coarse = np.random.default_rng([seed, 0, 0, 1]).normal(1, 0.008, (14, 20)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (camera.width, camera.height), interpolation=cv2.INTER_CUBIC), np.float32)


def _vignette(camera: Camera) -> Floats:
    x = np.linspace(-1, 1, camera.width, dtype=np.float32)
    y = np.linspace(-1, 1, camera.height, dtype=np.float32)
    return np.asarray(1 - 0.055 * (x[None] ** 2 + y[:, None] ** 2), np.float32)


def surroundings(elevation: Floats) -> Floats:
    """The brightness (0..1.2) that a reflecting surface sees, by the reflected ray's vertical
    component: floor, the dark joint at the horizon, wall, a soft box and the ceiling."""
    heights = (-1, -0.3, -0.06, 0.0, 0.05, 0.16, 0.5, 0.6, 0.85, 0.95, 1)
    levels = (0.30, 0.50, 0.72, 0.40, 0.46, 0.92, 0.88, 1.2, 1.2, 0.85, 0.8)
    return np.interp(elevation, heights, levels).astype(np.float32)


def lit(colours: Floats, gloss: Floats, normals: Floats, to_camera: Floats) -> Floats:
    """Colours (n, 3) in 0..255 as a glossy surface shows them in this studio.

    `normals` and `to_camera` are unit vectors (n, 3), `gloss` (n,) in 0..1. Diffuse light comes
    mostly from above; reflection follows Schlick's approximation of Fresnel's equations.
    """
    facing = np.clip((normals * to_camera).sum(-1), 0, 1)
    upward = 2 * facing * normals[..., 2] - to_camera[..., 2]
    diffuse = 0.56 + 0.20 * normals[..., 2] + 0.28 * facing
    mirror = gloss * np.minimum(0.09 + 0.91 * (1 - facing) ** 5, 0.65) * surroundings(upward)
    return np.asarray(np.clip(colours * diffuse[..., None] + 235 * mirror[..., None], 0, 255), np.float32)
