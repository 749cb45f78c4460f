"""Images of several folders that share their stems stay apart from labels to report."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.exports.image_folder import draw_folder
from analysis.exports.labelme import export_labelme
from analysis.exports.submission import read_submission, write_submission
from analysis.exports.tint import Tint
from analysis.masks.stitch import stitch
from analysis.report.report import report
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.masks import Mask, read_mask
from formats.predictions import Predictions, open_predictions
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from tests.support.dataset_samples import make_predictions
from tests.support.prep_samples import CLASSES, HEIGHT, WIDTH, make_source, square

NAMES = ("cam1_0", "cam1_1", "cam2_0", "cam2_1")


def sources(folder: Path) -> Source:
    """Two cameras with two frames each, numbered alike."""
    found = make_source(folder, {"cam1": 2, "cam2": 2})
    images = []
    for image in found.images:
        camera, number = image.image.stem.split("_")
        path = folder / camera / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        image.image.rename(path)
        images.append(replace(image, source=f"{camera}/{number}.jpg", image=path))
    return replace(found, images=tuple(images))


@pytest.fixture(params=[None, 64], ids=["whole", "crops"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    options = PrepOptions(crop=request.param, val=1, workers=1)
    write_dataset(sources(tmp_path / "images"), tmp_path / "dataset", options)
    return open_dataset(tmp_path / "dataset")


def truth() -> dict[str, Mask]:
    return {name: square(number) for number, name in enumerate(NAMES)}


@pytest.fixture
def predictions(dataset: Dataset, tmp_path: Path) -> Predictions:
    return make_predictions(tmp_path / "predictions", dataset, truth(), dropped_too=True)


def test_stitched_masks_are_those_of_their_images(dataset: Dataset, predictions: Predictions, tmp_path: Path) -> None:
    stitch(predictions, dataset, tmp_path / "stitched", workers=1)
    stitched = open_predictions(tmp_path / "stitched")
    assert sorted(row.id for row in stitched.rows) == list(NAMES)
    for name, mask in truth().items():
        assert np.array_equal(read_mask(stitched.mask_path(name)), mask)
    scores = report(stitched, dataset, tmp_path / "report", workers=1)
    assert scores["overall"]["iou"]["car"] == 1
    with (tmp_path / "report" / "images.csv").open(newline="") as file:
        assert {row["stem"] for row in csv.DictReader(file)} == set(NAMES)


def test_exports_say_which_image_is_meant(predictions: Predictions, tmp_path: Path) -> None:
    write_submission(predictions, tmp_path / "s.csv", workers=1)
    runs = dict(read_submission(tmp_path / "s.csv", (WIDTH, HEIGHT)))
    assert {name: mask.tolist() for name, mask in runs.items()} == {
        f"{name}.jpg": mask.tolist() for name, mask in truth().items()
    }
    for images in (None, tmp_path / "images"):
        out = tmp_path / f"labelme of {images is None}"
        export_labelme(predictions, out, images=images, workers=1)
        told = {path.stem: json.loads(path.read_text())["imagePath"] for path in out.glob("*.json")}
        assert {name: path[-10:] for name, path in told.items()} == {
            name: f"{name.replace('_', '/')}.jpg" for name in NAMES
        }


def test_no_image_is_taken_for_another_of_its_name(predictions: Predictions, tmp_path: Path) -> None:
    """A folder of one camera holds a file of each frame's name, and is not the folder that was predicted."""
    draw = Tint(CLASSES)
    draw_folder(predictions, tmp_path / "images", tmp_path / "out", draw, label="tint", workers=1)
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == list(NAMES)
    with pytest.raises(SagesegError, match=r"cam1/cam1/0\.jpg: not found; expected the folder of the images"):
        draw_folder(predictions, tmp_path / "images" / "cam1", tmp_path / "other", draw, label="tint", workers=1)
