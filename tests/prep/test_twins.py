"""Near-twins are found whatever their brightness and small shift, and siblings are counted."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.images import Rgb
from formats.masks import Mask
from prep.dataset.twins import LIMIT, SHIFT, SIDE, Twins, align, find_twins, signatures, thumbnail
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import make_source

WIDTH, HEIGHT = 320, 240


def scene(number: int) -> Rgb:
    """A smooth scene like no other, with room to be shifted in."""
    coarse = np.random.default_rng(number).integers(40, 200, (9, 12, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH + 80, HEIGHT + 80), interpolation=cv2.INTER_CUBIC))


def view(image: Rgb, dx: int = 0, dy: int = 0) -> Rgb:
    return image[40 + dy : 40 + dy + HEIGHT, 40 + dx : 40 + dx + WIDTH]


def brighter(image: Rgb) -> Rgb:
    drawn: Rgb = np.clip(image.astype(int) + 25, 0, 255).astype(np.uint8)
    return drawn


def noisy(image: Rgb) -> Rgb:
    drawn: Rgb = np.clip(image + np.random.default_rng(0).normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    return drawn


def thumbnails(*images: Rgb) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.stack([thumbnail(image) for image in images])


@pytest.mark.parametrize(
    "twin",
    [
        view(scene(0)),
        brighter(view(scene(0))),
        noisy(view(scene(0))),
        view(scene(0), dx=10),
        view(scene(0), dy=-12),
        view(brighter(scene(0)), dx=15, dy=-10),
        cv2.resize(view(scene(0)), (160, 120)),
    ],
)
def test_twins_are_found_among_other_scenes(twin: Rgb) -> None:
    others = [view(scene(number)) for number in range(1, 30)]
    found = list(find_twins(thumbnails(*others, view(scene(0)), twin), [30], range(30)))
    assert [pair.b for pair in found] == [29]
    assert found[0].difference < LIMIT


def test_the_shift_is_told_in_pixels_of_the_thumbnail() -> None:
    pair = align(thumbnails(view(scene(0)), view(scene(0), dx=10, dy=-15)), 0, 1)
    # 10 of 320 pixels are 2 of 64, 15 of 240 are 4; the second image shows what lies further right, so all lies left
    assert (pair.dx, pair.dy) == (-2, 4)


def test_other_scenes_are_no_twins() -> None:
    images = thumbnails(*(view(scene(number)) for number in range(20)))
    assert list(find_twins(images, range(10), range(10, 20))) == []


def test_flat_images_are_twins_of_flat_ones_only() -> None:
    flat = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (5, 90)]
    found = list(find_twins(thumbnails(*flat, view(scene(1))), [0], [1, 2]))
    assert [(pair.b, pair.difference) for pair in found] == [(1, 0.0)]


def test_the_noise_of_a_dark_camera_does_not_tell_images_apart() -> None:
    dark = [
        np.random.default_rng(seed).normal(6, 3, (HEIGHT, WIDTH, 3)).clip(0, 255).astype(np.uint8) for seed in (0, 1)
    ]
    assert [pair.b for pair in find_twins(thumbnails(*dark), [0], [1])] == [1]


def test_a_difference_is_the_mean_over_the_best_of_all_shifts() -> None:
    pair = thumbnails(view(scene(3)), view(scene(4)))
    a, b = pair.astype(float)
    expected = min(
        np.abs(
            (b[y : y + 56, x : x + 56] - b[y : y + 56, x : x + 56].mean()) - (a[4:60, 4:60] - a[4:60, 4:60].mean())
        ).mean()
        for y in range(2 * SHIFT + 1)
        for x in range(2 * SHIFT + 1)
    )
    assert align(pair, 0, 1).difference == pytest.approx(expected, abs=0.001)


@given(st.integers(0, 5), st.integers(1, 12), st.integers(1, 12))
def test_blocks_do_not_change_what_is_found(seed: int, images: int, others: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = [view(scene(int(number))) for number in rng.integers(0, 4, images + others)]
    drawn = thumbnails(*scenes)
    whole = list(find_twins(drawn, range(images), range(images, images + others)))
    one_by_one = [
        pair for image in range(images) for pair in find_twins(drawn, [image], range(images, images + others))
    ]
    assert whole == one_by_one
    for pair in whole:
        assert np.array_equal(drawn[pair.a], drawn[pair.b])


@given(st.integers(0, 100))
def test_sums_of_signatures_are_exact_in_float32(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (4, SIDE, SIDE), np.uint8)
    hashes = signatures(noise)
    assert np.array_equal(hashes, np.rint(hashes))
    assert (hashes.astype(int) ** 2).sum(axis=1).max() < 2**24


def test_nothing_to_compare_with_finds_nothing() -> None:
    assert list(find_twins(thumbnails(view(scene(0))), [0], [])) == []


def certificate(tmp_path: Path, images: list[Rgb], groups: dict[str, int], **options: Any) -> dict[str, Any]:
    source = make_source(tmp_path / "labels", groups, image=lambda number: images[number], mask=half)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=None, workers=1, **options))
    read: dict[str, Any] = json.loads((tmp_path / "dataset" / "split.json").read_text())
    return read


def half(number: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[: HEIGHT // 2] = 1
    mask[0, :80] = 255
    return mask


def test_the_leak_meter_sets_this_split_against_one_image_by_image(tmp_path: Path) -> None:
    groups = dict.fromkeys("abcdef", 3)
    images = [view(scene(number // 3), dx=number % 3) for number in range(18)]
    read = certificate(tmp_path, images, groups, val=2)
    assert read["leak"] == {
        "this_split": {"validation_images": 6, "with_sibling": 0, "with_twin": 0, "leaked": 0},
        "random_split_by_image": {"validation_images": 6, "with_sibling": 6, "with_twin": 0, "leaked": 6},
    }
    assert read["twins"] == {"limit": LIMIT, "found": 0, "candidates": []}


def test_a_twin_in_another_group_is_a_candidate_and_a_leak(tmp_path: Path) -> None:
    images = [view(scene(number % 3)) for number in range(6)]  # each scene stands in two groups
    groups = dict.fromkeys("abcdef", 1)
    read = certificate(tmp_path, images, groups, val=1)
    (val,) = (name for name, split in read["groups"].items() if split == "val")
    twin = "abcdef"[("abcdef".index(val) + 3) % 6]
    assert read["twins"] == {
        "limit": LIMIT,
        "found": 1,
        "candidates": [
            {
                "images": [f"{val}_0.jpg", f"{twin}_0.jpg"],
                "splits": ["val", "train"],
                "difference": 0.0,
                "shift": [0.0, 0.0],
            }
        ],
    }
    assert read["leak"]["this_split"] == {
        "validation_images": 1, "with_sibling": 0, "with_twin": 1, "leaked": 1,
    }  # fmt: skip


def test_the_balance_counts_whole_images_and_leaves_out_what_is_ignored(tmp_path: Path) -> None:
    images = [view(scene(number)) for number in range(3)]
    read = certificate(tmp_path, images, {"a": 1, "b": 1, "c": 1}, val=1, keep_empty=0)
    ignored = 80 / (WIDTH * HEIGHT)
    foreground = (0.5 - ignored) / (1 - ignored)
    for split, count in (("train", 2), ("val", 1)):
        assert read["balance"][split] == {
            "images": count,
            "foreground": round(foreground, 6),
            "ignored": round(ignored, 6),
            "classes": {
                "_background_": {"pixels": round(1 - foreground, 6), "images": count},
                "car": {"pixels": round(foreground, 6), "images": count},
            },
        }
    assert read["balance"]["test"]["foreground"] is None


def test_the_certificate_says_what_was_asked_and_got(tmp_path: Path) -> None:
    images = [view(scene(number)) for number in range(5)]
    read = certificate(tmp_path, images, dict.fromkeys("abcde", 1), val=0.3, test=1, seed=3)
    assert (read["seed"], read["stratified"]) == (3, False)
    assert read["asked"] == {"val": 0.3, "test": 1}
    assert read["got"] == {"train": 0.4, "val": 0.4, "test": 0.2}


def test_a_single_group_without_validation_has_a_certificate_too(tmp_path: Path) -> None:
    read = certificate(tmp_path, [view(scene(0)), view(scene(1))], {"a": 2}, val=0)
    assert read["leak"]["random_split_by_image"]["validation_images"] == 0


def test_pairs_are_ordered_by_their_difference() -> None:
    assert min(Twins(2.0, 0, 1, 0, 0), Twins(1.0, 9, 9, 9, 9)).difference == 1.0
