"""Folders of masks as other programs write them, read as predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis.masks.sources import plan_sources
from analysis.plain.matching import bare, match_names
from analysis.plain.opening import open_predictions
from formats.classes import ClassTable, voc_palette, write_labels
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import Mask, encode_mask
from tests.support.dataset_samples import make_dataset
from tests.support.plain_masks import (
    HEIGHT,
    SAMPLES,
    WIDTH,
    ids,
    make_dataset_of_three,
    masks,
    read_back,
    same,
    white,
    white_first,
    white_rgba,
    with_palette,
    with_value,
    write_all,
)

PALETTE = voc_palette()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", SAMPLES)


@pytest.fixture
def dataset_of_three(tmp_path: Path) -> Dataset:
    return make_dataset_of_three(tmp_path)


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("{}.png", ids),
        ("{}_pred.png", ids),
        ("pred_{}.png", ids),
        ("deep/er/{}_mask.png", ids),
        ("{}.bmp", ids),
        ("{}.gif", ids),
        ("{}.tif", lambda mask: Image.fromarray(mask.astype(np.uint16))),
        ("{}.tiff", lambda mask: Image.fromarray(mask.astype(np.float32))),
        ("{}.png", lambda mask: Image.fromarray(mask.astype(np.uint16) * np.uint16(65535))),
        ("{}.png", white),
        ("{}.png", lambda mask: white(mask).convert("1")),
        ("{}.png", lambda mask: Image.fromarray(mask * 200)),
        ("{}.png", lambda mask: white(mask).convert("RGB")),
        ("{}.png", white_rgba),
        ("{}.gif", white_first),
        ("{}.png", white_first),
        ("{}.png", lambda mask: with_palette(mask, bytes([9, 9, 9, 0, 128, 0]))),
    ],
)
def test_two_classes_are_read_however_they_were_written(
    tmp_path: Path, dataset: Dataset, name: str, draw: Callable[[Mask], Image.Image]
) -> None:
    root = write_all(tmp_path / "out", name, draw)
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("{}.png", ids),
        ("{}.gif", ids),
        ("{}.gif", lambda mask: with_palette(mask, PALETTE.tobytes())),
        ("{}.png", lambda mask: with_palette(mask, PALETTE.tobytes())),
        ("{}.png", lambda mask: Image.fromarray(PALETTE[mask])),
        ("{}.png", lambda mask: Image.fromarray(PALETTE[mask]).convert("RGBA")),
    ],
)
def test_three_classes_are_read_where_a_file_lacks_one(
    tmp_path: Path, dataset_of_three: Dataset, name: str, draw: Callable[[Mask], Image.Image]
) -> None:
    """A GIF numbers the colours that it uses anew: its ids 0 and 2 lie in it as 0 and 1."""
    root = write_all(tmp_path / "out", name, draw, 3)
    opened = open_predictions(root, dataset=dataset_of_three, workers=1)
    assert same(read_back(opened, dataset_of_three), masks(3))


def test_crops_are_known_by_their_ids(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", SAMPLES, crop=20, drop_empty=False)
    root = tmp_path / "out"
    root.mkdir()
    for row in dataset.rows:
        mask = SAMPLES[row.source_stem][1][row.y : row.y + 20, row.x : row.x + 20]
        (root / f"{row.id}_pred.png").write_bytes(encode_mask(mask))
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())


def test_masks_of_half_the_size_are_enlarged_and_it_is_said(
    tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    half = (WIDTH // 2, HEIGHT // 2)
    root = write_all(tmp_path / "out", "{}.png", lambda mask: ids(mask).resize(half, Image.Resampling.NEAREST))
    found = read_back(open_predictions(root, dataset=dataset, workers=1), dataset)
    assert found["a_01"].shape == (HEIGHT, WIDTH)
    assert np.array_equal(found["a_01"][::2, ::2], found["a_01"][1::2, 1::2])
    assert "3 masks are smaller or larger than their images, such as a_01.png" in capsys.readouterr().err


def grey_levels(mask: Mask) -> Image.Image:
    return Image.fromarray(np.arange(mask.size, dtype=np.uint8).reshape(mask.shape))


@pytest.mark.parametrize(
    ("name", "draw", "told"),
    [
        ("{}.jpg", white, "only masks such as a_01.jpg: JPEG and WebP change values"),
        ("{}.jpeg", white, "JPEG and WebP change values"),
        ("{}.webp", white, "JPEG and WebP change values"),
        ("z{}.png", ids, "masks: za_01, za_02, zb_01; images: a_01, a_02, b_01: rename"),
        ("{}.png", with_value(7), "value 7 is no class; expected 0 to 1"),
        ("{}.png", with_value(255), "value 255 is no class; expected 0 to 1 (ignore, 255, is never predicted"),
        ("{}.png", grey_levels, "256 different values, like probabilities or grey levels"),
        ("{}.png", lambda mask: ids(mask).resize((30, 30)), "30×30 pixels, but a_01.jpg has 40×24"),
        (
            "{}.png",
            lambda mask: Image.fromarray(PALETTE[mask] + np.uint8(3)),
            "colour (3,3,3), (131,3,3) is not in VOC's palette",
        ),
        ("{}.tif", lambda mask: Image.fromarray(mask * np.float32(0.5)), "mode F, values of 0.0 to 0.5"),
    ],
)
def test_what_is_no_mask_of_the_dataset_is_refused(
    tmp_path: Path, dataset: Dataset, name: str, draw: Callable[[Mask], Image.Image], told: str
) -> None:
    root = write_all(tmp_path / "out", name, draw)
    with pytest.raises(SagesegError) as caught:
        open_predictions(root, dataset=dataset, workers=1)
    assert str(root) in str(caught.value)
    assert told in str(caught.value)


def test_wrong_files_are_counted_and_ten_are_named(tmp_path: Path) -> None:
    names = [f"n{number:02}" for number in range(12)]
    dataset = make_dataset(tmp_path / "dataset", dict.fromkeys(names, SAMPLES["a_01"]))
    for name in names:
        path = tmp_path / "out" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        with_value(9)(SAMPLES["a_01"][1]).save(path)
    with pytest.raises(SagesegError, match="in 12 of 12 masks: n00.png, .*, n09.png …$"):
        open_predictions(tmp_path / "out", dataset=dataset, workers=1)


@pytest.mark.parametrize("suffix", [".npy", ".txt", ""])
def test_a_folder_without_masks_says_what_is_there(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"a{suffix}").write_bytes(b"x")
    with pytest.raises(SagesegError, match=rf"no mask in it \(1 {suffix or 'no suffix'}\); expected masks as PNG"):
        open_predictions(tmp_path / "out")


def test_two_masks_of_one_image_are_refused(tmp_path: Path, dataset: Dataset) -> None:
    root = write_all(tmp_path / "out", "{}_pred.png", ids)
    write_all(root, "{}_mask.png", ids)
    with pytest.raises(SagesegError, match="a_01_mask and a_01_pred both fit a_01 by name"):
        open_predictions(root, dataset=dataset)


def test_masks_of_other_images_are_left_out_and_named(
    tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_all(tmp_path / "out", "{}.png", ids)
    write_all(root, "x{}.png", ids)
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())
    assert "3 masks left out, called like none of the images: xa_01, xa_02, xb_01" in capsys.readouterr().err


def test_a_list_beside_masks_that_differs_from_the_datasets_is_not_passed_over(
    tmp_path: Path, dataset: Dataset
) -> None:
    root = write_all(tmp_path / "out", "{}.png", ids)
    write_labels(root / "labels.txt", ClassTable(("_background_", "road")))
    with pytest.raises(SagesegError, match="classes _background_, road; expected those of the truth"):
        plan_sources(open_predictions(root, dataset=dataset, workers=1), dataset)


NAME = st.text("abcdefgh0123456789", min_size=1, max_size=6).filter(lambda name: name != "0000")
WORDS = st.sampled_from(["{}", "{}_mask", "{}_pred", "pred_{}", "{}-seg", "{}_gtFine_labelIds", "mask_{}", "{}_0000"])


@given(st.sets(NAME.map("q{}".format), min_size=1, max_size=6), WORDS, WORDS)
def test_names_fit_whatever_words_each_side_has(names: set[str], one: str, other: str) -> None:
    found = match_names(Path("m"), {one.format(name) for name in names}, {name: {other.format(name)} for name in names})
    assert found == {one.format(name): name for name in names}


@pytest.mark.parametrize(
    ("name", "left"),
    [("a_mask", "a"), ("a_gtFine_labelIds", "a"), ("image_7", "7"), ("mask", "mask"), ("_mask", "_mask"), ("a1", "a1")],
)
def test_a_bare_name_is_what_the_words_leave(name: str, left: str) -> None:
    assert bare(name) == left
