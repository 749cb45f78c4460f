"""Whether a model in INT8 is as good as in float32: both predict a dataset's validation split, and what INT8 loses of
mean IoU, with its interval, decides.

The loss is that of the pooled counts of all crops, the background counted as a class, as scores.json tells mean IoU.
Its interval comes of drawing groups anew, the same ones for both models, as `analysis.scoring.intervals` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.comparison.differences import DRAWS, SEED
from analysis.masks.reading import classes_of
from analysis.scoring.counts import Confusion, count
from analysis.scoring.intervals import LEVEL, group_draws, interval
from analysis.scoring.scores import class_means, class_scores, defined
from formats.arrays import Floats
from formats.console import track
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import read_mask
from formats.prepared.label_map import LabelMap
from jobs.algorithm.inference.model import Model
from jobs.algorithm.inference.within_memory import WithinMemory
from jobs.prediction.artefact_route import predict_work
from jobs.prediction.crops_to_predict import dataset_work

SPLIT = "val"
LEAST_GROUPS = 2
"""With fewer there is no interval, and so no verdict."""


@dataclass(frozen=True)
class Loss:
    """What INT8 loses of mean IoU (0..1): `loss` is what float32 has more. `classes` are the IoU of each class in
    float32 and in INT8, nan where it is undefined."""

    float32: float
    int8: float
    interval: tuple[float, float]
    groups: int
    classes: tuple[tuple[float, float], ...]

    @property
    def loss(self) -> float:
        return self.float32 - self.int8

    @property
    def at_most(self) -> float:
        """What is lost at most: the interval's end."""
        return max(self.loss, self.interval[1])

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """As it stands in the gate's JSON; `names` are those of the classes."""
        ious = zip(names, self.classes, strict=True)
        return {
            "mean_iou": {"float32": self.float32, "int8": self.int8},
            "loss": {"mean": self.loss, "interval": list(self.interval)},
            "bootstrap": {"draws": DRAWS, "seed": SEED, "level": LEVEL, "groups": self.groups},
            "iou": {name: {"float32": defined(plain), "int8": defined(int8)} for name, (plain, int8) in ious},
        }


def validation_rows(dataset: Dataset) -> list[ManifestRow]:
    """The crops of the validation split. Raises SagesegError where they are too few for a verdict."""
    rows = dataset.kept(SPLIT)
    groups = len({row.group for row in rows})
    if groups < LEAST_GROUPS:
        raise SagesegError(
            f"{dataset.root}: too few validation images for a verdict: its crops are of {groups} group"
            f"{'s' if groups != 1 else ''}, and an interval needs {LEAST_GROUPS} or more; prepare it again with a "
            "larger --val, or export without --int8"
        )
    return rows


def count_split(model: Model, dataset: Dataset, label_map: LabelMap | None, label: str) -> Confusion:
    """The pixels of each group of the validation split, the groups by name, shape (G, C, C); as each crop is
    predicted, with progress under this label."""
    groups = sorted({row.group for row in dataset.kept(SPLIT)})
    places = {group: place for place, group in enumerate(groups)}
    classes = model.num_classes
    counted = np.zeros((len(groups), classes, classes), np.int64)
    work = dataset_work(dataset, SPLIT, None)
    with closing(predict_work(WithinMemory(model), work, probabilities=False)) as predicted:
        for one in track(predicted, sum(len(source.rows) for source in work), label):
            path = dataset.mask_path(one.row.id)
            truth = classes_of(read_mask(path), label_map, classes, path)
            counted[places[one.row.group]] += count(truth, one.answer, classes)
    return counted


def measure_loss(plain: Confusion, int8: Confusion, source: str) -> Loss:
    """What INT8 loses, of both models' counts (G, C, C) of the same groups. Raises SagesegError, which begins with
    `source`, where mean IoU is undefined."""
    before, after = (float(_mean_iou(counted.sum(axis=0))) for counted in (plain, int8))
    drawn = interval(np.concatenate([_lost(plain, int8, drawn) for drawn in group_draws(len(plain), DRAWS, SEED)]))
    if drawn is None or not np.isfinite(before - after):
        raise SagesegError(
            f"{source}: too few validation images for a verdict: no pixel has a true class; prepare it again"
        )
    ious = (class_scores(counted.sum(axis=0), None)["iou"].tolist() for counted in (plain, int8))
    return Loss(before, after, drawn, len(plain), tuple(zip(*ious, strict=True)))


def _lost(plain: Confusion, int8: Confusion, drawn: Any) -> Floats:
    """By draw, of which each tells how often it has each group, (n, G): what is lost."""
    return _mean_iou(np.tensordot(drawn, plain, 1)) - _mean_iou(np.tensordot(drawn, int8, 1))


def _mean_iou(counted: Confusion) -> Floats:
    return class_means(class_scores(counted, None))["mean_iou"]


def check_loss(found: Loss, most: float, what: str) -> None:
    """Raise SagesegError, which begins with `what`, for a model that may lose more than `most` (0..1)."""
    if found.at_most > most:
        raise SagesegError(
            f"{what}: INT8 {describe_loss(found)}: it may lose more than --max-loss {most:g}; nothing written; "
            "judge it by more validation images, export without --int8, or allow more"
        )


def describe_loss(found: Loss) -> str:
    """`loses 0.0004 of mean IoU, 0.9512 to 0.9508 (95 % sure of 0.0001 to 0.0009, 12 groups)`."""
    low, high = found.interval
    sure = f"{100 * LEVEL:.0f} % sure of {low:.4f} to {high:.4f}, {found.groups} groups"
    return f"loses {found.loss:.4f} of mean IoU, {found.float32:.4f} to {found.int8:.4f} ({sure})"
