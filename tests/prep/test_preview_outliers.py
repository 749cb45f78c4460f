"""Images out of the ordinary are found, each with a reason and a number, and others are not."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from formats.dataset import open_dataset
from formats.images import Rgb
from formats.masks import Mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.outliers import find_unusual, usual_range
from prep.preview.survey import survey
from tests.support.prep_samples import make_source

HEIGHT, WIDTH = 110, 150


def flat(level: int, width: int = WIDTH, height: int = HEIGHT) -> Rgb:
    return np.full((height, width, 3), level, np.uint8)


def coloured(seed: int) -> Rgb:
    """A sharp image in blue and orange."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(np.array([[20, 90, 200], [220, 130, 30]], np.uint8), (HEIGHT // 10, WIDTH // 10))
    return cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]


def box(left: int, top: int, right: int, bottom: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


USUAL = box(7, 5, 50, 40)


def reasons(
    tmp_path: Path, images: Sequence[Rgb], masks: Sequence[Mask], **options: int | None
) -> dict[str, list[str]]:
    groups = {f"g{number:02d}": 1 for number in range(len(images))}
    source = make_source(tmp_path / "labels", groups, image=lambda n: images[n], mask=lambda n: masks[n])
    given = {"crop": 64, "workers": 1} | options
    write_dataset(source, tmp_path / "dataset", PrepOptions(keep_empty=1, **given))  # type: ignore[arg-type]
    dataset = open_dataset(tmp_path / "dataset")
    found: dict[str, list[str]] = {}
    for each in find_unusual(dataset, survey(dataset, workers=1)):
        found.setdefault(each.rows[0].source, []).append(each.reason)
    return found


def of_masks(tmp_path: Path, odd: Mask, usual: Mask = USUAL, **options: int | None) -> dict[str, list[str]]:
    """What is found where one mask of ten is another one."""
    masks = [np.roll(usual, number, axis=1) for number in range(9)]
    return reasons(tmp_path, [coloured(n) for n in range(10)], [*masks, odd], **options)


def test_dark_bright_and_empty_images_are_found(tmp_path: Path) -> None:
    levels = [100, 104, 98, 101, 99, 103, 10, 245, 100, 102]
    masks = [USUAL for _ in levels]
    masks[8] = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert reasons(tmp_path, [flat(level) for level in levels], masks) == {
        "g06_0.jpg": ["dark: mean grey level 10, others about 100"],
        "g07_0.jpg": ["bright: mean grey level 245, others about 100"],
        "g08_0.jpg": ["no foreground"],
    }


def test_images_that_differ_widely_are_not_all_found(tmp_path: Path) -> None:
    levels = list(range(30, 230, 20))
    assert reasons(tmp_path, [flat(level) for level in levels], [USUAL] * len(levels)) == {}


def test_unusual_sizes_and_images_smaller_than_the_crop_are_found(tmp_path: Path) -> None:
    images, masks = [flat(100)] * 11, [USUAL] * 11
    images.append(flat(100, 40, 30))
    masks.append(np.pad(np.ones((20, 26), np.uint8), ((5, 5), (7, 7))))
    assert reasons(tmp_path, images, masks)["g11_0.jpg"][0] == "size 40 × 30, smaller than the crop and padded"
    images[11], masks[11] = flat(100, 90, 70), USUAL[:70, :90]
    assert reasons(tmp_path / "larger", images, masks)["g11_0.jpg"][0] == "size 90 × 70, as 1 of 12 images"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (cv2.GaussianBlur(coloured(3), (0, 0), 5), "blurred or flat: variance of the Laplacian "),
        (np.repeat(coloured(3).mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8), "nearly grey: its channels "),
        (flat(130), "nearly grey: its channels differ by 0.0 levels"),
    ],
)
def test_blurred_and_grey_images_are_found(tmp_path: Path, odd: Rgb, said: str) -> None:
    found = reasons(tmp_path, [*(coloured(n) for n in range(9)), odd], [USUAL] * 10)
    assert list(found) == ["g09_0.jpg"]
    assert found["g09_0.jpg"][0].startswith(said)


def test_a_dataset_all_grey_or_all_blurred_has_no_finding(tmp_path: Path) -> None:
    grey = [cv2.GaussianBlur(coloured(n), (0, 0), 4).mean(axis=2, keepdims=True) for n in range(10)]
    images = [np.repeat(each, 3, axis=2).astype(np.uint8) for each in grey]
    assert reasons(tmp_path, images, [USUAL] * 10) == {}


def test_a_class_on_far_more_of_an_image_is_found(tmp_path: Path) -> None:
    assert of_masks(tmp_path, box(3, 3, 140, 100)) == {"g09_0.jpg": ["car on 80.5 % of the image, others about 9.1 %"]}


def test_far_more_objects_are_found(tmp_path: Path) -> None:
    many = USUAL.copy()
    many[45:105:6, 7:140:6] = 1
    many[46:106:6, 7:140:6] = 1
    many[46:106:6, 8:140:6] = 1
    many[45:105:6, 8:140:6] = 1
    found = of_masks(tmp_path, many)["g09_0.jpg"]
    assert found[0] == "231 objects of car, others about 1"


def test_specks_and_small_objects_are_found(tmp_path: Path) -> None:
    speck = USUAL.copy()
    speck[90, 100] = 1
    assert of_masks(tmp_path, speck) == {"g09_0.jpg": ["a speck of 1 px of car, others' largest about 1,505 px"]}
    found = of_masks(tmp_path / "only", box(60, 60, 66, 67))
    assert found["g09_0.jpg"] == ["its only object of 42 px of car, others' largest about 1,505 px"]


def test_a_huge_object_among_small_ones_is_found(tmp_path: Path) -> None:
    found = of_masks(tmp_path, box(10, 10, 40, 40), usual=box(60, 60, 65, 64))
    assert found["g09_0.jpg"] == ["car of 900 px at most, others' largest about 20 px"]


def test_objects_cut_by_the_edge_are_found_where_that_is_rare(tmp_path: Path) -> None:
    masks = [np.roll(USUAL, number, axis=1) for number in range(11)]
    images = [coloured(n) for n in range(12)]
    found = reasons(tmp_path, images, [*masks, np.roll(USUAL, -5, axis=0)])
    assert found == {"g11_0.jpg": ["1 object of car cut by the image's edge, as in 1 of 12 images"]}
    half = [np.roll(USUAL, -5 * (number % 2), axis=0) for number in range(12)]
    assert reasons(tmp_path / "often", images, half) == {}


def test_few_images_say_nothing_of_what_is_usual(tmp_path: Path) -> None:
    images, masks = [coloured(n) for n in range(4)], [USUAL] * 3
    assert reasons(tmp_path, images, [*masks, box(3, 3, 140, 100)]) == {}


def test_what_is_usual_is_wide_where_values_are() -> None:
    assert usual_range([1.0, 1.0, 1.0], 2) == (1.0, -1.0, 3.0)
    usual, low, high = usual_range([0.0, 10.0, 20.0, 30.0, 40.0], 1)
    assert (usual, round(high - usual, 3), round(usual - low, 3)) == (20.0, 59.304, 59.304)
