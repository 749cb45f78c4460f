"""The reports that are compared, read and checked: only what all of them judged alike says which is better."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from analysis.comparison.alike import check_alike, with_absent
from analysis.comparison.scored import ImageFacts, ReportScores, compared_metrics
from analysis.report.scores_shape import MEND, open_scores, report_file
from analysis.report_files import IMAGES, SCORES
from analysis.scoring.judged import Judged
from formats.arrays import Floats
from formats.errors import SagesegError
from formats.predictions import read_model_facts
from formats.safe_names import check_name, refuse_links_out
from formats.texts.csv_text import text_lines, unmarked
from formats.texts.given_files import decode_text
from formats.texts.told_numbers import parse_number, parse_whole
from formats.texts.typed_json import short

_NO_ATTRIBUTES: dict[str, str] = {}
"""Held once for all images that have none."""
MOST = 6
"""Reports that one page tells apart: by as many colours, and pictures side by side."""


def read_reports(folders: Sequence[Path], *, common: bool = False) -> list[ReportScores]:
    """The reports, each with a name of its own.

    Raises SagesegError where they are not two to MOST, each once, where a folder is no report, where their classes or
    images differ so that they cannot be compared, and, unless only the `common` ones are asked for, where not all have
    the same images and judge them alike.
    """
    _check_number(folders)
    reports = _named([_read_report(folder) for folder in folders])
    first = reports[0]
    for other in reports[1:]:
        if other.scores["classes"] != first.scores["classes"]:
            theirs, ours = (", ".join(each.scores["classes"]) for each in (other, first))
            raise SagesegError(
                f"{other.folder}: classes {theirs}; expected those of {first.folder}, in their order: {ours};"
                " report all predictions by one dataset"
            )
    check_alike(reports, common=common)
    return with_absent(reports)


def _check_number(folders: Sequence[Path]) -> None:
    if len(folders) < 2:
        raise SagesegError(f"{len(folders)} report; expected two or more to compare")
    known: dict[Path, Path] = {}
    for folder in folders:
        place = folder.resolve()
        if place in known:
            also = "" if known[place] == folder else f", also as {known[place]}"
            raise SagesegError(f"{folder}: given twice{also}; name each report once")
        known[place] = folder
    if len(folders) > MOST:
        raise SagesegError(f"{len(folders)} reports; expected {MOST} at most, side by side: compare some of them")


def _read_report(folder: Path) -> ReportScores:
    refuse_links_out(folder)
    scores = open_scores(folder, "compared")
    text = decode_text(report_file(folder, IMAGES), folder / IMAGES, "CSV that a report wrote")
    model = read_model_facts(scores.get("job") or {}, folder / SCORES)
    images, by_class = _read_images(text, folder / IMAGES, scores)
    return ReportScores(folder, model.job or folder.resolve().name, scores, model, images, by_class)


def _read_images(text: str, path: Path, scores: Mapping[str, Any]) -> tuple[dict[str, ImageFacts], dict[str, Floats]]:
    images: dict[str, ImageFacts] = {}
    keys, names = [metric.key for metric in compared_metrics()], scores["classes"][1:]
    columns = [f"{key}_{name}" for key in keys for name in names]
    found = array("d")
    try:
        rows = csv.reader(text_lines(text), strict=True)
        header = next(rows, [])
        for cells in filter(None, rows):
            row = _row(header, cells)
            stem = intern(check_name(unmarked(_cell(row, "stem")), path, "a stem"))
            if stem in images:
                raise SagesegError(f"{path}: stem {stem} stands twice; {MEND}")
            images[stem] = _read_image(row, len(images), _attributes(header, cells, scores))
            found.extend(_score(row, column) for column in columns)
        _cell(dict.fromkeys(header, ""), "stem")  # also where there are no rows
    except (ValueError, csv.Error) as e:
        raise SagesegError(f"{path}: damaged, or not written by this sageseg ({e}); {MEND}") from e
    values = np.array(found).reshape(len(images), len(keys), len(names))
    return images, {key: values[:, number] for number, key in enumerate(keys)}


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Cells by column; of two columns of one name the first, for attributes, whose names are anybody's, stand last."""
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells in a row of {len(header)} columns")
    return dict(reversed([*zip(header, cells, strict=True)]))


def _attributes(header: Sequence[str], cells: Sequence[str], scores: Mapping[str, Any]) -> dict[str, str]:
    """Those by which the report tells scores, where the image has them."""
    known = dict(zip(header, cells, strict=True))
    told = {name: intern(unmarked(known[name])) for name in scores.get("attributes") or {} if known.get(name)}
    return told or _NO_ATTRIBUTES


def _read_image(row: Mapping[str, str], place: int, attributes: Mapping[str, str]) -> ImageFacts:
    judged = Judged(*(_count(row, f"{what}_pixels") for what in ("judged", "not_predicted")))
    size = _count(row, "width"), _count(row, "height")
    if not all(size):
        raise ValueError("an image without pixels")
    if judged.pixels + judged.not_predicted > size[0] * size[1]:
        raise ValueError(f"{judged.pixels} pixels judged, more than {size[0]}×{size[1]} has")
    # texts that repeat, in this report or in others, are held once
    group, truth = (intern(each) for each in (unmarked(_cell(row, "group")), _cell(row, "truth_sha256")))
    return ImageFacts(place, group, size, judged, truth, attributes)


def _cell(row: Mapping[str, str], column: str) -> str:
    cell = row.get(column)
    if cell is None:
        raise ValueError(f"{column} is missing")
    return cell


def _count(row: Mapping[str, str], column: str) -> int:
    number = parse_whole(_cell(row, column))
    if number is None:
        raise ValueError(f"{column} is {short(row[column])}; expected a whole number")
    return number


def _score(row: Mapping[str, str], column: str) -> float:
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
