"""Scores from probabilities: against scikit-learn, and KITTI's definitions written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.scoring import thresholds as module
from analysis.scoring.counts import count
from analysis.scoring.kitti_scores import kitti_scores
from analysis.scoring.scores import score
from analysis.scoring.thresholds import (
    count_probabilities,
    log_loss,
    no_probabilities,
    tallies,
    threshold_curve,
    thresholds,
)
from formats.masks import Mask
from formats.predictions import Probabilities


def sample(num_classes: int, seed: int = 0, shape: tuple[int, int] = (40, 50)) -> tuple[Mask, Probabilities]:
    """A truth and probabilities that know something of it."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, shape).astype(np.uint8)
    values = rng.normal(0, 1.5, (num_classes, *shape))
    np.put_along_axis(values, truth[None].astype(int), rng.normal(1.5, 1.5, (1, *shape)), axis=0)
    shares = np.exp(values) / np.exp(values).sum(axis=0)
    truth[rng.random(shape) < 0.1] = 255
    return truth, shares.astype(np.float16)


@pytest.mark.parametrize("num_classes", [2, 5])
def test_log_loss_equals_scikit_learn(num_classes: int) -> None:
    import sklearn.metrics

    truth, probabilities = sample(num_classes)
    valid = truth != 255
    rows = probabilities[:, valid].T.astype(np.float64)
    # scikit-learn wants rows that sum to one, which float16's rounding leaves a little off
    picked = rows[np.arange(len(rows)), truth[valid]]
    binary = np.stack([1 - picked, picked], axis=1)
    oracle = sklearn.metrics.log_loss(np.ones(len(picked)), binary, labels=[0, 1])
    assert log_loss(count_probabilities(truth, probabilities)) == pytest.approx(oracle)


def test_no_pixel_makes_the_log_loss_infinite() -> None:
    truth = np.array([[1, 0]], np.uint8)
    probabilities = np.array([[[1, 1]], [[0, 0]]], np.float16)
    assert log_loss(count_probabilities(truth, probabilities)) == pytest.approx(-math.log(module.LEAST) / 2)
    assert math.isnan(log_loss(no_probabilities(2)))


@pytest.mark.parametrize("seed", range(4))
def test_each_threshold_is_a_count(seed: int) -> None:
    truth, probabilities = sample(3, seed)
    tally = tallies(count_probabilities(truth, probabilities), 2)
    valid = truth != 255
    predicted, true = probabilities[2, valid].astype(np.float64) >= thresholds()[:, None], truth[valid] == 2
    parts = (predicted & true, predicted & ~true, ~predicted & true, ~predicted & ~true)
    for told, expected in zip((tally.tp, tally.fp, tally.fn, tally.tn), parts, strict=True):
        assert np.array_equal(told, expected.sum(axis=1))


def test_curve_and_area_equal_scikit_learn() -> None:
    import sklearn.metrics

    truth, probabilities = sample(2, 3)
    truth[truth == 255] = 0
    coarse = (probabilities[1] * 255).round() / 255  # so that scikit-learn's thresholds are ours
    pair = np.stack([1 - coarse, coarse]).astype(np.float16)
    tally = tallies(count_probabilities(truth, pair), 1)
    fpr, tpr = tally.fp / (tally.fp + tally.tn), tally.tp / (tally.tp + tally.fn)
    values = pair[1].astype(np.float64).ravel()
    # float16 may round a share of 255 to just below its threshold; a threshold lower it is reached
    reached = np.searchsorted(thresholds(), values, side="right") - 1
    assert -np.trapezoid(tpr, fpr) == pytest.approx(sklearn.metrics.roc_auc_score(truth.ravel(), reached), abs=1e-3)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(truth.ravel(), reached)
    curve = threshold_curve(count_probabilities(truth, pair), 1)
    ours = {(round(p, 9), round(r, 9)) for p, r in zip(curve["precision"], curve["recall"], strict=True) if p}
    theirs = {(round(p, 9), round(r, 9)) for p, r in zip(precision[:-1].tolist(), recall[:-1].tolist(), strict=True)}
    assert theirs - ours <= {(0.0, 0.0)}


