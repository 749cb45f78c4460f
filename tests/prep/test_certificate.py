"""What split.json tells of a split: near-twins, siblings, balance."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from formats.alike.twins import LIMIT
from formats.images import Rgb
from formats.masks import Mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import make_source
from tests.support.scenes import HEIGHT, WIDTH, scene, view


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
        "unit": "folder or block of a video",
        "group_by": None,
        "this_split": {
            "val": {"images": 6, "with_sibling": 0, "with_own_sibling": 0, "with_twin": 0, "leaked": 0},
        },
        "random_split_by_image": {
            "images": 6,
            "with_sibling": 6,
            "with_own_sibling": 0,
            "with_twin": 0,
            "leaked": 6,
        },
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
                "zoom": 1.0,
                "mirrored": False,
            }
        ],
    }
    assert read["leak"]["this_split"]["val"] == {
        "images": 1, "with_sibling": 0, "with_own_sibling": 0, "with_twin": 1, "leaked": 1,
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
    assert read["leak"]["random_split_by_image"]["images"] == 0
