"""What is wrong with COCO's files is one line that says where."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.errors import SagesegError
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.coco.reader import Choices
from tests.support.coco_samples import (
    CATEGORIES,
    HEIGHT,
    SQUARE,
    WIDTH,
    annotation,
    image,
    read,
    write_coco,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0.11's `decode` under numpy 2."""
FLAGS = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 7 < 3
BOX = {"drawn": [], "bbox": [4, 5, 10, 8]}


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
    "Darwin's": ({"images": ..., "item": {}}, r"no list 'images' in it; it is V7's Darwin JSON: export COCO there"),
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
        ("[]", "a list; expected a JSON file of COCO"),
        ("", "the file is empty"),
        ("PK\x03\x04", "a ZIP archive that cannot be read"),
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
