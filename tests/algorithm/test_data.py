"""From a channel's files to batches: reading, augmenting, order."""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from formats.masks import Mask, write_mask
from jobs.algorithm.data import batches
from jobs.algorithm.data.augment import training_crop, validation_crop
from jobs.algorithm.data.batches import epoch_order, in_order, make_batches
from jobs.algorithm.data.samples import SampleStore, find_samples


def write_pair(data: Path, stem: str, mask: Mask, channel: str = "train") -> None:
    for folder in (data / channel, data / f"{channel}_annotation"):
        folder.mkdir(parents=True, exist_ok=True)
    (data / channel / f"{stem}.jpg").write_bytes(encode_image(np.stack([mask * 200] * 3, 2)))
    write_mask(data / f"{channel}_annotation" / f"{stem}.png", mask)


def half_mask(height: int = 8, width: int = 12) -> Mask:
    """Class 1 in the left half."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 1
    return mask


def test_samples_are_pairs_of_one_stem_by_name(tmp_path: Path) -> None:
    for stem in ("b", "a"):
        write_pair(tmp_path, stem, half_mask())
    (tmp_path / "train/a.jpg").rename(tmp_path / "train/a.JPEG")
    (tmp_path / "train/notes.txt").touch()
    samples = find_samples(tmp_path, "train")
    assert [(s.image.name, s.mask.name) for s in samples] == [("a.JPEG", "a.png"), ("b.jpg", "b.png")]


def test_an_image_without_mask_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "a", half_mask())
    (tmp_path / "train_annotation/a.png").unlink()
    with pytest.raises(SagesegError, match=r"train/a\.jpg: has no mask; expected .*train_annotation/a\.png"):
        find_samples(tmp_path, "train")


def test_a_missing_or_empty_channel_is_named(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="train: not found"):
        find_samples(tmp_path, "train")
    (tmp_path / "train").mkdir()
    (tmp_path / "train_annotation").mkdir()
    with pytest.raises(SagesegError, match="train: holds no JPEG"):
        find_samples(tmp_path, "train")


def test_samples_are_decoded_once_while_there_is_room(tmp_path: Path) -> None:
    for stem in "ab":
        write_pair(tmp_path, stem, half_mask())
    store = SampleStore(find_samples(tmp_path, "train"), num_classes=2, capacity=8 * 12 * 4)
    store.load(0)
    store.load(1)
    for path in (*tmp_path.glob("train/*"), *tmp_path.glob("train_annotation/*")):
        path.unlink()
    np.testing.assert_array_equal(store.load(0)[1], half_mask())
    with pytest.raises(SagesegError, match=r"b\.jpg: not found"):
        store.load(1)


def test_a_mask_that_does_not_fit_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "size", half_mask())
    write_mask(tmp_path / "train_annotation/size.png", half_mask(8, 10))
    write_pair(tmp_path, "value", half_mask() * 7)
    store = SampleStore(find_samples(tmp_path, "train"), num_classes=2)
    with pytest.raises(SagesegError, match=r"size\.png: 10 × 8 pixels, but its image has 12 × 8"):
        store.load(0)
    with pytest.raises(SagesegError, match=r"value\.png: value 7 is no class"):
        store.load(1)


def test_ignore_is_a_value_that_masks_may_hold(tmp_path: Path) -> None:
    write_pair(tmp_path, "a", half_mask())
    write_mask(tmp_path / "train_annotation/a.png", half_mask() * IGNORE)
    assert SampleStore(find_samples(tmp_path, "train"), num_classes=2).load(0)[1].max() == IGNORE


def grid(height: int, width: int) -> tuple[Rgb, Mask]:
    """An image whose brightness is 200 where the mask is 1, in stripes of 16 pixels."""
    mask = ((np.arange(width) // 16 + np.arange(height)[:, None] // 16) % 2).astype(np.uint8)
    return np.stack([mask * 200] * 3, 2), mask


@given(st.integers(1, 90), st.integers(1, 90), st.integers(17, 64), st.sampled_from([24, 32, 64]), st.integers(0, 9))
def test_training_crops_are_of_crop_size_and_only_hold_known_values(
    height: int, width: int, base_size: int, crop_size: int, seed: int
) -> None:
    image, mask = training_crop(*grid(height, width), base_size, crop_size, np.random.default_rng(seed))
    assert image.shape == (crop_size, crop_size, 3)
    assert mask.shape == (crop_size, crop_size)
    assert image.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 1, IGNORE}
    assert not image[(mask == IGNORE)].any() or (mask != IGNORE).all() or image.max() <= 200


def test_image_and_mask_stay_aligned_through_every_change() -> None:
    aligned, shifted = [], []
    for seed in range(40):
        image, mask = training_crop(*grid(128, 160), 160, 64, _rng(seed))
        bright, car = image[4:-4, 4:-4, 0] > 100, mask == 1
        aligned.append((bright == car[4:-4, 4:-4]).mean())
        shifted += [(bright == np.roll(car, by, axis)[4:-4, 4:-4]).mean() for by in (1, -1) for axis in (0, 1)]
    assert np.mean(aligned) > 0.98
    assert np.reshape(shifted, (40, 4)).mean(0).max() < 0.96


def filled_share(base_size: int, seed: int) -> float:
    _, mask = training_crop(*grid(64, 128), base_size, 64, np.random.default_rng(seed))
    return float((mask != IGNORE).mean())


def test_base_size_scales_the_long_side_by_a_half_to_two() -> None:
    # 64 × 128 at base 32: 8 × 16 to 32 × 64 of the 64 × 64 crop are filled
    shares = [filled_share(32, seed) for seed in range(200)]
    assert 8 * 16 / 64**2 <= min(shares) < 0.05
    assert 0.4 < max(shares) <= 32 * 64 / 64**2
    assert min(filled_share(256, seed) for seed in range(50)) == 1


def test_padding_is_black_right_and_below_and_ignored() -> None:
    image, mask = training_crop(np.full((8, 8, 3), 255, np.uint8), np.ones((8, 8), np.uint8), 17, 64, _rng(3))
    side = int((mask[0] == 1).sum())
    assert 8 <= side <= 34
    np.testing.assert_array_equal(mask[:side, :side], 1)
    assert (mask == IGNORE).sum() == 64**2 - side**2
    assert not image[side + 4 :].any()  # past the blur's reach


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mirroring_and_blur_happen_half_of_the_time() -> None:
    image, mask = np.zeros((128, 128, 3), np.uint8), half_mask(128, 128)
    image[::4] = 255
    mirrored = blurred = 0
    for seed in range(200):
        _, crop_mask = training_crop(image, mask, 64, 128, _rng(seed))  # 32 to 128 pixels: the whole image
        mirrored += crop_mask[0, 0] == 0
        sharp, _ = training_crop(np.full_like(image, 255), mask, 64, 128, _rng(seed))
        side = int((crop_mask[0] != IGNORE).sum())
        blurred += side < 124 and bool(sharp[0, side].any())
    assert 70 < mirrored < 130
    assert 60 < blurred < 130


def test_the_seed_decides_everything() -> None:
    source = grid(100, 100)
    first, again, other = (training_crop(*source, 100, 64, _rng(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_augmenting_leaves_the_source_as_it_was() -> None:
    image, mask = grid(64, 64)
    image.setflags(write=False)
    mask.setflags(write=False)
    for seed in range(10):
        training_crop(image, mask, 64, 64, _rng(seed))


@pytest.mark.parametrize(("height", "width"), [(20, 40), (40, 20), (33, 47)])
def test_validation_takes_the_middle_after_scaling_the_short_side(height: int, width: int) -> None:
    image, mask = validation_crop(*grid(height, width), crop_size=24)
    assert image.shape == (24, 24, 3)
    assert mask.shape == (24, 24)
    same, same_mask = validation_crop(*grid(24, 36), crop_size=24)
    np.testing.assert_array_equal(same, grid(24, 36)[0][:, 6:30])
    np.testing.assert_array_equal(same_mask, grid(24, 36)[1][:, 6:30])


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 5))
def test_each_pass_sees_each_sample_once_in_full_batches(count: int, batch_size: int, seed: int) -> None:
    size = min(count, batch_size)
    batches = [batch for epoch in range(size) for batch in epoch_order(count, batch_size, epoch, seed)]
    assert {len(batch) for batch in batches} == {size}
    assert Counter(number for batch in batches for number in batch) == dict.fromkeys(range(count), size)


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 5))
def test_an_epoch_has_about_its_share_of_batches(count: int, batch_size: int, epoch: int) -> None:
    assert len(epoch_order(count, batch_size, epoch, 0)) - max(count // batch_size, 1) in (0, 1)


def test_epochs_are_shuffled_anew_and_alike_for_one_seed() -> None:
    first, second = epoch_order(64, 8, 0, seed=0), epoch_order(64, 8, 1, seed=0)
    assert first != second
    assert first == epoch_order(64, 8, 0, seed=0) != epoch_order(64, 8, 0, seed=1)


def test_validation_order_ends_with_what_is_left() -> None:
    assert in_order(5, 2) == [[0, 1], [2, 3], [4]]


def numbered(index: int) -> tuple[Rgb, Mask]:
    return np.full((2, 2, 3), index, np.uint8), np.full((2, 2), index, np.uint8)


def test_batches_come_in_order_from_several_threads() -> None:
    batches = list(make_batches(in_order(7, 3), numbered, workers=3))
    assert [batch.masks[:, 0, 0].tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert batches[0].images.shape == (3, 2, 2, 3)


def test_only_a_few_batches_are_made_ahead() -> None:
    made = Counter[int]()
    batches = make_batches(in_order(100, 1), lambda i: (made.update([i]), numbered(i))[1], workers=2, ahead=2)
    next(batches)
    assert sum(made.values()) <= 3
    batches.close()  # type: ignore[attr-defined]


def test_a_failure_in_a_thread_is_raised_and_leaves_no_thread() -> None:
    def make(index: int) -> tuple[Rgb, Mask]:
        if index == 3:
            raise SagesegError("d.png: value 7 is no class")
        return numbered(index)

    before = threading.active_count()
    with pytest.raises(SagesegError, match=r"d\.png"):
        list(make_batches(in_order(9, 2), make, workers=2))
    assert threading.active_count() == before


def test_a_broken_image_among_others_is_named(tmp_path: Path) -> None:
    for stem in "abcdefgh":
        write_pair(tmp_path, stem, half_mask())
    (tmp_path / "train/e.jpg").write_bytes((tmp_path / "train/d.jpg").read_bytes()[:200])
    store = SampleStore(find_samples(tmp_path, "train"), num_classes=2)
    made = make_batches(in_order(8, 2), store.load, workers=3)
    before = [next(made).masks.shape for _ in range(2)]
    assert before == [(2, 8, 12)] * 2
    with pytest.raises(SagesegError, match=r"e\.jpg"):
        next(made)


def test_only_who_asks_for_batches_touches_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pinned memory comes of CUDA, and what other threads ask of that can spoil the capture of a graph."""
    asking: set[threading.Thread] = set()
    stacked = batches._stacked

    def watched(arrays: Sequence[npt.NDArray[np.uint8]], pinned: bool) -> torch.Tensor:
        asking.add(threading.current_thread())
        return stacked(arrays, pinned)

    monkeypatch.setattr(batches, "_stacked", watched)
    assert len(list(make_batches(in_order(9, 2), numbered, workers=3))) == 5
    assert asking == {threading.current_thread()}
