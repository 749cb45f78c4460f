"""What a training lowers.

Every loss counts only pixels whose truth is not ignore, and is 0 where there are none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from formats.classes import IGNORE

AUXILIARY_WEIGHT = 0.5
"""The built-in's `_aux_weight`, as its container logs it."""
PLAIN = "cross-entropy"


class Whole(NamedTuple):
    """The batch that scores are a part of: its pixels that are not ignored, and its images; scalars."""

    pixels: torch.Tensor
    images: torch.Tensor


def training_loss(
    scores: torch.Tensor, auxiliary: torch.Tensor | None, truth: torch.Tensor, name: str, whole: Whole | None = None
) -> torch.Tensor:
    """The loss of class scores (N, C, H, W) against class ids (N, H, W), int64.

    `name` is the hyperparameter `loss`: cross-entropy, alone or with the Dice or Jaccard loss added.
    The auxiliary head's scores, where there are any, add their cross-entropy at AUXILIARY_WEIGHT.
    Where the scores are a part of a batch, it is their share of the batch's loss.
    """
    pixels = whole.pixels if whole else (truth != IGNORE).sum()
    loss = cross_entropy(scores, truth, pixels)
    if auxiliary is not None:
        loss = loss + AUXILIARY_WEIGHT * cross_entropy(auxiliary, truth, pixels)
    if name == PLAIN:
        return loss
    overlap = _overlap(scores, truth)
    added = dice_loss(overlap) if name.endswith("dice") else jaccard_loss(overlap)
    return loss + (added * len(truth) / whole.images if whole else added)


def cross_entropy(scores: torch.Tensor, truth: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """The sum over the pixels that are not ignored, over this number of pixels, or over 1 where there
    are none (torch's own mean is nan then)."""
    return F.cross_entropy(scores, truth, ignore_index=IGNORE, reduction="sum") / pixels.clamp(min=1)


class _Overlap(NamedTuple):
    """Per class over the whole batch, (C,): the probability on its own pixels, all its probability,
    and its pixels."""

    shared: torch.Tensor
    predicted: torch.Tensor
    pixels: torch.Tensor


def dice_loss(overlap: _Overlap) -> torch.Tensor:
    """1 - 2·shared / (predicted + pixels), the mean over the classes that the truth holds."""
    shared, predicted, pixels = overlap
    return _mean_over_held(1 - 2 * shared / (predicted + pixels).clamp(min=1), pixels)


def jaccard_loss(overlap: _Overlap) -> torch.Tensor:
    """1 - shared / (predicted + pixels - shared), the mean over the classes that the truth holds."""
    shared, predicted, pixels = overlap
    return _mean_over_held(1 - shared / (predicted + pixels - shared).clamp(min=1), pixels)


def _mean_over_held(losses: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    held = pixels > 0  # what is predicted of any other class is missing from these
    # filled: where() would send the number to a GPU and wait, which a step that is captured must not
    return losses.masked_fill(~held, 0).sum() / held.sum().clamp(min=1)


def _overlap(scores: torch.Tensor, truth: torch.Tensor) -> _Overlap:
    valid = (truth != IGNORE)[:, None]
    probabilities = scores.float().softmax(1) * valid
    # a place for ignore as well, which is cut off again
    ids = truth.masked_fill(truth == IGNORE, scores.shape[1])
    own = F.one_hot(ids, scores.shape[1] + 1)[..., :-1].movedim(-1, 1).to(probabilities.dtype)
    places = (0, 2, 3)
    return _Overlap((probabilities * own).sum(places), probabilities.sum(places), own.sum(places))
