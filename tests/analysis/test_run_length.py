"""Run lengths: by hand, exact round trips, and submissions that are not right."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exports.options import parse_size
from analysis.exports.run_length import decode_runs, encode_runs, longest_line
from analysis.exports.submission import masks_from_submission, read_submission, write_submission
from analysis.masks.stitch import stitch
from formats import limits
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask, read_mask
from formats.objects.runs import runs
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


@pytest.mark.parametrize(
    "text",
    [
        *("1", "0 3", "5 0", "3 2 4 1", "4 1 1 1", "9 2", "one 2", "-1 2", "1 -2", "1 10", "10 1", "1.0 2", "1_0 1"),
        *(
            f"{2**63} 1",
            f"1 {2**63}",
            f"{2**62} {2**62}",
            f"{2**63 - 1} {2**63 - 1}",
            "\u0661 \u0662",
            "9" * 5000 + " 1",
        ),
    ],
)
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
        ("img,rle_mask\na.jpg,1 2\na.jpg,1 2\n", "'a.jpg': stands twice; expected a line per image"),
        ("img,rle_mask\n../a.jpg,1 2\n", "expected a file's name"),
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


def write_packed(path: Path, lines: Iterable[str]) -> Path:
    path.write_bytes(gzip.compress("\n".join(["img,rle_mask", *lines]).encode(), 9))
    return path


@pytest.mark.parametrize(
    ("name", "most", "lines", "message"),
    [
        ("MOST_UNPACKED", 10_000, [f"{n}.jpg,1 2" for n in range(2000)], "over 10,000 bytes unpacked; divide it"),
        ("MOST_FILES", 5, [f"{n}.jpg,1 2" for n in range(7)], "over 5 lines; divide it"),
        ("MOST_UNPACKED", 2**33, ["a.jpg," + "1 " * 4_000_000], "line 2: over 16,108 bytes, more than a mask"),
    ],
)
def test_a_submission_that_unfolds_to_more_than_can_be_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int, lines: list[str], message: str
) -> None:
    path = write_packed(tmp_path / "s.csv.gz", lines)
    monkeypatch.setattr(limits, name, most)
    with pytest.raises(SagesegError, match=message):
        list(read_submission(path, (50, 40)))


def test_a_submission_is_not_unpacked_as_a_whole(tmp_path: Path) -> None:
    path = write_packed(tmp_path / "s.csv.gz", (f"{n}.jpg,{'1 1 ' * 400}" for n in range(5000)))
    tracemalloc.start()
    with pytest.raises(SagesegError, match=r"line 2, 0\.jpg: runs must rise"):
        next(read_submission(path, (50, 40)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000  # unpacked it has 8 MB


def test_the_longest_line_of_a_mask_is_believed() -> None:
    for height, width in ((3, 5), (31, 33), (1, 1)):
        spotted = np.indices((height, width)).sum(axis=0) % 2 == 0
        assert len(encode_runs(spotted)) <= longest_line(width, height)


def test_images_larger_than_any_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("img,rle_mask\na.jpg,1 2\n")
    with pytest.raises(SagesegError, match="--size: 100000×100000 pixels; expected 1 to 178,956,970"):
        masks_from_submission(tmp_path / "s.csv", tmp_path / "out", (100_000, 100_000))
