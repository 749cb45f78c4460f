"""Folders of labelme's files become a source of labelled images, and that a dataset."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from formats.crops import parse_crop_id
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.annotations.canvas import OVERLAP
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_readings import BOX, read_images
from tests.support.labelme_samples import HEIGHT, TRIANGLE, WIDTH, shape, write_json, write_labels, write_pair


def test_json_files_become_images_with_masks(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "b", [shape("road", BOX, "rectangle"), shape("__ignore__")])
    write_pair(tmp_path / "in", "a", [])
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    assert source.classes.names == ("_background_", "car", "road")
    assert [image.source for image in source.images] == ["a.jpg", "b.jpg"]
    assert not source.images[0].mask.read().any()
    assert np.unique(source.images[1].mask.read()).tolist() == [0, 2, 255]


def test_the_dataset_holds_the_masks(tmp_path: Path) -> None:
    for stem in "abc":
        write_pair(tmp_path / "in", stem)
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    for image in source.images:
        stem = Path(image.source).stem
        assert np.array_equal(read_mask(dataset.mask_path(stem)), image.mask.read())
        assert dataset.image_path(stem).read_bytes() == image.image.read_bytes()


def test_the_pixels_that_overlap_decided_are_counted_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path / "in", "a", [shape("car", BOX, "rectangle"), shape("road", [[30, 20], [40, 30]], "rectangle")])
    (image,) = read_images(tmp_path / "in")
    assert image.attributes == {OVERLAP: "1"}
    assert "overlap in 1 pixels of 1 image(s)" in capsys.readouterr().err


def test_regions_are_no_objects(tmp_path: Path) -> None:
    write_pair(tmp_path / "in", "a", [shape("__region__", BOX, "rectangle"), shape("__region__")])
    (image,) = read_images(tmp_path / "in")
    assert not image.mask.read().any()
    assert image.regions == (((2, 3), (30, 3), (30, 20), (2, 20)), tuple(map(tuple, TRIANGLE)))


def two_folders(root: Path, *folders: str, stems: str = "ab") -> list[Path]:
    for folder in folders:
        for stem in stems:
            write_pair(root / folder, stem)
    return [root / folder for folder in folders]


def test_several_folders_are_read_as_if_they_lay_in_one(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path / "all", "day1", "day2")
    labels = write_labels(tmp_path)
    together = read_labelme(one, labels, others=[two], workers=1)
    assert together == read_labelme(tmp_path / "all", labels, workers=1)
    assert [image.source for image in together.images] == ["day1/a.jpg", "day1/b.jpg", "day2/a.jpg", "day2/b.jpg"]
    assert {image.group for image in together.images} == {"day1", "day2"}


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path, "here/x/labels", "there/x/labels", stems="a")
    source = read_labelme(one, write_labels(tmp_path), others=[two], workers=1)
    assert [image.source for image in source.images] == ["here/x/labels/a.jpg", "there/x/labels/a.jpg"]


def test_several_folders_mirror_those_of_their_images(tmp_path: Path) -> None:
    one, two = two_folders(tmp_path, "day1", "day2", stems="a")
    for folder in (one, two):
        (tmp_path / "frames" / folder.name).mkdir(parents=True)
        (folder / "a.jpg").rename(tmp_path / "frames" / folder.name / "a.jpg")
    source = read_labelme(one, write_labels(tmp_path), others=[two], images=tmp_path / "frames", workers=1)
    assert [image.source for image in source.images] == ["day1/a.jpg", "day2/a.jpg"]
    assert source.left_out == ()


def test_an_image_may_lie_in_another_of_the_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = two_folders(tmp_path, "day1", "day2", stems="a")
    (one / "a.jpg").rename(two / "b.jpg")
    write_json(one / "a.json", [shape()], imagePath="../day2/b.jpg")
    source = read_labelme(one, write_labels(tmp_path), others=[two], workers=1)
    assert [image.source for image in source.images] == ["day2/a.jpg", "day2/b.jpg"]
    assert "outside" not in capsys.readouterr().err


@pytest.mark.parametrize("folders", [("day1", "day1"), ("day1", "day1/sub"), ("day1/sub", "day1")])
def test_a_folder_in_another_is_named_twice(tmp_path: Path, folders: tuple[str, str]) -> None:
    two_folders(tmp_path, "day1/sub", "day1")
    with pytest.raises(SagesegError, match="one lies in the other, or they are one; name it once"):
        read_labelme(tmp_path / folders[0], write_labels(tmp_path), others=[tmp_path / folders[1]], workers=1)


def test_groups_are_frames_blocks_folders_or_images(tmp_path: Path) -> None:
    for folder, stem in (("", "drive_b0003_f000120"), ("", "drive_b0003_f000130"), ("", "lone"), ("night", "x1")):
        write_pair(tmp_path / "in" / folder, stem)
    groups = {image.source: image.group for image in read_images(tmp_path / "in")}
    assert groups == {
        "drive_b0003_f000120.jpg": "drive_b0003",
        "drive_b0003_f000130.jpg": "drive_b0003",
        "lone.jpg": "lone",
        "night/x1.jpg": "night",
    }
    by_name = read_images(tmp_path / "in", group_by=re.compile("^(.)"))
    assert [image.group for image in by_name] == ["d", "d", "l", "x"]


def test_ids_have_the_folder_in_them_where_stems_repeat(tmp_path: Path) -> None:
    """Frames of several videos, each in its own folder, are numbered alike."""
    for video, stems in {"cam1": ("0", "1"), "cam2": ("0", "1"), "cam3": ("0", "alone")}.items():
        for stem in stems:
            write_pair(tmp_path / "in" / video, stem)
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=40, val=1, workers=1))
    dataset = open_dataset(tmp_path / "out")
    names = {"cam1_0", "cam1_1", "cam2_0", "cam2_1", "cam3_0", "alone"}
    assert {row.source_stem for row in dataset.rows} == names
    assert {parse_crop_id(row.id)[0] for row in dataset.rows} == names
    assert {row.group for row in dataset.rows} == {"cam1", "cam2", "cam3"}
    assert all(dataset.mask_path(row.id).is_file() for row in dataset.rows if row.kept)


def test_two_workers_read_what_one_reads(tmp_path: Path) -> None:
    for number in range(6):
        write_pair(tmp_path / "in", f"a{number}")
    labels = write_labels(tmp_path)
    one, two = (read_labelme(tmp_path / "in", labels, workers=workers) for workers in (1, 2))
    assert one == replace(two)


def test_a_size_may_be_written_with_a_point(tmp_path: Path) -> None:
    write_pair(tmp_path / "a", imageWidth=float(WIDTH), imageHeight=float(HEIGHT))
    assert len(read_labelme(tmp_path / "a", write_labels(tmp_path, "car"), workers=1).images) == 1
