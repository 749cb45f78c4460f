"""Cleaning masks: small objects, all but the largest, holes; what it leaves alone, and every verb that does it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from analysis.cli import app
from analysis.exports.ceiling import count_outlines, require_few
from analysis.exports.cutout import around
from analysis.exports.submission import read_submission
from analysis.masks.cleaning import Changes, clean
from analysis.options import Cleaning, with_values
from formats.console import run_app
from formats.errors import SagesegError
from formats.images import encode_image, read_image
from formats.masks import Mask, read_mask
from formats.predictions import mask_path, open_predictions
from tests.support.dataset_samples import make_dataset, make_predictions, write_shares

EIGHT = np.ones((3, 3), int)
sizes = st.integers(1, 24)
rules = st.builds(
    Cleaning,
    least_pixels=st.integers(1, 12),
    largest=st.none() | st.integers(1, 3),
    fill_holes=st.none() | st.integers(1, 12) | st.just(math.inf),
)


def noise(height: int, width: int, values: int, seed: int) -> Mask:
    return np.random.default_rng(seed).integers(0, values, (height, width)).astype(np.uint8)


def mask_of(*lines: str) -> Mask:
    return np.array([[255 if each == "?" else int(each) for each in line] for line in lines], np.uint8)


@given(height=sizes, width=sizes, seed=st.integers(0, 9999), least=st.integers(1, 9))
def test_small_objects_go_as_scipy_finds_them(height: int, width: int, seed: int, least: int) -> None:
    mask = noise(height, width, 4, seed)
    expected = mask.copy()
    for class_id in (1, 2, 3):
        labels, _ = ndimage.label(mask == class_id, EIGHT)
        expected[(np.bincount(labels.ravel()) < least)[labels] & (labels > 0)] = 0
    cleaned, changes = clean(mask, Cleaning(least_pixels=least))
    assert np.array_equal(cleaned, expected)
    assert changes.removed_pixels == np.count_nonzero(cleaned != mask)


@given(height=sizes, width=sizes, seed=st.integers(0, 9999))
def test_holes_of_one_class_are_filled_as_scipy_fills_them(height: int, width: int, seed: int) -> None:
    mask = (noise(height, width, 3, seed) > 0).astype(np.uint8)
    cleaned, changes = clean(mask, Cleaning(fill_holes=math.inf))
    assert np.array_equal(cleaned, ndimage.binary_fill_holes(mask))
    holes, number = ndimage.label(cleaned & ~mask & 1)
    assert changes == Changes(filled=int(number), filled_pixels=int(np.count_nonzero(holes)))


@given(height=sizes, width=sizes, seed=st.integers(0, 9999), rules=rules)
def test_cleaned_once_is_cleaned(height: int, width: int, seed: int, rules: Cleaning) -> None:
    mask = noise(height, width, 5, seed)
    mask[mask == 4] = 255
    before = mask.copy()
    cleaned, changes = clean(mask, rules)
    again, nothing = clean(cleaned, rules)
    assert np.array_equal(mask, before)
    assert np.array_equal(again, cleaned)
    assert nothing == Changes()
    assert np.array_equal(cleaned == 255, mask == 255)
    assert np.count_nonzero((mask != 0) & (cleaned == 0)) == changes.removed_pixels - np.count_nonzero(
        (mask != 0) & (cleaned != mask) & (cleaned != 0)
    )
    for class_id in (1, 2, 3):
        labels, number = ndimage.label(cleaned == class_id, EIGHT)
        assert number <= (rules.largest or number)
        assert not number or np.bincount(labels.ravel())[1:].min() >= rules.least_pixels


def test_of_equal_objects_the_first_in_reading_order_is_kept() -> None:
    # cv2 numbers the lower left one first: it looks at two rows at a time
    mask = mask_of("000010", "100010", "100000", "000000", "000000", "220022")
    cleaned, changes = clean(mask, Cleaning(largest=1))
    assert cleaned.tolist() == mask_of("000010", "000010", "000000", "000000", "000000", "220000").tolist()
    assert changes == Changes(removed=2, removed_pixels=4)


def test_largest_counts_each_class_alone_and_before_holes_are_filled() -> None:
    mask = mask_of("11111000", "10001011", "10001011", "11111011", "00000022", "02000022")
    cleaned, _ = clean(mask, Cleaning(largest=1, fill_holes=math.inf))
    assert cleaned.tolist() == mask_of("11111000", "11111000", "11111000", "11111000", "00000022", "00000022").tolist()


def test_what_goes_inside_an_object_is_a_hole_that_is_filled() -> None:
    mask = mask_of("11111", "11211", "11111")
    assert clean(mask, Cleaning(least_pixels=2))[0].tolist() == mask_of("11111", "11011", "11111").tolist()
    assert (clean(mask, Cleaning(least_pixels=2, fill_holes=1))[0] == 1).all()


@pytest.mark.parametrize(
    "lines",
    [
        ("11211", "10001", "11111"),  # two classes around it
        ("11111", "10?01", "11111"),  # next to what is not known
        ("10111", "10001", "11111"),  # at the image's edge
    ],
)
def test_what_is_no_hole_of_one_class_stays(lines: tuple[str, ...]) -> None:
    mask = mask_of(*lines)
    assert np.array_equal(clean(mask, Cleaning(fill_holes=math.inf))[0], mask)


def test_larger_holes_than_asked_for_stay() -> None:
    mask = mask_of("1111111", "1011001", "1111001", "1111111")
    filled = mask_of("1111111", "1111001", "1111001", "1111111")
    assert np.array_equal(clean(mask, Cleaning(fill_holes=3))[0], filled)
    assert (clean(mask, Cleaning(fill_holes=4))[0] == 1).all()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("stitch p --largest --out o", "stitch p --largest 1 --out o"),
        ("stitch p --fill-holes --largest", "stitch p --fill-holes all --largest 1"),
        ("stitch p --fill-holes 40 --largest 2", "stitch p --fill-holes 40 --largest 2"),
        ("stitch --largest p", "stitch --largest p"),
    ],
)
def test_values_may_be_left_out(typed: str, read: str) -> None:
    assert list(with_values(typed.split())) == read.split()


class Line:
    """Runs a command line in a folder, and keeps what it said."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._patch, self._capsys, self.folder = patch, capsys, folder
        self.out = self.err = ""
        patch.chdir(folder)

    def __call__(self, line: str) -> int:
        self._patch.setattr(sys, "argv", ["analysis", *line.split(), "--workers", "1"])
        with pytest.raises(SystemExit) as stopped:
            run_app(app)
        self.out, self.err = self._capsys.readouterr()
        return int(stopped.value.code or 0)


