"""COCO's files become the masks that pycocotools draws, or one line that says what is wrong, and where."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.annotations import json_spans
from prep.readers.coco.reader import Choices, read_coco
from prep.readers.labelled_image import LeftOut, Source
from tests.support.coco_samples import (
    CATEGORIES,
    HEIGHT,
    SQUARE,
    WIDTH,
    annotation,
    coco_truth,
    image,
    run_lengths,
    write_coco,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0.11's `decode` under numpy 2."""
FLAGS = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 7 < 3
BOX = {"drawn": [], "bbox": [4, 5, 10, 8]}


def read(path: Path, images: Path | None = None, **more: Any) -> Source:
    return read_coco(path, images, workers=1, **more)


def masks(source: Source) -> dict[str, np.ndarray[Any, Any]]:
    return {each.source: each.mask.read() for each in source.images}


SIDES = st.integers(-30, 230).map(lambda fifths: fifths / 5)
POLYGONS = st.lists(
    st.lists(st.tuples(SIDES, SIDES), min_size=3, max_size=6).map(
        lambda points: [s for point in points for s in point]
    ),
    min_size=1,
    max_size=2,
)
RUNS = st.tuples(st.integers(0, 2**32), st.booleans()).map(
    lambda drawn: run_lengths(np.random.default_rng(drawn[0]).random((HEIGHT, WIDTH)) < 0.2, text=drawn[1])
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(
        st.tuples(POLYGONS | RUNS, st.integers(1, 3), st.integers(1, 2), st.integers(0, 1)), min_size=1, max_size=8
    ),
    batch=st.sampled_from([64, 2**21]),
)
def test_masks_are_what_pycocotools_draws_in_order_of_the_file(
    drawn: list[Any], batch: int, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        annotation(number, at, category, segmentation, iscrowd=crowd)
        for number, (segmentation, at, category, crowd) in enumerate(drawn, start=1)
    ]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(json_spans, "_BATCH", batch)
        path = write_coco(Path(folder) / "a.json", entries, [image(number) for number in (3, 1, 2)])
        source = read(path)
        truth = coco_truth(path, {1: 1, 2: 2}, capsys)
        found = masks(source)
        assert found.keys() == truth.keys()
        for name, mask in found.items():
            assert np.array_equal(mask, truth[name])
        for each in source.images:
            own = [entry for entry in entries if each.source == f"{entry['image_id']}.jpg"]
            one = {c: [e for e in own if e["category_id"] == c] for c in (1, 2)}
            alone = [
                coco_truth(write_coco(path, es, [image(each_id(each.source))]), {1: 1, 2: 1}, capsys)
                for es in one.values()
            ]
            both = np.logical_and(*(next(iter(masks.values())) for masks in alone))
            assert int(each.attributes["overlap_pixels"]) == np.count_nonzero(both)


def each_id(source: str) -> int:
    return int(Path(source).stem)


def test_the_dataset_holds_the_masks_and_the_counts(tmp_path: Path) -> None:
    images = [image(number) for number in range(1, 6)]
    entries = [annotation(n, n, 1 + n % 2) for n in range(1, 5)] + [annotation(9, 1, 1, **BOX)]
    source = read(write_coco(tmp_path / "in" / "a.json", entries, images))
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    drawn = {name: mask for name, mask in masks(source).items() if mask.any()}
    assert len(drawn) == 4
    for name, mask in drawn.items():
        assert np.array_equal(read_mask(dataset.mask_path(Path(name).stem)), mask)
    assert list(dataset.info["left_out"].values()) == [1]


def test_a_file_reads_the_same_each_time_so_that_work_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1), annotation(2, category=2)])
    once, again = read(path).images, read(path).images
    assert once == again
    assert repr(once) == repr(again)


@pytest.mark.parametrize("crowd", ["class", "ignore"])
def test_crowds_are_pixels_of_their_category_unless_they_are_to_be_ignored(tmp_path: Path, crowd: str) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1, drawn=run_lengths(FLAGS, text=False), iscrowd=1)])
    (mask,) = masks(read(path, choices=Choices(crowd=crowd))).values()
    assert np.array_equal(mask, np.where(FLAGS, {"class": 1, "ignore": 255}[crowd], 0))


