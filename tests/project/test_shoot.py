"""The demo's generated data: naming, masks, determinism, and that views belong to one car."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.errors import SagesegError
from formats.images import read_image
from formats.masks import Mask, foreground_share, read_mask
from sageseg.studio.backdrop import Camera, backdrop
from sageseg.studio.image import draw_image, flatten
from sageseg.studio.mesh import build_mesh
from sageseg.studio.model import BODY_STYLES, NEAR_BACKGROUND, draw_car
from sageseg.studio.shoot import car_id, draw_shoot

SIZE = (192, 128)


@pytest.fixture(scope="module")
def shoot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five cars, every body style, from 16 angles."""
    folder = tmp_path_factory.mktemp("shoot")
    draw_shoot(folder, cars=5, size=SIZE, workers=1)
    return folder


def masks_of(shoot: Path, index: int) -> list[Mask]:
    return [read_mask(path) for path in sorted((shoot / "masks").glob(f"{car_id(0, index)}_*"))]


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.*"))}


def test_names_are_carvanas_and_every_image_has_its_mask(shoot: Path) -> None:
    images = sorted(path.name for path in (shoot / "images").iterdir())
    masks = sorted(path.name for path in (shoot / "masks").iterdir())
    assert len(images) == 5 * 16
    assert all(re.fullmatch(r"[0-9a-f]{12}_(0[1-9]|1[0-6])\.jpg", name) for name in images)
    assert masks == [name.replace(".jpg", "_mask.gif") for name in images]


def test_every_car_has_all_angles_under_one_id(shoot: Path) -> None:
    stems = [path.stem.split("_") for path in sorted((shoot / "images").iterdir())]
    angles = {car: [angle for owner, angle in stems if owner == car] for car, _ in stems}
    assert angles == {car_id(0, index): [f"{angle:02d}" for angle in range(1, 17)] for index in range(5)}


def test_masks_are_gifs_of_mode_p_with_values_0_and_1(shoot: Path) -> None:
    for path in (shoot / "masks").iterdir():
        with Image.open(path) as mask:
            assert (mask.format, mask.mode, mask.size) == ("GIF", "P", SIZE)
            assert np.unique(np.asarray(mask)).tolist() == [0, 1]


def test_images_have_the_size_asked_for(shoot: Path) -> None:
    assert {read_image(path).shape for path in (shoot / "images").iterdir()} == {(128, 192, 3)}


def test_a_car_fills_a_plausible_share_and_touches_no_border(shoot: Path) -> None:
    for path in (shoot / "masks").iterdir():
        mask = read_mask(path)
        assert 0.09 < foreground_share(mask) < 0.36, path.name
        assert not any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])), path.name


def test_corners_hold_no_car(shoot: Path) -> None:
    for path in (shoot / "masks").iterdir():
        mask = read_mask(path)
        corners = (mask[:20, :30], mask[:20, -30:], mask[-25:, :30], mask[-25:, -30:])
        assert not any(corner.any() for corner in corners), path.name


def test_the_side_is_wider_than_the_front_in_every_car(shoot: Path) -> None:
    for index in range(5):
        widths = [np.ptp(np.flatnonzero(mask.any(axis=0))) for mask in masks_of(shoot, index)]
        assert min(widths[4], widths[12]) > 1.6 * max(widths[0], widths[8])


def test_opposite_sides_mirror_each_other(shoot: Path) -> None:
    left, right = masks_of(shoot, 0)[4], masks_of(shoot, 0)[12]
    flipped = right[:, ::-1]
    shift = int(np.flatnonzero(left.any(axis=0))[0] - np.flatnonzero(flipped.any(axis=0))[0])
    flipped = np.roll(flipped, shift, axis=1)
    assert np.sum(left & flipped) / np.sum(left | flipped) > 0.93


