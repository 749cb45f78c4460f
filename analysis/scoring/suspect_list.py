"""Every truth mask that was predicted, ranked by how much the model doubts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from analysis.masks.reading import read_bands, read_truth, require_truth
from analysis.masks.sources import Source, plan_sources
from analysis.scoring.judged import judged_truth
from analysis.scoring.suspects import Suspect, doubts, most_suspicious, suspect
from formats.console import say
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.predictions import Predictions
from formats.texts.csv_text import format_sheet


@dataclass(frozen=True)
class _Judge:
    """How to judge a source's truth; pickles, to work in another process."""

    predictions: Path
    dataset: Path
    num_classes: int

    def __call__(self, source: Source) -> Suspect | None:
        truth, _ = judged_truth(read_truth(self.dataset, source, self.num_classes), source.unpredicted)
        doubt = np.zeros_like(truth)
        for band in read_bands(self.predictions, source, self.num_classes, probabilities=True):
            if band.probabilities is not None:  # all sources have them: rank_suspects asked
                rows = slice(band.top, band.top + band.labels.shape[0])
                doubt[rows] = doubts(truth[rows], band.probabilities)
        return suspect(source.stem, source.row.group, truth, doubt)


def rank_suspects(predictions: Predictions, dataset: Dataset, *, workers: int | None = None) -> list[Suspect]:
    """The suspects of all images that were predicted, the most suspicious first; how many have nothing that
    is judged is said. Raises SagesegError as `plan_sources` and `require_truth` do, and without probabilities."""
    sources = plan_sources(predictions, dataset)
    if not all(source.probabilities for source in sources):
        raise SagesegError(f"{predictions.root}: no probabilities to doubt labels by; predict with --probabilities")
    require_truth(sources, dataset)
    judge = _Judge(predictions.root, dataset.root, len(dataset.classes))
    ranked = most_suspicious(list(map_all(judge, sources, workers=workers, label="doubting")))
    contradicted = sum(each.pixels > 0 for each in ranked)
    others = len(sources) - len(ranked)
    left_out = f"; {others} not judged, all ignore or not predicted" if others else ""
    say(f"{len(ranked)} masks ranked, {contradicted} of them contradicted{left_out}")
    return ranked


def suspects_to_csv(suspects: Sequence[Suspect]) -> str:
    """One row per image, with the columns of a Suspect."""
    return format_sheet([[each.name for each in fields(Suspect)], *map(_cells, suspects)])


def _cells(one: Suspect) -> list[str | int]:
    stem, group, suspicion, *place = astuple(one)
    return [stem, group, f"{suspicion:.6f}", *place]
