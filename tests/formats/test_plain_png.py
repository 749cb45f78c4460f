"""Plain PNGs are decoded as Pillow does, and all others are left to it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from formats.mask_rows import write_mask_rows
from formats.masks import Mask, encode_mask, read_mask
from formats.plain_png import decode_plain

MASKS = arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20)))
MASK = np.arange(30, dtype=np.uint8).reshape(5, 6)


def saved(image: Image.Image, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@given(mask=MASKS)
def test_ours_and_grey_ones_are_decoded(mask: Mask) -> None:
    decoded = decode_plain(encode_mask(mask))
    assert decoded is not None
    assert np.array_equal(decoded, mask)
    assert decoded.flags.writeable


@given(mask=MASKS)
def test_so_are_rows_that_differ_from_those_above(mask: Mask, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.png"
    write_mask_rows(path, mask.shape[1], mask.shape[0], [mask])
    decoded = decode_plain(path.read_bytes())
    assert decoded is not None
    assert np.array_equal(decoded, mask)


def changed(content: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG with other content of a chunk, whose checksum is right."""
    at = content.index(kind)
    length = struct.unpack(">I", content[at - 4 : at])[0]
    check = struct.pack(">I", zlib.crc32(kind + data))
    return content[: at - 4] + struct.pack(">I", len(data)) + kind + data + check + content[at + 8 + length :]


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(MASK), exif=exif)


def with_text() -> bytes:
    content, text = encode_mask(MASK), b"tEXtmade\0by hand"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return content.replace(content[-12:], chunk + content[-12:])


def animated() -> bytes:
    return saved(Image.fromarray(MASK), save_all=True, append_images=[Image.fromarray(MASK + 1)])


OTHERS: dict[str, Callable[[], bytes]] = {
    "colours": lambda: saved(Image.fromarray(np.zeros((4, 4, 3), np.uint8))),
    "two values": lambda: saved(Image.fromarray(MASK % 2 * 255).convert("1")),
    "turned": turned,
    "a text in it": with_text,
    "animated": animated,
    "a JPEG": lambda: b"\xff\xd8\xff\xe0" + bytes(40),
    "nothing": lambda: b"",
    "cut short": lambda: encode_mask(MASK)[:-20],
    "a wrong checksum": lambda: encode_mask(MASK).replace(b"IEND\xae", b"IEND\xaf"),
    "too few rows": lambda: changed(encode_mask(MASK), b"IDAT", zlib.compress(bytes(7 * 4))),
    "too many rows": lambda: changed(encode_mask(MASK), b"IDAT", zlib.compress(bytes(7 * 6))),
    "another filter": lambda: changed(encode_mask(MASK), b"IDAT", zlib.compress(b"\1" + bytes(7 * 5 - 1))),
    "not zlib's": lambda: changed(encode_mask(MASK), b"IDAT", bytes(9)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_all_others_are_left_to_pillow(name: str) -> None:
    assert decode_plain(OTHERS[name]()) is None


def test_the_file_of_a_mask_is_read_either_way(tmp_path: Path) -> None:
    for name, content in {"plain": encode_mask(MASK), "told": with_text()}.items():
        (tmp_path / f"{name}.png").write_bytes(content)
        assert np.array_equal(read_mask(tmp_path / f"{name}.png"), MASK), name
