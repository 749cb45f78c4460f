"""Labels that a sure model contradicts are ranked; thin edges and unsure models accuse nobody."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.scoring.suspects import Suspect, contradicted, most_suspicious, suspect
from formats.masks import Mask


def blank() -> Mask:
    return np.zeros((40, 60), np.uint8)


def sure_of(mask: Mask, share: float) -> np.ndarray:
    car = np.where(mask == 1, share, 1 - share)
    return np.stack([1 - car, car]).astype(np.float16)


def judged(truth: Mask, prediction: Mask, share: float = 0.99) -> Suspect | None:
    contradiction = contradicted(truth, prediction, sure_of(prediction, share))
    return suspect("a_01", "a", truth, prediction, contradiction)


def test_a_forgotten_object_is_suspicious() -> None:
    truth, prediction = blank(), blank()
    truth[5:15, 5:25] = prediction[5:15, 5:25] = 1
    prediction[20:30, 40:50] = 1
    found = judged(truth, prediction)
    assert found == Suspect("a_01", "a", 100 / 300, 100, 40, 20, 10, 10)


def test_unsure_models_edges_and_ignored_pixels_do_not_accuse() -> None:
    truth, prediction = blank(), blank()
    truth[5:25, 5:25] = 1
    prediction[5:25, 7:25] = 1  # an edge two pixels off
    assert judged(truth, prediction) is None
    prediction[10:20, 40:50] = 1
    assert judged(truth, prediction, 0.9) is None
    truth[:, 30:] = 255
    assert judged(truth, prediction) is None


def test_confident_is_the_likeliest_class_at_the_limit() -> None:
    truth, prediction = blank(), blank()
    prediction[10:20, 10:20] = 1
    at = float(np.float16(0.95))
    assert judged(truth, prediction, at) is not None
    assert judged(truth, prediction, at - 0.001) is None


@pytest.mark.parametrize("number", [3, 60])
def test_the_most_suspicious_come_first(number: int) -> None:
    each = [Suspect(f"i{n:02}", "a", n / 100, n, 0, 0, 1, 1) for n in range(number)]
    ranked = most_suspicious([None, *each])
    assert [one.stem for one in ranked[:2]] == [f"i{number - 1:02}", f"i{number - 2:02}"]
    assert len(ranked) == min(number, 50)
