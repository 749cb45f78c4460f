"""What is too large is refused with the limit named, before anything is made of it. Limits are lowered here."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats import limits
from formats.errors import SagesegError
from formats.images import encode_image, read_header, read_image, read_luma
from formats.limits import check_pixels, unpack_gzip
from formats.masks import read_mask
from formats.predictions import probabilities_shape, read_probabilities, write_probabilities
from formats.prepared.resize import parse_resize, resized_size
from formats.texts.given_files import ArchiveError, read_json, read_text, refuse_zip
from formats.verbs.command_options import parse_crop


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".gif", ".webp", ".bmp"])
def test_an_image_of_too_many_pixels_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"large{suffix}"
    Image.new("RGB", (60, 40)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for read in (read_image, read_luma, read_header, read_mask):
        with pytest.raises(SagesegError, match=rf"large\{suffix}: over 178,956,970 pixels; cut it into smaller"):
            read(path)


@pytest.mark.parametrize("read", [read_image, read_luma, read_mask])
def test_a_file_larger_than_any_image_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object
) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_image(np.zeros((8, 8, 3), np.uint8)))
    monkeypatch.setattr(limits, "MOST_IMAGE", 100)
    with pytest.raises(SagesegError, match=r"a\.jpg: [0-9]+ bytes, over the 100 that are read at once; expected"):
        read(tmp_path / "a.jpg")  # type: ignore[operator]


@pytest.mark.parametrize("read", [read_text, read_json])
def test_a_text_larger_than_any_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object) -> None:
    (tmp_path / "a.json").write_text("[" + "0," * 100 + "0]")
    monkeypatch.setattr(limits, "MOST_TEXT", 100)
    with pytest.raises(SagesegError, match=r"a\.json: 203 bytes, over the 100 that are read at once; expected JSON"):
        read(tmp_path / "a.json", "JSON")  # type: ignore[operator]


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, -1), (100_000, 100_000), (limits.MOST_PIXELS + 1, 1)])
def test_sizes_that_no_image_has(size: tuple[int, int]) -> None:
    with pytest.raises(SagesegError, match=r"a: .* pixels; expected 1 to 178,956,970: mend it"):
        check_pixels(*size, "a", "mend it")


@pytest.mark.parametrize("size", [(3840, 2160), (13_377, 13_377), (65_500, 2_700), (limits.MOST_PIXELS, 1), (1, 1)])
def test_sizes_that_images_have(size: tuple[int, int]) -> None:
    check_pixels(*size, "a", "mend it")


@pytest.mark.parametrize(("text", "size"), [("65500x65500", (10, 10)), ("65500", (300, 200)), ("20000x9000", (1, 1))])
def test_a_resize_to_more_than_an_image_may_have_is_refused(text: str, size: tuple[int, int]) -> None:
    with pytest.raises(SagesegError, match=rf"--resize {text} of {size[0]}×{size[1]}: .*choose a smaller size"):
        resized_size(*size, parse_resize(text))


def test_what_gzip_packed_is_unpacked_up_to_the_limit() -> None:
    packed = gzip.compress(b"a" * 70) + gzip.compress(b"b" * 30)
    assert unpack_gzip(packed, 100) == b"a" * 70 + b"b" * 30
    with pytest.raises(ValueError, match="over 99 bytes unpacked"):
        unpack_gzip(packed, 99)
    with pytest.raises(EOFError):
        unpack_gzip(packed[:-9], 100)


def test_a_zip_archive_of_too_long_a_list_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(50):
            archive.writestr(f"{number:02}", b"")
    listed = 50 * (46 + 2)
    monkeypatch.setattr(limits, "MOST_DIRECTORY", listed)
    with pytest.raises(ArchiveError, match="unpack it, unzip"):
        refuse_zip(tmp_path / "a.zip", "a folder")
    monkeypatch.setattr(limits, "MOST_DIRECTORY", listed - 1)
    with pytest.raises(ArchiveError, match=r"list of members has 2,400 bytes, over 2,399; unpack it if you trust"):
        refuse_zip(tmp_path / "a.zip", "a folder")


def state_shape(path: Path, shape: tuple[int, ...], kind: str = "<f2") -> Path:
    """A small file that states a shape for which it holds no values."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("probabilities.npy", header.getvalue() + bytes(64))
    return path


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ((2, 100_000, 100_000), "<f2", "100000×100000 pixels; expected 1 to 178,956,970: predict again"),
        ((2, 0, 5), "<f2", "5×0 pixels"),
        ((10**9, 4, 4), "<f2", "no array of numbers"),
        ((10**6, 4, 4), "<f2", "probabilities of 1000000 classes; expected 1 to"),
        ((16,), "<f2", "no array of numbers by class, row and column"),
        ((2, 4, 4), "<i8", "no array of numbers"),
        ((2, 4, 4), "<U9", "no array of numbers"),
        ((2, 4, 5), "<f2", r"shape \(2, 4, 5\); expected \(2, 4, 4\)"),
    ],
)
def test_the_shape_of_probabilities_is_checked_before_they_are_read(
    tmp_path: Path, shape: tuple[int, ...], kind: str, message: str
) -> None:
    path = state_shape(tmp_path / "a.npz", shape, kind)
    tracemalloc.start()
    with pytest.raises(SagesegError, match=message):
        read_probabilities(path, (2, 4, 4))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_what_is_no_archive_of_arrays_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npz.npy", np.zeros((2, 4, 4), np.float16))
    (tmp_path / "a.npz.npy").rename(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", other=np.zeros((2, 4, 4), np.float16))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(SagesegError, match=rf"{name}: damaged, or no probabilities .*; predict again"):
            read_probabilities(tmp_path / name)


def test_the_shape_of_probabilities_is_told_without_reading_them(tmp_path: Path) -> None:
    write_probabilities(tmp_path / "a.npz", np.zeros((3, 5, 7), np.float32))
    assert probabilities_shape(tmp_path / "a.npz") == (3, 5, 7)


@pytest.mark.parametrize("text", ["13378", "1000000", "9" * 18])
def test_crops_of_more_pixels_than_an_image_has_are_refused(text: str) -> None:
    assert parse_crop("13377") == 13377
    with pytest.raises(SagesegError, match=rf"--crop: {text}×{text} pixels; expected 1 to 178,956,970: choose"):
        parse_crop(text)
