"""What the check finds of images, masks and channels: each broken file is named."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from formats.dataset import image_path, mask_path
from formats.images import encode_image
from formats.masks import encode_mask
from tests.support.checks import GREY, check, kept, make_crops, only, replace_image, replace_mask
from tests.support.labelme_samples import jpeg_with_orientation


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_crops(tmp_path)


def png(mode: str, fill: Any = 0, size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, fill).save(buffer, "PNG")
    return buffer.getvalue()


def grey_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(GREY[:, :, 0]).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("spoil", "rule", "message"),
    [
        (replace_image(png("RGB")), "jpeg", "is no JPEG, whatever its name says"),
        (replace_image(b""), "jpeg", "is no JPEG"),
        (replace_image(encode_image(GREY)[:-60]), "unreadable", "cannot be read as an image"),
        (replace_image(grey_jpeg()), "jpeg", "is grey, CMYK, or turned"),
        (replace_image(jpeg_with_orientation(GREY, 3)), "jpeg", "is grey, CMYK, or turned"),
        (replace_image(encode_image(GREY[:, :32])), "size", "32×64 pixels, but manifest.csv says 64×64"),
        (replace_mask(b""), "unreadable", "cannot be read"),
        (replace_mask(png("P")[:-30]), "unreadable", "cannot be read"),
        (replace_mask(png("RGB")), "mode", "is a PNG of mode RGB, not one of mode P"),
        (replace_mask(png("L")), "mode", "is a PNG of mode L, not one of mode P"),
        (replace_mask(png("I;16")), "mode", "is a PNG of mode I;16, not one of mode P"),
        (replace_mask(encode_mask(np.full((64, 64), 7, np.uint8))), "values", "value 7 is no class; there are 0 to 1"),
        (replace_mask(encode_mask(np.zeros((64, 32), np.uint8))), "size", "32×64 pixels, but its image has 64×64"),
    ],
)
def test_each_broken_file_is_an_error_that_names_it(
    dataset: Path, spoil: Callable[[Path], Path], rule: str, message: str
) -> None:
    path = spoil(dataset)
    found = [finding for finding in check(dataset) if finding.rule == rule and finding.file == str(path)]
    finding = only(found)
    assert finding.severity == "error"
    assert message in finding.message
    assert finding.cure


@pytest.mark.parametrize("place", [image_path, mask_path])
def test_a_missing_half_of_a_pair_is_an_error(dataset: Path, place: Callable[[Path, str], Path]) -> None:
    path = place(dataset, kept(dataset))
    path.unlink()
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("error", "pair", str(path))


def test_a_file_that_was_changed_is_a_warning(dataset: Path) -> None:
    path = image_path(dataset, kept(dataset))
    path.write_bytes(encode_image(GREY))
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "changed", str(path))


def test_the_channels_hold_the_pairs_and_nothing_else(dataset: Path) -> None:
    folder = dataset / "channels" / "train"
    (folder / f"{kept(dataset)}.jpg").unlink()
    (folder / "Thumbs.db").write_bytes(b"")
    findings = check(dataset)
    assert {(Path(f.file).name, f.severity, f.rule) for f in findings} == {
        (f"{kept(dataset)}.jpg", "error", "channel"),
        ("Thumbs.db", "error", "channel"),
    }