@pytest.mark.parametrize(("boxes", "value"), [("class", 2), ("ignore", 255), (None, 0)])
@pytest.mark.parametrize("drawn", [[], None, {}, [[]]])
def test_boxes_without_outline_are_left_out_and_counted_unless_they_are_wanted(
    tmp_path: Path, boxes: str | None, value: int, drawn: Any
) -> None:
    entries = [annotation(1), annotation(2, category=2, bbox=[30, 2, 4, 5]) | {"segmentation": drawn}]
    path = write_coco(tmp_path / "a.json", entries)
    source = read(path, choices=Choices(boxes=boxes))
    (mask,) = masks(source).values()
    assert np.unique(mask[2:7, 30:34]).tolist() == [value]
    assert np.count_nonzero(mask) == 100 + (20 if boxes else 0)
    assert [(each.count, each.example) for each in source.left_out] == (
        [] if boxes else [(1, f"{path}: annotations[1]")]
    )


def test_annotations_of_nothing_are_counted_apart(tmp_path: Path) -> None:
    entries = [annotation(1), *(annotation(n, drawn=[], bbox=box) for n, box in enumerate([[], None, [3, 3, 0, 4]]))]
    source = read(write_coco(tmp_path / "a.json", entries), choices=Choices(boxes="class"))
    assert [(each.reason, each.count) for each in source.left_out] == [("annotations with neither outline nor box", 3)]


@pytest.mark.parametrize(
    ("right", "down", "is_outside"),
    [
        (30, 0, True),
        (0, 20, True),
        (-20, 0, True),
        (0, -20, True),
        (500_000, 9, True),
        (29, 0, False),
        (0, 19, False),
        (-19, 0, False),
        (0, -19, False),
    ],
)
def test_annotations_outside_of_their_image_are_counted(
    tmp_path: Path, right: int, down: int, is_outside: bool
) -> None:
    ring = [side + (down if number % 2 else right) for number, side in enumerate(SQUARE)]
    path = write_coco(tmp_path / "a.json", [annotation(1), annotation(2, category=2, drawn=[ring])])
    source = read(path)
    outside = LeftOut("annotations outside of their image", 1, f"{path}: annotations[1]")
    assert source.left_out == ((outside,) if is_outside else ())
    assert (2 in source.images[0].mask.read()) != is_outside


@pytest.mark.parametrize(
    ("ids", "used"), [(("1", "2"), (1, 2)), ((1, 2), ("1", "2")), ((1.0, 2.0), (1, 2)), (("a", "b"), ("a", "b"))]
)
def test_ids_may_be_numbers_or_text(tmp_path: Path, ids: tuple[Any, Any], used: tuple[Any, Any]) -> None:
    images = [image(1) | {"id": ids[0]}, image(2) | {"id": ids[1]}]
    categories = [{"id": ids[0], "name": "car"}, {"id": ids[1], "name": "road"}]
    source = read(write_coco(tmp_path / "a.json", [annotation(7, used[1], used[1])], images, categories))
    assert {name: int(mask.max()) for name, mask in masks(source).items()} == {"1.jpg": 0, "2.jpg": 2}


def test_one_polygon_may_stand_without_a_list_around_it(tmp_path: Path) -> None:
    (mask,) = masks(read(write_coco(tmp_path / "a.json", [annotation(1, drawn=SQUARE)]))).values()
    assert np.count_nonzero(mask) == 100


def test_annotations_may_have_one_id(tmp_path: Path) -> None:
    left = [0, 0, 4, 0, 4, 4, 0, 4]
    (mask,) = masks(read(write_coco(tmp_path / "a.json", [annotation(1), annotation(1, drawn=[left])]))).values()
    assert np.count_nonzero(mask) == 116


