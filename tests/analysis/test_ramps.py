"""Ramps of heat maps: their hue is that of the colours that were asked for, and screens show them."""

from __future__ import annotations

import re
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.drawing.colours import AGREEMENT_COLOURS, Colour, ColourScheme
from analysis.drawing.ramps import hue_of, most_chroma, ramp_of

LEVEL = st.integers(0, 255)


@pytest.mark.parametrize(
    ("colour", "hue"), [((255, 0, 0), 29.23), ((0, 255, 0), 142.5), ((0, 0, 255), 264.05), ((255, 255, 0), 109.77)]
)
def test_hues_are_those_that_css_color_4_states(colour: Colour, hue: float) -> None:
    assert hue_of(colour) == pytest.approx(hue, abs=0.01)


@given(colour=st.tuples(LEVEL, LEVEL, LEVEL).filter(lambda colour: max(colour) - min(colour) > 30))
def test_ends_have_the_hue_of_the_colour_and_are_shown_by_screens(colour: Colour) -> None:
    for end in astuple(ramp_of(colour)):
        lightness, chroma, hue = map(float, re.fullmatch(r"oklch\((\d+)% ([\d.]+) (\d+)\)", end).groups())  # type: ignore[union-attr]
        assert abs((hue - hue_of(colour) + 180) % 360 - 180) <= 0.5
        assert 0 < chroma <= most_chroma(lightness / 100, hue_of(colour)) + 1e-9


@pytest.mark.parametrize("scheme", list(ColourScheme))
def test_wrong_and_missed_are_told_apart(scheme: ColourScheme) -> None:
    colours = AGREEMENT_COLOURS[scheme]
    between = abs(hue_of(colours.wrong) - hue_of(colours.missed)) % 360
    assert min(between, 360 - between) > 50
