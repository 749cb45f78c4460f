"""Prediction as a pipeline: every crop once, whatever the sizes, batches and threads; nothing is left behind."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb
from formats.manifest import ManifestRow
from formats.masks import Mask, read_mask
from formats.parallel import available_cores
from formats.predictions import mask_path, read_probabilities
from jobs.prediction.artefact_route import predict_work
from jobs.prediction.crops_to_predict import Rows, SourceWork, dataset_work, read_ahead
from jobs.prediction.full_batches import full_batches
from jobs.prediction.output import Predicted, write_all
from jobs.prediction.stages import in_order

Size = tuple[int, int]
SIZES: Sequence[Size] = ((2, 2), (2, 3), (3, 2), (5, 5))
SOURCES = st.lists(st.lists(st.sampled_from(SIZES), min_size=1, max_size=4), max_size=12)
"""Of each source the (height, width) of its crops."""


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Red:
    """A model whose class is what is red in a pixel, 0 or 1. `batches` are the shapes that it was given."""

    num_classes = 2

    def __init__(self, streams: int = 1, batch_pixels: int = 12) -> None:
        self.streams, self.batch_pixels, self.batches = streams, batch_pixels, list[tuple[int, ...]]()

    def predict_masks(self, images: Rgb) -> Mask:
        self.batches.append(images.shape[:3])  # appending is atomic
        return images[..., 0].copy()

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        return np.eye(2, dtype=np.float32)[self.predict_masks(images)].transpose(0, 3, 1, 2)


class Drawn:
    """Reads what `pixels_of` draws, or fails as a file that is damaged does."""

    def __init__(self, *, broken: bool = False) -> None:
        self._broken = broken

    def files(self, _rows: Rows) -> list[Path]:
        return []

    def read(self, rows: Rows) -> list[Rgb]:
        if self._broken:
            raise SagesegError("broken.jpg: cannot be read as an image")
        return [pixels_of(row) for row in rows]

    def encode(self, _rows: Rows) -> list[bytes]:
        return []


def sources(sizes: Sequence[Sequence[Size]], broken: int | None = None) -> list[SourceWork]:
    """Work whose crops have pixels of their own; the source of number `broken` cannot be read."""
    return [source(number, crops, broken=number == broken) for number, crops in enumerate(sizes)]


def source(number: int, sizes: Sequence[Size], *, broken: bool = False) -> SourceWork:
    rows = tuple(
        ManifestRow(f"{number}-{at}", "", f"{number}", f"{number}.jpg", 0, 0, width, height, 9, 9)
        for at, (height, width) in enumerate(sizes)
    )
    return SourceWork(rows, Drawn(broken=broken))


def pixels_of(row: ManifestRow) -> Rgb:
    seed = int(row.id.replace("-", ""))
    return np.random.default_rng(seed).integers(0, 2, (row.height, row.width, 3), np.uint8)


def expected_of(work: Sequence[SourceWork]) -> dict[str, list[list[int]]]:
    return {row.id: pixels_of(row)[..., 0].tolist() for one in work for row in one.rows}


def answers_of(predicted: Sequence[Predicted]) -> dict[str, list[list[int]]]:
    found = {one.row.id: one.answer.tolist() for one in predicted}
    assert len(found) == len(predicted)  # each once
    return found


@settings(deadline=None)
@given(SOURCES, st.integers(1, 3), st.integers(1, 40))
def test_every_crop_is_predicted_once_whatever_the_batches_and_threads(
    sizes: list[list[Size]], streams: int, batch_pixels: int
) -> None:
    work, model = sources(sizes), Red(streams, batch_pixels)
    assert answers_of(list(predict_work(model, work, probabilities=False))) == expected_of(work)
    assert all(count == 1 or count * height * width <= batch_pixels for count, height, width in model.batches)


@settings(deadline=None)
@given(SOURCES.filter(bool), st.data(), st.integers(1, 3))
def test_all_before_an_image_that_cannot_be_read_is_predicted_before_its_error(
    sizes: list[list[Size]], data: st.DataObject, streams: int
) -> None:
    broken = data.draw(st.integers(0, len(sizes) - 1))
    work, seen = sources(sizes, broken), list[Predicted]()
    with pytest.raises(SagesegError, match=r"broken\.jpg"):
        seen.extend(predict_work(Red(streams), work, probabilities=False))  # keeps those before the error
    assert answers_of(seen) == expected_of(work[:broken])


def test_batches_are_full_across_images() -> None:
    model = Red()
    list(predict_work(model, sources([[(2, 3)]] * 7), probabilities=False))
    assert model.batches == [(2, 2, 3)] * 3 + [(1, 2, 3)]


def waiting_of(sizes: Sequence[Sequence[Size]], pixels: int, most_waiting: int) -> tuple[int, list[int]]:
    """The most pixels that were read and in no batch yet when a source was asked for, and the pixels of the batches."""
    work, taken, most, made = sources(sizes), 0, 0, list[int]()

    def read() -> Iterator[tuple[SourceWork, list[Rgb]]]:
        nonlocal taken, most
        for one in work:
            most = max(most, taken - sum(made))
            taken += sum(row.width * row.height for row in one.rows)
            yield one, one.read()

    for batch in full_batches(read(), lambda: pixels, most_waiting):
        made.append(sum(image.shape[0] * image.shape[1] for _, image in batch))
    assert sum(made) == taken
    return most, made


@given(SOURCES, st.integers(1, 30), st.integers(0, 60))
def test_what_waits_for_its_batch_is_bounded(sizes: list[list[Size]], pixels: int, most_waiting: int) -> None:
    most, _ = waiting_of(sizes, pixels, most_waiting)
    assert most <= max(pixels, most_waiting)


def test_of_ten_thousand_images_of_many_sizes_few_wait() -> None:
    sizes = [[(1 + number % 9, 1 + number % 70)] for number in range(10_000)]
    most, batches = waiting_of(sizes, 1000, 200_000)
    assert most <= 200_000
    assert len(batches) < 5000


def test_a_crop_that_waits_does_not_keep_its_image() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    work = source(0, [(2, 2), (2, 2)])
    (batch,) = full_batches([(work, [image[:2, :2], image[2:4, :2]])], lambda: 100)
    assert all(crop.base is None for _, crop in batch)


def test_memory_is_flat_over_ten_thousand_images() -> None:
    """As many sources have been read, and not written, as threads and batches account for."""
    lock, read, written, most = threading.Lock(), 0, 0, 0

    class Counted(Drawn):
        def read(self, rows: Rows) -> list[Rgb]:
            nonlocal read, most
            with lock:
                read += 1
                most = max(most, read - written)
            return super().read(rows)

    work = [SourceWork(source(0, [(2, 2)]).rows, Counted())] * 10_000
    with closing(predict_work(Red(2), work, probabilities=False)) as predicted:
        for _ in predicted:
            with lock:
                written += 1
    assert written == 10_000
    assert most <= 2 * available_cores() + 30  # sources ahead, four batches of three, and those that are yielded


@pytest.mark.parametrize("images", [None, Path("images")], ids=["crops", "crops and dropped ones"])
def test_what_is_kept_of_each_image_until_it_is_read_is_small(images: Path | None) -> None:
    """A folder may have a hundred thousand images: beside the manifest's rows 300 bytes for each."""
    rows = [replace(source(0, [(2, 2)]).rows[0], source=f"{number}.jpg", split="val") for number in range(1000)]
    dataset = Dataset(Path("dataset"), ClassTable(("_background_", "car")), tuple(rows), {})
    dataset_work(dataset, "val", images)
    tracemalloc.start()
    work = dataset_work(dataset, "val", images)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(work) == 1000
    assert kept < 300 * 1000


