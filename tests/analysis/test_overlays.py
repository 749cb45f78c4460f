"""Where masks agree, and what colour that has."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.drawing.jpeg_planes import CENTRE, Plane, Planes, encode_planes, halve, to_planes
from analysis.drawing.legend import legend_band, text_size
from analysis.drawing.overlays import draw_difference, draw_overlay
from analysis.drawing.shrink import shrink
from analysis.drawing.strips import PANEL, draw_strip
from analysis.drawing.tints import difference_palette, tint_palette
from analysis.masks.agreement import Agreement, agreement

TRUTH = np.array([[0, 0, 1, 1, 2, 1, 255, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1, 0, 2, 2, 1, 0]], np.uint8)


def test_agreement_is_about_foreground() -> None:
    neither, correct, wrong, missed = range(4)
    assert agreement(TRUTH, PREDICTION).tolist() == [
        [neither, wrong, correct, missed, correct, wrong, neither, neither]
    ]


@pytest.mark.parametrize(
    ("scheme", "strongest"),
    [
        (ColourScheme.DEFAULT, {1: {1}, 2: {0}, 3: {2}}),
        (ColourScheme.LIGHT, {1: {0, 1}, 2: {0}, 3: {1}}),
    ],
)
def test_colours_are_green_red_blue_or_yellow_red_green(scheme: ColourScheme, strongest: dict[int, set[int]]) -> None:
    image = np.full((1, 4, 3), 100, np.uint8)
    drawn = draw_difference(image, np.array([[0, 1, 2, 3]], np.uint8), AGREEMENT_COLOURS[scheme])
    assert drawn[0, 0].tolist() == [55, 55, 55]
    for code, channels in strongest.items():
        pixel = drawn[0, code].astype(int)
        assert min(pixel[list(channels)]) > max(np.delete(pixel, list(channels))) + 30


def test_colours_of_one_scheme_differ_in_lightness_for_colour_blind_eyes() -> None:
    safe = AGREEMENT_COLOURS[ColourScheme.SAFE]
    lightness = [0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue in (c for _, c in safe.legend())]
    assert min(abs(a - b) for a in lightness for b in lightness if a != b) > 30


def test_tall_masks_are_coded_like_short_ones() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = (rng.choice([0, 1, 2, 255], (150, 20)).astype(np.uint8) for _ in range(2))
    codes = agreement(truth, prediction)
    by_row = [agreement(truth[row : row + 1], prediction[row : row + 1]) for row in range(150)]
    assert np.array_equal(codes, np.concatenate(by_row))


def test_a_pixel_is_its_share_of_grey_and_of_the_colour() -> None:
    image = np.random.default_rng(1).integers(0, 256, (130, 9, 3)).astype(np.uint8)
    codes = np.random.default_rng(2).integers(0, 4, (130, 9)).astype(np.uint8)
    colours = AGREEMENT_COLOURS[ColourScheme.DEFAULT]
    grey = 0.55 * (image @ [0.299, 0.587, 0.114])
    paints = np.array([(0, 0, 0), *(colour for _, colour in colours.legend())])
    opacity = np.array([0, 0.38, 0.9, 0.9])[codes][..., None]
    expected = (1 - opacity) * grey[..., None] + opacity * paints[codes]
    assert np.abs(draw_difference(image, codes, colours) - expected).max() < 2.5


@pytest.mark.parametrize("size", [(40, 300), (41, 301)])
def test_an_overlay_is_the_difference_above_a_legend_that_covers_nothing(size: tuple[int, int]) -> None:
    height, width = size
    image = np.full((height, width, 3), 140, np.uint8)
    codes = np.repeat(np.arange(4, dtype=np.uint8), 76)[None, :width].repeat(height, axis=0)
    colours = AGREEMENT_COLOURS[ColourScheme.DEFAULT]
    with Image.open(BytesIO(encode_planes(draw_overlay(image[..., 0], codes, colours), 100))) as opened:
        whole = np.asarray(opened).astype(int)
    expected = np.concatenate(
        [draw_difference(image, codes, colours), legend_band(width, colours.legend(), text_size(width))]
    )
    assert whole.shape == expected.shape
    off = np.abs(whole - expected).max(axis=2)
    assert np.median(off) <= 3
    assert off[: height - 16, 20::76].max() <= 4  # amid each colour: JPEG mixes blocks of 16 at their edges
    squares = [np.all(np.abs(whole[height:] - colour) < 9, axis=2).any() for _, colour in colours.legend()]
    assert squares == [True, True, True]


@given(st.integers(0, 9), st.integers(0, 11), st.integers(0, 9), st.integers(0, 11))
def test_an_overlay_paints_wherever_codes_lie(top: int, left: int, height: int, width: int) -> None:
    codes = np.zeros((9, 12), np.uint8)
    codes[top : top + height, left : left + width] = Agreement.WRONG
    luma = np.full((9, 12), 200, np.uint8)
    colours = AGREEMENT_COLOURS[ColourScheme.DEFAULT]
    drawn = draw_overlay(luma, codes, colours)
    expected = to_planes(draw_difference(luma[..., None].repeat(3, axis=2), codes, colours)).brightness.astype(int)
    assert np.abs(drawn.brightness[:9].astype(int) - expected).max() <= 1
    red = to_planes(
        draw_difference(np.zeros((2, 2, 3), np.uint8), np.full((2, 2), Agreement.WRONG, np.uint8), colours)
    ).red[0, 0]
    assert np.abs(drawn.red[:5].astype(int) - halve(np.where(codes, red, np.uint8(CENTRE)))).max() <= 1


def _amid(plane: Plane, fill: int) -> Plane:
    """The same pixels with `fill` before and behind them in memory."""
    around = np.full(plane.size + 2 * AROUND, fill, np.uint8)
    around[AROUND : AROUND + plane.size] = plane.ravel()
    return around[AROUND : AROUND + plane.size].reshape(plane.shape)


AROUND = 4096
SIZES = [*((height, width) for height in range(1, 19) for width in range(1, 19)), (451, 640), (640, 451), (451, 641)]


@pytest.mark.parametrize("odd", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_jpeg_of_planes_holds_nothing_that_lies_beside_them_in_memory(odd: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    for height, width in (size for size in SIZES if (size[0] % 2, size[1] % 2) == odd):
        halved = (2, (height + 1) // 2, (width + 1) // 2)
        planes = [rng.integers(0, 256, (height, width), np.uint8), *rng.integers(0, 256, halved, np.uint8)]
        encoded = {encode_planes(Planes(*(_amid(plane, fill) for plane in planes)), 90) for fill in (0, 90, 255)}
        assert len(encoded) == 1, f"{height} x {width}"
        with Image.open(BytesIO(encoded.pop())) as opened:
            assert opened.size == (width, height)


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_nor_does_a_jpeg_of_colours(subsampling: str) -> None:
    rng = np.random.default_rng(6)
    for height, width in SIZES:
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        amid = (_amid(image, fill) for fill in (0, 255))
        assert len({simplejpeg.encode_jpeg(each, 90, "RGB", subsampling, True) for each in amid}) == 1


def test_an_odd_jpeg_shows_what_the_even_one_around_it_shows() -> None:
    planes = to_planes(np.random.default_rng(5).integers(0, 256, (33, 21, 3)).astype(np.uint8))
    even = Planes(np.pad(planes.brightness, [(0, 1), (0, 1)], mode="edge"), planes.blue, planes.red)
    shown, around = (np.asarray(Image.open(BytesIO(encode_planes(each, 90))).convert("L")) for each in (planes, even))
    assert np.array_equal(shown[:30, :18], around[:30, :18])


def test_a_long_legend_has_more_rows_and_shows_every_colour() -> None:
    entries = tuple((f"class number {n}", (n, 200, 255 - n)) for n in range(12))
    band = legend_band(300, entries, 14)
    assert band.shape[0] > 4 * 14
    assert {colour for _, colour in entries} <= {tuple(pixel) for pixel in band.reshape(-1, 3).tolist()}


def test_palettes_are_clear_where_nothing_is_shown() -> None:
    for colours in AGREEMENT_COLOURS.values():
        assert (difference_palette(colours)[:4, 3] > 0).tolist() == [False, True, True, True]
    tints = tint_palette(3)
    assert (tints[:, 3] > 0).nonzero()[0].tolist() == [1, 2, 255]
    assert len({tuple(colour) for colour in tints[1:3, :3].tolist()}) == 2


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_strip_shows_four_panels_a_caption_and_a_legend(num_classes: int) -> None:
    image = np.full((50, 120, 3), 90, np.uint8)
    truth, prediction = np.zeros((50, 120), np.uint8), np.ones((50, 120), np.uint8)
    colours = AGREEMENT_COLOURS[ColourScheme.DEFAULT]
    difference = draw_difference(image, agreement(truth, prediction), colours)
    names = ("_background_", "car", "road")[:num_classes]
    strip = draw_strip(image, truth, prediction, difference, colours, names)
    gap = (strip.shape[1] - 4 * 120) // 3
    middles = [strip[25, 60 + n * (120 + gap)].tolist() for n in range(4)]
    assert middles[0] == [90, 90, 90]
    assert middles[1] != middles[2]
    assert middles[3] == difference[25, 60].tolist()
    assert strip.shape[0] > 50


def test_strips_of_large_images_fit_a_screen() -> None:
    image = np.zeros((1280, 1918, 3), np.uint8)
    mask = np.zeros((1280, 1918), np.uint8)
    strip = draw_strip(image, mask, mask, image, AGREEMENT_COLOURS[ColourScheme.DEFAULT], ("_background_", "car"))
    assert 4 * PANEL <= strip.shape[1] < 4.1 * PANEL


@pytest.mark.parametrize("size", [(480, 320), (7, 5), (1918, 1280), (1, 900)])
def test_shrinking_keeps_size_and_mean(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1280, 1918, 3)).astype(np.uint8)
    small = shrink(image, size)
    assert small.shape == (size[1], size[0], 3)
    assert abs(float(small.mean()) - float(image.mean())) < 3


def test_letters_grow_with_the_image() -> None:
    assert text_size(200) == 12 < text_size(1918) < text_size(4000)
