"""A mask beside an image that EXIF turns lands on the image exactly, or one line asks which way up it was drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.classes import ClassTable
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import decode_image, is_plain_jpeg, read_image, turn_upright
from formats.masks import encode_mask, read_mask
from prep.dataset.writer import write_dataset
from prep.options import STORED, UPRIGHT, PrepOptions, parse_orientation
from prep.readers.carvana import read_carvana
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.orientation import settle_orientations, turn_points
from prep.readers.voc.reader import read_voc
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.prep_samples import PngMask

TURNED, QUARTERS = range(2, 9), range(5, 9)
CLASSES = ClassTable(("_background_", "car"))


def object_mask(width: int = 60, height: int = 40) -> np.ndarray[Any, Any]:
    """An object that no turn or mirror brings onto itself."""
    mask = np.zeros((height, width), np.uint8)
    mask[3:20, 5:25] = 1
    mask[3:8, 25:33] = 1
    return mask


def photo_of(mask: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An image, bright where the mask is 1."""
    return np.repeat((mask * 200 + 20).astype(np.uint8)[..., None], 3, 2)


def pair(
    folder: Path, orientation: int, drawn: str, kind: str = "PNG", size: tuple[int, int] = (60, 40), stem: str = "a"
) -> LabelledImage:
    """An image turned by EXIF, with a mask drawn on it upright or on its stored pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    upright = object_mask(*size)
    image, mask = folder / f"{stem}.{kind.lower()}", folder / f"{stem}_mask.png"
    image.write_bytes(with_orientation(as_stored(photo_of(upright), orientation), orientation, kind))
    mask.write_bytes(encode_mask(upright if drawn == UPRIGHT else as_stored(upright, orientation)))
    return LabelledImage(image.name, image, PngMask(mask), stem, mask_is_final=True)


def settled(*images: LabelledImage, asked: str | None = None) -> Sequence[LabelledImage]:
    return settle_orientations(images, asked)


def check_exact(image: LabelledImage) -> None:
    assert np.array_equal(read_image(image.image)[..., 0], image.mask.read() * 200 + 20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("drawn", [UPRIGHT, STORED])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_mask_lands_on_the_image_for_every_orientation(
    tmp_path: Path, orientation: int, drawn: str, kind: str
) -> None:
    (image,) = settled(pair(tmp_path, orientation, drawn, kind), asked=drawn)
    check_exact(image)


@pytest.mark.parametrize("drawn", [UPRIGHT, STORED])
@pytest.mark.parametrize("orientation", QUARTERS)
def test_the_size_tells_of_a_quarter_turn(
    tmp_path: Path, orientation: int, drawn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (None, UPRIGHT, STORED):
        (image,) = settled(pair(tmp_path, orientation, drawn), asked=asked)
        check_exact(image)
        told = f"1 image(s) are turned by EXIF; {int(drawn == UPRIGHT)} of their masks were drawn upright"
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("orientation", "size"), [*((orientation, (60, 40)) for orientation in (2, 3, 4)), (6, (48, 48)), (7, (48, 48))]
)
def test_what_no_size_can_tell_is_asked(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    sure, unsure = pair(tmp_path, 8, STORED, stem="sure"), pair(tmp_path, orientation, UPRIGHT, size=size)
    message = (
        r"a\.png: EXIF turns it, and the size of a_mask\.png does not say .*\(1 such image\(s\): a\.png; 1 turned "
        r"image\(s\) here were labelled stored\); pass --orientation upright, .*, or --orientation stored"
    )
    with pytest.raises(SagesegError, match=message):
        settled(sure, unsure)


def test_a_mask_that_fits_neither_way_is_told_with_both_sizes(tmp_path: Path) -> None:
    image = pair(tmp_path, 6, UPRIGHT)
    image.mask.path.write_bytes(encode_mask(object_mask(61, 40)))
    message = r"a_mask\.png: 61×40 pixels, but a\.png has 60×40 upright \(EXIF orientation 6\) and 40×60 as stored"
    with pytest.raises(SagesegError, match=message):
        settled(image)


@pytest.mark.parametrize("orientation", TURNED)
def test_a_mask_with_an_orientation_of_its_own_is_turned_by_it(tmp_path: Path, orientation: int) -> None:
    """As a program leaves it that copies the image's EXIF to the mask."""
    image = pair(tmp_path, orientation, UPRIGHT)
    stored = as_stored(object_mask(), orientation)
    image.mask.path.write_bytes(with_orientation(stored, orientation, "PNG", mode="P"))
    (image,) = settled(image)
    check_exact(image)


