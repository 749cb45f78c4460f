"""Validation: counts first, scores after."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from formats.classes import IGNORE
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.training.team import ALONE, Team

Counts = npt.NDArray[np.int64]
"""A confusion matrix in pixels, shape (classes, classes): rows truth, columns prediction."""


def count_pixels(truth: torch.Tensor, predicted: torch.Tensor, num_classes: int) -> torch.Tensor:
    """The confusion matrix, int64, of two tensors of class ids; pixels whose truth is ignore do not
    count."""
    pairs = truth.long() * num_classes + predicted
    pairs[truth == IGNORE] = num_classes**2
    counts = torch.bincount(pairs.flatten(), minlength=num_classes**2 + 1)
    return counts[:-1].view(num_classes, num_classes)


def mean_iou(counts: Counts) -> float:
    """The mean over all classes of intersection over union, 0 for a class that neither truth nor
    prediction holds: GluonCV's `SegmentationMetric`, and so the built-in's validation mIOU."""
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    return float(np.mean(np.diag(counts) / np.maximum(union, 1)))


def pixel_accuracy(counts: Counts) -> float:
    """The share (0..1) of valid pixels that are right; 0 without valid pixels."""
    return float(np.trace(counts) / max(counts.sum(), 1))


@torch.inference_mode()
def evaluate(
    network: nn.Module, batches: Iterable[Batch], num_classes: int, device: Device, team: Team = ALONE
) -> Counts:
    """The counts of a network in evaluation mode over all the team's batches; the network stays in
    that mode."""
    network.eval()
    counts = torch.zeros((num_classes, num_classes), dtype=torch.int64, device=device.place)
    for batch in batches:
        images, truth = (tensor.to(device.place, non_blocking=True) for tensor in (batch.images, batch.masks))
        with device.autocast():
            scores, _ = network(normalise(images))
        counts += count_pixels(truth, scores.argmax(1), num_classes)
    return team.total(counts).cpu().numpy()
