"""Labels that a model doubts are ranked; thin lines, unsure models and ignored pixels accuse nobody."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scoring.suspects import Suspect, doubts, listed, most_suspicious, suspect
from formats.masks import Mask
from formats.predictions import Probabilities

HEIGHT, WIDTH = 80, 120


def blank() -> Mask:
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def sure_of(mask: Mask, share: float, num_classes: int = 3) -> Probabilities:
    """Probabilities of a model that gives `share` to each pixel's class and the rest to the others alike."""
    right = np.arange(num_classes)[:, None, None] == mask
    return np.where(right, share, (1 - share) / (num_classes - 1)).astype(np.float16)


def judged(truth: Mask, prediction: Mask, share: float = 0.99) -> Suspect:
    found = suspect("a_01", "a", truth, doubts(truth, sure_of(prediction, share)))
    assert found is not None
    return found


def two_objects() -> Mask:
    mask = blank()
    mask[10:40, 10:50] = 1
    mask[50:62, 80:100] = 2
    return mask


def dropped(mask: Mask) -> None:
    mask[mask == 2] = 0


def shifted(mask: Mask) -> None:
    mask[mask == 2] = 0
    mask[53:65, 86:106] = 2


def swapped(mask: Mask) -> None:
    mask[mask == 2] = 1


def partial(mask: Mask) -> None:
    mask[10:25, 10:50] = 0


def enlarged(mask: Mask) -> None:
    mask[46:66, 76:104] = 2


def invented(mask: Mask) -> None:
    mask[20:28, 70:78] = 2


PLANTED = (dropped, shifted, swapped, partial, enlarged, invented)


def test_doubt_is_what_the_true_class_lacks_and_none_where_ignored() -> None:
    truth = np.array([[0, 1, 2, 255]], np.uint8)
    shares = np.array([[0.25, 0.0, 0.5, 0.0], [0.75, 1.0, 0.3, 1.0], [0.0, 0.0, 0.2, 0.0]], np.float16)
    assert doubts(truth, shares[:, None]).tolist() == [[191, 0, 204, 0]]


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("share", [0.99, 0.7])
def test_every_kind_of_error_is_more_suspicious_than_outlines_drawn_a_pixel_off(
    plant: Callable[[Mask], None], share: float
) -> None:
    prediction = two_objects()
    wrong, moved = two_objects(), np.roll(two_objects(), (1, 1), (0, 1))
    plant(wrong)
    assert judged(wrong, prediction, share).suspicion > 1.05 * judged(moved, prediction, share).suspicion


def test_planted_errors_come_first_though_the_model_is_unsure() -> None:
    """A model that is nowhere as sure as 0.95, as after training on wrong labels, and errs at edges."""
    from sklearn.metrics import average_precision_score

    rng, scores, wrong = np.random.default_rng(0), [], []
    for number in range(60):
        truth = np.roll(two_objects(), rng.integers(-1, 2, 2), (0, 1))
        if number % 3 == 0:
            PLANTED[number // 3 % len(PLANTED)](truth)
        scores.append(judged(truth, two_objects(), rng.uniform(0.8, 0.93)).suspicion)
        wrong.append(number % 3 == 0)
    assert average_precision_score(wrong, scores) > 0.95


def test_a_small_forgotten_object_stands_out_beside_a_large_right_one() -> None:
    truth = blank()
    truth[5:75, 5:80] = 1
    prediction, unsure = truth.copy(), sure_of(truth, 0.8)
    prediction[40:48, 100:108] = 2
    assert judged(truth, prediction).suspicion > 0.9
    doubtful = suspect("a_01", "a", truth, doubts(truth, unsure))
    assert doubtful is not None
    assert doubtful.suspicion < 0.25


def test_the_box_is_that_of_the_largest_contradiction() -> None:
    truth, prediction = blank(), blank()
    truth[5:15, 5:25] = prediction[5:15, 5:25] = 1
    prediction[20:30, 40:52] = 1
    prediction[60:63, 90:92] = 2
    prediction[70, :] = 2  # a line
    found = judged(truth, prediction)
    assert (found.pixels, found.x, found.y, found.width, found.height) == (126, 40, 20, 12, 10)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, WIDTH - 4), (HEIGHT - 4, 0), (HEIGHT - 4, WIDTH - 4), (30, 50)])
def test_lines_one_pixel_wide_accuse_nobody_at_any_edge(top: int, left: int) -> None:
    for height, width in ((4, 1), (1, 4)):
        prediction = blank()
        prediction[top : top + height, left : left + width] = 1
        prediction[-1 if top else 0, left] = 1
        assert judged(blank(), prediction) == judged(blank(), blank())
    prediction = blank()
    prediction[top : top + 2, left : left + 4] = 1
    assert judged(blank(), prediction).pixels == 8


def test_ignored_pixels_do_not_accuse_and_an_ignored_image_is_no_suspect() -> None:
    truth, prediction = blank(), blank()
    prediction[10:20, 40:60] = 1
    truth[:, 30:] = 255
    half = judged(truth, prediction)
    assert (half.pixels, half.suspicion) == (0, judged(blank(), blank()).suspicion)
    truth[:] = 255
    assert suspect("a_01", "a", truth, doubts(truth, sure_of(prediction, 0.99))) is None


def test_contradicted_is_a_tenth_or_less_for_the_truth() -> None:
    truth, prediction = blank(), blank()
    prediction[10:20, 10:20] = 1
    assert judged(truth, prediction, 0.8).pixels == 100  # of three classes the truth has 0.1
    assert judged(truth, prediction, 0.77).pixels == 0


@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(0, 1))
def test_suspicion_is_a_mean_that_grows_with_doubt(seed: int, side: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    doubt = rng.integers(0, 256, (side, side), np.uint8)
    truth = np.where(rng.random(doubt.shape) < 0.2, 255, 0).astype(np.uint8)
    truth[0, 0] = 0
    doubt[truth == 255] = 0
    less, more = suspect("a", "a", truth, (doubt * share).astype(np.uint8)), suspect("a", "a", truth, doubt)
    assert less is not None
    assert more is not None
    assert 0 <= less.suspicion <= more.suspicion + 1e-12 <= doubt.max() / 255 + 1e-9
    assert less.pixels <= more.pixels


@pytest.mark.parametrize("number", [3, 60])
def test_the_most_suspicious_come_first_and_only_contradicted_ones_are_listed(number: int) -> None:
    each = [Suspect(f"i{n:02}", "a", n / 100, n % 2, 0, 0, 1, 1) for n in range(number)]
    ranked = most_suspicious([None, *each])
    assert [one.stem for one in ranked] == [f"i{n:02}" for n in reversed(range(number))]
    assert listed([None, *each]) == [one for one in ranked if one.pixels]
    assert len(listed([*each, *(Suspect(f"j{n}", "a", 1.0, 1) for n in range(50))])) == 50