def test_a_mask_turned_by_its_own_exif_is_not_copied_into_the_dataset(tmp_path: Path) -> None:
    images = [pair(tmp_path, 1, UPRIGHT, "JPEG", stem=stem) for stem in "ab"]
    for image in images:
        image.mask.path.write_bytes(with_orientation(as_stored(object_mask(), 3), 3, "PNG", mode="P"))
    write_dataset(Source("x", CLASSES, tuple(images)), tmp_path / "out", PrepOptions(crop=None, workers=1))
    path = open_dataset(tmp_path / "out").mask_path("a")
    with Image.open(path) as written:
        assert written.getexif().get(0x0112) is None
        assert np.array_equal(np.asarray(written), object_mask())


@pytest.mark.parametrize("drawn", [UPRIGHT, STORED])
def test_nothing_turns_an_image_of_the_dataset_again(tmp_path: Path, drawn: str) -> None:
    """Uncropped JPEGs are copied; one that has an orientation is not."""
    images = tuple(pair(tmp_path, orientation, drawn, "JPEG", stem=f"a{orientation}") for orientation in range(1, 9))
    options = PrepOptions(crop=None, workers=1, orientation=drawn)
    write_dataset(Source("x", CLASSES, images), tmp_path / "out", options)
    dataset = open_dataset(tmp_path / "out")
    for row in dataset.rows:
        content = dataset.image_path(row.id).read_bytes()
        assert is_plain_jpeg(content)
        assert np.array_equal(decode_image(content)[..., 0] > 120, read_mask(dataset.mask_path(row.id)) == 1)


def voc(folder: Path, orientation: int, drawn: str) -> Source:
    upright = object_mask()
    for number in range(2):
        for name in ("JPEGImages", "SegmentationClass"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        stored = as_stored(photo_of(upright), orientation)
        (folder / "JPEGImages" / f"{number}.jpg").write_bytes(with_orientation(stored, orientation))
        mask = upright if drawn == UPRIGHT else as_stored(upright, orientation)
        (folder / "SegmentationClass" / f"{number}.png").write_bytes(encode_mask(mask))
    (folder / "labels.txt").write_text("_background_\ncar\n")
    return read_voc(folder, workers=1)


def carvana(folder: Path, orientation: int, drawn: str) -> Source:
    upright = object_mask()
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for car in "ab":
        stored = as_stored(photo_of(upright), orientation)
        (folder / "images" / f"{car}_01.jpg").write_bytes(with_orientation(stored, orientation))
        mask = upright if drawn == UPRIGHT else as_stored(upright, orientation)
        Image.fromarray(mask * 255).save(folder / "masks" / f"{car}_01_mask.gif")
    return read_carvana(folder / "images", folder / "masks", None, None)


@pytest.mark.parametrize("read", [voc, carvana])
@pytest.mark.parametrize("drawn", [UPRIGHT, STORED])
@pytest.mark.parametrize("orientation", [3, 5, 6])
def test_every_reader_of_masks_is_settled(tmp_path: Path, read: Any, drawn: str, orientation: int) -> None:
    source = read(tmp_path / "in", orientation, drawn)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1, orientation=drawn))
    dataset = open_dataset(tmp_path / "out")
    for row in dataset.rows:
        image, mask = read_image(dataset.image_path(row.id)), read_mask(dataset.mask_path(row.id))
        assert np.array_equal(image[..., 0] > 120, mask == 1)
        assert np.array_equal(mask, object_mask())


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 9), st.data())
def test_points_turn_as_pixels_do(orientation: int, width: int, height: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    pixels = np.zeros((height, width), np.uint8)
    pixels[y, x] = 1
    ((across, down),) = turn_points(((x, y),), orientation, (width, height))
    assert np.argwhere(turn_upright(pixels, orientation)).tolist() == [[down, across]]


def test_other_words_are_refused() -> None:
    with pytest.raises(SagesegError, match="--orientation left: expected upright or stored"):
        parse_orientation("left")
