"""The reports that are compared, read and checked: only what all of them judged alike says which is better."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.report.scores_shape import MEND, read_scores
from analysis.report_files import IMAGES, SCORES
from analysis.scoring.judged import Judged
from analysis.scoring.scores import Metric, every_metric
from formats.errors import SagesegError
from formats.predictions import ModelFacts, read_model_facts
from formats.safe_names import check_name, refuse_links_out
from formats.texts.csv_text import unmarked
from formats.texts.given_files import decode_text
from formats.texts.told_numbers import parse_number, parse_whole
from formats.texts.typed_json import short
from formats.texts.wording import format_share


def compared_metrics() -> list[Metric[Any]]:
    """What is compared image by image: each the mean over the foreground classes."""
    return [metric for metric in every_metric() if metric.compared]


@dataclass(frozen=True)
class ImageScores:
    """One row of images.csv: by key the scores of the foreground classes that are compared, nan where
    undefined; `truth` is a checksum of the truth by which they are judged, ignore where they are not."""

    group: str
    size: tuple[int, int]
    judged: Judged
    truth: str
    by_class: Mapping[str, tuple[float, ...]]

    def mean(self, key: str) -> float:
        """Of the classes where the score is defined; nan where there is none."""
        known = [value for value in self.by_class[key] if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class ReportScores:
    """What a report's folder says: `scores` is scores.json, `model` its job, `images` are by stem."""

    folder: Path
    name: str
    scores: Mapping[str, Any]
    model: ModelFacts
    images: Mapping[str, ImageScores]


def read_reports(folders: Sequence[Path], *, common: bool = False) -> list[ReportScores]:
    """The reports, each with a name of its own.

    Raises SagesegError where a folder is no report, where their classes or images differ so that they
    cannot be compared, and, unless only the `common` ones are asked for, where images that all have are
    not judged alike.
    """
    if len(folders) < 2:
        raise SagesegError(f"{len(folders)} report; expected two or more to compare")
    reports = _named([_read_report(folder) for folder in folders])
    first = reports[0]
    for other in reports[1:]:
        if other.scores["classes"] != first.scores["classes"]:
            theirs, ours = (", ".join(each.scores["classes"]) for each in (other, first))
            raise SagesegError(f"{other.folder}: classes {theirs}; expected those of {first.folder}: {ours}")
    _check_images(reports)
    _check_judged(reports, common=common)
    return _with_absent(reports)


def _read_report(folder: Path) -> ReportScores:
    path = folder / SCORES
    refuse_links_out(folder)
    try:
        content, table = path.read_bytes(), (folder / IMAGES).read_bytes()
    except OSError as e:
        raise SagesegError(
            f"{folder}: no report here ({Path(str(e.filename)).name} is missing); make one with sageseg analysis report"
        ) from e
    scores = read_scores(content, path, "compared")
    model = read_model_facts(scores.get("job") or {}, path)
    images = _read_images(table, folder / IMAGES, scores["classes"])
    return ReportScores(folder, model.job or folder.resolve().name, scores, model, images)


def _read_images(table: bytes, path: Path, classes: Sequence[str]) -> dict[str, ImageScores]:
    images: dict[str, ImageScores] = {}
    try:
        rows = csv.DictReader(decode_text(table, path, "CSV that a report wrote").splitlines(), strict=True)
        _cell(dict.fromkeys(rows.fieldnames or (), ""), "stem")  # also where there are no rows
        for row in rows:
            stem = check_name(unmarked(_cell(row, "stem")), path, "a stem")
            if stem in images:
                raise SagesegError(f"{path}: stem {stem} stands twice; {MEND}")
            images[stem] = _read_image(row, classes)
    except (ValueError, csv.Error) as e:
        raise SagesegError(f"{path}: damaged, or not written by this sageseg ({e}); {MEND}") from e
    return images


def _read_image(row: Mapping[str, str | None], classes: Sequence[str]) -> ImageScores:
    keys = [metric.key for metric in compared_metrics()]
    judged = Judged(*(_count(row, f"{what}_pixels") for what in ("judged", "not_predicted")))
    by_class = {key: tuple(_score(row, f"{key}_{name}") for name in classes[1:]) for key in keys}
    size = _count(row, "width"), _count(row, "height")
    if not all(size):
        raise ValueError("an image without pixels")
    if judged.pixels + judged.not_predicted > size[0] * size[1]:
        raise ValueError(f"{judged.pixels} pixels judged, more than {size[0]}×{size[1]} has")
    return ImageScores(unmarked(_cell(row, "group")), size, judged, _cell(row, "truth_sha256"), by_class)


