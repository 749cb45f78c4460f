"""Images of labelme that EXIF turns: which way up they and their shapes are read."""

from pathlib import Path

import numpy as np
import pytest

from formats.errors import SagesegError
from formats.images import decode_image
from prep.readers.labelled_image import LabelledImage, read_content
from prep.readers.regions import draw_regions
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.labelme_readings import read_images
from tests.support.labelme_samples import (
    HEIGHT,
    WIDTH,
    in_base64,
    jpeg_with_orientation,
    noise,
    shape,
    write_json,
    write_pair,
)


def stripes(width: int, height: int) -> np.ndarray:
    """Bright where the triangle of the samples is not; upside down, or turned, it would be."""
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[: height // 2, : width // 2] = 20
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_and_polygons_agree_under_every_exif_orientation(tmp_path: Path, orientation: int) -> None:
    """labelme shows and stores an image as its orientation says, and so it is read."""
    path = write_pair(tmp_path / "in", "a", [shape("car", [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]], "rectangle")])
    stored = as_stored(stripes(WIDTH, HEIGHT), orientation)
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stored, orientation))
    check_agreement(*read_images(tmp_path / "in"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sizes", ["told", "not told"])
def test_polygons_drawn_on_the_stored_pixels_are_turned_with_them(
    tmp_path: Path, orientation: int, sizes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the size keeps silent, --orientation says so; regions go with the shapes."""
    box = [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]]
    shapes = [shape("car", box, "rectangle"), shape("__region__", box, "rectangle")]
    told = {} if sizes == "told" else {"imageWidth": ..., "imageHeight": ...}
    path = write_pair(tmp_path / "in", "a", shapes, **told)
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stripes(WIDTH, HEIGHT), orientation))
    (image,) = read_images(tmp_path / "in", orientation="stored")
    check_agreement(image)
    mask = image.mask.read()
    assert np.array_equal(draw_regions(image.regions, mask.shape[::-1], (1, 1)), mask)
    assert ("1 image(s) turned by EXIF were labelled on the pixels as stored" in capsys.readouterr().err) == (
        orientation > 1
    )


def check_agreement(image: LabelledImage) -> None:
    pixels, mask = decode_image(read_content(image)), image.mask.read()
    assert pixels.shape[:2] == mask.shape
    assert pixels[mask == 1].max() < 120
    assert pixels[mask == 0].min() > 120


def test_a_size_that_tells_needs_no_option(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", [shape("car", [[0, 0], [WIDTH // 2 - 1, HEIGHT // 2 - 1]], "rectangle")])
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(stripes(WIDTH, HEIGHT), 6))
    check_agreement(*read_images(tmp_path / "in", orientation="upright"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_an_embedded_image_of_any_kind_is_taken_as_its_pixels_lie(tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    content = with_orientation(stripes(WIDTH, HEIGHT), 3, kind)
    write_json(tmp_path / "in" / "a.json", [shape()], imageData=in_base64(content))
    (image,) = read_images(tmp_path / "in")
    assert np.abs(decode_image(read_content(image)).astype(int) - stripes(WIDTH, HEIGHT)).max() < 20


def test_an_embedded_image_is_taken_as_its_pixels_lie(tmp_path: Path) -> None:
    """labelme shows it so, whatever its EXIF says."""
    (tmp_path / "in").mkdir()
    write_json(tmp_path / "in" / "a.json", [shape()], imageData=in_base64(jpeg_with_orientation(noise(2), 6)))
    (image,) = read_images(tmp_path / "in")
    assert decode_image(read_content(image)).shape == (HEIGHT, WIDTH, 3)


def test_a_turned_image_whose_file_says_no_size_cannot_be_settled(tmp_path: Path) -> None:
    path = write_pair(tmp_path / "in", "a", imageWidth=..., imageHeight=...)
    read_images(tmp_path / "in")
    path.with_suffix(".jpg").write_bytes(jpeg_with_orientation(noise(), 3))
    with pytest.raises(SagesegError, match=r"a\.json: no imageWidth and imageHeight, and a\.jpg has an EXIF"):
        read_images(tmp_path / "in")