def dirty() -> Mask:
    """An object of 20 × 12 with a hole of 4 pixels, and a speck of 2."""
    mask = np.zeros((30, 40), np.uint8)
    mask[4:16, 6:26] = 1
    mask[8:10, 12:14] = 0
    mask[25, 30:32] = 1
    return mask


def cleaned() -> Mask:
    mask = np.zeros((30, 40), np.uint8)
    mask[4:16, 6:26] = 1
    return mask


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    image = np.full((30, 40, 3), 200, np.uint8)
    dataset = make_dataset(tmp_path / "dataset", {"a": (image, dirty())}, crop=16)
    make_predictions(tmp_path / "predictions", dataset, {"a": dirty()}, dropped_too=True)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(encode_image(image))
    return Line(monkeypatch, capsys, tmp_path)


RULES = "--least-pixels 3 --fill-holes"


def test_stitched_masks_are_cleaned_and_say_so(line: Line) -> None:
    assert line(f"stitch predictions --out stitched {RULES} --largest") == 0
    assert np.array_equal(read_mask(mask_path(line.folder / "stitched", "a")), cleaned())
    info = json.loads((line.folder / "stitched" / "predictions.json").read_text())
    asked = {"least_pixels": 3, "largest": 1, "fill_holes": "all"}
    assert info["cleaned"] == [{**asked, "removed": 1, "removed_pixels": 2, "filled": 1, "filled_pixels": 4}]
    assert "1 objects of 2 pixels became background\n1 holes of 4 pixels were filled\n" in line.err
    assert line("stitch stitched --out again --largest 2") == 0
    assert [each["largest"] for each in json.loads(Path("again/predictions.json").read_text())["cleaned"]] == [1, 2]
    assert line("stitch predictions --out plain") == 0
    assert "cleaned" not in json.loads(Path("plain/predictions.json").read_text())
    assert "became background" not in line.err


