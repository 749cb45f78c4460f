"""New images are prepared as the training's were, and what predictions say does not depend on the way to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.masks.stitch import stitch
from analysis.options import ScoringOptions
from analysis.report.report import report
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask, read_mask
from formats.predictions import open_predictions, read_probabilities
from formats.prepared.preparation import Preparation
from formats.prepared.resize import Resize
from formats.prepared.value_range import parse_range
from jobs.contract.artefact import LABEL_MAP, write_hyperparameters
from jobs.prediction.options import AsTrained, PredictOptions, RouteOptions, parse_crop_choice, parse_resize_choice
from jobs.prediction.predict import predict
from jobs.prediction.prepared_alike import chosen_overlap, chosen_preparation
from jobs.tracking.records import JobRecord, format_record
from jobs.tracking.trained_model import find_model
from jobs.tracking.training_data import TrainingData, data_beside, data_of_artefact
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.bright_model import stand_in
from tests.support.prep_samples import HEIGHT, WIDTH, make_source
from tests.support.typed_commands import typed

SMALL, TALL = Preparation(Resize(64, 48), None), Preparation(Resize(120), 48)


def disc(number: int) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = (rows - 40 - 5 * number) ** 2 + (columns - 60 - 7 * number) ** 2 < (20 + 3 * number) ** 2
    return np.asarray(inside, np.uint8)


def bright_disc(number: int) -> Rgb:
    return np.repeat((30 + 190 * disc(number))[:, :, None], 3, axis=2).astype(np.uint8)


def make(tmp_path: Path, prepared: Preparation) -> tuple[Dataset, Path]:
    """A dataset of discs, prepared so, and a folder of its validation images as they were."""
    source = make_source(tmp_path / "source", {"a": 1, "b": 1, "c": 1, "d": 1}, image=bright_disc, mask=disc)
    options = PrepOptions(crop=prepared.crop, resize=prepared.resize, val=2, workers=1)
    write_dataset(source, tmp_path / "dataset", options)
    dataset, folder = open_dataset(tmp_path / "dataset"), tmp_path / "images"
    folder.mkdir()
    for name in {row.source for row in dataset.rows if row.split == "val"}:
        shutil.copy(tmp_path / "source" / name, folder / name)
    return dataset, folder


def ask(what: Path, out: Path, **options: Any) -> Path:
    predict("cars", [what], out, PredictOptions(**options), RouteOptions())
    return out


@pytest.mark.parametrize("prepared", [SMALL, TALL, Preparation(None, 32), Preparation(None, None)])
def test_a_folder_is_predicted_as_the_dataset_of_the_same_images(
    prepared: Preparation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, TrainingData(prepared))
    dataset, folder = make(tmp_path, prepared)
    by_dataset, by_folder = ask(dataset.root, tmp_path / "one"), ask(folder, tmp_path / "two", overlap=0)
    names = sorted(path.name for path in (by_dataset / "masks").iterdir())
    assert names == sorted(path.name for path in (by_folder / "masks").iterdir())
    wrong = [read_mask(by_dataset / "masks" / name) != read_mask(by_folder / "masks" / name) for name in names]
    assert sum(int(each.sum()) for each in wrong) <= 4 * len(names)  # JPEG's noise at edges
    told = json.loads((by_folder / "predictions.json").read_text())
    assert {name: told[name] for name in ("resize", "crop", "range", "overlap")} == {
        **prepared.to_strings(),
        "overlap": 0,
    }


def test_predictions_come_back_to_the_sources_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(SMALL))
    dataset, folder = make(tmp_path, SMALL)
    predictions = open_predictions(ask(folder, tmp_path / "p", probabilities=True))
    stitch(predictions, None, tmp_path / "stitched", workers=1)
    for row in open_predictions(tmp_path / "stitched").rows:
        mask = read_mask(tmp_path / "stitched/masks" / f"{row.id}.png")
        truth = read_mask(dataset.truth_path(row.id))
        assert mask.shape == truth.shape == (HEIGHT, WIDTH)
        assert (mask != truth).sum() < 0.01 * mask.size


def test_truth_is_the_sources_own_mask(tmp_path: Path) -> None:
    dataset, _ = make(tmp_path, SMALL)
    for row in dataset.rows:
        assert row.truth_sha256
        number = "abcd".index(row.id[0])
        assert np.array_equal(read_mask(dataset.truth_path(row.id)), disc(number))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, TALL),
        ({"resize": None}, Preparation(None, 48)),
        ({"resize": Resize(64, 48), "crop": None}, SMALL),
        ({"crop": 32}, Preparation(Resize(120), 32)),
    ],
)
def test_what_is_given_goes_before_the_trainings(options: dict[str, Any], expected: Preparation) -> None:
    assert chosen_preparation(TALL, PredictOptions(**options)) == expected


def test_where_nobody_tells_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch)
    _, folder = make(tmp_path, SMALL)
    (folder / "notes.txt").touch()
    ask(folder, tmp_path / "out")
    err = capsys.readouterr().err
    line = "images are predicted at their own size, in crops of 512: nothing tells how the images of cars were prepared"
    assert line in err
    assert "left out as no image: 1 .txt" in err


GIVEN: list[dict[str, Any]] = [
    {"resize": Resize(64)},
    {"resize": None},
    {"crop": 32},
    {"crop": None},
    {"range": parse_range("0:9")},
    {"range": None},
    {"overlap": 8},
]


@pytest.mark.parametrize("options", GIVEN)
def test_a_dataset_has_its_crops_already(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    dataset, _ = make(tmp_path, TALL)
    with pytest.raises(SagesegError, match=rf"--{next(iter(options))}: only for a folder of images; .* is a dataset"):
        ask(dataset.root, tmp_path / "out", **options)


def test_a_dataset_of_another_size_than_the_trainings_is_predicted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, TrainingData(SMALL))
    dataset, _ = make(tmp_path, TALL)
    ask(dataset.root, tmp_path / "out")
    assert "note: cars was trained on images resized to 64×48, whole; " in capsys.readouterr().err


def test_crops_share_an_eighth_of_their_side() -> None:
    assert [chosen_overlap(crop, None) for crop in (512, 48, 4, None)] == [64, 6, 0, 0]
    assert chosen_overlap(64, 16) == 16


def test_words_of_the_options() -> None:
    assert parse_resize_choice("trained") is parse_crop_choice("trained") is AsTrained.WORD
    assert (parse_resize_choice("none"), parse_crop_choice("none")) == (None, None)
    assert (parse_resize_choice("64x48"), parse_crop_choice("32")) == (Resize(64, 48), 32)


MAPS = {"validation": {"map": {"0": 1, "1": 0}}}


def test_the_artefact_of_the_open_implementation_tells(tmp_path: Path) -> None:
    write_hyperparameters(tmp_path, {"num_classes": "2", "_resize": "120", "_crop": "48", LABEL_MAP: json.dumps(MAPS)})
    told = json.loads((tmp_path / "hyperparams.json").read_text())
    assert data_of_artefact(told, "model.tar.gz") == TrainingData(TALL, MAPS)
    assert data_of_artefact({"num_classes": "2", "_kvstore": "device"}, "model.tar.gz") is None


def test_the_record_beside_an_artefact_tells(tmp_path: Path) -> None:
    record = JobRecord("cars", "local", "local", "", "", [], {}, preparation=SMALL.to_strings(), label_map=MAPS)
    artefact = tmp_path / "a b/cars/output/model.tar.gz"
    artefact.parent.mkdir(parents=True)
    artefact.touch()
    assert data_beside(artefact.as_uri(), "local") is None
    (tmp_path / "a b/cars/job.json").write_text(format_record(record))
    assert data_beside(find_model(str(artefact)).artefact_uri, "local") == TrainingData(SMALL, MAPS)


@pytest.mark.parametrize("prepared", [SMALL, Preparation(None, 48), Preparation(None, None)])
def test_one_answer_before_and_after_stitching(
    prepared: Preparation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, TrainingData(prepared))
    dataset, _ = make(tmp_path, prepared)
    predictions = open_predictions(ask(dataset.root, tmp_path / "p", probabilities=True))
    stitch(predictions, dataset, tmp_path / "stitched", probabilities=True, workers=1)
    stitched = open_predictions(tmp_path / "stitched")
    for row in stitched.rows:
        assert read_probabilities(stitched.probabilities_path(row.id)).shape == (2, HEIGHT, WIDTH)
    scoring = ScoringOptions(draws=20)
    one, two = (
        report(each, dataset, tmp_path / f"report-{each.root.name}", workers=1, scoring=scoring)
        for each in (predictions, stitched)
    )
    for each in (one, two):  # when it was made, and of which crops, which stitching ends
        del each["made"], each["crop_edges"]
    assert one == two
    for table in ("images.csv", "objects.csv"):
        tables = [(tmp_path / f"report-{name}" / table).read_text() for name in ("p", "stitched")]
        assert tables[0] == tables[1]


def test_what_stitching_drops_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(TALL))
    dataset, _ = make(tmp_path, TALL)
    predictions = ask(dataset.root, tmp_path / "p", probabilities=True)
    line = f"analysis stitch {predictions} --dataset {dataset.root} --workers 1 --out"
    assert "--probabilities keeps these" in typed([*line.split(), "masks"], tmp_path).stderr
    both = typed([*line.split(), "both", "--probabilities"], tmp_path)
    assert both.returncode == 0, both.stderr
    assert "keeps these" not in both.stderr
    with pytest.raises(SagesegError, match="no probabilities to keep; predict with --probabilities"):
        stitch(open_predictions(tmp_path / "masks"), None, tmp_path / "x", probabilities=True, workers=1)


def with_dropped(tmp_path: Path) -> Dataset:
    """A dataset whose validation images have crops without a file."""
    source = make_source(tmp_path / "source", {"a": 1, "b": 1, "c": 1, "d": 1}, image=bright_disc, mask=disc)
    write_dataset(source, tmp_path / "dropped", PrepOptions(crop=32, keep_empty_val=0, val=2, workers=1))
    return open_dataset(tmp_path / "dropped")


@pytest.mark.parametrize("size", [(300, 220), (75, 55)])
def test_source_images_of_another_size_are_refused_first(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = stand_in(monkeypatch)
    dataset = with_dropped(tmp_path)
    assert predict("cars", [dataset.root], tmp_path / "ok", PredictOptions(images=tmp_path / "source"), RouteOptions())
    other = tmp_path / "other"
    other.mkdir()
    for path in (tmp_path / "source").glob("*.jpg"):
        Image.open(path).resize(size).save(other / path.name)
    seen = model.seen
    with pytest.raises(
        SagesegError, match=rf"{size[0]}×{size[1]} pixels, but the dataset was made of 150×110; expected"
    ):
        ask(dataset.root, tmp_path / "out", images=other)
    with pytest.raises(SagesegError, match=r"not found; expected, as --images, the folder that holds"):
        ask(dataset.root, tmp_path / "out", images=tmp_path)
    assert model.seen == seen


@pytest.mark.parametrize("options", [{"split": "train"}, {"images": Path("source")}])
def test_what_is_of_a_dataset_is_refused_for_a_folder(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    _, folder = make(tmp_path, SMALL)
    with pytest.raises(SagesegError, match=rf"--{next(iter(options))}: only for a dataset; .* is none"):
        ask(folder, tmp_path / "out", **options)


def test_the_classes_of_a_bare_artefact_are_named_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    dataset, folder = make(tmp_path, SMALL)
    labels = tmp_path / "labels.txt"
    labels.write_text("_background_\ndisc\n")
    assert (ask(folder, tmp_path / "named", labels=labels) / "labels.txt").read_text() == labels.read_text()
    labels.write_text("_background_\ndisc\nrim\n")
    with pytest.raises(SagesegError, match=r"labels\.txt: 3 classes, but cars predicts 2; expected one name a line"):
        ask(folder, tmp_path / "out", labels=labels)
    with pytest.raises(SagesegError, match=r"--labels: only for a folder of images; .* has its classes"):
        ask(dataset.root, tmp_path / "out", labels=labels)
    assert not (tmp_path / "out").exists()