def test_at_half_two_classes_score_as_their_masks() -> None:
    truth, probabilities = sample(2, 1)
    probabilities[1][probabilities[1] == np.float16(0.5)] = 0.4
    mask = (probabilities[1] > 0.5).astype(np.uint8)
    at = int(np.searchsorted(thresholds(), 0.5))  # 128 / 255, a little above
    between = (probabilities[1] > 0.5) & (probabilities[1] < thresholds()[at])
    truth[between] = 255
    curve = threshold_curve(count_probabilities(truth, probabilities), 1)
    assert curve["iou"][at] == pytest.approx(score(count(truth, mask, 2)).per_class["iou"][1])


def test_counts_add_up_over_parts_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, probabilities = sample(3, shape=(10, 12))
    whole = count_probabilities(truth, probabilities)
    parts = count_probabilities(truth[:7], probabilities[:, :7]) + count_probabilities(truth[7:], probabilities[:, 7:])
    assert np.array_equal(parts.levels, whole.levels)
    assert parts.pixels == whole.pixels
    assert parts.loss == pytest.approx(whole.loss)
    monkeypatch.setattr(module, "_BLOCK", 13)
    assert np.array_equal(count_probabilities(truth, probabilities).levels, whole.levels)


def test_curve_by_hand() -> None:
    truth = np.array([[1, 1, 0, 0, 255]], np.uint8)
    car = np.array([[1, 0.25, 0.75, 0, 1]])
    curve = threshold_curve(count_probabilities(truth, np.stack([1 - car, car]).astype(np.float16)), 1)
    assert [curve[key][0] for key in ("precision", "recall", "iou", "false_positives")] == [0.5, 1, 0.5, 2]
    assert [curve[key][100] for key in ("precision", "recall", "iou", "false_positives")] == [0.5, 0.5, 1 / 3, 1]
    assert [curve[key][255] for key in ("precision", "recall", "iou", "false_positives")] == [1, 0.5, 0.5, 0]
    assert curve["best_dice"] == {"threshold": pytest.approx(1 / 255, abs=1e-6), "value": pytest.approx(0.8)}


def published_kitti(truth: Mask, confidence: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """MaxF and the rest as Fritsch et al. 2013 define them, threshold by threshold."""
    precision, recall, rates = [], [], []
    for threshold in np.arange(256) / 255:
        predicted = confidence >= threshold
        tp, fp = (predicted & truth & valid).sum(), (predicted & ~truth & valid).sum()
        fn, tn = (~predicted & truth & valid).sum(), (~predicted & ~truth & valid).sum()
        precision.append(tp / (tp + fp) if tp + fp else 0)
        recall.append(tp / (tp + fn))
        rates.append((fp / (fp + tn), fn / (tp + fn)))
    f = [2 * p * r / (p + r) if p + r else 0 for p, r in zip(precision, recall, strict=True)]
    best = int(np.argmax(f))
    points = [max((p for p, r in zip(precision, recall, strict=True) if r >= i / 10), default=0) for i in range(11)]
    return {
        "max_f": f[best],
        "average_precision": sum(points) / 11,
        "precision": precision[best],
        "recall": recall[best],
        "false_positive_rate": rates[best][0],
        "false_negative_rate": rates[best][1],
        "threshold": best / 255,
    }


@pytest.mark.parametrize("seed", range(4))
def test_kitti_scores_equal_their_definitions(seed: int) -> None:
    truth, probabilities = sample(2, seed)
    scores = kitti_scores(tallies(count_probabilities(truth, probabilities), 1))
    expected = published_kitti(truth == 1, probabilities[1].astype(np.float64), truth != 255)
    assert scores == pytest.approx(expected)


def test_without_a_true_pixel_kitti_scores_nothing() -> None:
    truth = np.zeros((3, 3), np.uint8)
    probabilities = np.full((2, 3, 3), 0.5, np.float16)
    assert kitti_scores(tallies(count_probabilities(truth, probabilities), 1)) is None
