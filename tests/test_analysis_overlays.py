"""Where masks agree, and what colour that has."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.overlays import agreement, draw_difference, with_legend
from analysis.thumbnails import LONG_SIDE, draw_layers

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


def test_the_legend_covers_nothing() -> None:
    overlay = np.random.default_rng(0).integers(0, 255, (40, 300, 3)).astype(np.uint8)
    whole = with_legend(overlay, AGREEMENT_COLOURS[ColourScheme.DEFAULT])
    assert np.array_equal(whole[:40], overlay)
    assert whole.shape[0] > 40
    colours = {tuple(pixel) for pixel in whole[40:].reshape(-1, 3).tolist()}
    assert {colour for _, colour in AGREEMENT_COLOURS[ColourScheme.DEFAULT].legend()} <= colours


@pytest.mark.parametrize(("shape", "expected"), [((720, 1440), (LONG_SIDE, 180)), ((3000, 2), (1, LONG_SIDE))])
def test_layers_fit_the_long_side(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    mask, image = np.zeros(shape, np.uint8), np.zeros((*shape, 3), np.uint8)
    layers = draw_layers(image, mask, mask, image, 2)
    assert (layers.width, layers.height) == expected
    assert layers.image.startswith("data:image/jpeg;base64,")
    assert layers.truth.startswith("data:image/png;base64,")
