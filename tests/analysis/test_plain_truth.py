"""Folders of masks as other programs write them, as the truth beside predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.masks.reading import read_truth
from analysis.masks.sources import plan_sources
from analysis.plain.opening import open_predictions
from analysis.plain.truth import TruthFolder, open_with_truth
from formats.classes import write_labels
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import Predictions
from tests.support.dataset_samples import CAR, make_dataset
from tests.support.plain_masks import (
    SAMPLES,
    THREE,
    ids,
    make_dataset_of_three,
    masks,
    read_back,
    same,
    white,
    white_first,
    white_rgba,
    with_value,
    write_all,
)
from tests.support.typed_commands import typed


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", SAMPLES)


@pytest.fixture
def dataset_of_three(tmp_path: Path) -> Dataset:
    return make_dataset_of_three(tmp_path)


def truth_of(predictions: Predictions, dataset: Dataset) -> dict[str, Mask]:
    return {
        source.stem: read_truth(dataset.root, source, len(dataset.classes))
        for source in plan_sources(predictions, dataset)
    }


@pytest.mark.parametrize(
    ("draw_truth", "draw"), [(ids, ids), (white, ids), (ids, white), (white_first, white), (ids, white_rgba)]
)
def test_a_folder_of_truth_is_enough(
    tmp_path: Path, draw_truth: Callable[[Mask], Image.Image], draw: Callable[[Mask], Image.Image]
) -> None:
    truth = write_all(tmp_path / "truth", "{}.png", draw_truth)
    opened, dataset = open_with_truth(write_all(tmp_path / "out", "{}_pred.png", draw), TruthFolder(truth), workers=1)
    assert dataset.classes.names == ("_background_", "class_1")
    assert same(read_back(opened, dataset), masks())
    assert same(truth_of(opened, dataset), masks())


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize(
    ("true", "predicted", "image"),
    [
        ("{}_mask.png", "{}.png", "{}.png"),
        ("gt_{}.png", "{}_pred.png", "{}.png"),
        ("masks/{}_gtFine_labelIds.png", "{}.png", "{}_leftimg8bit.png"),
    ],
)
def test_images_are_called_alike_with_and_without_their_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], true: str, predicted: str, image: str, shown: bool
) -> None:
    truth = write_all(tmp_path / "truth", true, ids)
    images = write_all(tmp_path / "images", image, ids) if shown else None
    opened, dataset = open_with_truth(
        write_all(tmp_path / "out", predicted, ids), TruthFolder(truth, images=images), workers=1
    )
    names = {row.source_stem for row in dataset.rows}
    assert names == set(truth_of(opened, dataset))
    assert names == {image.format(name).removesuffix(".png") for name in SAMPLES} if shown else set(SAMPLES)
    assert ("in the report, and so on" in capsys.readouterr().err) != shown


def test_masks_that_would_be_called_alike_keep_their_names(tmp_path: Path) -> None:
    for folder, name in (
        ("truth", "{}_mask.png"),
        ("truth", "{}_gt.png"),
        ("out", "{}_mask.png"),
        ("out", "{}_gt.png"),
    ):
        write_all(tmp_path / folder, name, ids)
    _, dataset = open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)
    assert {row.id for row in dataset.rows} == {f"{name}_{end}" for name in SAMPLES for end in ("mask", "gt")}


def test_values_that_nobody_named_are_classes_on_both_sides_alike(tmp_path: Path) -> None:
    def spread(mask: Mask) -> Image.Image:
        return Image.fromarray(np.array([0, 7, 26], np.uint8)[mask])

    def ignored(mask: Mask) -> Image.Image:
        return with_value(255)(np.asarray(spread(mask)))

    truth, root = write_all(tmp_path / "truth", "{}.png", ignored, 3), write_all(tmp_path / "o", "{}.png", spread, 3)
    opened, dataset = open_with_truth(root, TruthFolder(truth), workers=1)
    assert dataset.classes.names == ("_background_", "class_7", "class_26")
    assert same(read_back(opened, dataset), masks(3))
    known = truth_of(opened, dataset)["a_01"]
    assert known[0, 0] == 255
    assert np.array_equal(known[1:], masks(3)["a_01"][1:])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("_background_\ncar\n", ("_background_", "car")),
        ("background\r\ncar\r\n", ("_background_", "car")),
        ("\ufeffcar\n", ("_background_", "car")),
        ("__ignore__\n_background_\ncar\n", ("_background_", "car")),
    ],
)
def test_a_list_names_the_classes(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    truth, root = write_all(tmp_path / "truth", "{}.png", ids), write_all(tmp_path / "o", "{}.png", ids)
    labels = tmp_path / "names.txt"
    labels.write_text(text, encoding="utf-8")
    _, dataset = open_with_truth(root, TruthFolder(truth, labels=labels), workers=1)
    assert dataset.classes.names == names


def test_truth_without_a_prediction_is_named_and_partial_leaves_it_out(tmp_path: Path) -> None:
    truth, root = write_all(tmp_path / "truth", "{}.png", ids), write_all(tmp_path / "out", "{}.png", ids)
    (root / "b_01.png").unlink()
    with pytest.raises(SagesegError, match="true masks without a prediction in .*, 1 in all: b_01; .* --partial"):
        open_with_truth(root, TruthFolder(truth), workers=1)
    opened, dataset = open_with_truth(root, TruthFolder(truth, partial=True), workers=1)
    assert sorted(read_back(opened, dataset)) == ["a_01", "a_02"]


def test_written_predictions_take_a_folder_of_truth_too(tmp_path: Path) -> None:
    root = write_all(tmp_path / "plain", "{}.png", ids)
    write_labels(root / "labels.txt", CAR)
    assert typed(["analysis", "stitch", str(root), "--out", "out"], tmp_path).returncode == 0
    truth = write_all(tmp_path / "truth", "{}_gt.png", white)
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)
    assert dataset.classes == CAR
    assert same(truth_of(opened, dataset), masks())


def test_stitched_masks_that_nobody_named_are_called_as_their_truth(
    tmp_path: Path, dataset_of_three: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(tmp_path / "plain", "{}.png", ids, 3)
    assert typed(["analysis", "stitch", "plain", "--out", "out"], tmp_path).returncode == 0
    assert open_predictions(tmp_path / "out", dataset=dataset_of_three).classes == THREE
    assert "its classes, which had numbers, are car, road in this order" in capsys.readouterr().err
    truth = write_all(tmp_path / "truth", "{}.png", ids, 3)
    write_labels(truth / "labels.txt", THREE)
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)
    assert opened.classes == dataset.classes == THREE
    write_labels(truth / "labels.txt", CAR)  # fewer: no number is sure
    with pytest.raises(SagesegError, match="value 2 is no class; expected 0 to 1"):
        open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)


def test_crops_beside_a_folder_of_truth_are_to_be_stitched(tmp_path: Path) -> None:
    cropped = make_dataset(tmp_path / "cropped", SAMPLES, crop=20)
    truth = write_all(tmp_path / "truth", "{}.png", ids)
    with pytest.raises(SagesegError, match="sageseg analysis stitch .*cropped --out STITCHED"):
        open_with_truth(cropped.root, TruthFolder(truth))


def test_plain_crops_beside_a_folder_of_truth_need_their_dataset(tmp_path: Path) -> None:
    write_all(tmp_path / "out", "{}_x0_y16.png", ids)
    write_all(tmp_path / "truth", "{}.png", ids)
    with pytest.raises(SagesegError, match="masks of crops need --dataset"):
        open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)
