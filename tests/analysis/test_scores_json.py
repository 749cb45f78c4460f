"""scores.json and the tables beside it: that they agree with a plain computation and with the docs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.options import Scale, ScoringOptions, parse_scale
from analysis.report.report import report
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.tables import table_of

DOCS = Path(__file__).parents[2] / "docs" / "scores-json.md"
CLASSES = ClassTable(("_background_", "car", "tree"))
SCALE = Scale(0.5, "m")


def scene(seed: int) -> tuple[np.ndarray, Mask]:
    image, mask = disc_image(90, 70, seed=seed)
    mask[60:68, 5:15] = 2
    return image, mask


IMAGES = {stem: scene(n) for n, stem in enumerate(("a_01", "a_02", "b_01"))}
IMAGES["c_02"] = (IMAGES["a_01"][0], np.zeros((70, 90), np.uint8))
PREDICTED = {stem: mask.copy() for stem, (_, mask) in IMAGES.items()}
PREDICTED["a_01"][2:6, 80:88] = 1  # an object of its own
PREDICTED["a_02"][60:68, 5:15] = 1  # a tree taken for a car
PREDICTED["b_01"][60:68, 5:15] = 0  # a tree missed
PREDICTED["c_02"][30:33, 40:45] = 2  # something on an empty image


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scores")
    dataset = make_dataset(root / "dataset", IMAGES, crop=32, classes=CLASSES)
    predictions = make_predictions(root / "predictions", dataset, PREDICTED, dropped_too=True)
    write_shares(predictions, 0.98)
    report(predictions, dataset, root / "out", workers=1, scoring=ScoringOptions(scale=SCALE, draws=200))
    return root / "out"


@pytest.fixture(scope="module")
def scores(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "scores.json").read_text())
    return content


def test_the_docs_name_every_key(scores: dict[str, Any]) -> None:
    told = set(re.findall(r"`([a-z_]+)`", DOCS.read_text()))
    inside = {*scores, *scores["false_positives"], *scores["intervals"], *scores["areas"], *scores["boundary"]}
    assert inside - told == set()
    listed = re.findall(r"[a-z_]+", DOCS.read_text())
    deeper: tuple[Any, ...] = (
        scores["false_positives"]["largest"][0],
        scores["class_pairs"][0],
        scores["true_sizes"][0],
    )
    deeper += (scores["thresholds"]["car"], scores["kitti"]["car"], scores["suspects"][0])
    deeper += (scores["areas"]["classes"]["car"], scores["false_positives"]["on_empty_images"])
    for each in deeper:
        assert set(each) <= set(listed), each


def test_false_positives_as_objects(scores: dict[str, Any]) -> None:
    wrong = scores["false_positives"]
    assert (wrong["count"], wrong["pixels"]) == (3, 32 + 80 + 15)
    assert (wrong["per_image"], wrong["images_with"]) == (3 / 4, 3)
    assert wrong["per_megapixel"] == pytest.approx(3 / (4 * 90 * 70 / 1e6))
    assert wrong["classes"] == {"car": {"count": 2, "pixels": 112}, "tree": {"count": 1, "pixels": 15}}
    assert wrong["on_empty_images"] == {"images": 1, "count": 1, "pixels": 15}
    assert wrong["kinds"]["object"]["count"] == 3
    first = wrong["largest"][0]
    assert (first["stem"], first["class"], first["confused_with"], first["pixels"]) == ("a_02", "car", "tree", 80)
    assert (first["x"], first["y"], first["width"], first["height"], first["area"]) == (5, 60, 10, 8, 80 * 0.25)
    assert [size["count"] for size in wrong["sizes"]] == [0, 3, 0, 0, 0, 0]
    assert (wrong["sizes"][1]["from_pixels"], wrong["sizes"][1]["to_pixels"]) == (10, 99)
    alone = next(each for each in wrong["largest"] if each["stem"] == "c_02")
    assert (alone["distance"], alone["reach"], alone["kind"]) == (None, None, "object")


def test_missed_objects(scores: dict[str, Any]) -> None:
    missed = scores["missed"]
    assert [(each["stem"], each["class"], each["confused_with"]) for each in missed["largest"]] == [
        ("a_02", "tree", "car"),
        ("b_01", "tree", "_background_"),
    ]
    assert missed["on_empty_images"] == {"images": 0, "count": 0, "pixels": 0}


def test_tables_by_group_attribute_pair_and_size(scores: dict[str, Any]) -> None:
    assert list(scores["groups"]) == ["a", "b", "c"] or set(scores["groups"]) == {"a", "b", "c"}
    assert set(scores["attributes"]["angle"]) == {"01", "02"}
    assert scores["attributes"]["angle"]["01"]["images"] == 2
    truth = np.stack([IMAGES[stem][1] for stem in ("a_01", "b_01")])
    predicted = np.stack([PREDICTED[stem] for stem in ("a_01", "b_01")])
    car = ((truth == 1) & (predicted == 1)).sum() / ((truth == 1) | (predicted == 1)).sum()
    assert scores["attributes"]["angle"]["01"]["iou"]["car"] == pytest.approx(car)
    assert scores["class_pairs"][0]["pixels"] == 80
    pairs = {(each["truth"], each["prediction"]): each["share_of_truth"] for each in scores["class_pairs"]}
    assert pairs["tree", "car"] == pytest.approx(80 / 240)
    assert pairs["tree", "_background_"] == pytest.approx(80 / 240)
    assert ("car", "car") not in pairs
    trees = scores["true_sizes"][1]
    assert (trees["objects"], trees["found"], trees["recall"]) == (3, 1, pytest.approx(1 / 3))


def test_areas_in_pixels_shares_and_the_users_scale(scores: dict[str, Any], out: Path) -> None:
    tree = scores["areas"]["classes"]["tree"]
    assert (tree["true_pixels"], tree["predicted_pixels"]) == (240, 80 + 15)
    assert tree["true_share"] == pytest.approx(240 / (4 * 90 * 70))
    assert (tree["true_area"], tree["predicted_area"]) == (60, 95 / 4)
    assert (tree["true_components"], tree["predicted_components"]) == (3, 2)
    assert (scores["areas"]["unit"], scores["areas"]["unit_per_pixel"]) == ("m", 0.5)
    rows = {(row["stem"], row["class"]): row for row in table_of(out / "areas.csv")}
    assert len(rows) == 4 * 3
    assert rows["b_01", "tree"]["true_pixels"] == "80"
    assert (rows["b_01", "tree"]["predicted_pixels"], rows["b_01", "tree"]["true_area"]) == ("0", "20")
    assert rows["b_01", "_background_"]["true_components"] == ""


def test_objects_csv_lists_them_all(out: Path) -> None:
    rows = table_of(out / "objects.csv")
    kinds = [row["what"] for row in rows]
    assert (kinds.count("true"), kinds.count("predicted")) == (6, 7)
    assert (kinds.count("false_positive"), kinds.count("missed")) == (3, 2)
    found = next(row for row in rows if row["what"] == "true" and row["stem"] == "b_01" and row["class"] == "tree")
    assert (found["agreed"], found["pixels"], found["x"], found["y"]) == ("0", "80", "5", "60")


def test_probabilities_are_scored(scores: dict[str, Any]) -> None:
    curve = scores["thresholds"]["car"]
    assert all(len(curve[key]) == 256 for key in ("threshold", "precision", "recall", "iou", "dice"))
    assert curve["iou"][128] == pytest.approx(scores["overall"]["iou"]["car"])
    assert curve["recall"][0] == 1
    wrong = 1 - scores["overall"]["pixel_accuracy"]
    right, other = float(np.float16(0.98)), float(np.float16(0.01))
    assert scores["log_loss"] == pytest.approx(-(1 - wrong) * np.log(right) - wrong * np.log(other))
    assert scores["kitti"]["tree"]["max_f"] == pytest.approx(scores["overall"]["dice"]["tree"])
    assert [(each["stem"], each["pixels"]) for each in scores["suspects"]] == [
        *(("a_02", 80), ("b_01", 80), ("a_01", 32), ("c_02", 15))
    ]
    assert 0.9 < scores["suspects"][0]["suspicion"] < 1


def test_intervals_hold_the_scores(scores: dict[str, Any]) -> None:
    intervals = scores["intervals"]
    assert (intervals["groups"], intervals["draws"], intervals["level"], intervals["note"]) == (3, 200, 0.95, None)
    for kind in ("overall", "per_image_mean"):
        assert set(intervals[kind]) == set(scores[kind])
        low, high = intervals[kind]["iou"]["car"]
        assert low <= scores[kind]["iou"]["car"] <= high
        assert intervals[kind]["boundary_iou"]["_background_"] is None


def test_one_group_has_no_intervals_and_says_so(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "d", {"a_01": IMAGES["a_01"]}, classes=CLASSES)
    predictions = make_predictions(tmp_path / "p", dataset, {"a_01": PREDICTED["a_01"]})
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    assert scores["intervals"]["overall"] is None
    assert "one group" in scores["intervals"]["note"]
    assert scores["attributes"] == {}


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("0.0012m/px", Scale(0.0012, "m")),
        ("0.5 mm", Scale(0.5, "mm")),
        ("1e-3 m / px", Scale(0.001, "m")),
        ("2 µm/px", Scale(2, "µm")),
    ],
)
def test_scales_that_are_understood(text: str, scale: Scale) -> None:
    assert parse_scale(text) == scale


@pytest.mark.parametrize("text", ["", "m", "0m", "-1m", "1.2.3m", "1", "1 m/s"])
def test_scales_that_are_not(text: str) -> None:
    with pytest.raises(SagesegError, match=r"expected the side of a pixel with its unit"):
        parse_scale(text)
