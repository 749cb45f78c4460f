"""Carvana's images and masks become a dataset, whose crops hold the masks' own pixels."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from formats.crops import crop_grid, owned_boxes
from formats.dataset import channel_path, open_dataset
from formats.images import read_image
from formats.masks import read_mask
from formats.prepared.groups import parse_group_by
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from tests.support.carvana_samples import ANGLES, CARS, HEIGHT, WIDTH, prepare, shoot_in
from tests.support.prep_samples import digests


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    return shoot_in(tmp_path)


def test_every_crop_holds_the_masks_own_pixels(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    stitched = {stem: np.zeros((HEIGHT, WIDTH), np.uint8) for stem in {row.source_stem for row in dataset.rows}}
    owned = owned_boxes(crop_grid(WIDTH, HEIGHT, 64), WIDTH, HEIGHT)
    for row in dataset.rows:
        if row.kept:
            own, mask = owned[row.box], read_mask(dataset.mask_path(row.id))
            part = mask[own.top - row.y : own.top - row.y + own.height, own.left - row.x : own.left - row.x + own.width]
            stitched[row.source_stem][own.top : own.top + own.height, own.left : own.left + own.width] = part
    for stem, mask in stitched.items():
        assert np.array_equal(mask, read_mask(shoot / "masks" / f"{stem}_mask.gif")), stem


def test_only_empty_training_crops_are_dropped_and_keep_their_row(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    assert len(dataset.rows) == 6 * len(crop_grid(WIDTH, HEIGHT, 64))
    dropped = [row for row in dataset.rows if not row.kept]
    assert dropped
    assert all(row.split == "train" and row.foreground == 0 and row.image_sha256 == "" for row in dropped)
    assert all(row.kept for row in dataset.rows if row.split == "val")
    assert {row.id for row in dataset.rows if row.kept} == {p.stem for p in (dataset.root / "JPEGImages").iterdir()}


def test_no_car_stands_in_two_splits(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    splits = {car: {row.split for row in dataset.rows if row.group == car} for car in CARS}
    assert sorted(map(sorted, splits.values())) == [["train"], ["train"], ["val"]]


def test_channels_hold_the_split_without_copying(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    for split, channel in (("train", "train"), ("val", "validation")):
        names = [f"{row.id}" for row in dataset.kept(split)]
        assert sorted(p.name for p in channel_path(dataset.root, channel).iterdir()) == sorted(
            f"{n}.jpg" for n in names
        )
        masks = channel_path(dataset.root, f"{channel}_annotation")
        assert sorted(p.name for p in masks.iterdir()) == sorted(f"{n}.png" for n in names)
        assert (masks / f"{names[0]}.png").samefile(dataset.mask_path(names[0]))
        image_set = dataset.root / "ImageSets" / "Segmentation" / f"{split}.txt"
        assert image_set.read_text().splitlines() == names


def test_manifest_holds_the_checksums_of_the_files(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset"))
    for row in dataset.kept("val"):
        assert hashlib.sha256(dataset.image_path(row.id).read_bytes()).hexdigest() == row.image_sha256
        assert hashlib.sha256(dataset.mask_path(row.id).read_bytes()).hexdigest() == row.mask_sha256


def test_the_same_input_gives_the_same_bytes_with_any_number_of_workers(shoot: Path, tmp_path: Path) -> None:
    one = prepare(shoot, tmp_path / "one", PrepOptions(crop=64, workers=1))
    two = prepare(shoot, tmp_path / "two", PrepOptions(crop=64, workers=2))
    assert digests(one) == digests(two)


def test_uncropped_images_are_copied_not_encoded_again(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    assert [row.id for row in dataset.rows] == sorted(path.stem for path in (shoot / "images").iterdir())
    for row in dataset.rows:
        assert dataset.image_path(row.id).read_bytes() == (shoot / "images" / row.source).read_bytes()


def test_overlap_and_small_images_are_padded_with_ignore(shoot: Path, tmp_path: Path) -> None:
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=128, overlap=16, workers=1)))
    row = dataset.rows[0]
    mask = read_mask(dataset.mask_path(row.id))
    assert mask.shape == (128, 128)
    assert (mask[HEIGHT:] == 255).all()
    assert (mask[:HEIGHT] != 255).all()
    image = read_image(dataset.image_path(row.id)).astype(int)
    assert abs(image[HEIGHT:] - image[HEIGHT - 1]).mean() < 20  # the last row, repeated, within JPEG's loss


def test_keep_empty_keeps_a_share_that_grows_and_never_changes_its_mind(shoot: Path, tmp_path: Path) -> None:
    kept = []
    for share in (0.0, 0.5, 1.0):
        dataset = open_dataset(prepare(shoot, tmp_path / str(share), PrepOptions(crop=32, keep_empty=share, workers=1)))
        kept.append({row.id for row in dataset.kept("train") if row.foreground == 0})
    assert kept[0] == set()
    assert kept[0] < kept[1] < kept[2]


def test_group_by_takes_the_first_capture(shoot: Path) -> None:
    source = read_carvana(shoot / "images", shoot / "masks", None, parse_group_by(r"_(\d+)$"))
    assert {image.group for image in source.images} == set(ANGLES)


def test_split_file_keeps_its_assignment(shoot: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "split.json"
    fixed.write_text(json.dumps({"groups": {CARS[0]: "val", CARS[1]: "train", "elsewhere": "test"}}))
    dataset = open_dataset(
        prepare(shoot, tmp_path / "dataset", PrepOptions(crop=64, split_file=fixed, workers=1, seed=1))
    )
    certificate = json.loads((dataset.root / "split.json").read_text())
    assert certificate["groups"] == {CARS[0]: "val", CARS[1]: "train", CARS[2]: "train"}