@pytest.mark.parametrize("verb", ["overlay predictions images", "cutout predictions images", "submission predictions"])
def test_exports_that_show_no_objects_say_what_cleaning_did(line: Line, verb: str) -> None:
    assert line(f"{verb} --out out {RULES}") == 0
    assert "1 objects of 2 pixels became background\n1 holes of 4 pixels were filled\n" in line.err
    assert line(f"{verb} --out plain") == 0
    assert "became background" not in line.err


def test_reports_and_areas_tell_of_the_cleaning_before_them(line: Line) -> None:
    assert line(f"stitch predictions --out stitched {RULES} --largest") == 0
    assert line("report stitched --dataset dataset --out report --draws 0") == 0
    words = "--least-pixels 3 --largest 1 --fill-holes all: 1 objects of 2 pixels became background, 1 holes of 4"
    assert f"masks cleaned: {words} were filled" in line.out
    assert f"The masks were cleaned, {words}" in Path("report/index.html").read_text(encoding="utf-8")
    told = json.loads(Path("stitched/predictions.json").read_text())["cleaned"]
    assert json.loads(Path("report/scores.json").read_text())["cleaned"] == told
    assert line("areas stitched --out areas --largest 2") == 0
    after = json.loads(Path("areas/areas.json").read_text())["cleaned"]
    assert (after[:-1], after[-1]["largest"]) == (told, 2)


def test_what_was_not_predicted_is_neither_hole_nor_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = np.ones((48, 48), np.uint8)
    mask[16:32, 16:32] = 0
    dataset = make_dataset(tmp_path / "dataset", {"a": (np.zeros((48, 48, 3), np.uint8), mask)}, crop=16)
    make_predictions(tmp_path / "predictions", dataset, {"a": mask})
    line = Line(monkeypatch, capsys, tmp_path)
    assert line("stitch predictions --dataset dataset --out stitched --fill-holes") == 0
    assert np.array_equal(read_mask(mask_path(tmp_path / "stitched", "a")), mask)


def test_every_export_takes_the_same_rules(line: Line) -> None:
    box = {"left": "6", "top": "4", "width": "20", "height": "12"}
    assert line(f"labelme predictions --out labelme {RULES}") == 0
    (shape,) = json.loads(Path("labelme/a.json").read_text())["shapes"]
    assert sorted(shape["points"]) == [[6, 4], [6, 15], [25, 4], [25, 15]]
    assert line(f"coco predictions --out coco.json {RULES}") == 0
    (told,) = json.loads(Path("coco.json").read_text())["annotations"]
    assert (told["area"], told["bbox"]) == (240, [6, 4, 20, 12])
    assert line(f"cvat predictions --out annotations.xml {RULES}") == 0
    text = Path("annotations.xml").read_text()
    assert text.count("<mask") == 1
    assert all(f'{name}="{value}"' in text for name, value in box.items())
    assert line(f"labelstudio predictions --out tasks.json {RULES}") == 0
    cleaned_tasks = Path("tasks.json").read_text()
    assert line(f"stitch predictions --out stitched {RULES}") == 0
    assert line("labelstudio stitched --out tasks.json --overwrite") == 0
    assert Path("tasks.json").read_text() == cleaned_tasks
    assert line(f"submission predictions --out submission.csv {RULES}") == 0
    ((_, mask),) = read_submission(Path("submission.csv"), (40, 30))
    assert np.array_equal(mask, cleaned())
    assert line(f"cutout predictions images --out cut {RULES}") == 0
    assert np.array_equal(np.asarray(Image.open("cut/a.png"))[:, :, 3] > 0, cleaned() == 1)
    assert line(f"overlay predictions images --out drawn {RULES}") == 0
    drawn = read_image(Path("drawn/a.jpg"))[:30]
    assert np.abs(drawn[24:27, 28:34].astype(int) - 200).max() < 8  # the speck is not tinted


def test_a_submission_is_not_cleaned_on_its_way_back(line: Line) -> None:
    assert line("submission predictions --out submission.csv") == 0
    assert line("submission submission.csv --size 40x30 --out masks --largest") == 1
    assert "submission.csv: a submission is turned back as it is; clean its masks by analysis stitch" in line.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--least-pixels 0", "--least-pixels 0: expected 1 pixel or more"),
        ("--largest 0", "--largest 0: expected how many objects of each class to keep, or nothing"),
        ("--largest predictions", "--largest predictions: expected how many objects"),
        ("--fill-holes some", "--fill-holes some: expected the most pixels of a hole, all, or nothing"),
    ],
)
def test_rules_that_are_none_are_one_line(line: Line, words: str, said: str) -> None:
    assert line(f"stitch predictions --out out {words}") == 1
    assert said in line.err