def test_bytes_depend_on_neither_workers_nor_number_of_cars(shoot: Path, tmp_path: Path) -> None:
    draw_shoot(tmp_path, cars=2, size=SIZE, workers=2)
    drawn = checksums(tmp_path)
    assert len(drawn) == 2 * 2 * 16
    assert drawn.items() <= checksums(shoot).items()


def test_another_seed_gives_other_cars(tmp_path: Path) -> None:
    draw_shoot(tmp_path / "one", cars=1, angles=1, size=SIZE, seed=1, workers=1)
    draw_shoot(tmp_path / "two", cars=1, angles=1, size=SIZE, seed=2, workers=1)
    one, two = checksums(tmp_path / "one"), checksums(tmp_path / "two")
    assert not one.keys() & two.keys()
    assert not set(one.values()) & set(two.values())


def test_different_cars_differ_in_shape(shoot: Path) -> None:
    sides = [masks_of(shoot, index)[4] for index in range(5)]
    assert all(np.mean(a != b) > 0.01 for i, a in enumerate(sides) for b in sides[:i])


def test_a_small_shoot_holds_every_body_and_some_paints_near_the_background() -> None:
    for seed in range(5):
        cars = [draw_car(seed, index) for index in range(6)]
        assert {car.body.name for car in cars} == {style.name for style in BODY_STYLES}
        assert (
            sum(min(car.paint.colour) >= min(min(paint.colour) for paint in NEAR_BACKGROUND) - 8 for car in cars) >= 2
        )


def test_shadow_and_reflection_darken_the_floor_and_are_not_in_the_mask() -> None:
    camera = Camera(320, 214)
    car = draw_car(0, 0)
    image, mask = draw_image(build_mesh(car), camera, np.pi / 2, 0, np.random.default_rng(0))
    lowest = int(np.flatnonzero(mask.any(axis=1))[-1])
    below = slice(lowest + 2, lowest + 12), slice(100, 220)
    aside = slice(lowest + 2, lowest + 12), slice(0, 20)
    empty = backdrop(camera, 0)
    assert not mask[lowest + 1 :].any()
    assert image[below].mean() / empty[below].mean() < 0.97 * image[aside].mean() / empty[aside].mean()


def test_flatten_shows_the_studio_through_glass_and_counts_it_as_car() -> None:
    behind, near = np.zeros((4, 8, 4), np.uint8), np.zeros((4, 8, 4), np.uint8)
    near[:, 2:4] = (200, 100, 0, 255)  # body
    near[:, 4:8] = (50, 50, 50, 51)  # glass of opacity 0.2, a seat behind its right half
    behind[:, 6:8] = (100, 100, 100, 255)
    colour, opacity, coverage = flatten(behind, near, Camera(4, 2))
    assert coverage[0].tolist() == [0, 1, 1, 1]
    assert opacity[0].tolist() == pytest.approx([0, 1, 0.2, 1])
    assert colour[0].tolist() == [[0, 0, 0], [200, 100, 0], [10, 10, 10], [90, 90, 90]]


def test_the_camera_sees_the_turntable_where_it_is_aimed() -> None:
    camera = Camera(640, 427)
    pixel, depth = camera.project(np.array((0, 0, camera.aim), np.float32))
    assert pixel.tolist() == pytest.approx([0.49 * 640, 0.49 * 427], abs=0.01)
    assert float(depth) == pytest.approx(np.hypot(camera.distance, camera.elevation - camera.aim), abs=0.01)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"cars": 0}, "cars is 0"),
        ({"angles": 100}, "angles is 100"),
        ({"size": (640, 40)}, "size is 640 × 40"),
        ({"size": (640, 300)}, "size is 640 × 300"),
        ({"seed": -1}, "seed is -1"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_a_value_out_of_range_is_named_and_nothing_is_made(
    values: dict[str, object], named: str, tmp_path: Path
) -> None:
    with pytest.raises(SagesegError, match=named):
        draw_shoot(tmp_path / "shoot", **values)  # type: ignore[arg-type]
    assert not (tmp_path / "shoot").exists()
