"""Masks and images on disk."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.crops import Box
from formats.errors import SagesegError
from formats.images import cut_image, encode_image, read_header, read_image
from formats.masks import check_values, cut_mask, encode_mask, foreground_share, read_mask, write_mask

masks = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(masks)
def test_a_mask_reads_back_pixel_for_pixel(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "mask.png"
    write_mask(path, mask)
    assert np.array_equal(read_mask(path), mask)


def test_a_mask_is_8_bit_mode_p_with_vocs_palette(tmp_path: Path) -> None:
    write_mask(tmp_path / "mask.png", np.array([[0, 1], [2, IGNORE]], np.uint8))
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P"
        assert image.getpalette() == voc_palette().ravel().tolist()


def test_equal_masks_give_equal_bytes() -> None:
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert encode_mask(mask) == encode_mask(mask.copy())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "1"])
def test_masks_of_another_mode_are_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 4)).save(tmp_path / "mask.png")
    with pytest.raises(SagesegError, match=r"mask\.png: mode .*; expected a mask of mode P"):
        read_mask(tmp_path / "mask.png")


def test_an_animated_gif_is_no_mask(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (0, 1)]
    frames[0].save(tmp_path / "mask.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(SagesegError, match="animated, 2 frames; expected one mask"):
        read_mask(tmp_path / "mask.gif")


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_truncated_masks_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mask.{suffix}"
    random = np.random.default_rng(0).integers(0, 2, (200, 200)).astype(np.uint8)
    Image.fromarray(random).convert("P").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SagesegError, match="cannot be read as a mask"):
        read_mask(path)


def test_values_that_are_no_class_are_named() -> None:
    mask = np.array([[0, 1, IGNORE]], np.uint8)
    check_values(mask, 2, Path("a.png"))
    mask[0, 0] = 7
    with pytest.raises(SagesegError, match=r"a\.png: value 7 is no class; expected 0 to 1, or 255"):
        check_values(mask, 2, Path("a.png"))


def test_foreground_is_neither_background_nor_ignore() -> None:
    assert foreground_share(np.array([[0, 1], [2, IGNORE]], np.uint8)) == 0.5


def test_crops_beyond_the_edge_repeat_the_image_and_ignore_the_mask() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    crop = Box(1, 1, 2, 3)
    assert cut_mask(np.array([[0, 1], [1, 0]], np.uint8), crop).tolist() == [[0, 255], [255, 255], [255, 255]]
    assert (cut_image(image, crop) == image[1, 1]).all()
    assert cut_image(image, crop).shape == (3, 2, 3)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_colour_and_grey_jpegs_decode_to_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image.jpg"
    Image.new(mode, (20, 10), "white").save(path)
    assert read_image(path).shape == (10, 20, 3)
    assert read_image(path).min() > 250
    assert read_header(path).size == (20, 10)


def test_a_png_decodes_to_rgb_exactly(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    assert np.array_equal(read_image(tmp_path / "image.png"), pixels)


@pytest.mark.parametrize("keep", [0, 2, 400])
def test_broken_jpegs_are_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "image.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path.write_bytes(encode_image(pixels)[:keep])
    with pytest.raises(SagesegError, match=r"image\.jpg: cannot be read as an image"):
        read_image(path)