def _cell(row: Mapping[str, str | None], column: str) -> str:
    cell = row.get(column)
    if cell is None:
        raise ValueError(f"{column} is missing")
    return cell


def _count(row: Mapping[str, str | None], column: str) -> int:
    number = parse_whole(_cell(row, column))
    if number is None:
        raise ValueError(f"{column} is {short(row[column])}; expected a whole number")
    return number


def _score(row: Mapping[str, str | None], column: str) -> float:
    """nan where the cell is empty."""
    cell = _cell(row, column)
    score = parse_number(cell) if cell else 0.0
    if not math.isfinite(score):
        raise ValueError(f"{column} is {short(cell)}; expected a number, or nothing")
    return score if cell else math.nan


def _named(reports: Sequence[ReportScores]) -> list[ReportScores]:
    """Reports of one job are told apart by their folders' names, those of one name by number."""
    names = [report.name for report in reports]
    told = [
        n if names.count(n) == 1 else f"{n} ({r.folder.resolve().name})" for n, r in zip(names, reports, strict=True)
    ]
    unique = [n if told.count(n) == 1 else f"{n} #{place}" for place, n in enumerate(told, 1)]
    return [replace(report, name=name) for name, report in zip(unique, reports, strict=True)]


def shared_stems(reports: Sequence[ReportScores]) -> list[str]:
    """The images that all reports have, in the order of the first."""
    return [stem for stem in reports[0].images if all(stem in report.images for report in reports)]


def common_stems(reports: Sequence[ReportScores]) -> list[str]:
    """Those of them that all reports judge alike: the same pixels, by the same truth."""
    return [stem for stem in shared_stems(reports) if len({report.images[stem].truth for report in reports}) == 1]


def _check_images(reports: Sequence[ReportScores]) -> None:
    shared = shared_stems(reports)
    if not shared:
        raise SagesegError(f"{reports[1].folder}: no image in common with {reports[0].folder}; compare the same images")
    for stem in shared:
        sizes = {report.images[stem].size for report in reports}
        if len(sizes) > 1:
            told = " and ".join(f"{width}×{height}" for width, height in sorted(sizes))
            raise SagesegError(f"{stem}: {told} pixels in different reports; compare the same images")


def _check_judged(reports: Sequence[ReportScores], *, common: bool) -> None:
    shared, alike = shared_stems(reports), common_stems(reports)
    differing = [stem for stem in shared if stem not in set(alike)]
    if not differing or (common and alike):
        return
    stem, first = differing[0], reports[0]
    other = next(each for each in reports if each.images[stem].truth != first.images[stem].truth)
    one, two = (report.images[stem].judged for report in (first, other))
    if one == two:
        how = f"judged by another truth in {other.folder} than in {first.folder}"
        maps = [report.scores.get("label_map") for report in (first, other)]
        mend = "report both by one dataset" if maps[0] == maps[1] else "their jobs were trained by other label maps"
    else:
        told = (
            f"{format_share(judged.share)} of it ({judged.pixels:,} pixels) in {report.folder}"
            for judged, report in ((one, first), (two, other))
        )
        how, mend = f"judged {' and '.join(told)}", "predict all crops for both, and report again"
    rest = f", or compare the {len(alike)} that are judged alike with --common" if alike else ""
    raise SagesegError(f"{stem}: {how} ({len(differing)} of {len(shared)} images differ so); {mend}{rest}")


def _with_absent(reports: Sequence[ReportScores]) -> list[ReportScores]:
    """With what an image counts for a class that it has not, where only another report has the class at
    all: as `analysis.scoring.scores.with_absent`, all of them being one."""
    counted: dict[str, list[float]] = {}
    for metric in compared_metrics():
        rows = [image.by_class[metric.key] for report in reports for image in report.images.values()]
        occurring = [any(not math.isnan(value) for value in column) for column in zip(*rows, strict=True)]
        counted[metric.key] = [metric.when_absent if occurs else math.nan for occurs in occurring]
    return [
        replace(report, images={stem: _fill(image, counted) for stem, image in report.images.items()})
        for report in reports
    ]


def _fill(image: ImageScores, absent: Mapping[str, Sequence[float]]) -> ImageScores:
    if not image.judged.pixels:
        return image
    filled = {
        key: tuple(other if math.isnan(value) else value for value, other in zip(values, absent[key], strict=True))
        for key, values in image.by_class.items()
    }
    return replace(image, by_class=filled)
