"""Areas of classes, images and objects, alone and beside the truth, as analysis areas writes them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.areas.areas import measure_areas
from analysis.options import Cleaning
from formats.masks import Mask, encode_mask
from formats.predictions import Predictions
from tests.support.area_samples import MASKS, THREE, mask, predicted, run_areas
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.tables import table_of
from tests.support.typed_commands import typed


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    return predicted(tmp_path)


def test_areas_of_images_objects_and_all(predictions: Predictions, tmp_path: Path) -> None:
    code, out, err = run_areas(tmp_path, "predictions --scale 0.5mm/px --out areas")
    assert code == 0, err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["unit"], told["scales"], told["images"], told["pixels"]) == ("mm²", ["0.5mm/px"], 3, 3 * 1200)
    car = told["classes"]["car"]
    assert (car["pixels"], car["area"], car["images_with"]) == (50, 12.5, 2)
    assert car["share"] == pytest.approx(50 / 3600)
    assert [car["objects"][key] for key in ("count", "cut", "smallest", "median", "largest")] == [3, 1, 1, 1.5, 10]
    assert [car["per_image"][key] for key in ("count", "smallest", "largest")] == [3, 0, 11.5]
    assert [(each["from"], each["count"], each["sum"]) for each in car["objects"]["histogram"] if each["count"]] == [
        (1, 2, 2.5),
        (10, 1, 10),
    ]
    first = table_of(tmp_path / "areas/images.csv")[0]
    assert first == {
        "stem": "shoot1_a",
        "group": "shoot1",
        "split": "val",
        "class": "car",
        "pixels": "46",
        "share": "0.0383333333",
        "area": "11.5",
        "unit": "mm²",
        "objects": "2",
        "cut": "1",
        "largest_area": "10",
    }
    assert len(table_of(tmp_path / "areas/images.csv")) == 6
    objects = table_of(tmp_path / "areas/objects.csv")
    assert [(each["stem"], each["class"], each["number"], each["area"], each["cut"]) for each in objects] == [
        ("shoot1_a", "car", "1", "10", "0"),
        ("shoot1_a", "car", "2", "1.5", "1"),
        ("shoot1_a", "cone", "1", "2", "0"),
        ("shoot1_b", "car", "1", "1", "0"),
        ("shoot2_a", "cone", "1", "25", "0"),
    ]
    assert (objects[2]["x"], objects[2]["y"], objects[2]["width"], objects[2]["height"]) == ("20", "10", "4", "2")
    assert "3 images, areas in mm²" in out
    assert "12.5" in out


def test_crops_and_stitched_masks_have_the_same_areas(predictions: Predictions, tmp_path: Path) -> None:
    assert typed(["analysis", "stitch", "predictions", "--out", "stitched"], tmp_path).returncode == 0
    assert run_areas(tmp_path, "predictions --out crops")[0] == 0
    assert run_areas(tmp_path, "stitched --out whole")[0] == 0
    for name in ("areas.json", "images.csv", "objects.csv"):
        assert (tmp_path / "crops" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    measure_areas(predictions, tmp_path / "two", workers=2)
    assert (tmp_path / "two/objects.csv").read_bytes() == (tmp_path / "whole/objects.csv").read_bytes()


def test_only_what_was_predicted_counts(tmp_path: Path) -> None:
    drawn = mask("shoot1_a")
    dataset = make_dataset(
        tmp_path / "dataset", {"a": (np.zeros((30, 40, 3), np.uint8), drawn)}, crop=16, classes=THREE
    )
    make_predictions(tmp_path / "predictions", dataset, {"a": drawn})
    covered = np.zeros((30, 40), bool)
    for row in dataset.rows:
        if row.kept:
            covered[row.y : row.y + row.height, row.x : row.x + row.width] = True
    assert not covered.all()
    code, _, err = run_areas(tmp_path, "predictions --dataset dataset --out areas")
    assert code == 0, err
    assert "were not predicted and are not counted; sageseg jobs predict --images" in err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["pixels"], told["not_predicted"]) == (covered.sum(), (~covered).sum())
    first = table_of(tmp_path / "areas/images.csv")[0]
    assert float(first["share"]) == pytest.approx(46 / covered.sum())
    assert first["ratio"] == "1"


def test_true_areas_stand_beside_predicted_ones(predictions: Predictions, tmp_path: Path) -> None:
    seen = {stem: mask(stem) for stem in MASKS}
    seen["shoot1_a"][2:6, 10:12] = 0  # 8 pixels less
    seen["shoot1_a"][20:22, 0:3] = 0  # one object lost
    seen["shoot2_a"][25, 30] = 1  # one invented
    dataset = make_dataset(
        tmp_path / "true", {stem: (np.zeros((30, 40, 3), np.uint8), mask(stem)) for stem in MASKS}, classes=THREE
    )
    make_predictions(tmp_path / "seen", dataset, seen)
    code, out, err = run_areas(tmp_path, "seen --dataset true --scale 2mm/px --out areas")
    assert code == 0, err
    rows = [each for each in table_of(tmp_path / "areas/images.csv") if each["class"] == "car"]
    assert [each["true_pixels"] for each in rows] == ["46", "4", "0"]
    assert [each["difference"] for each in rows] == ["-56", "0", "4"]
    assert [each["ratio"] for each in rows] == ["0.695652174", "1", ""]
    assert [(each["true_objects"], each["found"]) for each in rows] == [("2", "1"), ("1", "1"), ("0", "0")]
    truth = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))["classes"]["car"]["truth"]
    correlated = truth.pop("correlation")
    assert correlated == pytest.approx(np.corrcoef([46, 4, 0], [32, 4, 1])[0, 1])
    assert truth == {
        "true": 200,
        "predicted": 148,
        "ratio": 0.74,
        "bias": pytest.approx(-52 / 3),
        "mean_absolute_error": pytest.approx(60 / 3),
        "true_objects": 3,
        "found": 2,
    }
    assert "against the truth" in out


def test_groups_of_plain_masks_are_found_in_their_names(tmp_path: Path) -> None:
    for name, side in (("red_1", 2), ("red_2", 3), ("blue_1", 4)):
        mask = np.zeros((8, 8), np.uint8)
        mask[:side, :side] = 1
        Path(tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    (tmp_path / "scales.csv").write_text("group,scale\nred,2 mm/pixel\nblue,1mm/px\n", encoding="utf-8")
    words = ["analysis", "areas", "masks", "--scales", "scales.csv", "--workers", "1"]
    for number, truth in enumerate(([], ["--truth", "masks"])):
        out = tmp_path / f"out{number}"
        ran = typed([*words, *truth, "--group-by", "^([a-z]+)_", "--out", str(out)], tmp_path)
        assert ran.returncode == 0, ran.stderr
        rows = list(csv.DictReader((out / "images.csv").read_text().splitlines()))
        assert {(row["group"], row["area"]) for row in rows} == {("red", "16"), ("red", "36"), ("blue", "16")}
    ran = typed([*words, "--out", "x"], tmp_path)
    assert "no scale for 3 groups: blue_1, red_1, red_2" in ran.stderr
    ran = typed([*words, "--dataset", "d", "--group-by", "(.)", "--out", "x"], tmp_path)
    assert ran.returncode == 1


def test_masks_are_cleaned_before_they_are_measured(predictions: Predictions, tmp_path: Path) -> None:
    told = measure_areas(predictions, tmp_path / "areas", cleaning=Cleaning(least_pixels=8), workers=1)
    assert told["classes"]["car"]["pixels"] == 40
    (cleaned,) = told["cleaned"]
    assert cleaned.items() >= {"least_pixels": 8, "largest": None, "fill_holes": None}.items()
    assert Counter(each["class"] for each in table_of(tmp_path / "areas/objects.csv")) == {"car": 1, "cone": 2}


def test_json_is_printed_alone(predictions: Predictions, tmp_path: Path) -> None:
    code, out, _ = run_areas(tmp_path, "predictions --out areas --json")
    assert (code, json.loads(out)) == (0, json.loads((tmp_path / "areas/areas.json").read_text("utf-8")))
    code, _, err = run_areas(tmp_path, "predictions --out areas")
    assert (code, "areas: exists already; choose another --out or add --overwrite" in err) == (1, True)


def test_a_list_names_the_images_that_are_measured(predictions: Predictions, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("shoot2_a\n")
    code, _, err = run_areas(tmp_path, "predictions --list list.txt --scale 1mm --out areas")
    assert (code, "note: 1 of 3 images, those of list.txt" in err) == (0, True)
    assert [each["stem"] for each in table_of(tmp_path / "areas/objects.csv")] == ["shoot2_a"]


def plain(folder: Path, masks: dict[str, Mask]) -> None:
    folder.mkdir()
    for stem, drawn in masks.items():
        (folder / f"{stem}.png").write_bytes(encode_mask(drawn))


def test_plain_folders_of_masks_and_of_truth_are_measured(tmp_path: Path) -> None:
    drawn = {stem: mask(stem) for stem in MASKS}
    plain(tmp_path / "truth", drawn)
    plain(tmp_path / "masks", {stem: np.where(each == 2, 0, each).astype(np.uint8) for stem, each in drawn.items()})
    for name in ("truth", "masks"):
        (tmp_path / name / "labels.txt").write_text("_background_\ncar\ncone\n")
    code, _, err = run_areas(tmp_path, "masks --scale 2mm --out areas")
    assert code == 0, err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))["classes"]
    assert (told["car"]["area"], told["cone"]["area"]) == (200, 0)
    code, _, err = run_areas(tmp_path, "masks --truth truth --scale 2mm --out beside")
    assert code == 0, err
    told = json.loads((tmp_path / "beside/areas.json").read_text("utf-8"))["classes"]
    assert [told[name]["truth"][key] for name in ("car", "cone") for key in ("true", "predicted")] == [200, 200, 432, 0]
    assert "expected one of them" in run_areas(tmp_path, "masks --truth truth --dataset truth --out x")[2]
    assert run_areas(tmp_path, "masks --out masks --overwrite")[0] == 1
    assert (tmp_path / "masks/shoot1_a.png").is_file()


def test_a_class_that_nobody_predicted_has_no_area(predictions: Predictions, tmp_path: Path) -> None:
    told = measure_areas(predictions, tmp_path / "areas", cleaning=Cleaning(least_pixels=1000), workers=1)
    car = told["classes"]["car"]
    assert (car["area"], car["images_with"], car["objects"]["count"], car["objects"]["histogram"]) == (0, 0, 0, [])
    assert car["objects"]["mean"] is None
