"""Drawn scenes with labels that are wrong on purpose, for oracles/cleanlab_suspects.py.

    images, labels, kinds, classes = plant(draw_scenes("scenes", 160, seed=0), seed=0)

Every mask is drawn as people draw it: the outline of each object lies up to a pixel beside the true one,
and some have ignored places. That is no error. In a share of the masks one object is wrong besides, by
one of KINDS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask
from sageseg.studio.backdrop import Camera, backdrop
from sageseg.studio.image import draw_image
from sageseg.studio.mesh import build_mesh
from sageseg.studio.model import draw_car

SIZE = (160, 112)
"""Width and height of a scene; the unet halves them four times and more."""
CLASSES = {"scenes": ("_background_", "pale car", "other car", "cone"), "shoot": ("_background_", "car")}
KINDS = {
    "scenes": ("dropped", "shifted", "swapped", "partial", "enlarged", "invented"),
    "shoot": ("dropped", "shifted", "partial", "enlarged"),
}
"""What may be wrong with one object; a shoot has one class and one object, so nothing to swap."""
WRONG, IGNORING = 0.3, 0.25
"""The shares of masks with a planted error, and of those with an ignored place."""
LEAST_VISIBLE = 12
"""An object of which fewer pixels are seen is not labelled at all."""


@dataclass(frozen=True)
class Scene:
    """An image with its objects as 0/1 masks in drawing order: of what one covers the other has none."""

    image: Rgb
    objects: tuple[Mask, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Planted:
    """A scene's label as somebody may have drawn it. `kind` is "" where it is right; `class_id` is that
    of the object that is wrong, 0 where none is."""

    image: Rgb
    label: Mask
    kind: str
    class_id: int


def draw_scenes(drawn: str, number: int, seed: int) -> list[Scene]:
    """So many scenes: "shoot" has one car each, "scenes" two to five cars and cones."""
    rng = np.random.default_rng([seed, 1])
    return [_shot(rng) if drawn == "shoot" else _scene(rng) for _ in range(number)]


@cache
def _car(index: int, angle: int) -> tuple[Rgb, Mask, int]:
    """Car `index` from one of 24 angles, its mask and the class of its paint."""
    car = draw_car(0, index)
    image, mask = draw_image(
        build_mesh(car), Camera(*SIZE), 2 * np.pi * angle / 24, 0, np.random.default_rng([index, angle])
    )
    return image, mask, 1 if min(car.paint.colour) >= 170 else 2


def _random_car(rng: np.random.Generator) -> tuple[Rgb, Mask, int]:
    return _car(int(rng.integers(20)), int(rng.integers(24)))


def _shot(rng: np.random.Generator) -> Scene:
    image, mask, _ = _random_car(rng)
    return Scene(image, (mask,), (1,))


def _scene(rng: np.random.Generator) -> Scene:
    image = backdrop(Camera(*SIZE), 0).copy() + rng.normal(0, 2, (SIZE[1], SIZE[0], 3))
    objects: list[Mask] = []
    classes: list[int] = []
    for _ in range(rng.integers(2, 6)):
        colours, mask, class_id = _cone(rng) if rng.random() < 0.4 else _small_car(rng)
        image[mask == 1] = colours[mask == 1]
        objects = [each & (1 - mask) for each in objects] + [mask]
        classes.append(class_id)
    seen = [place for place, each in enumerate(objects) if each.sum() >= LEAST_VISIBLE]
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    return Scene(pixels, tuple(objects[place] for place in seen), tuple(classes[place] for place in seen))


def _small_car(rng: np.random.Generator) -> tuple[Rgb, Mask, int]:
    """A car at 0.3 to 0.65 of its size somewhere in an image."""
    image, mask, class_id = _random_car(rng)
    scale = rng.uniform(0.3, 0.65)
    move = rng.uniform((-20, -10), np.array(SIZE) * (1 - scale) + (20, 10))
    place = np.array([[scale, 0, move[0]], [0, scale, move[1]]], np.float32)
    moved = cv2.warpAffine(image, place, SIZE, flags=cv2.INTER_AREA)
    return np.asarray(moved, np.uint8), _warped(mask, place), class_id


def _cone(rng: np.random.Generator) -> tuple[Rgb, Mask, int]:
    """A small orange triangle with a white stripe."""
    tall, wide = rng.uniform(12, 22), rng.uniform(7, 12)
    x, y = rng.uniform((4, 20), (SIZE[0] - 14, SIZE[1] - 2))
    mask = np.zeros(SIZE[::-1], np.uint8)
    corners = np.array([[x, y], [x + wide, y], [x + wide / 2, y - tall]])
    cv2.fillPoly(mask, [corners.round().astype(np.int32)], 1)
    colours = np.full((*mask.shape, 3), (232, 110, 30), np.uint8)
    colours[int(y - tall / 2) : int(y - tall / 3)] = 235
    return colours, mask, 3


def plant(scenes: list[Scene], drawn: str, seed: int) -> list[Planted]:
    """Labels of the scenes: all drawn as people draw, some of them wrong."""
    rng = np.random.default_rng([seed, 2])
    return [_labelled(scene, drawn, rng) for scene in scenes]


def _labelled(scene: Scene, drawn: str, rng: np.random.Generator) -> Planted:
    scene = replace(scene, objects=tuple(_jittered(each, rng) for each in scene.objects))
    kind, wrong = "", 0
    if scene.objects and rng.random() < WRONG:
        kind = str(rng.choice(KINDS[drawn]))
        chosen = int(rng.integers(len(scene.objects)))
        wrong = scene.classes[chosen]
        scene = _spoilt(scene, chosen, kind, len(CLASSES[drawn]), rng)
    label = np.zeros(SIZE[::-1], np.uint8)
    for mask, class_id in zip(scene.objects, scene.classes, strict=True):
        label[mask == 1] = class_id
    if rng.random() < IGNORING:
        left, top = rng.integers(0, (SIZE[0] - 30, SIZE[1] - 20))
        label[top : top + rng.integers(8, 20), left : left + rng.integers(8, 30)] = IGNORE
    return Planted(scene.image, label, kind, wrong)


def _jittered(mask: Mask, rng: np.random.Generator) -> Mask:
    """The mask moved by up to a pixel and a little larger or smaller."""
    moved = _moved(mask, *rng.uniform(-1, 1, 2))
    grown = cv2.GaussianBlur(moved.astype(np.float32), (0, 0), 0.9) >= rng.uniform(0.25, 0.75)
    return grown.astype(np.uint8)


def _spoilt(scene: Scene, chosen: int, kind: str, num_classes: int, rng: np.random.Generator) -> Scene:
    """The scene with one object wrong."""
    objects, classes = list(scene.objects), list(scene.classes)
    mask = objects[chosen]
    _, _, width, height = cv2.boundingRect(mask)
    if kind == "dropped":
        objects[chosen] = np.zeros_like(mask)
    elif kind == "shifted":
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.4)
        objects[chosen] = _moved(mask, far * width * np.cos(turn), far * height * np.sin(turn))
    elif kind == "swapped":
        classes[chosen] = int(rng.choice([each for each in range(1, num_classes) if each != classes[chosen]]))
    elif kind == "partial":
        objects[chosen] = _cut(mask, rng)
    elif kind == "enlarged":
        reach = max(round(0.12 * (width + height) / 2), 2)
        objects[chosen] = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    elif kind == "invented":
        objects.append(_moved(mask, rng.uniform(0.8, 1.2) * width * rng.choice((-1, 1)), rng.uniform(-10, 10)))
        classes.append(classes[chosen])
    return replace(scene, objects=tuple(objects), classes=tuple(classes))


def _cut(mask: Mask, rng: np.random.Generator) -> Mask:
    """A mask of which a third to a half of its width or height is missing on one side."""
    x, y, width, height = cv2.boundingRect(mask)
    kept, share = mask.copy(), rng.uniform(0.33, 0.5)
    if rng.random() < 0.5:
        kept[:, x : x + round(share * width)] = 0
    else:
        kept[y : y + round(share * height)] = 0
    return kept


def _moved(mask: Mask, x: float, y: float) -> Mask:
    return _warped(mask, np.array([[1, 0, x], [0, 1, y]], np.float32))


def _warped(mask: Mask, place: npt.NDArray[np.float32]) -> Mask:
    return (cv2.warpAffine(mask.astype(np.float32), place, SIZE) >= 0.5).astype(np.uint8)
