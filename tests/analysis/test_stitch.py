"""Stitching from files: exact masks, honest counts, and errors that name the crop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.masks.stitch import Stitched, stitch
from analysis.options import How
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow, write_manifest
from formats.masks import Mask, read_mask, write_mask
from formats.predictions import Predictions, open_predictions, write_predictions_tables
from tests.support.dataset_samples import CAR, disc_image, make_dataset, make_predictions

IMAGES = {f"car{n}_0{n}": disc_image(150 + 10 * n, 101, seed=n) for n in range(3)}
TRUE_MASKS: dict[str, Mask] = {stem: mask for stem, (_, mask) in IMAGES.items()}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32, overlap=5)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    return make_predictions(tmp_path / "predictions", dataset, TRUE_MASKS)


def rewrite(predictions: Predictions, rows: list[ManifestRow]) -> Predictions:
    write_manifest(predictions.root / "manifest.csv", rows)
    return open_predictions(predictions.root)


def test_ground_truth_crops_give_back_the_masks(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    done = stitch(predictions, dataset, tmp_path / "out", workers=1)
    for stem, mask in TRUE_MASKS.items():
        assert np.array_equal(read_mask(tmp_path / "out" / "masks" / f"{stem}.png"), mask)
    kept, dropped = sum(row.kept for row in dataset.rows), sum(not row.kept for row in dataset.rows)
    assert dropped > 0
    assert done == Stitched(images=3, crops=kept, dropped_crops=dropped, uncovered_pixels=0, by=How.INNER)


def test_what_is_stitched_is_a_predictions_folder(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    done = stitch(predictions, dataset, tmp_path / "out", workers=2)
    whole = open_predictions(tmp_path / "out")
    assert whole.classes == CAR
    assert whole.info["job"] == "sample-job"
    assert whole.info["stitched"]["dropped_crops"] == done.dropped_crops
    row = whole.rows[1]
    assert (row.id, row.source, row.group, row.split) == ("car1_01", "car1_01.jpg", "car1", "val")
    assert (row.x, row.y, row.width, row.height, row.source_width, row.source_height) == (0, 0, 160, 101, 160, 101)
    assert row.attributes == {"angle": "01"}


def test_stitching_what_is_stitched_changes_nothing(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    first = stitch(predictions, dataset, tmp_path / "one", workers=1)
    second = stitch(open_predictions(tmp_path / "one"), dataset, tmp_path / "two", workers=1)
    assert second.dropped_crops == first.dropped_crops
    for stem in TRUE_MASKS:
        one, two = (tmp_path / name / "masks" / f"{stem}.png" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_without_a_dataset_the_predictions_know_the_places(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    everything = make_predictions(tmp_path / "all", dataset, TRUE_MASKS, dropped_too=True)
    done = stitch(everything, None, tmp_path / "out", workers=1)
    assert (done.dropped_crops, done.uncovered_pixels) == (0, 0)
    assert stitch(predictions, None, tmp_path / "partial", workers=1).uncovered_pixels > 0
    for out in ("out", "partial"):
        assert np.array_equal(read_mask(tmp_path / out / "masks" / "car0_00.png"), TRUE_MASKS["car0_00"])


def test_a_dropped_row_without_mask_is_background_without_a_dataset_too(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    done = stitch(rewrite(predictions, list(dataset.rows)), None, tmp_path / "out", workers=1)
    assert (done.dropped_crops, done.uncovered_pixels) == (sum(not row.kept for row in dataset.rows), 0)


def test_a_missing_file_is_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    path = predictions.mask_path(predictions.rows[3].id)
    path.unlink()
    with pytest.raises(SagesegError, match=rf"{path.name}: not found, .*\(1 of {len(predictions.rows)} masks"):
        stitch(predictions, dataset, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_all_missing_files_are_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    gone = [row.id for row in predictions.rows[1:4]]
    for name in gone:
        predictions.mask_path(name).unlink()
    with pytest.raises(SagesegError, match=rf"3 of {len(predictions.rows)} masks are missing: {', '.join(gone)}\)"):
        stitch(predictions, dataset, tmp_path / "out", workers=1)


def test_all_damaged_masks_are_told(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    one_each = {row.source: row.id for row in predictions.rows}
    for name in one_each.values():
        predictions.mask_path(name).write_bytes(b"no image")
    with pytest.raises(SagesegError) as caught:
        stitch(predictions, dataset, tmp_path / "out", workers=1)
    assert f"(1 of {len(one_each)} faults: " in str(caught.value)
    assert all(f"{name}.png" in str(caught.value) for name in one_each.values())


def test_all_sources_that_no_dataset_has_are_told(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    known = replace(dataset, rows=tuple(row for row in dataset.rows if row.source_stem == "car0_00"))
    others = {row.source_stem for row in predictions.rows} - {"car0_00"}
    with pytest.raises(SagesegError, match=rf"has no such crop .* \(1 of {len(others)} faults: "):
        stitch(predictions, known, tmp_path / "out", workers=1)


def test_a_kept_crop_that_was_not_predicted_is_named(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    gone = predictions.rows[3]
    fewer = rewrite(predictions, [row for row in predictions.rows if row != gone])
    with pytest.raises(SagesegError, match=f"{gone.id}: no prediction for this crop .1 missing of {gone.source}"):
        stitch(fewer, dataset, tmp_path / "out", workers=1)


def test_the_same_crop_twice_is_named(predictions: Predictions, tmp_path: Path) -> None:
    twin = replace(predictions.rows[0], id="twin")
    predictions.mask_path("twin").write_bytes(predictions.mask_path(predictions.rows[0].id).read_bytes())
    twice = rewrite(predictions, [*predictions.rows, twin])
    with pytest.raises(SagesegError, match=f"twin and {predictions.rows[0].id} are the same crop"):
        stitch(twice, None, tmp_path / "out", workers=1)


def test_a_crop_of_no_image_of_the_dataset_is_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    foreign = replace(predictions.rows[0], id="other_x0_y0", source="other.jpg")
    predictions.mask_path(foreign.id).write_bytes(predictions.mask_path(predictions.rows[0].id).read_bytes())
    more = rewrite(predictions, [*predictions.rows, foreign])
    with pytest.raises(SagesegError, match=r"other_x0_y0: predicted, but .*dataset has no such crop"):
        stitch(more, dataset, tmp_path / "out", workers=1)


def test_a_crop_of_another_grid_is_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    moved = rewrite(predictions, [replace(predictions.rows[0], x=1), *predictions.rows[1:]])
    with pytest.raises(SagesegError, match=f"{predictions.rows[0].id}: predicted, but .* at 1,"):
        stitch(moved, dataset, tmp_path / "out", workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mask_of_another_size_is_named(
    predictions: Predictions, dataset: Dataset, tmp_path: Path, workers: int
) -> None:
    path = predictions.mask_path(predictions.rows[3].id)
    write_mask(path, np.zeros((32, 31), np.uint8))
    with pytest.raises(SagesegError, match=rf"{path.name}: 31×32 pixels; expected 32×32"):
        stitch(predictions, dataset, tmp_path / "out", workers=workers)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.partial").exists()


def test_a_value_that_is_no_class_is_named(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    path = predictions.mask_path(predictions.rows[3].id)
    write_mask(path, np.full((32, 32), 2, np.uint8))
    with pytest.raises(SagesegError, match=rf"{path.name}: predicted value 2 is no class; expected 0 to 1"):
        stitch(predictions, dataset, tmp_path / "out", workers=1)


@pytest.mark.parametrize(("mode", "shape", "dtype"), [("RGB", (32, 32, 3), np.uint8), ("I;16", (32, 32), np.uint16)])
def test_colours_and_16_bit_are_refused(
    predictions: Predictions, tmp_path: Path, mode: str, shape: tuple[int, ...], dtype: type
) -> None:
    path = predictions.mask_path(predictions.rows[3].id)
    Image.fromarray(np.zeros(shape, dtype)).save(path)
    with pytest.raises(SagesegError, match=rf"{path.name}: mode {mode}; expected a mask of mode P"):
        stitch(predictions, None, tmp_path / "out", workers=1)


def test_two_sources_of_one_stem_are_refused(tmp_path: Path) -> None:
    rows = [
        ManifestRow(f"{folder}-a", "val", "g", f"{folder}/a.jpg", 0, 0, 4, 3, 4, 3) for folder in ("north", "south")
    ]
    (tmp_path / "masks").mkdir()
    for row in rows:
        write_mask(tmp_path / "masks" / f"{row.id}.png", np.zeros((3, 4), np.uint8))
    write_predictions_tables(tmp_path, rows, CAR, {})
    with pytest.raises(SagesegError, match=r"north/a\.jpg and south/a\.jpg are both called a"):
        stitch(open_predictions(tmp_path), None, tmp_path / "out", workers=1)


def test_a_full_image_of_another_size_than_the_dataset_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    rows = [ManifestRow("car0_00", "val", "g", "car0_00.jpg", 0, 0, 75, 50, 75, 50)]
    (tmp_path / "p" / "masks").mkdir(parents=True)
    write_mask(tmp_path / "p" / "masks" / "car0_00.png", np.zeros((50, 75), np.uint8))
    write_predictions_tables(tmp_path / "p", rows, CAR, {})
    with pytest.raises(SagesegError, match="car0_00: predicted at 75×50, but the dataset's image is 150×101"):
        stitch(open_predictions(tmp_path / "p"), dataset, tmp_path / "out", workers=1)


def test_no_predictions_and_other_classes_are_refused(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(SagesegError, match="no predictions"):
        stitch(replace(predictions, rows=()), dataset, tmp_path / "out")
    other = replace(predictions, classes=ClassTable(("_background_", "road")))
    with pytest.raises(SagesegError, match=r"labels\.txt: classes _background_, road; expected .* _background_, car"):
        stitch(other, dataset, tmp_path / "out")


def test_an_existing_output_is_kept_unless_told(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious").touch()
    with pytest.raises(SagesegError, match="exists already"):
        stitch(predictions, dataset, out, workers=1)
    assert (out / "precious").exists()
    stitch(predictions, dataset, out, overwrite=True, workers=1)
    assert json.loads((out / "predictions.json").read_text())["stitched"]["images"] == 3
    assert not (out / "precious").exists()
