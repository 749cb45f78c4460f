"""The demo's generated data: a studio shoot of cars on a turntable, in Carvana's naming.

from sageseg.studio.shoot import draw_shoot
draw_shoot(Path("shoot"), cars=8)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import Mask
from formats.parallel import map_parallel
from sageseg.studio.backdrop import Camera
from sageseg.studio.image import draw_image
from sageseg.studio.mesh import CarMesh, build_mesh
from sageseg.studio.model import draw_car

MIN_SIDE = 64


@dataclass(frozen=True)
class _Shot:
    """One image to draw, and the folder it goes to."""

    folder: Path
    size: tuple[int, int]
    seed: int
    car: int
    angle: int
    angles: int

    @property
    def stem(self) -> str:
        return f"{car_id(self.seed, self.car)}_{self.angle + 1:02d}"


def car_id(seed: int, index: int) -> str:
    """The name of car number `index` of a shoot: 12 hexadecimal digits, as Carvana's."""
    return hashlib.sha256(f"{seed}:{index}".encode()).hexdigest()[:12]


def draw_shoot(
    folder: Path,
    *,
    cars: int = 8,
    angles: int = 16,
    size: tuple[int, int] = (640, 427),
    seed: int = 0,
    workers: int | None = None,
) -> None:
    """Draw `cars` cars from `angles` angles of a turntable: JPEGs of `size` (width, height) into
    <folder>/images, GIF masks of mode P with values 0 and 1 into <folder>/masks.

    The same seed gives the same bytes, whatever the number of workers; None takes one per core.
    Files of the same name are replaced. Raises SagesegError for a value out of range.
    """
    _check(cars, angles, size, seed, workers)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shots = [_Shot(folder, size, seed, car, angle, angles) for car in range(cars) for angle in range(angles)]
    for _ in map_parallel(_draw, shots, workers=workers, label="drawing cars"):
        pass


def _check(cars: int, angles: int, size: tuple[int, int], seed: int, workers: int | None) -> None:
    width, height = size
    for name, value, least in (("cars", cars, 1), ("seed", seed, 0), ("workers", 1 if workers is None else workers, 1)):
        if value < least:
            raise SagesegError(f"{name} is {value}; expected {least} or more")
    if not 1 <= angles <= 99:
        raise SagesegError(f"angles is {angles}; expected 1 to 99")
    if min(size) < MIN_SIDE or height < width / 2:
        raise SagesegError(
            f"size is {width} × {height}; expected {MIN_SIDE} or more a side, and a height of at least half the width"
        )


@cache
def _mesh(seed: int, car: int) -> CarMesh:
    return build_mesh(draw_car(seed, car))


def _draw(shot: _Shot) -> None:
    """Draw and write one image and its mask; a generator of its own makes the image independent of
    what was drawn before."""
    rng = np.random.default_rng([shot.seed, shot.car, shot.angle, 4])  # the last number: one stream per use
    heading = 2 * np.pi * shot.angle / shot.angles + rng.normal(0, 0.008)  # a turntable stops within half a degree
    image, mask = draw_image(_mesh(shot.seed, shot.car), Camera(*shot.size), heading, shot.seed, rng)
    write_bytes(shot.folder / "images" / f"{shot.stem}.jpg", encode_image(image))
    write_bytes(shot.folder / "masks" / f"{shot.stem}_mask.gif", _encode_gif(mask))


def _encode_gif(mask: Mask) -> bytes:
    """A mask as a GIF of mode P: palette entry 0 black, 1 white, as Carvana's."""
    image = Image.fromarray(mask)  # mode L of the same bytes; putpalette makes it P
    image.putpalette([0, 0, 0, 255, 255, 255])
    buffer = BytesIO()
    image.save(buffer, "GIF", optimize=False)
    return buffer.getvalue()
