"""--resize: one rule for the size, which stitch can follow back; masks take the nearest class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.masks import resize_mask
from formats.prepared.resampling import resize_image
from formats.prepared.resize import Resize, parse_resize, recorded_resize, resized_size

sides = st.integers(1, 400)


@given(sides, st.none() | sides)
def test_a_resize_reads_back_from_its_text(width: int, height: int | None) -> None:
    assert parse_resize(str(Resize(width, height))) == Resize(width, height)


@pytest.mark.parametrize(
    "text", ["0x5", "5x0", "0", "-1", "12x", "x12", "1.5", "1e3", "512 512", "", "wide", "65501", "1x2x3"]
)
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(SagesegError, match=r"--resize .*: expected WIDTHxHEIGHT, such as 960x640, or the long side"):
        parse_resize(text)


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((3840, 2160), "1920", (1920, 1080)),
        ((2160, 3840), "1920", (1080, 1920)),
        ((1918, 1280), "512", (512, 342)),  # 341.69
        ((4, 2), "3", (3, 2)),  # 1.5 is rounded up
        ((1000, 1), "100", (100, 1)),  # never nothing
        ((10, 20), "40", (20, 40)),
        ((1918, 1280), "960x100", (960, 100)),
    ],
)
def test_a_long_side_keeps_the_aspect(size: tuple[int, int], resize: str, expected: tuple[int, int]) -> None:
    assert resized_size(*size, parse_resize(resize)) == expected


@given(sides, sides, sides)
def test_the_long_side_is_what_was_asked_for(width: int, height: int, long: int) -> None:
    resized = resized_size(width, height, Resize(long))
    assert max(resized) == long
    assert min(resized) == max(1, int(min(width, height) * long / max(width, height) + 0.5))


def test_a_dataset_records_its_resize() -> None:
    assert recorded_resize({"options": {"resize": "960x640"}}) == Resize(960, 640)
    assert recorded_resize({"options": {"resize": None}}) is None
    assert recorded_resize({}) is None


@given(sides, sides, sides, sides, st.integers(0, 9))
def test_masks_are_resized_as_pillow_takes_the_nearest_pixel(
    width: int, height: int, to_width: int, to_height: int, seed: int
) -> None:
    mask = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    expected = Image.fromarray(mask).resize((to_width, to_height), Image.Resampling.NEAREST)
    resized = resize_mask(mask, to_width, to_height)
    # Pillow steps in floating point, and lands beside a pixel's edge where a centre lies on it
    centre_on_edge = (width * (2 * np.arange(to_width) + 1)) % (2 * to_width) == 0
    row_on_edge = (height * (2 * np.arange(to_height) + 1)) % (2 * to_height) == 0
    sure = ~centre_on_edge[None, :] & ~row_on_edge[:, None]
    assert np.array_equal(resized[sure], np.asarray(expected)[sure])


@given(sides, sides, st.integers(1, 4))
def test_a_mask_made_larger_by_a_whole_factor_comes_back_exactly(width: int, height: int, factor: int) -> None:
    mask = np.random.default_rng(width).integers(0, 256, (height, width), np.uint8)
    assert np.array_equal(resize_mask(resize_mask(mask, width * factor, height * factor), width, height), mask)


def test_images_that_shrink_are_averaged_by_area() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, ::2] = 200
    assert (resize_image(image, 2, 2) == 100).all()


def test_images_that_grow_on_one_side_and_shrink_on_the_other() -> None:
    image = np.zeros((4, 2, 3), np.uint8)
    image[::2] = 200
    assert resize_image(image, 6, 2).shape == (2, 6, 3)
    assert (resize_image(image, 6, 2) == 100).all()


def test_an_image_of_the_right_size_is_not_touched() -> None:
    image = np.zeros((4, 2, 3), np.uint8)
    assert resize_image(image, 2, 4) is image
