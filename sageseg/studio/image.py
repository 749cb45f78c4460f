"""A finished image of a generated car with its mask: view, shadow, reflection, exposure, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from formats.images import Rgb, decode_image
from formats.masks import Mask
from sageseg.studio.backdrop import Camera, Floats, backdrop
from sageseg.studio.canvas import Layer, View
from sageseg.studio.mesh import CarMesh
from sageseg.studio.view import paint_car, paint_reflection

SUPERSAMPLING = 2
"""Drawn pixels per image pixel, along each side."""


def draw_image(mesh: CarMesh, camera: Camera, heading: float, seed: int, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """A car at a heading in radians: the image, and the mask with 1 where it covers at least half
    of a pixel."""
    behind, near = paint_car(mesh, View(camera, heading, SUPERSAMPLING))
    colour, opacity, coverage = flatten(behind, near, camera)
    scene = backdrop(camera, seed) * _shadow(mesh, camera, heading)[..., None]
    scene = _reflected(scene, mesh, camera, heading)
    scene *= 1 - opacity[..., None]
    scene += colour
    return _develop(scene, rng), (coverage >= 0.5).astype(np.uint8)


def flatten(behind: Layer, near: Layer, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Two layers laid over each other at the image's size: colour (height, width, 3) already
    weighed by opacity, opacity and coverage (height, width) in 0..1. Coverage counts glass in full."""
    size = (camera.width, camera.height)
    opacity = cv2.extractChannel(near, 3)
    flat = behind.copy()
    cv2.copyTo(near, opacity, flat)
    _, covered = cv2.threshold(cv2.extractChannel(flat, 3), 0, 255, cv2.THRESH_BINARY)
    glass = np.flatnonzero(cv2.inRange(opacity, np.array(1), np.array(254)))
    over = _over(near.reshape(-1, 4)[glass].astype(np.float32), behind.reshape(-1, 4)[glass].astype(np.float32))
    flat.reshape(-1, 4)[glass] = over.round()
    small = np.asarray(cv2.resize(flat, size, interpolation=cv2.INTER_AREA), np.float32)
    coverage = np.asarray(cv2.resize(covered, size, interpolation=cv2.INTER_AREA), np.float32)
    return small[..., :3], small[..., 3] / np.float32(255), coverage / np.float32(255)


def _over(near: Floats, behind: Floats) -> Floats:
    """Translucent pixels (n, 4) over opaque or empty ones, colours weighed by opacity."""
    front = near[:, 3:] / 255
    back = behind[:, 3:] / 255 * (1 - front)
    return np.concatenate((near[:, :3] * front + behind[:, :3] * back, 255 * (front + back)), axis=1)


def _on_floor(view: View, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.int32]:
    points = np.stack((np.asarray(x), np.asarray(y), np.zeros_like(np.asarray(x))), -1).astype(np.float32)
    return view.pixels(points)[0].round().astype(np.int32)


def _shadow(mesh: CarMesh, camera: Camera, heading: float) -> Floats:
    """What the car leaves of the light on the floor, (height, width) in 0..1: a wide soft shadow,
    a core below the body, and dark contacts at the tyres."""
    view, body = View(camera, heading, 1), mesh.car.body
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    cos, sin = np.cos(angles), np.sin(angles)
    x = body.length / 2 * np.sign(cos) * np.abs(cos) ** 0.35
    y = body.half_width * np.sign(sin) * np.abs(sin) ** 0.35
    light = np.ones((camera.height, camera.width), np.float32)
    for grown, depth, spread in ((1.08, 0.34, 0.022), (0.93, 0.45, 0.007)):
        light *= 1 - depth * _blurred(light.shape, [_on_floor(view, x * grown, y * grown)], spread * camera.width)
    patches = [
        _on_floor(view, body.length / 2 - axle + 0.17 * cos, side * (body.half_width - 0.11) + 0.13 * sin)
        for axle in body.axles
        for side in (1, -1)
    ]
    light *= 1 - 0.75 * _blurred(light.shape, patches, 0.0025 * camera.width)
    return light


def _blurred(shape: tuple[int, ...], polygons: list[npt.NDArray[np.int32]], sigma: float) -> Floats:
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, polygons, 255)
    shrink = 4 if sigma > 4 else 1  # a wide blur costs a sixteenth at a quarter of the size
    small = cv2.resize(canvas, (shape[1] // shrink, shape[0] // shrink), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32) / 255, (0, 0), max(sigma / shrink, 0.3))
    return np.asarray(cv2.resize(soft, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _reflected(scene: Floats, mesh: CarMesh, camera: Camera, heading: float) -> Floats:
    layer = paint_reflection(mesh, View(camera, heading, 1, mirrored=True))
    left, top, width, height = cv2.boundingRect(layer[..., 3])
    box = slice(max(top - 8, 0), top + height + 8), slice(max(left - 8, 0), left + width + 8)
    part = layer[box].astype(np.float32)
    part[..., :3] *= part[..., 3:] / 255
    part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.002 * camera.width, None, 0.007 * camera.width)) * np.float32(
        0.34
    )
    scene[box] = scene[box] * (1 - part[..., 3:] / 255) + part[..., :3]
    return scene


def _develop(scene: Floats, rng: np.random.Generator) -> Rgb:
    """Exposure and white balance, the lens's softness, sensor noise, and a first JPEG as a camera
    writes it."""
    gain = rng.uniform(0.93, 1.06) * rng.uniform(0.985, 1.015, 3)
    scene = np.asarray(cv2.GaussianBlur(scene, (3, 3), 0.45), np.float32) * gain.astype(np.float32)
    noise = rng.standard_normal((*scene.shape[:2], 1), np.float32)
    scene += noise * np.float32(rng.uniform(1.2, 2.6))
    image = np.clip(scene, 0, 255).astype(np.uint8)
    return decode_image(simplejpeg.encode_jpeg(image, int(rng.integers(78, 93)), "RGB", "420"))