def test_images_under_way_have_so_many_bytes_at_most() -> None:
    """Each source has a quarter of what is read ahead: 4 are read, whatever the cores."""
    most, under_way, lock = 0, 0, threading.Lock()
    row = ManifestRow("a", "", "a", "a.jpg", 0, 0, 1, 1, 2**13, 2**26 // 3 // 2**13)

    def read(_: SourceWork) -> None:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)

    for _ in read_ahead([SourceWork((row,), Drawn())] * 40, read):
        with lock:
            under_way -= 1
    assert most <= 4


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 4), st.integers(0, 20))
def test_results_come_in_order_and_cost_no_more_than_is_allowed(items: list[int], threads: int, most: int) -> None:
    lock, begun, taken = threading.Lock(), list[int](), 0

    def double(item: int) -> int:
        with lock:
            begun.append(item)
        return 2 * item

    def offered() -> Iterator[int]:
        for number, item in enumerate(items):
            under_way = items[taken:number]
            assert len(under_way) <= 2 * threads
            assert len(under_way) <= 1 or sum(under_way) <= most
            yield item

    for result in in_order(double, offered(), threads=threads, cost=lambda item: item, most=most):
        assert result == 2 * items[taken]
        taken += 1
    assert taken == len(items)
    assert sorted(begun) == sorted(items)


