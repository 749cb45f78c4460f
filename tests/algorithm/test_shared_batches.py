"""Requests at the same time share the network: whose batch they are in changes nothing for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.inference.within_memory import WithinMemory
from jobs.algorithm.serving.shared_batches import SharedBatches
from jobs.contract.artefact import read_artefact
from tests.support.emulator_setup import wait_until
from tests.support.tiny_model import write_artefact


class Red:
    """A model whose class is what is red in a pixel. It keeps the first batch until it is let go, and fails for a batch
    that holds red 13. `batches` are the shapes that it was given."""

    num_classes = 256

    def __init__(self, streams: int = 1, batch_pixels: int = 4 * 6, *, held: bool = False) -> None:
        self.streams, self.batch_pixels = streams, batch_pixels
        self.batches: list[tuple[int, ...]] = []
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.lock, self.at_work, self.most_pixels = threading.Lock(), list[int](), 0
        if not held:
            self.go.set()

    def predict_masks(self, images: Rgb) -> Mask:
        pixels = images[..., 0].size
        with self.lock:
            self.batches.append(images.shape[:3])
            self.at_work.append(pixels)
            self.most_pixels = max(self.most_pixels, sum(self.at_work) if len(self.at_work) > 1 else 0)
        self.begun.release()
        assert self.go.wait(60)
        with self.lock:
            self.at_work.remove(pixels)
        if (images[..., 0] == 13).any():
            raise RuntimeError("an unlucky image")
        return images[..., 0].copy()

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        return self.predict_masks(images)[:, None].astype(np.float32)


def image(red: int, height: int = 2, width: int = 3) -> Rgb:
    return np.full((height, width, 3), red, np.uint8)


def ask_behind_a_first(model: Red, images: Sequence[Rgb], pool: ThreadPoolExecutor) -> list[Future[Any]]:
    """All images asked for while the model is at work on another, which comes first."""
    shared = SharedBatches(model)
    first = pool.submit(shared.predict_mask, image(0))
    assert model.begun.acquire(timeout=60)
    later = []
    for one in images:
        later.append(pool.submit(shared.predict_mask, one))
        wait_until(lambda: len(shared._waiting) == len(later))  # the next comes after this one
    model.go.set()
    return [first, *later]


def test_what_waits_goes_as_one_batch_of_each_size_the_oldest_first() -> None:
    model = Red(held=True)
    others = [image(1), image(2, 4, 4), image(3), image(4), image(5), image(6), image(7, 4, 4)]
    with ThreadPoolExecutor(9) as pool:
        answers = ask_behind_a_first(model, others, pool)
        for asked, answer in zip([image(0), *others], answers, strict=True):
            np.testing.assert_array_equal(answer.result(60), asked[..., 0])
    # 24 pixels a batch: four of 2 × 3, one of 4 × 4
    assert model.batches == [(1, 2, 3), (4, 2, 3), (1, 4, 4), (1, 2, 3), (1, 4, 4)]


def test_one_that_fails_does_not_take_its_neighbours_along() -> None:
    model = Red(held=True)
    with ThreadPoolExecutor(5) as pool:
        answers = ask_behind_a_first(model, [image(12), image(13), image(14)], pool)
        with pytest.raises(RuntimeError, match="an unlucky image"):
            answers.pop(2).result(60)
        assert [int(answer.result(60)[0, 0]) for answer in answers] == [0, 12, 14]
    assert model.batches == [(1, 2, 3), (3, 2, 3), (1, 2, 3), (1, 2, 3), (1, 2, 3)]


def test_masks_and_probabilities_share_no_batch() -> None:
    model = Red(held=True)
    shared = SharedBatches(model)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(shared.predict_mask, image(0))
        assert model.begun.acquire(timeout=60)
        mask, scores = pool.submit(shared.predict_mask, image(1)), pool.submit(shared.predict, image(2))
        wait_until(lambda: len(shared._waiting) == 2)
        model.go.set()
        assert (first.result(60).shape, mask.result(60).shape, scores.result(60).shape) == ((2, 3), (2, 3), (1, 2, 3))
    assert model.batches == [(1, 2, 3)] * 3


def test_streams_share_what_waits() -> None:
    model = Red(streams=2, held=True)
    shared = SharedBatches(model)
    with ThreadPoolExecutor(6) as pool:
        first = [pool.submit(shared.predict_mask, image(red)) for red in range(2)]
        for _ in first:
            assert model.begun.acquire(timeout=60)
        later = [pool.submit(shared.predict_mask, image(red)) for red in range(4)]
        wait_until(lambda: len(shared._waiting) == 4)
        model.go.set()
        assert [int(answer.result(60)[0, 0]) for answer in first + later] == [0, 1, 0, 1, 2, 3]
    assert model.batches[:3] == [(1, 2, 3), (1, 2, 3), (2, 2, 3)]  # two of four: the other stream has the rest


def test_a_network_answers_alike_shared_and_alone(tmp_path: Path) -> None:
    """On a GPU where there is one: batches differ in rounding, which may change a pixel between two classes."""
    write_artefact(tmp_path / "tiny.tar.gz", classes=3)
    model = Predictor(read_artefact(tmp_path / "tiny.tar.gz"))
    images = np.random.default_rng(0).integers(0, 256, (12, 64, 96, 3), np.uint8)
    with ThreadPoolExecutor(6) as pool:
        shared = np.stack(list(pool.map(SharedBatches(WithinMemory(model)).predict_mask, images)))
    alone = np.concatenate([model.predict_masks(image[None]) for image in images])
    assert len(np.unique(alone)) > 1  # one class would prove nothing
    assert (shared != alone).mean() <= 0.01


SIZES = st.sampled_from([(2, 3), (3, 2), (5, 5), (9, 9)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SIZES, st.integers(0, 255)), max_size=30), st.integers(1, 3), st.integers(1, 8))
def test_every_request_gets_its_own_answer(
    requests: list[tuple[tuple[int, int], int]], streams: int, clients: int
) -> None:
    model = Red(streams)
    shared = SharedBatches(model)
    images = [image(red, *size) for size, red in requests if red != 13]
    with ThreadPoolExecutor(clients) as pool:
        for asked, answer in zip(images, pool.map(shared.predict_mask, images), strict=True):
            np.testing.assert_array_equal(answer, asked[..., 0])
    assert sum(batch[0] for batch in model.batches) == len(images)
    assert all(count == 1 or count * height * width <= 24 for count, height, width in model.batches)
    assert model.most_pixels <= streams * model.batch_pixels
    assert not shared._waiting
    assert not shared._at_work


class Small(Red):
    """A model with memory for so many images at once."""

    def __init__(self, most: int) -> None:
        super().__init__(batch_pixels=8 * 6)
        self.most = most

    def predict_masks(self, images: Rgb) -> Mask:
        if len(images) > self.most:
            self.batches.append((-len(images),))
            raise MemoryError
        return super().predict_masks(images)


def test_a_batch_for_which_memory_lacks_is_halved_from_then_on(capsys: pytest.CaptureFixture[str]) -> None:
    small = Small(3)
    model = WithinMemory(small)
    images = np.stack([image(red) for red in range(8)])
    for _ in range(2):
        np.testing.assert_array_equal(model.predict_masks(images), images[..., 0])
    assert [batch[0] for batch in small.batches] == [-8, -4, 2, 2, 2, 2, 2, 2, 2, 2]
    assert model.batch_pixels == 2 * 6
    assert capsys.readouterr().err.splitlines() == [
        "8 images of 3 × 2 pixels take more memory than there is: from here on 4 at once",
        "4 images of 3 × 2 pixels take more memory than there is: from here on 2 at once",
    ]


def test_a_single_image_for_which_memory_lacks_is_an_error_and_so_is_any_other() -> None:
    with pytest.raises(MemoryError):
        WithinMemory(Small(0)).predict_masks(image(1)[None])
    with pytest.raises(RuntimeError, match="an unlucky image"):
        WithinMemory(Red()).predict(np.stack([image(1), image(13)]))
