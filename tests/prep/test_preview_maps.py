"""Whole images put together of their crops, with the pixels of dropped crops where they can be had."""

import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from formats.prepared.resize import Resize
from prep.dataset.again import Typed
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.images import Drawing, draw_crop, draw_within, encode_clear, page_palette
from prep.preview.maps import SourceImages, draw_map, find_sources
from tests.support.prep_samples import make_source


def halves(_: int) -> Rgb:
    """Dark to the left, bright to the right."""
    image = np.full((110, 150, 3), 40, np.uint8)
    image[:, 75:] = 220
    return image


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(b64decode(uri.partition(",")[2]))).convert("RGBA")).astype(int)


def prepared(tmp_path: Path, **options: object) -> Dataset:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1}, image=halves)
    given = {"crop": 64, "workers": 1, "keep_empty_val": 0} | options
    write_dataset(source, tmp_path / "dataset", PrepOptions(**given), Typed(("sample", "labels")))  # type: ignore[arg-type]
    return open_dataset(tmp_path / "dataset")


def rows_of(dataset: Dataset) -> list:  # type: ignore[type-arg]
    return [row for row in dataset.rows if row.source_stem == "a_0"]


def test_kept_crops_lie_in_their_places(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, resize=Resize(300), keep_empty=1, keep_empty_val=1)
    drawn = draw_map(dataset, rows_of(dataset), SourceImages(None))
    assert (drawn.width, drawn.height, drawn.dropped) == (300, 220, ())
    assert sum(box.width * box.height for box in drawn.kept) == 300 * 220
    shown = pixels(drawn.image)
    assert shown[:, :140, :3].max() < 60
    assert shown[:, 160:, :3].min() > 200
    assert (pixels(drawn.mask)[..., 3] > 0).mean() == pytest.approx(35 * 43 / (110 * 150), abs=0.01)


def test_dropped_crops_are_grey_without_the_images_that_prep_read(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    drawn = draw_map(dataset, rows_of(dataset), SourceImages(None))
    assert not drawn.behind
    assert len(drawn.dropped) == 5
    assert abs(pixels(drawn.image)[100:, 140:, :3] - 128).max() <= 6


def test_dropped_crops_have_their_pixels_where_those_lie(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    sources = find_sources(dataset, None)
    assert sources.folder == (tmp_path / "labels").resolve()  # beside the dataset, by its name in dataset.json
    drawn = draw_map(dataset, rows_of(dataset), sources)
    assert drawn.behind
    assert pixels(drawn.image)[100:, 140:, :3].min() > 200


def other_pixels(path: Path) -> None:
    path.write_bytes(encode_image(255 - halves(0)))


def other_size(path: Path) -> None:
    path.write_bytes(encode_image(halves(0)[:100]))


def no_image(path: Path) -> None:
    path.write_text("none")


@pytest.mark.parametrize("change", [other_pixels, other_size, no_image, Path.unlink])
def test_another_image_of_the_same_name_is_not_taken(tmp_path: Path, change: object) -> None:
    dataset = prepared(tmp_path)
    sources = find_sources(dataset, None)
    change(tmp_path / "labels" / "a_0.jpg")  # type: ignore[operator]
    drawn = draw_map(dataset, rows_of(dataset), sources)
    assert not drawn.behind
    assert abs(pixels(drawn.image)[100:, 140:, :3] - 128).max() <= 6


def test_a_folder_that_is_given_must_hold_the_images(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    moved = tmp_path / "elsewhere" / "images"
    shutil.move(tmp_path / "labels", moved)
    assert find_sources(dataset, None).folder is None
    assert find_sources(dataset, moved).folder == moved
    with pytest.raises(
        SagesegError, match=r"--images .*elsewhere: no a_0\.jpg there; expected the folder that prep read"
    ):
        find_sources(dataset, tmp_path / "elsewhere")


def test_words_that_are_no_folders_are_passed_over(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    dataset.info["command"] = ["x" * 5000, "a\0b", "--group-by=(.*)", "", "labels"]
    assert find_sources(dataset, None).folder == (tmp_path / "labels").resolve()


def test_an_image_without_kept_crops_is_drawn(tmp_path: Path) -> None:
    dataset = prepared(tmp_path)
    dropped = [row for row in rows_of(dataset) if not row.kept]
    drawn = draw_map(dataset, dropped, find_sources(dataset, None))
    assert drawn.behind
    assert drawn.kept == ()


@pytest.mark.parametrize("num_classes", [2, 3, 5, 17, 254])
def test_masks_are_clear_where_there_is_background(num_classes: int) -> None:
    mask = np.array([[0, 1, num_classes - 1, 255]], np.uint8)
    drawn = pixels(encode_clear(mask, num_classes))[0]
    assert drawn[:, 3].tolist() == [0, 255, 255, 255]
    palette = page_palette(num_classes)
    assert drawn[1:, :3].tolist() == palette[[1, num_classes - 1, 255]].tolist()


@pytest.mark.parametrize(("crop", "side", "mask_side"), [(64, 32, 32), (64, 200, 64), (None, 140, 150)])
def test_a_crop_is_drawn_in_two_layers(tmp_path: Path, crop: int | None, side: int, mask_side: int) -> None:
    dataset = prepared(tmp_path, crop=crop)
    row = next(row for row in dataset.rows if row.kept and row.x == 0)
    drawn = draw_crop(dataset, row, side)
    assert pixels(drawn.image).shape[1] == min(side, row.width)
    assert pixels(drawn.mask).shape[1] == mask_side
    assert (drawn.width, drawn.height, drawn.file) == (row.width, row.height, f"JPEGImages/{row.id}.jpg")
    assert pixels(drawn.image)[:20, :20, :3].max() < 60, "the mask is not painted into the image"


@pytest.mark.parametrize(("most", "side"), [(10**9, 64), (1_500, 32), (0, 16)])
def test_many_crops_are_drawn_as_small_as_the_page_can_hold(tmp_path: Path, most: int, side: int) -> None:
    dataset = prepared(tmp_path)
    rows = [row for row in dataset.rows if row.kept]
    by_side = {64: 2000, 32: 500, 16: 100}
    drawn = draw_within(
        rows, list(by_side), most, lambda row, side: Drawing(row.id, "", "", "x" * by_side[side], "", side, side)
    )
    assert [each.key for each in drawn] == [row.id for row in rows]
    assert {each.width for each in drawn} == {side}


def test_of_nothing_nothing_is_drawn() -> None:
    assert draw_within([], [64], 0, lambda _, side: Drawing("", "", "", "", "", side, side)) == []
