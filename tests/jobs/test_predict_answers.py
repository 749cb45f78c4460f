"""What is sent to a model keeps to a limit, and what it answers is checked."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.images import decode_image, encode_image
from formats.masks import encode_mask
from jobs.contract.invocation import Expected, decode_mask, decode_scores, make_payload
from jobs.contract.probabilities import encode_probabilities


@given(st.integers(0, 1000), st.integers(0, 3))
def test_a_payload_is_never_over_its_limit(limit: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    jpeg = encode_image(rng.integers(0, 256, (16, 24, 3), np.uint8))
    allowed = 800 + limit
    payload = make_payload(jpeg, allowed, "a")
    assert len(payload.body) <= allowed
    assert (payload.width, payload.height) == (24, 16)
    assert decode_image(payload.body).shape == (16, 24, 3)
    assert (payload.quality is None) == (payload.body == jpeg)


EXPECTED = Expected(3, 2, 2, "car")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no PNG mask"),
        (b"{}", "no PNG mask"),
        (encode_image(np.zeros((2, 3, 3), np.uint8)), "a JPEG of mode RGB; expected a PNG mask"),
        (encode_mask(np.zeros((3, 2), np.uint8)), "the answer is 2 × 3 pixels; expected 3 × 2"),
        (encode_mask(np.full((2, 3), 2, np.uint8)), "holds class 2, but the model has 2"),
        (encode_mask(np.full((2, 3), 255, np.uint8)), "holds class 255"),
        (encode_mask(np.zeros((2, 3), np.uint8))[:-30], "no PNG mask"),
    ],
)
def test_answers_that_are_no_mask(body: bytes, message: str) -> None:
    with pytest.raises(SagesegError, match=f"^car: .*{re.escape(message)}"):
        decode_mask(body, EXPECTED)


@pytest.mark.parametrize("shape", [(1, 3, 2, 3), (1, 2, 3, 2), (2, 3), (2, 2, 2, 3)])
def test_probabilities_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(SagesegError, match="^car: the answer"):
        decode_scores(encode_probabilities(np.zeros(shape, np.float32)), EXPECTED)


def test_masks_and_probabilities_are_read() -> None:
    mask = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
    np.testing.assert_array_equal(decode_mask(encode_mask(mask), EXPECTED), mask)
    scores = np.stack([1.0 - mask, mask])[None].astype(np.float32)
    np.testing.assert_array_equal(decode_scores(encode_probabilities(scores), EXPECTED), scores[0])
