"""Several predictions made into one: the rules by hand, and predictions that do not fit together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.masks.combine import combine, majority, mean_probabilities
from analysis.options import Rule
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.manifest import write_manifest
from formats.masks import Mask, read_mask
from formats.predictions import Predictions, open_predictions, read_probabilities, write_predictions_tables
from tests.support.dataset_samples import CAR, disc_image, make_dataset, make_predictions, write_shares

MASK = disc_image(40, 30)[1]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", {"a_01": disc_image(40, 30)}, crop=16)


def predicted(tmp_path: Path, dataset: Dataset, name: str, mask: Mask, share: float = 0.0) -> Predictions:
    made = make_predictions(tmp_path / name, dataset, {"a_01": mask})
    if share:
        write_shares(made, share)
    return made


def test_majority_and_its_ties_by_hand() -> None:
    first = np.array([[1, 1, 2, 0, 1]], np.uint8)
    second = np.array([[1, 2, 1, 0, 2]], np.uint8)
    third = np.array([[0, 2, 0, 1, 2]], np.uint8)
    assert majority([first, second, third]).tolist() == [[1, 2, 2, 0, 2]]
    assert majority([first, second]).tolist() == first.tolist()
    fourth = np.array([[0, 0, 1, 1, 1]], np.uint8)
    # two against two: the class that the first named among them voted for
    assert majority([first, second, third, fourth]).tolist() == [[1, 2, 1, 0, 1]]


def test_mean_of_probabilities_by_hand() -> None:
    one, two = (np.array([[[a]], [[1 - a]]], np.float16) for a in (0.75, 0.5))
    assert mean_probabilities([one, two, two]).ravel().tolist() == pytest.approx([7 / 12, 5 / 12], abs=1e-6)


def test_majority_of_three_folders(tmp_path: Path, dataset: Dataset) -> None:
    nothing = np.zeros_like(MASK)
    parts = [predicted(tmp_path, dataset, name, mask) for name, mask in (("a", MASK), ("b", nothing), ("c", MASK))]
    assert combine(parts, tmp_path / "out", by=Rule.MAJORITY, workers=1) == len(parts[0].rows)
    out = open_predictions(tmp_path / "out")
    assert out.classes == CAR
    assert out.info["combined"] == {"by": "majority", "predictions": [{"job": "sample-job"}] * 3}
    for row in out.rows:
        assert np.array_equal(read_mask(out.mask_path(row.id)), read_mask(parts[0].mask_path(row.id)))


def test_mean_weighs_the_surer_model_more(tmp_path: Path, dataset: Dataset) -> None:
    sure = predicted(tmp_path, dataset, "sure", MASK, 0.9)
    unsure = predicted(tmp_path, dataset, "unsure", np.zeros_like(MASK), 0.6)
    combine([unsure, sure], tmp_path / "out", workers=1)
    out = open_predictions(tmp_path / "out")
    for row in out.rows:
        assert np.array_equal(read_mask(out.mask_path(row.id)), read_mask(sure.mask_path(row.id)))
        shares = read_probabilities(out.probabilities_path(row.id))
        assert set(np.round(shares[1].astype(float), 2).ravel()) <= {0.25, 0.65}


def test_what_does_not_fit_together_is_named(tmp_path: Path, dataset: Dataset) -> None:
    one, two = predicted(tmp_path, dataset, "one", MASK), predicted(tmp_path, dataset, "two", MASK)

    def refuse(message: str, *parts: Predictions, by: Rule = Rule.MAJORITY) -> None:
        with pytest.raises(SagesegError, match=message):
            combine(parts, tmp_path / "out", by=by, workers=1)
        assert not (tmp_path / "out").exists()

    refuse("name two or more", one)
    refuse(r"one.probabilities.*npz: not found .*--probabilities, or combine --by majority", one, two, by=Rule.MEAN)
    gone = two.rows[2]
    write_manifest(two.root / "manifest.csv", [row for row in two.rows if row != gone])
    refuse(f"{gone.id}: .* do not both have this crop", one, open_predictions(two.root))
    write_predictions_tables(two.root, two.rows, ClassTable(("_background_", "tree")), {})
    refuse(r"two.labels\.txt: classes differ", one, open_predictions(two.root))
    (two.root / "labels.txt").unlink()
    refuse(r"two.labels\.txt: not found", open_predictions(two.root), one)


def test_a_missing_mask_is_named(tmp_path: Path, dataset: Dataset) -> None:
    one, two = predicted(tmp_path, dataset, "one", MASK), predicted(tmp_path, dataset, "two", MASK)
    path = two.mask_path(two.rows[1].id)
    path.unlink()
    with pytest.raises(SagesegError, match=rf"{path.name}: not found .1 of {len(two.rows)} are missing"):
        combine([one, two], tmp_path / "out", by=Rule.MAJORITY, workers=1)