@pytest.mark.parametrize(
    "size", [{"width": 40.0, "height": 30.0}, {"width": ..., "height": ...}, {"width": None, "height": None}]
)
def test_sizes_may_be_fractions_of_nothing_or_missing(tmp_path: Path, size: dict[str, Any]) -> None:
    declared = {key: value for key, value in (image(1) | size).items() if value is not ...}
    (found,) = read(write_coco(tmp_path / "a.json", [annotation(1)], [declared])).images
    assert found.drawn_size == (WIDTH, HEIGHT)


def test_lvis_names_images_by_their_addresses(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1)], [image(1, "train2017/000000391895.jpg")])
    content = path.read_text().replace('"file_name": "', '"coco_url": "http://images.cocodataset.org/')
    path.write_text(content)
    assert [each.source for each in read(path).images] == ["train2017/000000391895.jpg"]


def test_classes_are_the_categories_in_the_order_of_the_file(tmp_path: Path) -> None:
    categories = [{"id": 9, "name": "road"}, {"id": 4, "name": "background"}, {"id": 7, "name": "car"}]
    path = write_coco(
        tmp_path / "a.json", [annotation(1, category=7), annotation(2, category=4)], categories=categories
    )
    source = read(path)
    assert source.classes.names == ("_background_", "road", "car")
    assert np.unique(source.images[0].mask.read()).tolist() == [0]


