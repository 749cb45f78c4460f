"""Values over 8 bits come to 8 by a range that somebody said, exactly, and never without one."""

import io
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.images import decode_image, encode_image, read_image
from formats.prepared.eight_bits import DepthError, describe_values, to_8_bits
from formats.prepared.value_range import ValueRange, parse_range, parse_range_or_none

RAMP = (np.arange(24 * 40 * 3, dtype=np.uint16) * 22).reshape(24, 40, 3)
bounds = st.tuples(st.integers(-(2**20), 2**20), st.integers(1, 2**20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(bounds.map(lambda pair: (pair[0] / 8, pair[1] / 8)), min_size=1, max_size=4))
def test_it_reads_back_what_it_writes(pairs: list[tuple[float, float]]) -> None:
    values = ValueRange(tuple(pairs))
    assert parse_range(str(values)) == parse_range_or_none(str(values)) == values


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3000", "expected LOW:HIGH"),
        ("0:x", "expected LOW:HIGH"),
        ("0:inf", "expected LOW:HIGH"),
        ("nan:1", "expected LOW:HIGH"),
        ("0:1,", "expected LOW:HIGH"),
        ("", "expected LOW:HIGH"),
        ("9:9", "expected LOW below HIGH"),
        ("0:5,7:3", "7:3 has no values between"),
    ],
)
def test_what_is_no_range_is_named(text: str, why: str) -> None:
    with pytest.raises(SagesegError, match=why):
        parse_range(text)


@given(bounds, st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=40), st.sampled_from([np.uint16, np.int32]))
def test_values_become_their_share_of_the_range_rounded_half_up(
    pair: tuple[int, int], values: list[int], kind: type
) -> None:
    low, high = pair
    shares = [Fraction(min(max(value, low), high) - low, high - low) for value in values]
    exact = [share * 255 + Fraction(1, 2) for share in shares]
    got = to_8_bits(np.array(values, kind)[None, :, None], ValueRange((pair,)))
    for found, expected in zip(got.ravel().tolist(), exact, strict=True):
        # a float may miss by its last bit only where the share lies on an edge between two values
        assert found in {int(expected), int(expected - Fraction(1, 10**9))}


def test_a_channel_may_have_a_range_of_its_own() -> None:
    pixels = np.full((1, 1, 3), 1000, np.uint16)
    assert to_8_bits(pixels, parse_range("0:1000,1000:2000,0:2000")).tolist() == [[[255, 0, 128]]]
    assert to_8_bits(pixels, parse_range("0:2000")).tolist() == [[[128, 128, 128]]]
    with pytest.raises(DepthError, match="3 channel"):
        to_8_bits(pixels, parse_range("0:1,0:1"))


def test_values_that_are_no_number_are_refused_and_not_counted() -> None:
    pixels = np.array([[[np.nan], [2.0], [np.inf]]], np.float32)
    with pytest.raises(DepthError, match="NaN"):
        to_8_bits(pixels, parse_range("0:1"))
    assert describe_values(pixels) == "float32, values 2 to 2, the middle 96 % from 2 to 2"
    assert describe_values(pixels[:, :1]) == "float32, no value that is a number"


def deep_file(folder: Path, name: str, pixels: np.ndarray[Any, Any]) -> Path:
    path = folder / name
    cv2.imwrite(str(path), pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("pixels", [RAMP, RAMP[..., 0], RAMP[..., 0].astype(np.float32)], ids=["rgb", "grey", "float"])
def test_deep_images_are_read_with_all_their_bits(tmp_path: Path, name: str, pixels: np.ndarray[Any, Any]) -> None:
    if pixels.dtype == np.float32:
        name = "a.tif"  # no PNG holds floats
    values = parse_range("1000:50000")
    expected = to_8_bits(pixels.reshape(*pixels.shape[:2], -1), values)
    assert np.array_equal(
        read_image(deep_file(tmp_path, name, pixels), values), np.broadcast_to(expected, (*pixels.shape[:2], 3))
    )


def test_another_program_reads_the_same_bits(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        path = deep_file(tmp_path, name, RAMP)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it lies nowhere on earth
            with rasterio.open(path) as raster:
                pixels = raster.read().transpose(1, 2, 0)
        assert np.array_equal(read_image(path, parse_range("0:65535")), to_8_bits(pixels, parse_range("0:65535")))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_images_are_turned_as_others_are(kind: str, orientation: int) -> None:
    """By both libraries a TIFF comes turned, a PNG as it is stored."""
    encoded = []
    for pixels in (RAMP[..., 0] // 256, RAMP[..., 0]):
        exif = Image.Exif()
        exif[0x0112] = orientation
        buffer = io.BytesIO()
        image = Image.fromarray(pixels if pixels.max() > 255 else pixels.astype(np.uint8))
        image.save(buffer, kind, exif=exif)
        encoded.append(buffer.getvalue())
    shallow, deep = decode_image(encoded[0]), decode_image(encoded[1], parse_range("0:65280"))
    assert np.abs(shallow.astype(int) - deep).max() <= 1


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (np.full((6, 5), 700, np.uint16), "uint16, values 700 to 700"),
        (np.full((6, 5, 3), 700, np.uint16), "uint16, values 700 to 700"),
        (np.linspace(-2.5, 9, 30, dtype=np.float32).reshape(6, 5), "float32, values -2.5 to 9, the middle 96 % from"),
    ],
)
def test_without_a_range_a_deep_image_tells_its_values(tmp_path: Path, pixels: Any, told: str) -> None:
    path = deep_file(tmp_path, "deep.tif", pixels)
    with pytest.raises(SagesegError, match=rf"deep\.tif: over 8 bits a channel \({told}.*--range LOW:HIGH"):
        read_image(path)


@pytest.mark.parametrize("content", [encode_image(np.zeros((8, 8, 3), np.uint8)), None], ids=["JPEG", "PNG"])
def test_an_image_of_8_bits_takes_no_range(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plain.png"
    path.write_bytes(content) if content else Image.new("L", (4, 4)).save(path)
    with pytest.raises(SagesegError, match=r"plain\.png: 8 bits a channel, and --range 0:3000"):
        read_image(path, parse_range("0:3000"))


def test_channels_that_are_no_colours_are_refused_and_not_read_as_the_first(tmp_path: Path) -> None:
    path = tmp_path / "bands.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", width=40, height=24, count=3, dtype="uint16") as raster:
            raster.write(RAMP.transpose(2, 0, 1))
    with pytest.raises(SagesegError, match=r"bands\.tif"):
        read_image(path, parse_range("0:3000"))
