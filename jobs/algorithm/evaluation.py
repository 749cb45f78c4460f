"""Validation: counts first, scores after."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from formats.classes import IGNORE
from formats.masks import Mask
from jobs.algorithm.batches import Batch
from jobs.algorithm.normalisation import normalise

Counts = npt.NDArray[np.int64]
"""A confusion matrix in pixels, shape (classes, classes): rows truth, columns prediction."""


def count_pixels(truth: Mask, predicted: Mask, num_classes: int) -> Counts:
    """The confusion matrix of two arrays of class ids; pixels whose truth is ignore do not count."""
    valid = truth != IGNORE
    pairs = truth[valid].astype(np.int64) * num_classes + predicted[valid]
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def mean_iou(counts: Counts) -> float:
    """The mean over all classes of intersection over union, 0 for a class that neither truth nor
    prediction holds: GluonCV's `SegmentationMetric`, and so the built-in's validation mIOU."""
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    return float(np.mean(np.diag(counts) / np.maximum(union, 1)))


def pixel_accuracy(counts: Counts) -> float:
    """The share (0..1) of valid pixels that are right; 0 without valid pixels."""
    return float(np.trace(counts) / max(counts.sum(), 1))


@torch.inference_mode()
def evaluate(network: nn.Module, batches: Iterable[Batch], num_classes: int, device: torch.device) -> Counts:
    """The counts of a network in evaluation mode over batches; the network stays in that mode."""
    network.eval()
    counts = np.zeros((num_classes, num_classes), np.int64)
    for batch in batches:
        scores, _ = network(normalise(batch.images, device))
        predicted = scores.argmax(1).to(torch.uint8).cpu().numpy()
        counts += count_pixels(batch.masks, predicted, num_classes)
    return counts