def test_what_has_been_taken_costs_no_more() -> None:
    taken, under_way = 0, list[int]()

    def offered() -> Iterator[int]:
        for number in range(6):
            under_way.append(number - taken)
            yield number

    for _ in in_order(str, offered(), threads=4, cost=lambda _: 1, most=2):
        taken += 1
    assert under_way == [0, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("error", [SagesegError, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("probabilities", [False, True])
def test_whatever_ends_it_midway_no_thread_stays(error: type[BaseException], probabilities: bool) -> None:
    """The fixture looks for the threads."""
    work = sources([[(2, 3)] * 4] * 20)
    with pytest.raises(error):
        end_midway(predict_work(Red(2), work, probabilities=probabilities), error)


def end_midway(predicted: Generator[Predicted], error: type[BaseException]) -> None:
    with closing(predicted):
        next(predicted)
        raise error


class Full(Red):
    def predict_masks(self, _: Rgb) -> Mask:
        raise MemoryError


def test_an_image_for_which_memory_lacks_is_named_with_the_next_step() -> None:
    with pytest.raises(SagesegError, match=r"^0\.jpg: 2 × 3 × 2 pixels take more memory than there is; cut .* --crop"):
        list(predict_work(Full(), sources([[(2, 3), (2, 3)]]), probabilities=False))


def test_another_failure_of_the_model_stays_what_it_is() -> None:
    class Broken(Red):
        def predict_masks(self, _: Rgb) -> Mask:
            raise RuntimeError("no kernel image")

    with pytest.raises(RuntimeError, match="no kernel image"):
        list(predict_work(Broken(), sources([[(2, 3)]]), probabilities=False))


@pytest.mark.parametrize("probabilities", [False, True])
def test_what_was_predicted_before_an_error_is_written(probabilities: bool, tmp_path: Path) -> None:
    work = sources([[(2, 3), (5, 5)]] * 9, broken=7)
    with pytest.raises(SagesegError, match=r"broken\.jpg"):
        write_all(tmp_path, predict_work(Red(2), work, probabilities=probabilities), 18)
    expected = expected_of(work[:7])
    assert {path.stem for path in tmp_path.glob("masks/*")} == set(expected)
    for row_id, mask in expected.items():
        assert read_mask(mask_path(tmp_path, row_id)).tolist() == mask
    if probabilities:
        scores = read_probabilities(tmp_path / "probabilities" / "0-1.npz")
        assert scores[1].tolist() == expected["0-1"]


def test_many_classes_make_batches_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GiB of probabilities is under way: here as if it were 96 bytes, 12 pixels of 2 classes."""
    monkeypatch.setattr("jobs.prediction.artefact_route._SCORES_BYTES", 96)
    model = Red(batch_pixels=600)
    list(predict_work(model, sources([[(2, 3)]] * 5), probabilities=True))
    assert model.batches == [(2, 2, 3), (2, 2, 3), (1, 2, 3)]
