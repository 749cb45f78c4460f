"""COCO's files become the masks that pycocotools draws, or one line that says what is wrong, and where."""

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
from prep.readers.coco.reader import Choices
from prep.readers.labelled_image import LeftOut
from tests.support.coco_samples import (
    HEIGHT,
    ROBOFLOW,
    SQUARE,
    WIDTH,
    annotation,
    coco_truth,
    image,
    masks,
    read,
    run_lengths,
    write_coco,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0.11's `decode` under numpy 2."""
FLAGS = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 7 < 3
BOX = {"drawn": [], "bbox": [4, 5, 10, 8]}


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
    "flat",
    [
        [[5.1, 5, 5.2, 5, 5.2, 5.1]],
        [[5, 5, 5, 5, 5, 5]],
        [[9.1, 3, 9.2, 3, 9.2, 9]],
        {"counts": [WIDTH * HEIGHT], "size": [HEIGHT, WIDTH]},
    ],
)
def test_outlines_that_cover_no_pixel_are_counted(tmp_path: Path, flat: Any) -> None:
    path = write_coco(tmp_path / "a.json", [annotation(1, drawn=flat), annotation(2)])
    source = read(path)
    assert [(each.reason, each.count) for each in source.left_out] == [("annotations whose outline covers no pixel", 1)]
    assert np.count_nonzero(source.images[0].mask.read()) == 100


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


def test_overlaps_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_coco(
        tmp_path / "a.json", [annotation(1), annotation(2, category=2, drawn=[[15, 10, 20, 10, 20, 20, 15, 20]])]
    )
    source = read(path)
    assert source.images[0].attributes == {"overlap_pixels": "50"}
    assert np.bincount(source.images[0].mask.read().ravel())[1:].tolist() == [50, 50]
    assert "overlap in 50 pixels of 1 image(s); the later in the file decided" in capsys.readouterr().err
