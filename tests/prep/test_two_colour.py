"""Of a mask of two colours the colour decides, whatever index or channel holds it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from prep.readers.two_colour import TwoColourMask, order_colours, read_two_colours

TRUTH = np.zeros((6, 9), np.uint8)
TRUTH[1:4, 2:7] = 1
BLACK, WHITE, VOC_RED = (0, 0, 0), (255, 255, 255), (128, 0, 0)


def indexed(palette: list[tuple[int, int, int]], foreground: int) -> Image.Image:
    """The truth in mode P, with its foreground under this index of the palette, its background under the other."""
    image = Image.fromarray(np.where(TRUTH, foreground, 1 - foreground).astype(np.uint8))
    image.putpalette([level for colour in palette for level in colour])
    return image


def painted(background: tuple[int, int, int], foreground: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray(np.array([background, foreground], np.uint8)[TRUTH])


def grey(background: int, foreground: int) -> Image.Image:
    return Image.fromarray(np.array([background, foreground], np.uint8)[TRUTH])


KINDS = {
    "gif.black_first": indexed([BLACK, WHITE], 1),
    "gif.white_first": indexed([WHITE, BLACK], 0),
    "png.white_first": indexed([WHITE, BLACK, (7, 7, 7)], 0),
    "png.greys": indexed([(230, 230, 230), (30, 30, 30)], 0),
    "png.voc": indexed([BLACK, VOC_RED], 1),
    "png.bits": grey(0, 255).convert("1"),
    "png.ids": grey(0, 1),
    "png.levels": grey(0, 255),
    "png.colours": painted(BLACK, WHITE),
    "png.opaque": painted(BLACK, WHITE).convert("RGBA"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_lighter_colour_is_the_foreground(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"mask.{kind.partition('.')[0]}"
    KINDS[kind].save(path)
    found = TwoColourMask(path).read()
    assert found.dtype == np.uint8
    assert found.tolist() == TRUTH.tolist()


@given(dark=st.integers(16, 100), light=st.integers(228, 255), light_first=st.booleans(), spare=st.integers(0, 3))
def test_no_order_of_a_palette_changes_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, dark: int, light: int, light_first: bool, spare: int
) -> None:
    greys = [(light,) * 3, (dark,) * 3] if light_first else [(dark,) * 3, (light,) * 3]
    path = tmp_path_factory.getbasetemp() / "mask.png"
    indexed([*greys, *[(200, 0, 0)] * spare], 0 if light_first else 1).save(path)
    assert read_two_colours(path).tolist() == TRUTH.tolist()


def test_transparent_black_is_background(tmp_path: Path) -> None:
    pixels = np.where(TRUTH[..., None], 255, 0).astype(np.uint8).repeat(4, axis=2)
    Image.fromarray(pixels).save(tmp_path / "cutout.png")
    assert read_two_colours(tmp_path / "cutout.png").tolist() == TRUTH.tolist()


@pytest.mark.parametrize(("level", "value"), [(0, 0), (1, 1), (255, 1)])
def test_a_colour_alone_is_read_where_it_is_clear(tmp_path: Path, level: int, value: int) -> None:
    grey(level, level).save(tmp_path / "whole.png")
    assert set(read_two_colours(tmp_path / "whole.png").flat) == {value}


REFUSED = {
    "two hues": (indexed([(250, 50, 83), BLACK], 0), r"its palette gives the colours \(0,0,0\), \(250,50,83\)"),
    "ids and ignore": (grey(1, 255), r"it has the colours \(1,1,1\), \(255,255,255\)"),
    "ids": (grey(0, 7), r"it has the colours \(0,0,0\), \(7,7,7\)"),
    "one grey": (grey(128, 128), r"it has the colours \(128,128,128\); expected two colours, black for"),
    "one palette": (indexed([(7, 7, 7), (7, 7, 7)], 1), r"its palette gives the values 0, 1 one colour; expected two"),
    "seven": (Image.fromarray(np.arange(7, dtype=np.uint8)[None] * 40), r"\(120,120,120\), … 7 in all"),
    "transparent white": (
        Image.fromarray(np.array([[[255, 255, 255, 0], [0, 0, 0, 255]]], np.uint8)),
        r"\(255,255,255,0\)",
    ),
    "told by opacity": (Image.fromarray(np.array([[[0, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)), r"\(0,0,0,0\)"),
    "deep": (Image.fromarray(np.array([[0, 65535]], np.uint16)), "mode I;16"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_colours_of_no_clear_order_are_named(tmp_path: Path, kind: str) -> None:
    image, message = REFUSED[kind]
    image.save(tmp_path / "odd.png")
    with pytest.raises(SagesegError, match=f"odd.png: .*{message}"):
        read_two_colours(tmp_path / "odd.png")


def test_a_jpeg_of_black_and_white_has_more_colours(tmp_path: Path) -> None:
    painted(BLACK, WHITE).save(tmp_path / "mask.jpg")
    with pytest.raises(SagesegError, match="in all; expected two colours"):
        read_two_colours(tmp_path / "mask.jpg")


def test_a_broken_and_an_animated_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SagesegError, match=r"cut\.png: cannot be read"):
        read_two_colours(tmp_path / "cut.png")
    frames = [indexed([BLACK, WHITE], first) for first in (0, 1)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(SagesegError, match=r"moving\.gif: .*2 frame"):
        read_two_colours(tmp_path / "moving.gif")


def test_a_hue_alone_has_no_order() -> None:
    assert order_colours([(9, 8, 7, 255)]) is None
