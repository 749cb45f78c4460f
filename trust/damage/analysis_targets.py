"""Every parser of analysis, and of the folders that jobs and analysis both read, as a target of the trial."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from analysis.areas.scales import read_scales
from analysis.comparison.curves import common_curves
from analysis.comparison.reading import read_reports
from analysis.exports.submission import read_submission
from analysis.masks.cleaning import cleaning_words, cleanings
from analysis.masks.sources import dropped_before
from analysis.report.gate import Least, judge
from analysis.report.page.layout import model_facts
from analysis.report.scores_shape import read_scores
from analysis.report.scores_text import format_scores
from formats.dataset import open_dataset
from formats.predictions import open_predictions, read_probabilities, write_probabilities
from formats.prepared.label_map import recorded_label_maps
from formats.prepared.preparation import dataset_preparation
from formats.prepared.resize import recorded_resize
from formats.prepared.value_range import recorded_range
from trust.damage.builders import named, of_bytes, plain, seed_of
from trust.damage.engine import Builder, Target, of_file


def _predictions(folder: Path) -> Target:
    folder = folder / "predictions"
    folder.mkdir()
    (folder / "manifest.csv").write_bytes(seed_of("manifest/seed.csv"))

    def read(path: Path) -> None:
        predictions = open_predictions(folder)
        model_facts(predictions.model)
        common_curves({"a": predictions.model.epochs, "b": predictions.model.epochs})
        recorded_label_maps(predictions.info, path)
        cleaning_words(cleanings(predictions.info).get("cleaned", []))
        dropped_before(predictions)
        with named(path):
            recorded_range(predictions.info)

    return of_file(folder, "predictions", "predictions.json", "json", read)


def _dataset(folder: Path) -> Target:
    folder = folder / "dataset"
    folder.mkdir()
    (folder / "manifest.csv").write_bytes(seed_of("manifest/seed.csv"))
    (folder / "labels.txt").write_bytes(seed_of("labels/seed.txt"))

    def read(path: Path) -> None:
        dataset = open_dataset(folder)
        with named(path):
            dataset_preparation(dataset.info)
            recorded_resize(dataset.info)

    return of_file(folder, "dataset-for-jobs", "dataset.json", "json", read, others=("dataset-info",))


def _report(folder: Path, damaged: str, kind: str, name: str) -> Target:
    for report in ("a", "b"):
        (folder / report).mkdir()
        for file in ("scores.json", "images.csv"):
            (folder / report / file).write_bytes(
                seed_of(f"report-{file.partition('.')[0]}/seed.{file.partition('.')[2]}")
            )

    def read(_: Path) -> None:
        first, second = read_reports([folder / "a", folder / "b"], common=True)
        model_facts(first.model)
        common_curves({"a": first.model.epochs, "b": second.model.epochs})

    return of_file(folder, name, f"a/{damaged}", kind, read, says="a")


def _submission(path: Path) -> None:
    for _ in read_submission(path, (12, 9)):
        pass


def _probabilities(folder: Path) -> Target:
    place = folder / "seed.npz"
    write_probabilities(place, np.full((2, 3, 4), 0.5))
    return of_file(folder, "probabilities", "a.npz", "bytes", read_probabilities, seeds=(place.read_bytes(),))


_WANTED = (Least("mean_iou", 0.5), Least("iou.car", 0.5))
TARGETS: dict[str, Builder] = {
    "predictions": _predictions,
    "dataset-for-jobs": _dataset,
    "probabilities": _probabilities,
    "report-scores": lambda folder: _report(folder, "scores.json", "json", "report-scores"),
    "report-images": lambda folder: _report(folder, "images.csv", "text", "report-images"),
    "report-shown": of_bytes(
        "report-shown",
        "json",
        lambda content: format_scores(read_scores(content, Path("scores.json"), "shown")),
        says="scores.json",
        others=("report-scores",),
    ),
    "report-gate": of_bytes(
        "report-gate",
        "json",
        lambda content: judge(read_scores(content, Path("scores.json"), "shown"), _WANTED, Path("scores.json")),
        says="scores.json",
        others=("report-scores",),
    ),
    "scales": plain("scales", "scales.csv", "text", read_scales),
    "submission": plain("submission", "submission.csv", "text", _submission),
    "submission-packed": plain(
        "submission-packed", "s.csv.gz", "bytes", _submission, seeds=(gzip.compress(b"img,rle_mask\na.jpg,1 2\n"),)
    ),
}
