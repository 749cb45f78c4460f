"""Areas of classes, images and objects, in the user's units, alone and beside the truth."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from analysis.areas.areas import measure_areas
from analysis.areas.distribution import distribution, histogram
from analysis.areas.measuring import compare, find_objects
from analysis.areas.scales import read_scales, settle_scales
from analysis.areas.totals import correlation
from analysis.masks.sources import plan_sources
from analysis.options import Cleaning, Scale, parse_scale
from formats.classes import ClassTable
from formats.crops import Box
from formats.errors import SagesegError
from formats.masks import Mask, encode_mask
from formats.predictions import Predictions
from formats.prepared.georeference import Georeference, Raster, Tile
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.geo_samples import PIXEL, UTM
from tests.support.typed_commands import typed

EIGHT = np.ones((3, 3), int)
THREE = ClassTable(("_background_", "car", "cone"))
sizes = st.integers(1, 24)


def noise(height: int, width: int, values: int, seed: int) -> Mask:
    return np.random.default_rng(seed).integers(0, values, (height, width)).astype(np.uint8)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@given(height=sizes, width=sizes, seed=st.integers(0, 9999))
def test_objects_are_scipys_and_together_the_class(height: int, width: int, seed: int) -> None:
    mask = noise(height, width, 4, seed)
    mask[mask == 3] = 255
    found = find_objects(mask)
    assert set(found) == {1, 2} & set(mask.ravel().tolist())
    for class_id, objects in found.items():
        labels, number = ndimage.label(mask == class_id, EIGHT)
        assert sorted(objects.pixels.tolist()) == sorted(np.bincount(labels.ravel())[1:].tolist())
        assert objects.pixels.sum() == np.count_nonzero(mask == class_id)
        assert objects.pixels.tolist() == sorted(objects.pixels.tolist(), reverse=True)
        cut = {int(label) for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]) for label in side} - {0}
        assert objects.cut.sum() == len(cut)
        places = [(s[1].start, s[0].start) for s in ndimage.find_objects(labels)]
        assert sorted(map(tuple, objects.boxes[:, :2].tolist())) == sorted(places)
        assert len(objects.boxes) == number


def test_of_equal_objects_the_first_in_reading_order_is_number_one() -> None:
    mask = np.zeros((6, 9), np.uint8)
    mask[3, 1] = mask[2, 7] = mask[4, 4] = 1
    assert find_objects(mask)[1].boxes[:, :2].tolist() == [[7, 2], [1, 3], [4, 4]]


def test_what_touches_what_was_not_predicted_is_cut() -> None:
    mask = np.zeros((12, 12), np.uint8)
    mask[4:6, 2:4] = mask[1, 2] = mask[5, 10] = 1
    objects = find_objects(mask, (Box(4, 6, 4, 4),))[1]
    assert dict(zip(objects_places(objects.boxes), objects.cut.tolist(), strict=True)) == {
        (2, 4): True,  # by a corner
        (2, 1): False,
        (10, 5): False,
    }


def objects_places(boxes: Any) -> list[tuple[int, int]]:
    return [(left, top) for left, top, _, _ in boxes.tolist()]


values = st.dictionaries(st.floats(0.01, 1e7), st.integers(1, 9), min_size=1, max_size=30)


@given(values=values)
def test_distributions_are_numpys(values: dict[float, int]) -> None:
    every = np.repeat(list(values), list(values.values()))
    told = distribution(values)
    assert (told["count"], told["smallest"], told["largest"]) == (len(every), every.min(), every.max())
    assert told["sum"] == pytest.approx(every.sum())
    assert told["mean"] == pytest.approx(every.mean())
    assert told["median"] == pytest.approx(np.median(every))
    for share, value in told["quantiles"].items():
        assert value == pytest.approx(np.quantile(every, float(share)))


@given(values=values)
def test_histograms_hold_each_value_once(values: dict[float, int]) -> None:
    bins = histogram(values)
    assert sum(each["count"] for each in bins) == sum(values.values())
    assert sum(each["sum"] for each in bins) == pytest.approx(sum(v * n for v, n in values.items()))
    assert bins[0]["count"] > 0 < bins[-1]["count"]
    for each in bins:
        assert each["count"] == sum(n for v, n in values.items() if each["from"] <= v < each["to"])
        assert f"{each['from']:e}"[0] in "125"
    assert all(low["to"] == high["from"] for low, high in pairwise(bins))


def test_of_nothing_there_is_no_mean() -> None:
    told = distribution({})
    assert (told["count"], told["sum"], told["mean"], told["median"], told["quantiles"]) == (0, 0, None, None, {})
    assert histogram({}) == []


@given(height=sizes, width=sizes, seed=st.integers(0, 9999))
def test_compared_pixels_are_counted_where_the_truth_is_known(height: int, width: int, seed: int) -> None:
    truth, prediction = noise(height, width, 4, seed), noise(height, width, 3, seed + 1)
    truth[truth == 3] = 255
    told = compare(truth, prediction, 3)
    for class_id in (1, 2):
        assert told[class_id].true == np.count_nonzero(truth == class_id)
        assert told[class_id].predicted == np.count_nonzero((prediction == class_id) & (truth != 255))
        assert told[class_id].true_objects == ndimage.label(truth == class_id, EIGHT)[1]
        assert told[class_id].found <= told[class_id].true_objects


@given(pairs=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=20))
def test_correlation_is_pearsons(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, float).T
    ours = correlation(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(np.corrcoef(one, other)[0, 1])


MASKS = {
    "shoot1_a": [(slice(2, 6), slice(2, 12), 1), (slice(20, 22), slice(0, 3), 1), (slice(10, 12), slice(20, 24), 2)],
    "shoot1_b": [(slice(2, 4), slice(2, 4), 1)],
    "shoot2_a": [(slice(10, 20), slice(10, 20), 2)],
}


def mask(stem: str) -> Mask:
    drawn = np.zeros((30, 40), np.uint8)
    for rows, columns, class_id in MASKS[stem]:
        drawn[rows, columns] = class_id
    return drawn


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    images = {stem: (np.zeros((30, 40, 3), np.uint8), mask(stem)) for stem in MASKS}
    dataset = make_dataset(tmp_path / "dataset", images, crop=16, classes=THREE)
    return make_predictions(tmp_path / "predictions", dataset, {stem: mask(stem) for stem in MASKS}, dropped_too=True)


def run(folder: Path, line: str) -> tuple[int, str, str]:
    ran = typed(["analysis", "areas", *line.split(), "--workers", "1"], folder)
    return ran.returncode, ran.stdout, ran.stderr


def test_areas_of_images_objects_and_all(predictions: Predictions, tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "predictions --scale 0.5mm/px --out areas")
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
    first = rows_of(tmp_path / "areas/images.csv")[0]
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
    assert len(rows_of(tmp_path / "areas/images.csv")) == 6
    objects = rows_of(tmp_path / "areas/objects.csv")
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
    assert run(tmp_path, "predictions --out crops")[0] == 0
    assert run(tmp_path, "stitched --out whole")[0] == 0
    for name in ("areas.json", "images.csv", "objects.csv"):
        assert (tmp_path / "crops" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    measure_areas(predictions, tmp_path / "two", workers=2)
    assert (tmp_path / "two/objects.csv").read_bytes() == (tmp_path / "whole/objects.csv").read_bytes()


def test_without_a_scale_areas_are_pixels_and_that_is_said(predictions: Predictions, tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "predictions --out areas")
    assert (code, "note: areas are in pixels; --scale 0.5mm/px" in err) == (0, True)
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["unit"], told["scales"], told["classes"]["cone"]["area"]) == ("px", [], 108)


@pytest.mark.parametrize("side", [0.5, 3.0])
def test_areas_grow_with_the_square_of_the_scale(predictions: Predictions, tmp_path: Path, side: float) -> None:
    plain = measure_areas(predictions, tmp_path / "plain", workers=1)["classes"]["cone"]
    scaled = measure_areas(predictions, tmp_path / "scaled", scale=Scale(side, "cm"), workers=1)["classes"]["cone"]
    for key in ("sum", "mean", "median", "largest"):
        assert scaled["objects"][key] == pytest.approx(plain["objects"][key] * side**2)


def test_a_scale_for_each_group(predictions: Predictions, tmp_path: Path) -> None:
    (tmp_path / "scales.csv").write_text("group,scale\nshoot1,1mm/px\nshoot2,0.2cm/px\nshoot9,1mm/px\n")
    code, _, err = run(tmp_path, "predictions --scales scales.csv --out areas")
    assert code == 0, err
    assert "note: scales are in mm and cm; areas are in mm²" in err
    assert "note: scales.csv: nothing was predicted of 1 groups, such as shoot9" in err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["unit"], told["scales"]) == ("mm²", ["1mm/px", "2mm/px"])
    assert told["classes"]["cone"]["area"] == 8 + 100 * 4


def test_a_scale_for_each_image(predictions: Predictions, tmp_path: Path) -> None:
    lines = "\ufeffImage;Scale\r\nshoot1_a.jpg;1 mm\r\nshoot1_b;2mm/px\r\nshoot2_a;1mm/px\r\n\r\n"
    (tmp_path / "scales.csv").write_text(lines, "utf-8", newline="")
    assert run(tmp_path, "predictions --scales scales.csv --out areas")[0] == 0
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert told["classes"]["car"]["area"] == 46 + 4 * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group,scale\nshoot1,1mm/px\n", r"no scale for 1 groups: shoot2; add a line for each"),
        ("image,scale\na,1mm\n", r"no scale for 3 images: shoot1_a\.jpg, shoot1_b\.jpg, shoot2_a\.jpg; add"),
        ("group,scale\na,1mm\nb,2mm\na,1mm\n", r"line 4: a stands in line 2 already; remove one"),
        ("group,scale\nshoot1,1mm\nshoot2,2furlong\n", r"furlong beside mm; expected one unit, or units of nm"),
        ("group,scale\nshoot1,wide\n", r"line 2: wide: expected the side of a pixel, such as 0\.5mm/px"),
        ("group,scale\nshoot1,0.5\n", r"line 2: 0\.5: expected the side of a pixel"),
        ("group,scale\nshoot1,-1mm\n", r"line 2: -1mm: expected the side of a pixel"),
        ("group;scale\nshoot1;x\nshoot2;1mm;1\n", r"line 2: x: expected .*faults: .*line 3: 3 cells"),
        ("group,scale\nshoot1\n", r"line 2: 1 cells; expected the columns group,scale or image,scale"),
        ("shoot1,1mm\n", r"line 1: shoot1,1mm; expected the columns"),
        ("", r"line 1: empty; expected the columns"),
    ],
)
def test_bad_files_of_scales_are_one_line(predictions: Predictions, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "scales.csv"
    file.write_text(text)
    with pytest.raises(SagesegError, match=r"scales\.csv: " + said):
        settle_scales(plan_sources(predictions, None), None, file, None)


def test_scales_that_cannot_be_read_are_one_line(predictions: Predictions, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"absent: not found; expected the columns group,scale"):
        read_scales(tmp_path / "absent")
    (tmp_path / "wide.csv").write_text("group,scale\n", "utf-16")
    with pytest.raises(SagesegError, match=r"wide\.csv: not UTF-8 text; expected the columns"):
        read_scales(tmp_path / "wide.csv")
    assert "expected one of them" in run(tmp_path, "predictions --scale 1mm --scales wide.csv --out areas")[2]


def placed(predictions: Predictions, **raster: Any) -> Georeference:
    """The images of predictions as the tiles of one raster."""
    tiles = tuple(Tile(f"{stem}.jpg", Box(40 * number, 0, 40, 30)) for number, stem in enumerate(MASKS))
    transform = (PIXEL, 0.0, 500000.0, 0.0, -PIXEL, 5540000.0)
    told = {"crs": UTM, "transform": transform, **raster}
    return Georeference((Raster("city.tif", 120, 30, bands=(1, 2, 3), tiles=tiles, **told),))


@pytest.mark.parametrize(
    ("raster", "unit", "side", "said"),
    [
        ({}, "m", 0.4, "note: areas in m², by the rasters' own pixels of 0.4 m"),
        ({"transform": (0.3, 0.4, 0.0, 0.4, -0.3, 0.0)}, "m", 0.5, "pixels of 0.5 m"),
        ({"crs": "EPSG:2263"}, "m", 0.4 * 0.3048006, "pixels of 0.12192"),  # New York's, in US feet
        ({"crs": "EPSG:4326"}, "px", 1, "note: the size of pixels on earth is not known: city.tif is in degrees"),
        ({"crs": "EPSG:3857"}, "px", 1, "city.tif is in Web Mercator, which stretches areas"),
        ({"crs": ""}, "px", 1, "city.tif has no coordinate reference system"),
    ],
)
def test_tiles_of_rasters_bring_their_scale(
    predictions: Predictions,
    capsys: pytest.CaptureFixture[str],
    raster: dict[str, Any],
    unit: str,
    side: float,
    said: str,
) -> None:
    scales = settle_scales(plan_sources(predictions, None), None, None, placed(predictions, **raster))
    assert scales.unit == unit
    assert [each.per_pixel for each in scales.by_stem.values()] == pytest.approx([side] * 3, rel=1e-6)
    assert said in capsys.readouterr().err


def test_a_scale_that_is_given_holds_for_rasters_too(predictions: Predictions) -> None:
    scales = settle_scales(plan_sources(predictions, None), Scale(2, "mm"), None, placed(predictions))
    assert scales.unit == "mm"


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
    code, _, err = run(tmp_path, "predictions --dataset dataset --out areas")
    assert code == 0, err
    assert "were not predicted and are not counted; sageseg jobs predict --images" in err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))
    assert (told["pixels"], told["not_predicted"]) == (covered.sum(), (~covered).sum())
    first = rows_of(tmp_path / "areas/images.csv")[0]
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
    code, out, err = run(tmp_path, "seen --dataset true --scale 2mm/px --out areas")
    assert code == 0, err
    rows = [each for each in rows_of(tmp_path / "areas/images.csv") if each["class"] == "car"]
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
    assert Counter(each["class"] for each in rows_of(tmp_path / "areas/objects.csv")) == {"car": 1, "cone": 2}


def test_json_is_printed_alone(predictions: Predictions, tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "predictions --out areas --json")
    assert (code, json.loads(out)) == (0, json.loads((tmp_path / "areas/areas.json").read_text("utf-8")))
    code, _, err = run(tmp_path, "predictions --out areas")
    assert (code, "areas: exists already; choose another --out or add --overwrite" in err) == (1, True)


def test_a_list_names_the_images_that_are_measured(predictions: Predictions, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("shoot2_a\n")
    code, _, err = run(tmp_path, "predictions --list list.txt --scale 1mm --out areas")
    assert (code, "note: 1 of 3 images, those of list.txt" in err) == (0, True)
    assert [each["stem"] for each in rows_of(tmp_path / "areas/objects.csv")] == ["shoot2_a"]


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
    code, _, err = run(tmp_path, "masks --scale 2mm --out areas")
    assert code == 0, err
    told = json.loads((tmp_path / "areas/areas.json").read_text("utf-8"))["classes"]
    assert (told["car"]["area"], told["cone"]["area"]) == (200, 0)
    code, _, err = run(tmp_path, "masks --truth truth --scale 2mm --out beside")
    assert code == 0, err
    told = json.loads((tmp_path / "beside/areas.json").read_text("utf-8"))["classes"]
    assert [told[name]["truth"][key] for name in ("car", "cone") for key in ("true", "predicted")] == [200, 200, 432, 0]
    assert "expected one of them" in run(tmp_path, "masks --truth truth --dataset truth --out x")[2]
    assert run(tmp_path, "masks --out masks --overwrite")[0] == 1
    assert (tmp_path / "masks/shoot1_a.png").is_file()


def test_a_class_that_nobody_predicted_has_no_area(predictions: Predictions, tmp_path: Path) -> None:
    told = measure_areas(predictions, tmp_path / "areas", cleaning=Cleaning(least_pixels=1000), workers=1)
    car = told["classes"]["car"]
    assert (car["area"], car["images_with"], car["objects"]["count"], car["objects"]["histogram"]) == (0, 0, 0, [])
    assert car["objects"]["mean"] is None


def test_units_as_people_write_them() -> None:
    assert parse_scale("0.5 µm / px") == Scale(0.5, "µm")
    assert math.isclose(parse_scale("1e-3m").per_pixel, 0.001)


@pytest.mark.parametrize("text", ["0.5", "mm", "0.5px/mm", "0mm", "1e400m", "1e-300m", "0,5mm", "-1mm", "0.5mm²"])
def test_scales_that_are_none_are_one_line(text: str) -> None:
    with pytest.raises(SagesegError, match="expected the side of a pixel with its unit, such as"):
        parse_scale(text)