def test_a_list_gives_the_ids_and_unused_categories_need_not_be_in_it(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("tree\ncar\n")
    path = write_coco(tmp_path / "in" / "a.json", [annotation(1)])
    assert int(read(path, labels=labels).images[0].mask.read().max()) == 2
    path = write_coco(tmp_path / "in" / "a.json", [annotation(1), annotation(2, category=2)])
    with pytest.raises(SagesegError, match=r"categories\[1\] \(id 2\): label 'road' is not in .*labels\.txt"):
        read(path, labels=labels)


ROBOFLOW = [
    {"id": 0, "name": "cars", "supercategory": "none"},
    {"id": 1, "name": "car", "supercategory": "cars"},
    {"id": 2, "name": "road", "supercategory": "cars"},
]


@pytest.mark.parametrize(
    ("first", "names", "told"),
    [("cars", ("car", "road"), True), ("car", ("car", "road"), False), ("road", ("road", "car"), False)],
)
def test_roboflows_first_category_that_only_groups_the_others_is_no_class(
    tmp_path: Path, first: str, names: tuple[str, ...], told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may have the name of one of its own."""
    categories = [each | {key: first for key, value in each.items() if value == "cars"} for each in ROBOFLOW]
    source = read(write_coco(tmp_path / "a.json", [annotation(1), annotation(2, category=2)], categories=categories))
    assert source.classes.names == ("_background_", *names)
    assert ("only groups other categories, and is no class" in capsys.readouterr().err) == told


def test_a_category_that_groups_others_and_has_annotations_is_a_class(tmp_path: Path) -> None:
    source = read(write_coco(tmp_path / "a.json", [annotation(1, category=0)], categories=ROBOFLOW))
    assert source.classes.names == ("_background_", "cars", "car", "road")


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


def test_overlaps_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_coco(
        tmp_path / "a.json", [annotation(1), annotation(2, category=2, drawn=[[15, 10, 20, 10, 20, 20, 15, 20]])]
    )
    source = read(path)
    assert source.images[0].attributes == {"overlap_pixels": "50"}
    assert np.bincount(source.images[0].mask.read().ravel())[1:].tolist() == [50, 50]
    assert "overlap in 50 pixels of 1 image(s); the later in the file decided" in capsys.readouterr().err


ENTRY = r"a\.json: annotations\[1\] \(id 2\)"
BAD_ANNOTATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "image that is none": ({"image_id": 7}, rf"{ENTRY}: image_id 7 is the id of none of the images"),
    "category that is none": ({"category_id": 3}, rf"{ENTRY}: category_id 3 is the id of none of the categories"),
    "no image": ({"image_id": ...}, rf"{ENTRY}: image_id is None; expected a number or text"),
    "no category": ({"category_id": ...}, rf"{ENTRY}: category_id is None; expected"),
    "image id of another kind": ({"image_id": True}, rf"{ENTRY}: image_id is True; expected"),
    "two points": ({"segmentation": [[1, 1, 5, 5]]}, rf"{ENTRY}: a polygon of 2 points; expected three or more"),
    "pairs of numbers": ({"segmentation": [[1, 1], [5, 5], [5, 1]]}, rf"{ENTRY}: a polygon of 1 points"),
    "points in lists": ({"segmentation": [[[1, 1], [5, 5], [5, 1]]]}, rf"{ENTRY}: a polygon holds what is no number"),
    "odd count": ({"segmentation": [[*SQUARE, 1]]}, rf"{ENTRY}: a polygon of 9 numbers"),
    "text": ({"segmentation": "1 1 5 5"}, rf"{ENTRY}: segmentation is '1 1 5 5'; expected polygons"),
    "mixed": ({"segmentation": [SQUARE, 5]}, rf"{ENTRY}: segmentation mixes lists with other values"),
    "other object": ({"segmentation": {"path": []}}, rf"{ENTRY}: segmentation is an object of path; expected polygons"),
    "run lengths too short": (
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": [5, 6]}},
        rf"{ENTRY}: run lengths of 11 pixels, but the image has 40×30 = 1200",
    ),
    "text too short": (
        {"segmentation": {"size": [HEIGHT, WIDTH], "counts": "56"}},
        rf"{ENTRY}: run lengths of 11 pixels",
    ),
    "run lengths of another size": (
        {"segmentation": {"size": [WIDTH, HEIGHT], "counts": [0, 1200]}},
        r"a\.json: annotations\[1\]: run lengths of 30×40 pixels .*images\[0\] \(id 1\) has 40×30; correct one",
    ),
    "run lengths of no size": (
        {"segmentation": {"size": [0, 9], "counts": []}},
        rf"{ENTRY}: run lengths of size \[0, 9\]",
    ),
    "box of text": ({"segmentation": [], "bbox": "1"}, rf"{ENTRY}: bbox is 1; expected left, top, width, height"),
}


@pytest.mark.parametrize("what", BAD_ANNOTATIONS)
def test_bad_annotations_are_refused_with_their_place(tmp_path: Path, what: str) -> None:
    change, message = BAD_ANNOTATIONS[what]
    bad = {key: value for key, value in (annotation(2) | change).items() if value is not ...}
    path = write_coco(tmp_path / "a.json", [annotation(1), bad, annotation(3)])
    with pytest.raises(SagesegError, match=message):
        read(path)


TWO = [image(1), image(2)]
BAD_FILES: dict[str, tuple[dict[str, Any], str]] = {
    "two categories of one name": (
        {"categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "car"}]},
        r"categories\[1\] \(id 2\) and .*categories\[0\] \(id 1\) are both called 'car'",
    ),
    "two categories of one id": (
        {"categories": [{"id": 1, "name": "car"}, {"id": "1", "name": "road"}]},
        r"categories\[1\] \(id 1\) has the id of .*categories\[0\]",
    ),
    "category without name": ({"categories": [{"id": 1}, CATEGORIES[1]]}, r"categories\[0\] \(id 1\): name is None"),
    "category without id": (
        {"categories": [{"name": "car"}]},
        r"categories\[0\]: id is None; expected a number or text",
    ),
    "category of text": ({"categories": ["car", "road"]}, r"categories\[0\]: car; expected an object"),
    "two images of one id": (
        {"images": [image(1), image(1, "2.jpg")]},
        r"images\[1\] \(id 1\) has the id of .*images\[0\]",
    ),
    "two images of one name": (
        {"images": [image(1), image(2, "1.jpg")]},
        r"images\[0\] .*images\[1\] \(id 2\): both are 1\.jpg",
    ),
    "image without name": ({"images": [image(1) | {"file_name": None}]}, r"images\[0\] \(id 1\): file_name is None"),
    "image with an empty name": ({"images": [image(1) | {"file_name": ""}]}, r"images\[0\] \(id 1\): file_name is ''"),
    "image of no size": (
        {"images": [image(1, width=0)]},
        r"images\[0\] \(id 1\): width 0 and height 30; expected whole",
    ),
    "image of half a size": ({"images": [image(1, height=None)]}, r"images\[0\] \(id 1\): width 40 and height None"),
    "image of fractions": ({"images": [image(1, width=40.5)]}, r"images\[0\] \(id 1\): width 40\.5"),
    "no images": ({"images": []}, r"its list 'images' is empty"),
    "no annotations": ({"annotations": []}, r"no annotation in it"),
    "no list of categories": ({"categories": ...}, r"no list 'categories' in it; expected a JSON file of COCO"),
    "boxes alone": (
        {"annotations": [annotation(1, **BOX)]},
        r"its 1 annotations have no outlines .*1 of them have boxes",
    ),
    "keypoints alone": (
        {"annotations": [annotation(1, drawn=[], bbox=[])]},
        r"its 1 annotations have no outlines .*nor boxes",
    ),
    "panoptic": (
        {"annotations": [{"image_id": 1, "segments_info": []}]},
        r"a\.json: panoptic COCO, whose masks are PNG",
    ),
    "captions": (
        {"annotations": [{"image_id": 1, "caption": "a car"}], "categories": ...},
        r"a\.json: captions of COCO",
    ),
    "labelme's": ({"images": ..., "shapes": []}, r"no list 'images' in it; it is labelme's: sageseg prep labelme"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_files_are_refused_with_the_place(tmp_path: Path, what: str) -> None:
    change, message = BAD_FILES[what]
    path = write_coco(tmp_path / "a.json", [annotation(1), annotation(2, category=2)])
    content = json.loads(path.read_text()) | change
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}))
    with pytest.raises(SagesegError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[{"image_id": 1, "category_id": 1, "segmentation": [], "score": 0.5}]',
            "results of COCO, a list without images",
        ),
        ('[{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}]', "a JSON export of Label Studio"),
        ("[]", "a list; expected a JSON file of COCO"),
        ("", "the file is empty"),
        ("PK\x05\x06" + "\0" * 18, "a ZIP archive; expected a JSON file of COCO.*: unpack it"),
        ("image,label\n", "text outside of brackets"),
    ],
)
def test_files_of_other_kinds_are_told(tmp_path: Path, content: str, message: str) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1)])
    path.write_text(content)
    with pytest.raises(SagesegError, match=rf"a\.json: .*{message}"):
        read(path)


def test_an_image_of_another_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    images = [image(number) for number in range(1, 4)]
    path = write_coco(tmp_path / "in" / "a.json", [annotation(1)], images, size=(WIDTH + 1, HEIGHT))
    with pytest.raises(SagesegError, match=r"a\.json: 1\.jpg was labelled at 40×30 pixels, but .*1\.jpg has 41×30"):
        write_dataset(read(path), tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_two_files_that_label_one_image_are_refused(tmp_path: Path) -> None:
    for name in ("job1", "job2"):
        write_coco(tmp_path / f"{name}.json", [annotation(1)])
    with pytest.raises(
        SagesegError, match=r"job1\.json: images\[0\] .*job2\.json: images\[0\] \(id 1\): both are 1\.jpg"
    ):
        read(tmp_path)


def test_annotations_without_any_image_ask_for_the_folder(tmp_path: Path) -> None:
    write_coco(tmp_path / "annotations" / "instances_default.json", [annotation(1)], folder=tmp_path / "elsewhere")
    with pytest.raises(SagesegError, match=r"annotations: no image in it; name the folder of the images after"):
        read(tmp_path / "annotations")


@pytest.mark.parametrize("choices", [{"crowd": "none"}, {"boxes": "yes"}])
def test_choices_that_are_none_are_refused(choices: dict[str, str]) -> None:
    with pytest.raises(SagesegError, match=r"^--(crowd none|boxes yes): expected class or ignore"):
        Choices(**choices)
