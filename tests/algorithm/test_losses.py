"""The losses, in cases counted by hand."""

from __future__ import annotations

import pytest
import torch

from formats.classes import IGNORE
from jobs.algorithm.training.losses import training_loss

CERTAIN = 100.0
TRUTH = torch.tensor([[[0, 0, 1, IGNORE]]])


def scores(*classes: int) -> torch.Tensor:
    """Certain of these classes, of 3, at four pixels."""
    return (torch.nn.functional.one_hot(torch.tensor(classes), 3).T[None, :, None] * CERTAIN).float()


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("cross-entropy", 0.0),
        # class 0: 1 shared of 1 + 2 pixels; class 1: 1 of 2 + 1; class 2 is nowhere
        ("cross-entropy+dice", 1 - 2 / 3),
        ("cross-entropy+jaccard", 1 - 1 / 2),
    ],
)
def test_overlap_losses_add_to_the_cross_entropy(name: str, added: float) -> None:
    loss = training_loss(scores(0, 1, 1, 2), None, TRUTH, name)
    assert loss.item() == pytest.approx(CERTAIN / 3 + added)


@pytest.mark.parametrize("name", ["cross-entropy", "cross-entropy+dice", "cross-entropy+jaccard"])
def test_a_perfect_prediction_loses_nothing_and_ignored_pixels_do_not_train(name: str) -> None:
    predicted = scores(0, 0, 1, 2).requires_grad_()
    loss = training_loss(predicted, None, TRUTH, name)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(0, abs=1e-6)
    soft = torch.zeros(1, 3, 1, 4, requires_grad=True)
    training_loss(soft, None, TRUTH, name).backward()  # type: ignore[no-untyped-call]
    assert soft.grad is not None
    assert soft.grad[..., 3].abs().sum() == 0
    assert soft.grad[..., :3].abs().sum() > 0


@pytest.mark.parametrize("name", ["cross-entropy", "cross-entropy+dice", "cross-entropy+jaccard"])
def test_nothing_but_ignored_pixels_is_no_loss(name: str) -> None:
    assert training_loss(scores(0, 1, 2, 0), None, torch.full((1, 1, 4), IGNORE), name).item() == 0


def test_the_auxiliary_scores_count_half() -> None:
    right, wrong = scores(0, 0, 1, 2), scores(1, 0, 1, 2)
    assert training_loss(right, wrong, TRUTH, "cross-entropy").item() == pytest.approx(0.5 * CERTAIN / 3)
