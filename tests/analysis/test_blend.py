"""Blending against a plain weighted mean, and rows written to disk against Pillow."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis.masks.bands import blended_bands, inner_bands, whole
from analysis.masks.blend import blend_labels, likeliest, window
from analysis.masks.pieces import Piece, divide
from formats.crops import crop_grid, crop_id
from formats.mask_rows import write_mask_rows
from formats.masks import encode_mask, read_mask

Values = npt.NDArray[np.float16]
grids = st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def make_crops(width: int, height: int, grid: tuple[int, int], num_classes: int, seed: int) -> dict[Piece, Values]:
    rng = np.random.default_rng(seed)
    pieces = divide({crop_id("a", box): box for box in crop_grid(width, height, *grid)}, width, height)
    values = {p: rng.random((num_classes, p.crop.height, p.crop.width)) for p in pieces}
    return {p: (each / each.sum(axis=0)).astype(np.float16) for p, each in values.items()}


def plain_blend(crops: dict[Piece, Values], width: int, height: int, num_classes: int) -> npt.NDArray[np.float64]:
    total, weights = np.zeros((num_classes, height + 50, width + 50)), np.zeros((height + 50, width + 50))
    for piece, values in crops.items():
        box = piece.crop
        place = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
        weight = window(box.height, box.width).astype(np.float64)
        total[:, *place] += values * weight
        weights[place] += weight
    return (total / np.maximum(weights, 1e-30))[:, :height, :width]


@given(
    width=st.integers(1, 32),
    height=st.integers(1, 32),
    grid=grids,
    num_classes=st.sampled_from([2, 3]),
    seed=st.integers(0, 9),
)
def test_blending_is_the_weighted_mean(
    width: int, height: int, grid: tuple[int, int], num_classes: int, seed: int
) -> None:
    crops = make_crops(width, height, grid, num_classes, seed)
    expected = plain_blend(crops, width, height, num_classes)
    bands = list(blended_bands(list(crops), width, height, crops.__getitem__, num_classes))
    probabilities = np.concatenate([band.probabilities for band in bands if band.probabilities is not None], axis=1)
    assert probabilities.dtype == np.float16
    np.testing.assert_allclose(probabilities.astype(np.float64), expected, atol=6e-4)
    labels = whole(iter(bands), width, height)
    ordered = np.sort(expected, axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-5
    assert np.array_equal(labels[clear], expected.argmax(axis=0)[clear])


def test_the_window_fades_towards_the_edges_and_never_ends() -> None:
    weights = window(6, 4)
    assert weights.shape == (6, 4)
    assert (weights > 0).all()
    assert weights[0, 0] < weights[1, 1] < weights[2, 1]
    np.testing.assert_allclose(weights, weights[::-1, ::-1])


@given(
    values=st.integers(2, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, 200), st.integers(0, 99))),
    dtype=st.sampled_from([np.float16, np.float32]),
)
def test_likeliest_is_argmax(values: tuple[int, int, int], dtype: type) -> None:
    num_classes, rows, seed = values
    # few distinct values make many ties
    shares: npt.NDArray[np.floating[Any]] = (
        np.random.default_rng(seed).integers(0, 4, (num_classes, rows, 3)) / 4
    ).astype(dtype)
    assert np.array_equal(likeliest(shares), shares.argmax(axis=0))


def test_memory_holds_no_more_than_the_crops_of_a_band() -> None:
    crops = make_crops(40, 400, (20, 5), 2, 0)
    held: list[str] = []
    reads: list[str] = []

    def read(piece: Piece) -> Values:
        reads.append(piece.id)
        return crops[piece]

    for band in blended_bands(list(crops), 40, 400, read):
        crossing = [p for p in crops if p.crop.top < band.top + len(band.labels) and band.top < p.crop.top + 20]
        held.append(str(len(crossing)))
        assert band.labels.shape[0] <= 20
    assert sorted(reads) == sorted(piece.id for piece in crops)
    assert max(map(int, held)) <= 3 * 2


@given(height=st.integers(1, 50), width=st.integers(1, 50), grid=grids, seed=st.integers(0, 9))
def test_bands_are_the_image(height: int, width: int, grid: tuple[int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).integers(0, 3, (height + 30, width + 30)).astype(np.uint8)
    pieces = divide({crop_id("a", box): box for box in crop_grid(width, height, *grid)}, width, height)

    def read(piece: Piece) -> npt.NDArray[np.uint8]:
        box = piece.crop
        return mask[box.top : box.top + box.height, box.left : box.left + box.width]

    bands = inner_bands(pieces, width, height, read, 0)
    assert np.array_equal(whole(bands, width, height), mask[:height, :width])


def test_pixels_in_no_crop_are_background() -> None:
    crops = make_crops(30, 30, (10, 0), 2, 0)
    some = [piece for piece in crops if piece.crop.top != 10]
    (gap,) = [band for band in blended_bands(some, 30, 30, crops.__getitem__, 2) if band.top == 10]
    assert not gap.labels.any()
    assert gap.probabilities is not None
    assert (gap.probabilities[0] == 1).all()


@given(rows=st.lists(st.integers(1, 9), min_size=1, max_size=5), width=st.integers(1, 700), seed=st.integers(0, 9))
def test_rows_on_disk_are_the_mask(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], width: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("png")
    mask = np.random.default_rng(seed).integers(0, 256, (sum(rows), width)).astype(np.uint8)
    ends = [0, *np.cumsum(rows).tolist()]
    write_mask_rows(folder / "a.png", width, len(mask), (mask[a:b] for a, b in pairwise(ends)))
    write_mask_rows(folder / "b.png", width, len(mask), [mask])
    (folder / "c.png").write_bytes(encode_mask(mask))
    assert np.array_equal(read_mask(folder / "a.png"), mask)
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    with Image.open(folder / "a.png") as ours, Image.open(folder / "c.png") as theirs:
        assert ours.mode == theirs.mode == "P"
        assert ours.getpalette() == theirs.getpalette()


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def rows() -> npt.NDArray[np.uint8]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_mask_rows(tmp_path / "a.png", 3, 3, (rows() for _ in range(1)))
    assert list(tmp_path.iterdir()) == []


def test_shared_pixels_lean_to_the_crop_whose_middle_is_nearer() -> None:
    left, right = divide({"l": crop_grid(10, 10, None)[0], "r": crop_grid(10, 10, None)[0]}, 10, 10)[:2]
    assert left.crop == right.crop  # one place, two models: the mean
    values = {"l": np.full((2, 10, 10), 0.5, np.float32), "r": np.stack([np.full((10, 10), s) for s in (0.2, 0.8)])}
    assert blend_labels([left, right], 0, 10, 10, lambda piece: values[piece.id]).all()
