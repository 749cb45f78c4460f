"""Crops cover every source pixel and put back together exactly; a resize is recorded."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.crops import Box, crop_grid, owned_boxes
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import cut_image, read_image
from formats.masks import cut_mask, read_mask, resize_mask
from formats.prepared.resize import Resize, recorded_resize, resized_size
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import HEIGHT, WIDTH, digests, make_source, noise, square


@st.composite
def grids(draw: st.DrawFn) -> tuple[int, int, int, int]:
    size = draw(st.integers(1, 30))
    return draw(st.integers(1, 40)), draw(st.integers(1, 40)), size, draw(st.integers(0, size - 1))


@given(grids(), st.integers(0, 9))
def test_any_size_crop_and_overlap_puts_back_together_exactly(grid: tuple[int, int, int, int], seed: int) -> None:
    width, height, size, overlap = grid
    rng = np.random.default_rng(seed)
    image, mask = rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 255, (height, width), np.uint8)
    crops = crop_grid(width, height, size, overlap)
    whole_image, whole_mask = np.zeros_like(image), np.full_like(mask, 255)
    for crop, own in owned_boxes(crops, width, height).items():
        part, part_mask = cut_image(image, crop), cut_mask(mask, crop)
        assert part.shape == (size, size, 3)
        assert part_mask.shape == (size, size)
        inner = np.s_[own.top - crop.top :, own.left - crop.left :]
        place = np.s_[own.top : own.top + own.height, own.left : own.left + own.width]
        whole_image[place] = part[inner][: own.height, : own.width]
        whole_mask[place] = part_mask[inner][: own.height, : own.width]
        # the padding: the image's last pixels repeated, and ignore
        rows, columns = np.arange(crop.top, crop.top + size), np.arange(crop.left, crop.left + size)
        assert np.array_equal(part, image[np.minimum(rows, height - 1)][:, np.minimum(columns, width - 1)])
        assert ((part_mask == 255) == ((rows >= height)[:, None] | (columns >= width)[None, :])).all()
    assert np.array_equal(whole_image, image)
    assert np.array_equal(whole_mask, mask)


@pytest.mark.parametrize("resize", [Resize(75), Resize(300), Resize(90, 90)])
def test_resized_masks_put_back_together_and_the_source_size_stays_known(tmp_path: Path, resize: Resize) -> None:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, overlap=8, resize=resize, keep_empty=1, workers=1))
    dataset = open_dataset(tmp_path / "dataset")
    recorded = recorded_resize(dataset.info)
    assert recorded == resize
    for number, stem in enumerate(("a_0", "b_0")):
        rows = [row for row in dataset.rows if row.source_stem == stem]
        assert {(row.source_width, row.source_height) for row in rows} == {(WIDTH, HEIGHT)}
        width, height = resized_size(WIDTH, HEIGHT, recorded)
        assert [row.box for row in rows] == crop_grid(width, height, 64, 8)
        whole = np.zeros((height, width), np.uint8)
        for crop, own in owned_boxes([row.box for row in rows], width, height).items():
            mask = read_mask(dataset.mask_path(f"{stem}_x{crop.left}_y{crop.top}"))
            left, top = own.left - crop.left, own.top - crop.top
            whole[own.top : own.top + own.height, own.left : own.left + own.width] = mask[
                top : top + own.height, left : left + own.width
            ]
        assert np.array_equal(whole, resize_mask(square(number), width, height))


def test_a_resized_image_that_is_not_cropped_is_encoded_at_its_new_size(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=None, resize=Resize(75), workers=1))
    dataset = open_dataset(tmp_path / "dataset")
    assert {read_image(dataset.image_path(row.id)).shape for row in dataset.rows} == {(55, 75, 3)}
    assert {row.box for row in dataset.rows} == {Box(0, 0, 75, 55)}


def test_a_resize_to_the_own_size_still_copies(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=None, resize=Resize(WIDTH), workers=1))
    image = source.images[0]
    assert (tmp_path / "dataset" / "JPEGImages" / "a_0.jpg").read_bytes() == image.image.read_bytes()


def test_resized_stratified_and_focused_datasets_do_not_depend_on_workers(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 2, "b": 2, "c": 2})
    for workers in (1, 2):
        options = PrepOptions(crop=32, resize=Resize(100), stratify=True, focus="objects", test=1, workers=workers)
        write_dataset(source, tmp_path / str(workers), options)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


def test_options_that_decide_the_content_are_recorded(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=None, resize=Resize(75, 80), workers=1))
    options = json.loads((tmp_path / "dataset" / "dataset.json").read_text())["options"]
    assert options["resize"] == "75x80"
    assert options["focus"] is None
    assert not {"workers", "overwrite", "split_file"} & set(options)


def test_names_of_more_than_one_line_are_refused(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a\nb": 1, "c": 1}, image=lambda number: noise(number, 20, 20))
    with pytest.raises(SagesegError, match=r"'a\\nb_0\.jpg': a name with a line break"):
        write_dataset(source, tmp_path / "dataset", PrepOptions(workers=1))