def test_soft_edges_stay_around_what_was_kept() -> None:
    alpha = np.zeros((5, 9), np.uint8)
    alpha[1:4, 1:4], alpha[2, 2] = 100, 0  # an object with a clear hole, and the haze of one that went
    alpha[1:4, 6:8] = 90
    mask = np.zeros((5, 9), np.uint8)
    mask[1:4, 1:4] = 1
    soft = around(alpha, mask)
    assert soft[2, 2] == 255
    assert (soft[:, 5:] == 0).all()
    alpha[1:4, 1:4] = 200
    alpha[1:4, 4] = 60
    assert np.array_equal(around(alpha, mask)[:, :5], alpha[:, :5])
    alpha[2, 4:7], alpha[2, 7] = 30, 200  # what went hangs on by its haze
    assert around(alpha, mask)[2, 4:8].tolist() == [30, 30, 30, 0]


def test_soft_cutouts_of_cleaned_masks_do_not_show_what_went(line: Line) -> None:
    write_shares(open_predictions(line.folder / "predictions"), 0.95)
    assert line("cutout predictions images --out soft --soft") == 0
    assert np.asarray(Image.open("soft/a.png"))[25, 30, 3] > 0
    assert line(f"stitch predictions --out stitched --probabilities {RULES}") == 0
    for name, rules in (("stitched", ""), ("predictions", RULES)):
        assert line(f"cutout {name} images --out of-{name} --soft {rules}") == 0
        assert np.array_equal(np.asarray(Image.open(f"of-{name}/a.png"))[:, :, 3] > 0, cleaned() == 1)


@given(height=sizes, width=sizes, seed=st.integers(0, 9999), neighbours=st.sampled_from([4, 8]))
def test_outlines_are_counted_as_scipy_finds_them(height: int, width: int, seed: int, neighbours: int) -> None:
    mask = noise(height, width, 3, seed)
    near = {4: None, 8: EIGHT}
    number = 0
    for class_id in (1, 2):
        number += ndimage.label(mask == class_id, near[neighbours])[1]
        # around all of it is one region more
        number += ndimage.label(np.pad(mask != class_id, 1, constant_values=True), near[12 - neighbours])[1] - 1
    assert count_outlines(mask, neighbours) == number


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (
            np.eye(40, dtype=np.uint8)[::2],
            r"a\.jpg: 20 objects and holes, of which 9 can be looked through; --least-pixels 2 leaves 0",
        ),
        (1 - np.kron(np.eye(6, dtype=np.uint8), np.ones((3, 3), np.uint8))[:, 1:], None),
        ((np.indices((20, 20)) % 4 != 1).any(axis=0).astype(np.uint8), r"--least-pixels 2 --fill-holes 2 leaves 1, or"),
        (noise(50, 50, 2, 0), r"or --most-objects \d+ takes all"),
    ],
)
def test_too_many_are_refused_with_what_to_pass(mask: Mask, said: str | None) -> None:
    if said is None:
        require_few(mask, 9, "a.jpg")
        return
    with pytest.raises(SagesegError, match=said):
        require_few(mask, 9, "a.jpg")


def test_large_images_may_have_more() -> None:
    specks = np.zeros((2, 40_000), np.uint8)
    specks[0, ::2] = 1
    with pytest.raises(SagesegError, match="20,000 objects and holes, of which 10,000"):
        require_few(specks, None, "a.jpg")
    require_few(np.pad(specks, ((0, 600), (0, 0))), None, "a.jpg")


@pytest.mark.parametrize("verb", ["labelme", "coco", "cvat", "labelstudio"])
def test_exports_of_objects_refuse_too_many(line: Line, verb: str) -> None:
    verb = f"{verb} predictions --out out"
    assert line(f"{verb} --most-objects 2") == 1
    assert "a.jpg: 3 objects and holes, of which 2 can be looked through; --least-pixels 5 leaves 2, or" in line.err
    assert not (line.folder / "out").exists()
    assert line(f"{verb} --most-objects 2 --least-pixels 5") == 0
    assert line(f"{verb} --most-objects 3 --overwrite") == 0
