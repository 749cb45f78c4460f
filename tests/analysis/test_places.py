"""Where predictions fail, against plain formulas: by place in the frame, distance to crops' edges, size, attribute."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.masks.pairs import pair
from analysis.masks.pieces import divide, spread
from analysis.masks.sources import Source, plan_sources
from analysis.options import Scale, ScoringOptions
from analysis.report.plots.edge_words import crop_edge_words
from analysis.report.report import report
from analysis.scoring.patterns.areas_agreement import areas_agreement
from analysis.scoring.patterns.crop_edges import DISTANCES, count_edges, edge_bins, rim
from analysis.scoring.patterns.found_by_size import half_found_from, wilson
from analysis.scoring.patterns.places import Frame, PlacesCollected, count_places, frame_of, kinds
from formats.classes import IGNORE, ClassTable
from formats.crops import crop_grid
from formats.dataset import open_dataset
from formats.manifest import write_manifest
from formats.masks import Mask
from formats.predictions import open_predictions
from formats.texts.natural_order import natural_key
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.tables import table_of


def masks(seed: int, size: tuple[int, int], num_classes: int, noise: float) -> tuple[Mask, Mask]:
    """A true mask with ignored pixels, and a prediction, of patches and of single pixels."""
    rng = np.random.default_rng(seed)
    width, height = size
    truth = np.repeat(rng.integers(0, num_classes, (height, 1)), width, axis=1).astype(np.uint8)
    truth[:, width // 2 :] = rng.integers(0, num_classes)
    prediction = truth.copy()
    wrong = rng.random(truth.shape) < noise
    prediction[wrong] = rng.integers(0, num_classes, int(wrong.sum()))
    truth[rng.random(truth.shape) < noise / 2] = IGNORE
    return truth, prediction


SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), SIZES, st.integers(2, 5), st.sampled_from([0.0, 0.05, 1.0]), SIZES)
def test_cells_hold_what_a_loop_over_pixels_finds(
    seed: int, size: tuple[int, int], num_classes: int, noise: float, cells: tuple[int, int]
) -> None:
    truth, prediction = masks(seed, size, num_classes, noise)
    frame = Frame(*cells, aspect=1.0)
    found = count_places(pair(truth, prediction, num_classes), size, num_classes, frame)
    expected = np.zeros((kinds(num_classes), frame.rows, frame.columns), np.int64)
    for y, x in np.ndindex(truth.shape):
        true, predicted = int(truth[y, x]), int(prediction[y, x])
        kind = None
        if true == IGNORE:
            kind = 0
        elif predicted and predicted != true:
            kind = predicted
        elif true and not predicted:
            kind = num_classes - 1 + true
        if kind is not None:
            expected[kind, y * frame.rows // size[1], x * frame.columns // size[0]] += 1
    dense = np.zeros(expected.size, np.int64)
    dense[found.cells] = found.pixels
    np.testing.assert_array_equal(dense.reshape(expected.shape), expected)


def test_many_images_add_up_and_each_cell_knows_its_worst() -> None:
    frame, places = Frame(2, 1, aspect=2.0), [2, 0, 1]
    collected = PlacesCollected(frame, 3)
    for wrong in (1, 3, 2):  # so many columns of the left cell are wrong, of class 1 but for one of class 2
        truth, prediction = np.zeros((2, 5, 10), np.uint8)
        prediction[:, :wrong] = 1
        prediction[0, 0] = 2
        truth[4, 9] = 2  # missed
        truth[0, 9] = IGNORE
        collected.add(count_places(pair(truth, prediction, 3), (10, 5), 3, frame))
    totals = collected.totals(np.array(places))
    np.testing.assert_array_equal(totals.judged, [[75, 72]])
    np.testing.assert_array_equal(totals.wrong, [[[27, 0]], [[3, 0]]])
    np.testing.assert_array_equal(totals.missed, [[[0, 0]], [[0, 3]]])
    assert totals.images[0, 0, 0, 0, :4].tolist() == [0, 1, 2, -1], "all foreground, most errors first"
    assert totals.images[0, 1, 0, 0, :3].tolist() == [0, 1, 2]
    assert sorted(totals.images[0, 2, 0, 0, :3].tolist()) == [0, 1, 2], "class 2, all alike"
    assert totals.images[1, 1, 0, 1].max() == -1, "nothing of class 1 is missed"
    assert sorted(totals.images[1, 2, 0, 1, :3].tolist()) == [0, 1, 2]


def test_of_many_images_a_cell_keeps_the_worst_alone() -> None:
    frame = Frame(1, 1, aspect=1.0)
    collected = PlacesCollected(frame, 2)
    order = np.random.default_rng(0).permutation(60)
    for pixels in order:
        prediction = (np.arange(100) < pixels).astype(np.uint8).reshape(10, 10)
        collected.add(count_places(pair(np.zeros((10, 10), np.uint8), prediction, 2), (10, 10), 2, frame))
    totals = collected.totals(order)  # an image's place is the number of its wrong pixels
    assert totals.images[0, 0, 0, 0].tolist() == list(range(59, 35, -1))


@pytest.mark.parametrize(
    ("sizes", "frame"),
    [
        ([(1918, 1280)], (48, 32)),
        ([(100, 400), (200, 800), (300, 300)], (12, 48)),
        ([(9, 3), (6, 2)], (9, 3)),
        ([(5000, 10)], (48, 1)),
    ],
)
def test_cells_are_square_on_the_median_shape(sizes: list[tuple[int, int]], frame: tuple[int, int]) -> None:
    found = frame_of(sizes)
    assert (found.columns, found.rows) == frame


def test_images_of_another_shape_are_told() -> None:
    frame = frame_of([(40, 20)] * 3)
    collected = PlacesCollected(frame, 2)
    for size in ((40, 20), (80, 40), (81, 40), (20, 20)):
        empty = np.zeros(size[::-1], np.uint8)
        collected.add(count_places(pair(empty, empty, 2), size, 2, frame))
    assert collected.totals(np.arange(4)).reshaped == 1


# ---- crops' edges


def source_of(tmp_path: Path, width: int, height: int, crop: int | None, overlap: int, absent: int = 0) -> Source:
    images = {"a": disc_image(width, height)}
    dataset = make_dataset(tmp_path / "dataset", images, crop=crop, overlap=overlap, drop_empty=False)
    predictions = make_predictions(tmp_path / "predictions", dataset, {"a": images["a"][1]})
    (source,) = plan_sources(predictions, dataset)
    return replace(source, predicted=source.predicted[absent:])


@pytest.mark.parametrize(("crop", "overlap", "absent"), [(32, 0, 0), (32, 12, 0), (40, 6, 1), (150, 20, 2)])
def test_errors_by_distance_are_those_of_a_loop(tmp_path: Path, crop: int, overlap: int, absent: int) -> None:
    width, height = 201, 173
    source = source_of(tmp_path, width, height, crop, overlap, absent)
    truth, prediction = masks(3, (width, height), 3, 0.2)
    expected = np.zeros((2, len(DISTANCES)), np.int64)
    for piece in spread(source.predicted, width, height):
        box = piece.crop
        for y in range(piece.owned.top, piece.owned.top + piece.owned.height):
            for x in range(piece.owned.left, piece.owned.left + piece.owned.width):
                edges = [x - box.left] * (box.left > 0) + [y - box.top] * (box.top > 0)
                edges += [box.left + box.width - 1 - x] * (box.left + box.width < width)
                edges += [box.top + box.height - 1 - y] * (box.top + box.height < height)
                if edges and truth[y, x] != IGNORE:
                    at = max(i for i, least in enumerate(DISTANCES) if min(edges) >= least)
                    expected[:, at] += [1, truth[y, x] != prediction[y, x]]
    found = count_edges(pair(truth, prediction, 3), source, 3)
    assert found is not None
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("crop", [None, 300])
def test_an_image_in_one_crop_has_no_inner_edge(tmp_path: Path, crop: int | None) -> None:
    source = source_of(tmp_path, 60, 50, crop, 0)
    truth, prediction = masks(1, (60, 50), 2, 0.2)
    assert count_edges(pair(truth, prediction, 2), source, 2) is None


def test_an_overlap_keeps_pixels_from_edges() -> None:
    pieces = divide({str(box): box for box in crop_grid(200, 64, 64, 20)}, 200, 64)
    bins = edge_bins([(piece.crop, piece.owned) for piece in pieces], (200, 64))
    assert bins.min() == DISTANCES.index(8), "owned pixels lie 10 and more from the edge"


@pytest.mark.parametrize(
    ("pixels", "wrong", "expected"),
    [
        ([100] * 6, [10] * 6, 0),
        ([100] * 6, [40, 20, 1, 1, 1, 1], 8),
        ([0, 0, 100, 100, 100, 100], [0, 0, 50, 1, 1, 1], 16),
        ([100] * 6, [1, 1, 1, 1, 40, 1], 0),
        ([0, 0, 0, 0, 0, 100], [0] * 6, None),
        ([0] * 6, [0] * 6, None),
    ],
)
def test_the_rim_ends_where_errors_are_as_everywhere(pixels: list[int], wrong: list[int], expected: int | None) -> None:
    assert rim(np.array(pixels), np.array(wrong)) == expected


# ---- sizes and areas


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_shares_that_a_score_test_does_not_refuse(counted: tuple[int, int]) -> None:
    found, objects = counted
    low, high = wilson(found, objects) or (2, 2)
    assert 0 <= low <= found / objects <= high <= 1
    for share in (low, high):
        if 0 < share < 1:  # at its ends the test's statistic is the quantile
            z = abs(found / objects - share) / np.sqrt(share * (1 - share) / objects)
            assert z == pytest.approx(1.959964, rel=1e-5)


def test_wilson_of_nothing_is_nothing() -> None:
    assert wilson(0, 0) is None


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        ([(1, 10, 1), (10, 10, 5), (100, 4, 4)], 10),
        ([(1, 10, 9), (10, 10, 4), (100, 0, 0), (1000, 3, 2)], 1000),
        ([(1, 10, 10), (10, 0, 0)], 1),
        ([(1, 9, 9), (10, 9, 1)], None),
        ([(1, 0, 0)], None),
    ],
)
def test_half_are_found_from_the_last_bin_that_keeps_it(
    bins: Sequence[tuple[int, int, int]], expected: int | None
) -> None:
    assert half_found_from(bins) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=2, max_size=30))
def test_limits_of_agreement_are_the_mean_and_196_deviations(areas: list[tuple[int, int]]) -> None:
    found = areas_agreement(*np.array(areas, np.float64).reshape(-1, 2).T)
    differences = [predicted - true for true, predicted in areas if true or predicted]
    if len(differences) < 2:
        assert found is None or found.low is None
        return
    assert found is not None
    assert found.images == len(differences)
    assert found.bias == pytest.approx(np.mean(differences))
    assert found.high == pytest.approx(np.mean(differences) + 1.96 * np.std(differences, ddof=1))
    assert found.low == pytest.approx(np.mean(differences) - 1.96 * np.std(differences, ddof=1))


def test_names_are_in_the_order_of_their_numbers() -> None:
    assert sorted(["a10", "a9", "b1", "a"], key=natural_key) == ["a", "a9", "a10", "b1"]


# ---- a whole report

CLASSES = ClassTable(("_background_", "car", "tree"))
STEMS = [f"{group}_{number}" for group in "abc" for number in range(24)]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("patterns")
    images, predicted = {}, {}
    for number, stem in enumerate(STEMS):
        image, mask = disc_image(48, 36, seed=number)
        mask[2:6, 2 : 4 + number % 9] = 2
        images[stem] = image, mask
        predicted[stem] = np.roll(mask, number % 4, axis=1)
    dataset = make_dataset(root / "dataset", images, crop=24, classes=CLASSES, drop_empty=False)
    rows = []
    for row in dataset.rows:
        number = STEMS.index(row.source_stem)
        time = f"2024-05-{1 + number // 24:02d}T{number % 24:02d}:00"
        told = {"angle": str(number % 12 + 1), "make": "ZX"[number % 2], "time": time, "name": row.source_stem}
        rows.append(replace(row, attributes={**told, "one": "same"}))
    write_manifest(dataset.root / "manifest.csv", rows)
    predictions = make_predictions(root / "predictions", dataset, predicted)
    scoring = ScoringOptions(scale=Scale(0.5, "m"), draws=50)
    report(predictions, open_dataset(dataset.root), root / "out", overlays=0, workers=1, scoring=scoring)
    return root / "out"


@pytest.fixture(scope="module")
def scores(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "scores.json").read_text())
    return content


def test_places_of_a_report_add_up_to_its_errors(out: Path, scores: dict[str, Any]) -> None:
    places, confusion = scores["places"], np.array(scores["confusion"])
    assert sum(places["judged"]) == confusion.sum()
    assert sum(places["missed"]) == confusion[1:, 0].sum()
    assert sum(places["false_positives"]) == scores["false_positives"]["pixels"]
    rows = table_of(out / "errors_by_place.csv")
    for class_id, name in enumerate(CLASSES.names[1:], start=1):
        own = [row for row in rows if row["class"] == name]
        wrong = confusion[:, class_id].sum() - confusion[class_id, class_id]
        assert sum(int(row["false_positive_pixels"]) for row in own) == wrong
        assert sum(int(row["missed_pixels"]) for row in own) == confusion[class_id, 0]


def test_edges_of_a_report_are_told_and_words_say_what_mends_them(out: Path, scores: dict[str, Any]) -> None:
    edges = scores["crop_edges"]
    wrong = np.array(scores["confusion"]).sum() - np.trace(scores["confusion"])
    assert edges["images"] == len(STEMS)
    assert sum(each["errors"] for each in edges["bins"]) == wrong, "every crop has an inner edge"
    assert [int(row["errors"]) for row in table_of(out / "crop_edges.csv")] == [
        each["errors"] for each in edges["bins"]
    ]
    assert "--overlap 16 " in crop_edge_words({**edges, "rim_pixels": 8})
    assert "no more near the edges" in crop_edge_words({**edges, "rim_pixels": 0})
    assert crop_edge_words(None) == ""


def test_attributes_are_in_their_natural_order(scores: dict[str, Any]) -> None:
    told = scores["attribute_scores"]
    assert list(told) == ["angle", "make", "time"], "one value tells nothing, and 72 texts are names"
    assert [each["value"] for each in told["angle"]["points"]] == [str(number) for number in range(1, 13)]
    assert (told["angle"]["kind"], told["make"]["kind"], told["time"]["kind"]) == ("number", "text", "time")
    assert [each["value"] for each in told["make"]["points"]] == ["X", "Z"]
    time = told["time"]
    assert time["binned"]
    assert sum(each["images"] for each in time["points"]) == len(STEMS)
    assert time["points"][0]["value"].startswith("2024-05-01T00:00 to ")
    assert all(each["to"] < following["from"] for each, following in pairwise(time["points"]))


def test_an_attributes_scores_are_those_of_its_table(scores: dict[str, Any]) -> None:
    for name in ("angle", "make"):
        for point in scores["attribute_scores"][name]["points"]:
            row = scores["attributes"][name][point["value"]]
            assert point["iou"] == pytest.approx(row["mean_iou_foreground"], abs=1e-12)
            assert point["images"] == row["images"]
            low, high = point["interval"]
            assert low <= point["iou"] <= high
            assert point["groups"] == 3


def test_areas_agree_in_the_users_unit(out: Path, scores: dict[str, Any]) -> None:
    rows = [row for row in table_of(out / "areas.csv") if row["class"] == "tree"]
    differences = [float(row["predicted_area"]) - float(row["true_area"]) for row in rows]
    assert scores["areas_agreement"]["unit"] == "m"
    assert scores["areas_agreement"]["classes"]["tree"]["bias"] == pytest.approx(np.mean(differences))


def test_the_page_knows_where_its_plots_lead(out: Path, scores: dict[str, Any]) -> None:
    page = Page((out / "index.html").read_text())
    plots, stems = page.data["plots"], page.data["columns"]["stem"]
    every, car, tree = plots["places"]["maps"]
    assert (every["class"], car["class"], tree["class"]) == (None, "car", "tree")
    assert sum(every["missed"]["pixels"]) == sum(scores["places"]["missed"])
    worst = max(range(len(every["wrong"]["cells"])), key=lambda index: every["wrong"]["pixels"][index])
    listed = every["wrong"]["images"][worst]
    assert 0 < len(listed) <= plots["places"]["listed"] == 24
    assert len(set(listed)) == len(listed)
    assert not any(stems[place].endswith("_0") for place in listed), "what is predicted right is wrong nowhere"
    assert [name for name in page.data["found"] if name.startswith("bin.")] == ["bin.time"]
    bins = page.data["found"]["bin.time"]
    points = plots["attributes"]["time"]["points"]
    assert [bins.count(number) for number in range(len(points))] == [point["images"] for point in points]


def test_many_maps_list_fewer_images(out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("analysis.report.plots.plots_data._MOST_IMAGES", 500)
    dataset = open_dataset(out.parent / "dataset")
    report(open_predictions(out.parent / "predictions"), dataset, tmp_path / "out", overlays=0, workers=1)
    places = Page((tmp_path / "out" / "index.html").read_text()).data["plots"]["places"]
    sides = [each[side]["images"] for each in places["maps"] for side in ("wrong", "missed")]
    assert sum(len(images) for cells in sides for images in cells) <= 500
    assert places["listed"] < 24
