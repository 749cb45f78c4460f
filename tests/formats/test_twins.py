"""Near-twins are found whatever their brightness, small shift and small zoom."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.alike.alignment import FLAT, GAIN, SIDE, difference, lay_over, soften
from formats.alike.signatures import mirror, nearest, signatures
from formats.alike.twins import LIMIT, Twins, align, find_twins, thumbnail
from formats.images import Rgb, read_image
from sageseg.studio.shoot import draw_shoot
from tests.support.scenes import HEIGHT, WIDTH, scene, view


def brighter(image: Rgb) -> Rgb:
    drawn: Rgb = np.clip(image.astype(int) + 25, 0, 255).astype(np.uint8)
    return drawn


def noisy(image: Rgb) -> Rgb:
    drawn: Rgb = np.clip(image + np.random.default_rng(0).normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    return drawn


def darker(image: Rgb) -> Rgb:
    return (image * 0.6).astype(np.uint8)


def contrasted(image: Rgb, gain: float) -> Rgb:
    drawn: Rgb = np.clip((image.astype(float) - 128) * gain + 128, 0, 255).astype(np.uint8)
    return drawn


def clipped(image: Rgb) -> Rgb:
    """So light that a fifth of the levels is lost."""
    drawn: Rgb = np.clip(image.astype(int) + 90, 0, 255).astype(np.uint8)
    return drawn


def zoomed(image: Rgb, factor: float) -> Rgb:
    rest = (1 - 1 / factor) / 2
    top, left = round(HEIGHT * rest), round(WIDTH * rest)
    return np.asarray(cv2.resize(image[top : HEIGHT - top, left : WIDTH - left], (WIDTH, HEIGHT)), np.uint8)


def recompressed(image: Rgb) -> Rgb:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR))


def thumbnails(*images: Rgb) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.stack([thumbnail(image) for image in images])


def twins(
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], images: Sequence[int], others: Sequence[int]
) -> list[Twins]:
    return list(find_twins(drawn, signatures(drawn), images, others))


@pytest.mark.parametrize(
    "twin",
    [
        view(scene(0)),
        brighter(view(scene(0))),
        noisy(view(scene(0))),
        view(scene(0), dx=10),
        view(scene(0), dy=-12),
        view(brighter(scene(0)), dx=15, dy=-10),
        cv2.resize(view(scene(0)), (160, 120)),
        darker(view(scene(0))),
        contrasted(view(scene(0)), 1.4),
        contrasted(view(scene(0)), 0.7),
        clipped(view(scene(0))),
        zoomed(view(scene(0)), 1.02),
        zoomed(view(scene(0)), 1.03),
        zoomed(view(scene(0), dx=-8, dy=6), 1.02),
        recompressed(view(scene(0))),
        view(scene(0))[:, ::-1],
        darker(zoomed(view(scene(0), dx=5), 1.02))[:, ::-1],
    ],
)
def test_twins_are_found_among_other_scenes(twin: Rgb) -> None:
    others = [view(scene(number)) for number in range(1, 30)]
    found = twins(thumbnails(*others, view(scene(0)), twin), [30], range(30))
    assert [pair.b for pair in found] == [29]
    assert found[0].difference < LIMIT


def test_the_shift_is_told_in_pixels_of_the_thumbnail() -> None:
    pair = align(thumbnails(view(scene(0)), view(scene(0), dx=10, dy=-15)), 0, 1)
    # 10 of 320 pixels are 2 of 64, 15 of 240 are 4; the second image shows what lies further right, so all lies left
    assert (pair.dx, pair.dy) == pytest.approx((-2, 4), abs=0.2)
    assert (pair.zoom, pair.mirrored) == (1, False)


@pytest.mark.parametrize(("factor", "told"), [(1.03, 0.97), (1 / 1.03, 1.03)])
def test_the_zoom_is_told(factor: float, told: float) -> None:
    plain = view(scene(0))
    wide = scene(0)[35 : HEIGHT + 45, 35 : WIDTH + 45]
    other = zoomed(plain, factor) if factor > 1 else np.asarray(cv2.resize(wide, (WIDTH, HEIGHT)), np.uint8)
    assert align(thumbnails(plain, other), 0, 1).zoom == told


def test_a_mirror_image_is_told() -> None:
    found = twins(thumbnails(view(scene(0)), view(scene(1)), view(scene(0))[:, ::-1]), [2], [0, 1])
    assert [(pair.b, pair.mirrored) for pair in found] == [(0, True)]


def test_other_scenes_are_no_twins() -> None:
    images = thumbnails(*(view(scene(number)) for number in range(20)))
    assert twins(images, range(10), range(10, 20)) == []


def test_flat_images_are_twins_of_flat_ones_only() -> None:
    flat = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (5, 90)]
    found = twins(thumbnails(*flat, view(scene(1))), [0], [1, 2])
    assert [(pair.b, pair.difference) for pair in found] == [(1, 0.0)]


def test_the_noise_of_a_dark_camera_does_not_tell_images_apart() -> None:
    dark = [
        np.random.default_rng(seed).normal(6, 3, (HEIGHT, WIDTH, 3)).clip(0, 255).astype(np.uint8) for seed in (0, 1)
    ]
    assert [pair.b for pair in twins(thumbnails(*dark), [0], [1])] == [1]


Levels = st.integers(0, 1000).map(lambda seed: soften(thumbnail(view(scene(seed)))))


@given(Levels, Levels)
def test_the_order_of_two_images_does_not_change_how_they_differ(
    a: np.ndarray[tuple[int, ...], np.dtype[np.float32]], b: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    assert difference(a, b) == difference(b, a)


@given(Levels, st.floats(0.55, 1.2), st.floats(-20, 20))
def test_brightness_and_contrast_do_not_tell_images_apart(
    a: np.ndarray[tuple[int, ...], np.dtype[np.float32]], gain: float, offset: float
) -> None:
    assert difference(a, np.clip((a - 120) * gain + 110 + offset, 0, 255).astype(np.float32)) < 0.6


def test_contrast_is_fitted_within_reason() -> None:
    faint = np.asarray(100 + (soften(thumbnail(view(scene(2)))) - 120) / 20, np.float32)
    assert faint.std() > FLAT / 2
    strong = soften(thumbnail(view(scene(2))))
    assert lay_over(strong, faint).difference > strong.std() * (1 - 1 / GAIN) * 0.5


@given(st.integers(0, 100))
def test_mirrored_twice_is_the_image_itself(seed: int) -> None:
    drawn = thumbnails(view(scene(seed)), noisy(view(scene(seed + 1))))
    hashes = signatures(drawn)
    assert np.array_equal(mirror(hashes), signatures(np.ascontiguousarray(drawn[:, :, ::-1])))
    assert np.array_equal(mirror(mirror(hashes)), hashes)
    plain, turned = align(drawn, 0, 1), align(np.ascontiguousarray(drawn[:, :, ::-1]), 0, 1)
    assert plain.difference == pytest.approx(turned.difference, abs=0.4)


def test_two_cars_at_one_angle_in_one_studio_are_no_twins(tmp_path: Path) -> None:
    draw_shoot(tmp_path, cars=3, angles=4, size=(240, 160), workers=1)
    files = sorted((tmp_path / "images").glob("*.jpg"))
    drawn = thumbnails(*(read_image(file) for file in files))
    assert twins(drawn, range(4), range(4, 12)) == []
    assert [twins(drawn, [one], [other for other in range(4) if other != one]) for one in range(4)] == [[]] * 4


@given(st.integers(0, 5), st.integers(1, 12), st.integers(1, 12))
def test_blocks_do_not_change_what_is_found(seed: int, images: int, others: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = [view(scene(int(number))) for number in rng.integers(0, 4, images + others)]
    drawn = thumbnails(*scenes)
    whole = twins(drawn, range(images), range(images, images + others))
    one_by_one = [pair for image in range(images) for pair in twins(drawn, [image], range(images, images + others))]
    assert whole == one_by_one
    for pair in whole:
        assert np.array_equal(drawn[pair.a], drawn[pair.b])


@given(st.integers(0, 100))
def test_sums_of_signatures_are_exact_in_float32(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (4, SIDE, SIDE), np.uint8)
    hashes = signatures(noise)
    squares = (hashes.astype(int) ** 2).sum(axis=1)
    # of two halves, each twice the square at most, and of what is taken from them
    assert 3 * squares.max() < 2**24


def nearest_one_by_one(
    hashes: np.ndarray[tuple[int, ...], np.dtype[np.int8]], image: int, others: Sequence[int]
) -> list[tuple[int, bool]]:
    """By whole numbers, a distance at a time."""
    found: list[tuple[int, bool]] = []
    for mirrored in (False, True):
        own = (mirror(hashes) if mirrored else hashes)[image].astype(int)
        far = [(int(((own - hashes[other]) ** 2).sum()), place) for place, other in enumerate(others)]
        found += [(others[place], mirrored) for square, place in sorted(far)[:3] if square <= 0.6 * 256 * 24**2]
    return found


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(0, 30), st.integers(1, 4))
def test_the_nearest_are_those_of_all_distances_whatever_the_blocks(
    seed: int, images: int, others: int, scenes: int
) -> None:
    """Few scenes with little noise, some mirrored: many are equally near, and many more than are kept are near."""
    rng = np.random.default_rng(seed)
    base = rng.integers(-40, 41, (scenes, 16, 16))
    drawn = base[rng.integers(0, scenes, images + others)] + rng.integers(-1, 2, (images + others, 16, 16))
    drawn[::3] = drawn[::3, :, ::-1]
    hashes = drawn.reshape(-1, 256).astype(np.int8)
    places = rng.permutation(images + others).tolist()
    asked, known = places[:images], places[images:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("formats.alike.signatures._ROWS", 4)
        patch.setattr("formats.alike.signatures._COLUMNS", 7)
        found = list(nearest(hashes, asked, known))
    assert found == [(image, nearest_one_by_one(hashes, image, known)) for image in asked]


@given(st.integers(0, 100))
def test_a_signature_is_of_its_thumbnail_alone(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (5, SIDE, SIDE), np.uint8)
    assert np.array_equal(signatures(noise), np.concatenate([signatures(noise[n : n + 1]) for n in range(5)]))


def test_nothing_to_compare_with_finds_nothing() -> None:
    assert twins(thumbnails(view(scene(0))), [0], []) == []


def test_processes_find_the_twins_that_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = thumbnails(*(view(scene(number % 5), dx=number) for number in range(12)))
    alone = twins(drawn, range(6), range(6, 12))
    monkeypatch.setattr("formats.alike.twins._WORTH_PROCESSES", 1)
    monkeypatch.setattr("formats.alike.twins._TOGETHER", 2)
    shared = list(find_twins(drawn, signatures(drawn), range(6), range(6, 12), workers=2))
    assert shared == alone
    assert [pair.a for pair in shared] == list(range(6))


def test_pairs_are_ordered_by_their_difference() -> None:
    assert min(Twins(2.0, 0, 1, 0, 0, 1, False), Twins(1.0, 9, 9, 9, 9, 1, True)).difference == 1.0
