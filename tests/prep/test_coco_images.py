"""Which images COCO's files are of: found, grouped, split, and left out."""

import re
from pathlib import Path

import pytest

from formats.errors import SagesegError
from prep.readers.labelled_image import LeftOut
from tests.support.coco_samples import (
    ROBOFLOW,
    annotation,
    image,
    read,
    write_coco,
)


def roboflow(root: Path, names: dict[str, list[str]]) -> None:
    for split, stems in names.items():
        images = [image(number, f"{stem}.jpg") for number, stem in enumerate(stems)]
        write_coco(root / split / "_annotations.coco.json", [annotation(1, 0)], images, ROBOFLOW)


def test_files_beside_their_images_are_the_split(tmp_path: Path) -> None:
    roboflow(tmp_path, {"train": ["a", "b"], "valid": ["c"], "test": ["d", "a"]})
    source = read(tmp_path)
    assert [each.source for each in source.images] == [
        "test/a.jpg",
        "test/d.jpg",
        "train/a.jpg",
        "train/b.jpg",
        "valid/c.jpg",
    ]
    splits = {each.source: source.splits[each.group] for each in source.images}
    assert splits == {
        "test/a.jpg": "test",
        "test/d.jpg": "test",
        "train/a.jpg": "train",
        "train/b.jpg": "train",
        "valid/c.jpg": "val",
    }


def test_versions_that_roboflow_made_of_one_image_are_a_group(tmp_path: Path) -> None:
    versions = [f"a_jpg.rf.{letter * 32}" for letter in "0f"] + ["b_jpg.rf.0123456789abcdefghij", "c.rf.d"]
    roboflow(tmp_path, {"train": versions})
    assert [each.group for each in read(tmp_path).images] == ["a_jpg", "a_jpg", "b_jpg", "train/c.rf.d"]
    assert [each.own_group for each in read(tmp_path).images][-1] is None


@pytest.mark.parametrize("given", [True, False])
def test_a_folder_as_cocos_own_has_a_file_for_each_split(
    tmp_path: Path, given: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, split in enumerate(("train2017", "val2017"), start=1):
        path = tmp_path / "annotations" / f"instances_{split}.json"
        write_coco(path, [annotation(1, number)], [image(number)], folder=tmp_path / "images" / split)
        (path.parent / f"captions_{split}.json").write_text("{}")
    source = read(tmp_path / "annotations", tmp_path / "images") if given else read(tmp_path)
    prefix = "" if given else "images/"
    assert [each.source for each in source.images] == [f"{prefix}train2017/1.jpg", f"{prefix}val2017/2.jpg"]
    assert sorted(source.splits.values()) == ["train", "val"]
    assert [each.own_group for each in source.images] == [None, None]
    assert "2 left out, such as" in capsys.readouterr().err


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("above", ["images", "."])
def test_subsets_may_have_images_of_the_same_names(tmp_path: Path, above: str, given: bool) -> None:
    """CVAT numbers the frames of each task anew."""
    for subset in ("Train", "Validation"):
        path = tmp_path / "annotations" / f"instances_{subset}.json"
        images = [image(1, "frame_000000.jpg"), image(2, "frame_000001.jpg")]
        write_coco(path, [annotation(1)], images, folder=tmp_path / above / subset)
    source = read(tmp_path / "annotations", tmp_path) if given else read(tmp_path)
    prefix = "" if above == "." else "images/"
    assert [each.source for each in source.images] == [
        f"{prefix}{subset}/frame_00000{number}.jpg" for subset in ("Train", "Validation") for number in (0, 1)
    ]
    assert {source.splits[each.group] for each in source.images} == {"train", "val"}
    assert len({each.group for each in source.images}) == 4


def test_files_of_no_split_are_read_as_one(tmp_path: Path) -> None:
    for number in (1, 2):
        write_coco(tmp_path / f"job{number}.json", [annotation(1, number)], [image(number)])
    source = read(tmp_path)
    assert len(source.images) == 2
    assert source.splits == {}


def test_files_of_which_some_tell_their_split_are_refused(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "more"), start=1):
        write_coco(tmp_path / f"{name}.json", [annotation(1, number)], [image(number)])
    with pytest.raises(SagesegError, match=r"more\.json: neither its name nor its folder says train, val or test, as"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["a.jpg", "b.jpg"], ["ann/a", "ann/b"]),
        (["images/a.jpg", "images/b.jpg"], ["ann/images/a", "ann/images/b"]),
        (["../upload/7/a.jpg", "../upload/7/b.jpg"], ["upload/7/a", "upload/7/b"]),
        (["cam1/a.jpg", "cam2/a.jpg"], ["cam1", "cam2"]),
        (["x/cam1/a.jpg", "x/cam1/b.jpg", "x/cam2/a.jpg"], ["cam1", "cam1", "cam2"]),
        (["v_b0001_f000001.jpg", "v_b0001_f000002.jpg"], ["v_b0001", "v_b0001"]),
    ],
)
def test_folders_in_names_are_groups_unless_all_images_share_them(
    tmp_path: Path, names: list[str], groups: list[str]
) -> None:
    images = [image(number, name) for number, name in enumerate(names, start=1)]
    path = write_coco(tmp_path / "in" / "ann" / "a.json", [annotation(1)], images, folder=tmp_path / "in" / "ann")
    assert [each.group for each in read(path, tmp_path / "in").images] == groups


def test_group_by_finds_groups_in_names(tmp_path: Path) -> None:
    images = [image(number, f"s{number // 2}_{number}.jpg") for number in range(4)]
    source = read(write_coco(tmp_path / "a.json", [annotation(1)], images), group_by=re.compile("^(s.)_"))
    assert [each.group for each in source.images] == ["s0", "s0", "s1", "s1"]


@pytest.mark.parametrize("skip", [True, False])
def test_images_without_annotations_are_background_or_left_out(
    tmp_path: Path, skip: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1, 2)], [image(number) for number in (1, 2, 3)])
    source = read(path, skip_empty=skip)
    assert len(source.images) == (1 if skip else 3)
    assert source.left_out == ((LeftOut("images without an annotation that is drawn", 2, "1.jpg"),) if skip else ())
    assert ("note: 2 image(s) have no annotation" in capsys.readouterr().err) == (not skip)


def test_missing_images_are_counted_with_skip_missing(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1), annotation(2, 2)], [image(1), image(2)])
    (tmp_path / "2.jpg").unlink()
    with pytest.raises(SagesegError, match=r"images\[1\] \(id 2\): 1 of 2 images are not in"):
        read(path)
    source = read(path, skip_missing=True)
    assert [each.source for each in source.images] == ["1.jpg"]
    assert [each.count for each in source.left_out] == [1]


def test_where_no_image_is_left_that_is_told(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1)], [image(1), image(2)])
    (tmp_path / "1.jpg").unlink()
    with pytest.raises(SagesegError, match=r"a\.json: no image is left that has an annotation which is drawn"):
        read(path, skip_missing=True, skip_empty=True)
