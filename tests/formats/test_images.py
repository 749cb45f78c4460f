"""Every kind of image file becomes upright RGB, or one line that says why not."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from formats.errors import SagesegError
from formats.images import (
    IMAGE_SUFFIXES,
    decode_image,
    encode_image,
    is_plain_jpeg,
    read_header,
    read_image,
)
from formats.masks import read_mask
from prep.readers.colour_masks import mask_mode

WIDTH, HEIGHT = 40, 24
GRADIENT = np.stack(np.broadcast_arrays(*np.ogrid[:HEIGHT, :WIDTH], 90), -1).astype(np.uint8) * (10, 6, 1)
PIXELS = np.asarray(GRADIENT, np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_orientation(orientation: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(PIXELS), kind, exif=exif)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_suffix_of_an_image_is_of_a_kind_that_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix}"
    Image.fromarray(PIXELS).save(path)
    assert read_image(path).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(10))
def test_images_are_turned_as_exif_says(tmp_path: Path, orientation: int, kind: str) -> None:
    content = with_orientation(orientation, kind)
    with Image.open(io.BytesIO(content)) as image:
        image.load()  # which turns a TIFF, and nothing else
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decode_image(content), expected)
    (tmp_path / "x").write_bytes(content)
    assert read_header(tmp_path / "x").size == (expected.shape[1], expected.shape[0])
    assert read_header(tmp_path / "x").stored_size == (WIDTH, HEIGHT)
    assert is_plain_jpeg(content) == (kind == "JPEG" and orientation in (0, 1, 9))


@pytest.mark.parametrize(("mode", "plain"), [("RGB", True), ("L", False), ("CMYK", False)])
def test_colour_grey_and_cmyk_jpegs_become_rgb(mode: str, plain: bool) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    content = encoded(image, "JPEG", quality=100)
    assert np.abs(decode_image(content).astype(int) - np.asarray(image.convert("RGB"))).mean() < 4
    assert is_plain_jpeg(content) == plain


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_other_8_bit_images_become_rgb_exactly(mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    content = encoded(image, "PNG")
    assert np.array_equal(decode_image(content), np.asarray(image.convert("RGB")))
    assert not is_plain_jpeg(content)


def test_a_phones_image_with_images_behind_it_is_a_jpeg() -> None:
    """MPO: Pillow calls it by another name, and counts frames."""
    first, second = Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1])
    content = encoded(first, "MPO", save_all=True, append_images=[second])
    assert decode_image(content).shape == PIXELS.shape
    assert is_plain_jpeg(content)


def png(width: int, height: int, depth: int = 8, colour: int = 3, data: bytes = b"") -> bytes:
    """A PNG by hand: it states a size, and holds `data` (rows with a filter byte before each)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    palette = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + header + palette + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def jpeg_bomb() -> bytes:
    """A JPEG of a few hundred bytes that states 60000 × 60000 pixels."""
    content = bytearray(encode_image(PIXELS))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 60000, 60000)
    return bytes(content)


def gif_bomb() -> bytes:
    content = bytearray(encoded(Image.new("P", (8, 8)), "GIF"))
    content[6:10] = struct.pack("<HH", 60000, 60000)
    return bytes(content)


def animated() -> bytes:
    frames = [Image.new("L", (8, 8), grey) for grey in (0, 200)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def deep(mode: str) -> bytes:
    return encoded(Image.new(mode, (8, 8)), "TIFF" if mode == "F" else "PNG")


BROKEN: dict[str, Callable[[], bytes]] = {
    "zero bytes": lambda: b"",
    "no image": lambda: b"nothing of the kind",
    "truncated JPEG": lambda: encode_image(PIXELS)[:-200],
    "truncated PNG": lambda: encoded(Image.fromarray(PIXELS), "PNG")[:-60],
    "JPEG bomb": jpeg_bomb,
    "PNG bomb": lambda: png(60000, 60000),
    "GIF bomb": gif_bomb,
    "animated GIF": animated,
}
DEEP: dict[str, Callable[[], bytes]] = {
    "16-bit grey": lambda: deep("I;16"),
    "16-bit colour": lambda: png(8, 8, 16, 2, bytes(8 * (1 + 8 * 6))),
    "float": lambda: deep("F"),
}


@pytest.mark.parametrize("name", DEEP)
def test_images_over_8_bits_ask_for_a_range(tmp_path: Path, name: str) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(DEEP[name]())
    with pytest.raises(SagesegError, match=r"image\.png: over 8 bits a channel .*--range LOW:HIGH"):
        read_image(path)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_8_bit_image_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(BROKEN[name]())
    told = "over 178,956,970 pixels; cut it" if "bomb" in name else "cannot be read as an image"
    with pytest.raises(SagesegError, match=rf"image\.jpg: {told}") as caught:
        read_image(path)
    assert "0x" not in str(caught.value)  # an address in memory, which Pillow's text has


@pytest.mark.parametrize("name", sorted({*BROKEN, *DEEP} - {"truncated JPEG", "JPEG bomb"}))
def test_what_is_no_mask_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes((BROKEN | DEEP)[name]())
    with pytest.raises(SagesegError, match=r"mask\.png: ") as caught:
        read_mask(path)
    assert "\n" not in str(caught.value)


def test_large_images_are_read_without_a_warning(tmp_path: Path) -> None:
    """Pillow warns over 89 million pixels, and refuses over twice as many."""
    (tmp_path / "large.png").write_bytes(png(10000, 9500))
    assert read_header(tmp_path / "large.png").size == (10000, 9500)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_tiff_of_16_bits_a_colour_is_refused(tmp_path: Path, channels: int) -> None:
    """Pillow opens it as RGB, of the upper halves: 12 bits of a camera would all but vanish."""
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), np.full((6, 5, channels), 1000, np.uint16))
    with pytest.raises(SagesegError, match=r"a\.tif: over 8 bits a channel \(uint16, values 1000 to 1000"):
        read_image(path)
    cv2.imwrite(str(path), np.full((6, 5, channels), 100, np.uint8))
    assert (read_image(path) == 100).all()


@pytest.mark.parametrize("kind", ["EPS", "PCX", "ICO", "SGI"])
def test_no_other_program_or_rare_decoder_is_asked_whatever_the_name(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(Image.fromarray(PIXELS), kind))
    for read in (read_image, read_header, read_mask, mask_mode):
        with pytest.raises(SagesegError, match="a kind that is taken"):
            read(tmp_path / "a.jpg")
