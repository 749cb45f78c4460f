"""Run lengths: by hand, exact round trips, and submissions that are not right."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exports.options import parse_size
from analysis.exports.run_length import decode_runs, encode_runs
from analysis.exports.submission import masks_from_submission, read_submission, write_submission
from analysis.masks.runs import runs
from analysis.masks.stitch import stitch
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask, read_mask
from formats.predictions import Predictions, open_predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 999))


def spots(height: int, width: int, density: float, seed: int) -> Mask:
    return (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8)


def test_pixels_count_from_one_along_the_rows() -> None:
    mask = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1]], np.uint8)
    assert encode_runs(mask == 1) == "2 3 9 1"
    assert encode_runs(mask == 7) == ""
    assert encode_runs(mask < 7) == "1 9"


@given(shape=shapes)
def test_round_trip_is_exact(shape: tuple[int, int, float, int]) -> None:
    mask = spots(*shape)
    assert np.array_equal(decode_runs(encode_runs(mask == 1), mask.shape[1], mask.shape[0]), mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11
@given(shape=shapes)
def test_runs_are_those_of_pycocotools(shape: tuple[int, int, float, int]) -> None:
    """pycocotools counts down the columns, and alternates between gaps and runs."""
    mask = spots(*shape)
    alternating = pycocotools.mask.frPyObjects(
        {"counts": _alternating(mask), "size": [mask.shape[1], mask.shape[0]]}, mask.shape[1], mask.shape[0]
    )
    assert np.array_equal(pycocotools.mask.decode(alternating).T, mask)


def _alternating(mask: Mask) -> list[int]:
    starts, lengths = runs(mask.ravel() == 1)
    ends = np.concatenate([[0], starts + lengths])
    pairs = np.stack([starts - ends[:-1], lengths], axis=1).ravel().tolist()
    return [*pairs, mask.size - int(ends[-1])]


@pytest.mark.parametrize("text", ["1", "0 3", "5 0", "3 2 4 1", "4 1 1 1", "9 2", "one 2"])
def test_what_is_no_run_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_runs(text, 3, 3)


@pytest.fixture
def stitched(tmp_path: Path) -> Predictions:
    images = {f"car{n}_0{n}": disc_image(50, 40, seed=n) for n in range(3)}
    dataset = make_dataset(tmp_path / "dataset", images, crop=16)
    predictions = make_predictions(tmp_path / "crops", dataset, {stem: mask for stem, (_, mask) in images.items()})
    stitch(predictions, dataset, tmp_path / "stitched", workers=1)
    return open_predictions(tmp_path / "stitched")


def test_submission_and_back(stitched: Predictions, tmp_path: Path) -> None:
    out = tmp_path / "submission.csv.gz"
    assert write_submission(stitched, out, workers=1)[0] == 3
    rows = list(csv.reader(io.StringIO(gzip.decompress(out.read_bytes()).decode())))
    assert rows[0] == ["img", "rle_mask"]
    assert [row[0] for row in rows[1:]] == ["car0_00.jpg", "car1_01.jpg", "car2_02.jpg"]
    assert masks_from_submission(out, tmp_path / "back", (50, 40)) == 3
    for row in stitched.predicted():
        back = open_predictions(tmp_path / "back").mask_path(row.id)
        assert np.array_equal(read_mask(back), read_mask(stitched.mask_path(row.id)))


def test_the_same_masks_make_the_same_bytes(stitched: Predictions, tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz", "c.csv"):
        write_submission(stitched, tmp_path / name, workers=1)
    content = (tmp_path / "a.csv.gz").read_bytes()
    assert content == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress(content) == (tmp_path / "c.csv").read_bytes()
    with pytest.raises(SagesegError, match=r"a\.csv\.gz: exists already"):
        write_submission(stitched, tmp_path / "a.csv.gz", workers=1)


def test_the_class_is_chosen_by_name(stitched: Predictions, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="--class tree: expected one of car"):
        write_submission(stitched, tmp_path / "a.csv", class_name="tree")
    several = Predictions(stitched.root, stitched.rows, ClassTable(("_background_", "road", "car")), {})
    with pytest.raises(SagesegError, match="2 classes; choose one with --class"):
        write_submission(several, tmp_path / "a.csv")
    assert write_submission(several, tmp_path / "a.csv", class_name="car", workers=1)[0] == 3
    assert [mask.any() for _, mask in read_submission(tmp_path / "a.csv", (50, 40))] == [False] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("img,mask\n", "line 1: expected img,rle_mask"),
        ("img,rle_mask\na.jpg\n", "line 2: 1 cells"),
        ("img,rle_mask\na.jpg,1 2\nb.jpg,1 2001\n", r"line 3, b\.jpg: a run ends at pixel 2001.*--size"),
        ("img,rle_mask\na.jpg,1 2\na.jpg,1 2\n", "'a.jpg': expected the file name of one image, once"),
        ("img,rle_mask\n../a.jpg,1 2\n", "expected the file name"),
        ("img,rle_mask\n", "no image in it"),
    ],
)
def test_a_wrong_submission_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(SagesegError, match=message):
        masks_from_submission(tmp_path / "s.csv", tmp_path / "out", (50, 40))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"\x1f\x8bno", b"\xff\xfe\x00"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.csv.gz").write_bytes(content)
    with pytest.raises(SagesegError, match=r"s\.csv\.gz: cannot be read"):
        masks_from_submission(tmp_path / "s.csv.gz", tmp_path / "out", (50, 40))


def test_size_is_width_and_height() -> None:
    assert parse_size("1918x1280") == (1918, 1280)
    for text in (None, "1918", "0x3", "ax3"):
        with pytest.raises(SagesegError, match="--size"):
            parse_size(text)
