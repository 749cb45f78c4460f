"""Every number of scores.json and of the tables beside it, recomputed plainly from the masks."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.options import ScoringOptions
from analysis.report.report import report
from formats.classes import ClassTable
from formats.dataset import open_dataset
from formats.manifest import write_manifest
from formats.masks import write_mask
from formats.predictions import write_probabilities
from formats.texts.wording import format_score
from tests.support import plain_scores as plain
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.plain_scores import Image
from tests.support.tables import table_of

CROP = 8
NAMES = ("_background_", "car", "tree", "pole")
OPTIONS = ScoringOptions(draws=6, seed=3, halo=2, tolerance=1, boundary_share=0.1)


@dataclass(frozen=True)
class Case:
    """Images with their whole truth, of which some crops are not predicted, and some were dropped with their
    objects, so that only the source's own mask tells their truth."""

    images: tuple[Image, ...]
    not_predicted: frozenset[tuple[str, int, int]]
    dropped: frozenset[tuple[str, int, int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shown = draw(st.integers(1, len(NAMES)))  # classes from here on occur nowhere
    with_probabilities, dropping = draw(st.booleans()), draw(st.booleans())
    images = []
    not_predicted, dropped, kept = (set[tuple[str, int, int]]() for _ in range(3))
    for number in range(draw(st.integers(1, 3))):
        height, width = (CROP * draw(st.integers(1, 3)) for _ in range(2))
        truth = patches(rng, height, width, shown if draw(st.booleans()) else 1)
        prediction = np.where(rng.random(truth.shape) < draw(st.sampled_from([0.6, 0.9, 1.0])), truth, 0)
        other = patches(rng, height, width, shown)
        prediction = np.where(rng.random() < 0.7, np.maximum(prediction, other), prediction).astype(np.uint8)
        truth[patches(rng, height, width, 2) > 0] = 255 if draw(st.booleans()) else 0
        stem, group = f"{'ab'[number % 2]}_{number}", draw(st.sampled_from("xy"))
        shares = None
        if with_probabilities:
            blocks = rng.dirichlet(np.full(len(NAMES), 0.2), (height // 4, width // 4))
            shares = blocks.repeat(4, axis=0).repeat(4, axis=1).transpose(2, 0, 1).astype(np.float16)
            prediction = shares.argmax(axis=0).astype(np.uint8)
        images.append(Image(stem, group, {"angle": stem.rpartition("_")[2]}, truth, prediction, shares))
        if dropping:
            places = [(stem, x, y) for y in range(0, height, CROP) for x in range(0, width, CROP)]
            for place in places[1:]:
                fate = rng.random()
                (not_predicted if fate < 0.3 else dropped if fate < 0.5 else kept).add(place)
    return Case(tuple(images), frozenset(not_predicted), frozenset(dropped))


def patches(rng: np.random.Generator, height: int, width: int, classes: int) -> Any:
    """A few rectangles of classes below `classes` on background."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(rng.integers(0, 5)):
        y, x = rng.integers(0, height), rng.integers(0, width)
        mask[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = rng.integers(0, classes)
    return mask


def make_report(case: Case, root: Path) -> dict[str, Any]:
    """The report of a case on disk; the crops that were not predicted have no file either."""
    colour = {image.stem: np.zeros((*image.truth.shape, 3), np.uint8) for image in case.images}
    pairs = {image.stem: (colour[image.stem], image.truth) for image in case.images}
    groups = {image.stem: image.group for image in case.images}
    classes = ClassTable(NAMES)
    made = make_dataset(root / "d", pairs, crop=CROP, classes=classes, groups=groups, drop_empty=False)
    rows, own = [], {stem for stem, _, _ in case.not_predicted | case.dropped}
    (root / "d" / "truth").mkdir()
    for image in case.images:
        write_mask(made.truth_path(image.stem), image.truth)
    for row in made.rows:
        place = (row.source_stem, row.x, row.y)
        told = "0" * 64 if row.source_stem in own else ""
        if place in case.not_predicted | case.dropped:
            made.mask_path(row.id).unlink()
            rows.append(replace(row, kept=False, truth_sha256=told))
        else:
            rows.append(replace(row, truth_sha256=told))
    write_manifest(root / "d" / "manifest.csv", rows)
    dataset = open_dataset(root / "d")
    masks = {image.stem: image.prediction for image in case.images}
    predictions = make_predictions(root / "p", dataset, masks, dropped_too=True)
    for row in dataset.rows:
        if (row.source_stem, row.x, row.y) in case.not_predicted:
            predictions.mask_path(row.id).unlink()
    shares = {image.stem: image.probabilities for image in case.images if image.probabilities is not None}
    if shares:
        (root / "p" / "probabilities").mkdir()
        for row in predictions.predicted():
            cut = shares[row.source_stem][:, row.y : row.y + CROP, row.x : row.x + CROP]
            write_probabilities(predictions.probabilities_path(row.id), cut)
    return report(predictions, dataset, root / "out", workers=1, overlays=1, scoring=OPTIONS)


def judged(case: Case) -> list[Image]:
    """The images as they are judged: ignore where nothing was predicted."""
    images = []
    for image in case.images:
        truth = image.truth.copy()
        for stem, x, y in case.not_predicted:
            if stem == image.stem:
                truth[y : y + CROP, x : x + CROP] = 255
        images.append(replace(image, truth=truth))
    return images


def expected(images: Sequence[Image]) -> dict[str, Any]:
    """All blocks of scores.json but `largest`, `suspects`, `judged`, `job` and `colors`."""
    how = (NAMES, OPTIONS.boundary_share, OPTIONS.tolerance)
    rows = plain.scores_of_each(images, *how)
    by_group: dict[str, list[Image]] = {}
    by_angle: dict[str, list[Image]] = {}
    for image in images:
        by_group.setdefault(image.group, []).append(image)
        by_angle.setdefault(image.attributes["angle"], []).append(image)
    drawn = plain.intervals(images, *how, OPTIONS.draws, OPTIONS.seed)
    probable = images[0].probabilities is not None
    return {
        "classes": list(NAMES),
        "images": len(images),
        "confusion": plain.confusion(images, len(NAMES)),
        "overall": plain.scores(images, *how),
        "per_image_mean": plain.mean_rows(rows),
        "groups": {name: {"images": len(each), **plain.scores(each, *how)} for name, each in by_group.items()},
        "attributes": {"angle": {name: {"images": len(e), **plain.scores(e, *how)} for name, e in by_angle.items()}}
        if len(by_angle) > 1
        else {},
        "boundary": {"dilation_share": 0.1, "dilation_pixels": None, "tolerance_pixels": 1},
        "intervals": {
            "groups": len(by_group),
            "draws": OPTIONS.draws,
            "seed": OPTIONS.seed,
            "level": 0.95,
            "note": None if drawn else "one group: nothing to draw anew, so no intervals",
            **(drawn or {"overall": None, "per_image_mean": None}),
        },
        "areas": plain.areas(images, NAMES),
        "false_positives": plain.wrong(images, NAMES, OPTIONS.halo, missed=False),
        "missed": plain.wrong(images, NAMES, OPTIONS.halo, missed=True),
        "class_pairs": plain.class_pairs(images, NAMES),
        "true_sizes": plain.true_sizes(images, len(NAMES)),
        "thresholds": {n: plain.thresholds(images, c)["curve"] for c, n in enumerate(NAMES) if c} if probable else None,
        "kitti": {n: plain.thresholds(images, c)["kitti"] for c, n in enumerate(NAMES) if c} if probable else None,
        "log_loss": plain.log_loss(images) if probable else None,
    }


def assert_alike(ours: Any, theirs: Any, where: str) -> None:
    """The same values at the same places, floats to a millionth; what is best may be so at several thresholds."""
    if isinstance(theirs, Mapping):
        assert isinstance(ours, Mapping), where
        assert set(ours) == set(theirs), where
        for key, value in theirs.items():
            best = ours[key]["value"] if key in ("best_dice", "best_iou") else ours[key]
            assert_alike(-1.0 if best is None and key.startswith("best") else best, value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{where}[{place}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, abs=2e-6), where
    else:
        assert ours == theirs, where


OF_PLOTS = ("places", "crop_edges", "areas_agreement", "attribute_scores", "half_found_from_pixels")
"""Computed plainly in test_places.py and its neighbours."""


@settings(max_examples=16)
@given(case=cases())
def test_every_number_is_that_of_a_plain_computation(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scores = make_report(case, Path(folder))
        out = Path(folder) / "out"
        rows, areas = (table_of(out / name) for name in ("images.csv", "areas.csv"))
        page = Page((out / "index.html").read_text(encoding="utf-8"))
    images = judged(case)
    wrong_objects = {side: scores[side].pop("largest") for side in ("false_positives", "missed")}
    suspects, judged_block = scores.pop("suspects"), scores.pop("judged")
    told = {key: value for key, value in scores.items() if key not in ("job", "colors", "made", *OF_PLOTS)}
    assert_alike(told, plain.undefined_as_none(expected(images)), "scores")
    check_judged(case, judged_block)
    check_table(images, rows, told)
    check_areas(images, areas)
    check_page(page, rows, told)
    for side, listed in wrong_objects.items():
        check_wrong_objects(images, listed, missed=side == "missed")
    if images[0].probabilities is None:
        assert suspects is None
    else:
        found = [(each["stem"], each["suspicion"], each["pixels"]) for each in suspects]
        assert found == [(stem, pytest.approx(share), pixels) for stem, share, pixels in plain.suspects(images)]


def check_judged(case: Case, told: Mapping[str, Any]) -> None:
    every = sum(image.truth.size for image in case.images)
    pixels = plain.judged_pixels(judged(case))
    wanted = plain.judged_pixels(case.images)
    assert (told["pixels"], told["not_predicted"], told["of"]) == (pixels, wanted - pixels, wanted)
    assert wanted <= every
    assert told["share"] == (told["pixels"] / told["of"] if told["of"] else None)
    assert told["images_not_predicted"] == 0


def check_table(images: Sequence[Image], rows: Sequence[Mapping[str, str]], told: Mapping[str, Any]) -> None:
    """images.csv is what each image scores, and per_image_mean the mean of its columns."""
    plainly = plain.scores_of_each(images, NAMES, OPTIONS.boundary_share, OPTIONS.tolerance)
    by_stem = {image.stem: (image, scores) for image, scores in zip(images, plainly, strict=True)}
    for row in rows:
        image, scores = by_stem[row["stem"]]
        for key, value in scores.items():
            for column, number in columns(key, value):
                assert cell(row[column]) == pytest.approx(number, abs=1e-6, nan_ok=True), (row["stem"], column)
        found = [
            [r for c in range(1, len(NAMES)) for r in plain.wrong_regions(image, c, OPTIONS.halo, missed=missed)]
            for missed in (False, True)
        ]
        assert [int(row["false_positive_objects"]), int(row["missed_objects"])] == list(map(len, found))
        valid = image.truth != 255
        wrong = (image.prediction > 0) & (image.prediction != image.truth) & valid
        lost = (image.truth > 0) & (image.prediction == 0) & valid
        assert [int(row["false_positive_pixels"]), int(row["missed_pixels"])] == [wrong.sum(), lost.sum()]
        assert int(row["judged_pixels"]) == valid.sum()
    for key, value in told["per_image_mean"].items():
        for column, number in columns(key, value):
            average = plain.mean(cell(row[column]) for row in rows)
            assert average == pytest.approx(math.nan if number is None else number, abs=1e-6, nan_ok=True), column


def check_areas(images: Sequence[Image], rows: Sequence[Mapping[str, str]]) -> None:
    by_stem = {image.stem: plain.areas([image], NAMES)["classes"] for image in images}
    assert len(rows) == len(images) * len(NAMES)
    for row in rows:
        for key, number in by_stem[row["stem"]][row["class"]].items():
            expected_number = math.nan if number is None else number
            assert cell(row[key]) == pytest.approx(expected_number, abs=1e-6, nan_ok=True), (row["stem"], key)


def check_page(page: Page, rows: Sequence[Mapping[str, str]], told: Mapping[str, Any]) -> None:
    """The page tells of each image and of their mean what the tables do."""
    columns = page.data["columns"]
    for stem, iou, dice_told, row in zip(columns["stem"], columns["iou"], columns["dice"], rows, strict=True):
        assert stem == row["stem"]
        dice = plain.mean(cell(row[f"dice_{name}"]) for name in NAMES[1:])
        for ours, number in ((iou, cell(row["mean_iou_foreground"])), (dice_told, dice)):
            assert (math.nan if ours is None else ours) == pytest.approx(number, abs=2e-6, nan_ok=True)
    mean = told["per_image_mean"]["mean_iou_foreground"]
    if mean is not None:
        assert f"Mean over images {format_score(mean)}." in page.words
    for name in NAMES:
        assert format_score(told["per_image_mean"]["iou"][name]) in page.words


def columns(key: str, value: Any) -> list[tuple[str, Any]]:
    return [(f"{key}_{name}", each) for name, each in value.items()] if isinstance(value, dict) else [(key, value)]


def cell(text: str) -> float:
    return float(text) if text else math.nan


def check_wrong_objects(images: Sequence[Image], listed: Sequence[Mapping[str, Any]], *, missed: bool) -> None:
    """The largest of each image, each as it is; of equally large ones any."""
    by_image = {
        image.stem: [
            r for c in range(1, len(NAMES)) for r in plain.wrong_regions(image, c, OPTIONS.halo, missed=missed)
        ]
        for image in images
    }
    largest = [sorted((r.pixels for r in found), reverse=True)[:10] for found in by_image.values()]
    assert [each["pixels"] for each in listed] == sorted((p for each in largest for p in each), reverse=True)[:100]
    for each in listed:
        box = (each["x"], each["y"], each["width"], each["height"])
        # regions that interlock may have one box
        alike = [r for r in by_image[each["stem"]] if (NAMES[r.class_id], r.box) == (each["class"], box)]
        assert any(told_alike(each, region) for region in alike), each


def told_alike(each: Mapping[str, Any], region: plain.Region) -> bool:
    distances = [None if math.isinf(d) else pytest.approx(d, abs=0.006) for d in (region.distance, region.reach)]
    same = (each["pixels"], each["kind"], each["area"]) == (region.pixels, region.kind, None)
    confused = NAMES.index(each["confused_with"]) == min(region.confused_with)
    right = each["agreed"] == pytest.approx(region.agreed, abs=1e-6)
    return bool(same and confused and right and [each["distance"], each["reach"]] == distances)
