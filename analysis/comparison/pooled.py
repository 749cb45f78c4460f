"""Scores of the pixels of some of a report's images together, counted anew in its layer files."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.comparison.scored import ReportScores
from analysis.masks.pairs import Layers, read_layers
from analysis.report.scores_shape import MEND
from analysis.report_files import layer_name
from analysis.scoring.counts import Confusion
from analysis.scoring.scores import score, scores_to_json
from formats.errors import SagesegError


def pooled_scores(report: ReportScores, stems: Sequence[str]) -> Mapping[str, Any] | None:
    """As `overall` of scores.json, of these images alone: that itself where they are all, else without the scores of
    outlines; None where the report does not have the layer files of which they are counted."""
    if len(stems) == len(report.images):
        overall: Mapping[str, Any] = report.scores["overall"]
        return overall
    names = report.scores["classes"]
    total = np.zeros((len(names), len(names)), np.int64)
    for stem in stems:
        counts = _confusion(report, stem, len(names))
        if counts is None:
            return None
        total += counts
    return scores_to_json(score(total), names)


def _confusion(report: ReportScores, stem: str, num_classes: int) -> Confusion | None:
    layers = find_layers(report, stem)
    if layers is None:
        return None
    counted = np.bincount(layers.runs.codes, layers.runs.lengths, num_classes * (num_classes + 1)).astype(np.int64)
    confusion = counted[: num_classes**2].reshape(num_classes, num_classes)
    if layers.num_classes != num_classes or int(confusion.sum()) != report.images[stem].judged.pixels:
        raise SagesegError(f"{report.folder / layer_name('pairs', stem)}: not of the images.csv beside it; {MEND}")
    return confusion


def find_layers(report: ReportScores, stem: str) -> Layers | None:
    """What the report drew of an image; None where the file has gone, or an older report never wrote it."""
    path = report.folder / layer_name("pairs", stem)
    try:
        return _of_size(read_layers(path), report.images[stem].size)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, zlib.error) as e:
        raise SagesegError(f"{path}: damaged ({e}); {MEND}") from e


def _of_size(layers: Layers, size: tuple[int, int]) -> Layers:
    if layers.size != size or int(layers.runs.lengths.sum()) != math.prod(size):
        raise ValueError(f"not the pixels of an image of {size[0]}×{size[1]}")
    return layers
