"""Which annotation of a task of Label Studio is taken, and which image it is of."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from prep.readers.annotations.named_images import UNNAMED
from prep.readers.labelled_image import Source
from prep.readers.labelstudio.image_names import name_in_address, names_before_upload
from prep.readers.labelstudio.reader import read_labelstudio
from tests.support.labelstudio_samples import TIME, annotation, box, minimal, task, write_export, write_images
from tests.support.typed_commands import typed


def read(folder: Path, tasks: list[Any], **more: Any) -> Source:
    """The source of an export beside whose images others lie."""
    images = write_images(folder / "images", "a1.png", "a2.png", "a3.png")
    return read_labelstudio(write_export(folder, tasks), images, workers=1, **more)


def labels_of(source: Source) -> list[str]:
    """The one label of each image's mask, by the name of its class."""
    return [source.classes.names[image.mask.read().max()] for image in source.images]


def left_out(source: Source) -> dict[str, int]:
    """By reason, but for the images of the folder that no task is of."""
    return {each.reason: each.count for each in source.left_out if each.reason != UNNAMED}


def by(who: object, label: str, when: str = TIME, **more: Any) -> dict[str, Any]:
    return annotation(box(5, 5, 15, 15, label), completed_by=who, updated_at=when, **more)


EARLY, LATE = "2026-03-01T10:00:00.900000Z", "2026-03-01T10:00:01Z"


@pytest.mark.parametrize(
    ("annotations", "taken"),
    [
        ([by(1, "a", EARLY), by(2, "b", LATE)], "b"),
        ([by(1, "a", LATE), by(2, "b", EARLY)], "a"),
        ([by(1, "a", EARLY, ground_truth=True), by(2, "b", LATE)], "a"),
        ([by(1, "a", EARLY), by(2, "b", LATE, was_cancelled=True)], "a"),
        ([by(1, "a"), by(2, "b")], "b"),
    ],
)
def test_the_annotation_changed_last_is_taken(tmp_path: Path, annotations: list[Any], taken: str) -> None:
    assert labels_of(read(tmp_path, [task(1, *annotations)])) == [taken]


def test_json_min_has_a_record_for_each_annotation(tmp_path: Path) -> None:
    records = [
        minimal(1, {"box": [box(5, 5, 15, 15, "a")]}, annotator="ann@x.org", updated_at=LATE),
        minimal(1, {"box": [box(5, 5, 15, 15, "b")]}, annotator=2, updated_at=EARLY),
        minimal(2, {"box": [box(5, 5, 15, 15, "c")]}),
        minimal(3, {}, annotation_id=None, annotator=None),
    ]
    source = read(tmp_path, records)
    assert labels_of(source) == ["a", "c"]
    assert left_out(source) == {"tasks without annotations": 1, "annotations of tasks of which another is taken": 1}
    assert labels_of(read(tmp_path, records, annotator="2")) == ["b"]


def test_one_annotator_is_named_by_id_or_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ann = {"id": 7, "email": "Ann@x.org", "first_name": "Ann"}
    tasks = [task(1, by(ann, "a", EARLY), by(8, "b", LATE)), task(2, by(8, "b")), task(3, by("8", "c"))]
    for name in ("ann@x.org", "7"):
        source = read(tmp_path, tasks, annotator=name)
        assert labels_of(source) == ["a"]
        assert left_out(source) == {f"tasks without an annotation by {name}": 2}
    assert "several annotations" not in capsys.readouterr().err
    assert labels_of(read(tmp_path, tasks, annotator="8")) == ["b", "b", "c"]
    with pytest.raises(SagesegError, match=r"no annotation by --annotator bob; there are 7, 8, Ann@x\.org"):
        read(tmp_path, tasks, annotator="bob")


def test_what_nobody_labelled_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prediction = {"result": [box(1, 1, 9, 9, "p")], "model_version": "m"}
    skipped = by(2, "b", was_cancelled=True)
    tasks = [
        task(1, by(1, "a"), by(2, "b"), predictions=[prediction, prediction]),
        task(2, predictions=[5]),
        task(3, skipped, skipped),
    ]
    source = read(tmp_path, tasks)
    assert labels_of(source) == ["b"]
    assert left_out(source) == {
        "tasks without annotations": 2,
        "annotations of tasks of which another is taken": 1,
        "annotations that were skipped": 2,
        "predictions, which nobody corrected": 3,
    }
    assert "1 task(s) have several annotations" in capsys.readouterr().err


def test_predictions_are_read_when_asked_for(tmp_path: Path) -> None:
    prediction = {"result": [box(1, 1, 9, 9, "p")], "model_version": "m", "score": 0.5}
    tasks = [task(1, by(1, "a"), predictions=[prediction]), task(2, by(1, "a"))]
    source = read(tmp_path, tasks, use_predictions=True)
    assert labels_of(source) == ["p"]
    assert left_out(source) == {"tasks without predictions": 1, "annotations, for predictions are read": 2}
    with pytest.raises(SagesegError, match="--use-predictions reads its predictions"):
        read(tmp_path, [task(1, predictions=[prediction])])
    with pytest.raises(SagesegError, match="none with a prediction"):
        read(tmp_path, [task(2, by(1, "a"))], use_predictions=True)
    with pytest.raises(SagesegError, match="JSON-MIN holds no predictions"):
        read(tmp_path, [minimal(1, {})], use_predictions=True)
    with pytest.raises(SagesegError, match=r"predictions\[0\]: 5; expected an object: export JSON with all"):
        read(tmp_path, [task(1, predictions=[5])], use_predictions=True)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/upload/1/0123abcd-a%20b.jpg", "/data/upload/1/0123abcd-a b.jpg"),
        ("http://localhost:8080/data/upload/1/a.jpg", "/data/upload/1/a.jpg"),
        ("/data/local-files/?d=photos/day%201/a+b.jpg", "photos/day 1/a b.jpg"),
        ("http://host/data/local-files?d=photos/a.jpg", "photos/a.jpg"),
        ("/storage-data/uploaded/?filepath=upload/3/a.jpg", "upload/3/a.jpg"),
        ("s3://bucket/photos/a%20b.jpg", "bucket/photos/a%20b.jpg"),
        ("gs://bucket/a?.jpg", "bucket/a?.jpg"),
        ("https://bucket.s3.amazonaws.com/x/a%20b.jpg?X-Amz-Signature=1%2F", "/x/a b.jpg"),
        (f"/tasks/4/resolve/?fileuri={base64.urlsafe_b64encode(b's3://b/p/a.jpg').decode()}", "b/p/a.jpg"),
        (
            f"https://h/tasks/4/presign/?fileuri={base64.urlsafe_b64encode(b's3://b/aa.jpg').decode().rstrip('=')}",
            "b/aa.jpg",
        ),
        ("photos/a.jpg", "photos/a.jpg"),
    ],
)
def test_a_file_is_found_in_its_address(address: str, name: str) -> None:
    assert name_in_address(address) == name


@pytest.mark.parametrize(
    ("name", "files", "before"),
    [
        ("/data/upload/1/0123abcd-a.jpg", ["a.jpg"], "a.jpg"),
        ("/data/upload/1/0123abcd-a.jpg", [], "a.jpg"),
        ("0123abcd-my_car_1.jpg", ["x/my car (1).jpg", "other.jpg"], "x/my car (1).jpg"),
        ("0123abcd-my_car.jpg", ["x/my car.jpg", "y/my_car.jpg"], "my_car.jpg"),
        ("a.jpg", ["a.jpg"], None),
        ("0123ABCD-a.jpg", ["a.jpg"], None),
    ],
)
def test_an_upload_has_its_name_from_before(name: str, files: list[str], before: str | None) -> None:
    assert names_before_upload([name], files).get(name) == before


def test_images_lie_under_the_names_of_the_upload_or_from_before(tmp_path: Path) -> None:
    write_images(tmp_path / "images", "0123abcd-a1.png", "deep/a 2.png")
    tasks = [task(1, by(1, "a")), task(2, by(1, "a"), image="/data/upload/1/89abcdef-a_2.png")]
    export = write_export(tmp_path, tasks)
    source = read_labelstudio(export, tmp_path / "images", workers=1)
    assert [image.source for image in source.images] == ["0123abcd-a1.png", "deep/a 2.png"]
    assert [(image.group, image.own_group) for image in source.images] == [("0123abcd-a1", None), ("deep", "deep")]


def test_an_image_that_is_missing_is_told_or_counted(tmp_path: Path) -> None:
    tasks = [task(1, by(1, "a")), task(9, by(1, "a"))]
    with pytest.raises(SagesegError, match=r"annotation 11: 1 of 2 images are not in .*0123abcd-a9\.png"):
        read(tmp_path, tasks)
    source = read(tmp_path, tasks, skip_missing=True)
    assert left_out(source) == {"images that are not in the folder": 1}


def test_images_of_no_task_are_counted_and_those_of_bare_tasks_only_as_such(tmp_path: Path) -> None:
    write_images(tmp_path / "images", "a1.png", "0123abcd-a2.png", "b c.png", "other.png")
    tasks = [task(1, by(1, "a")), task(2), task(3, image="/data/upload/1/89abcdef-b_c.png")]
    source = read_labelstudio(write_export(tmp_path, tasks), tmp_path / "images", workers=1)
    assert {each.reason: each.count for each in source.left_out} == {"tasks without annotations": 2, UNNAMED: 1}


def test_several_images_of_a_task(tmp_path: Path) -> None:
    front, back = box(5, 5, 15, 15, "a", to_name="img1"), box(5, 5, 15, 15, "b", to_name="img2")
    tasks = [task(1, annotation(front, back), data={"front": "a1.png", "back": "a2.png", "text": "a"})]
    with pytest.raises(SagesegError, match=r"images stand under front and back of the tasks' data; .*--image-key"):
        read(tmp_path, tasks)
    with pytest.raises(SagesegError, match="several images in a task; name with --image-tag the <Image>"):
        read(tmp_path, tasks, image_key="back")
    source = read(tmp_path, tasks, image_key="back", image_tag="img2")
    assert [image.source for image in source.images] == ["a2.png"]
    assert labels_of(source) == ["b"]
    assert left_out(source) == {"regions on other images of their task": 1}
    with pytest.raises(SagesegError, match=r"no text under --image-key side of its data; expected an image's address"):
        read(tmp_path, tasks, image_key="side", image_tag="img2")
    with pytest.raises(SagesegError, match=r"--image-tag img3: no region lies on .* but on img1 \(.*\) and img2 \("):
        read(tmp_path, tasks, image_key="back", image_tag="img3")
    shown_twice = [task(1, annotation(front, back))]
    with pytest.raises(SagesegError, match=r"regions lie on several images: img1 \(.*\) and img2 \(.*--image-tag"):
        read(tmp_path, shown_twice)
    records = [minimal(1, {"box": [front]}, front="a2.png")]
    for more in ({"image_key": "image", "image_tag": "img1"}, {"image_key": "image"}):
        with pytest.raises(SagesegError, match="JSON-MIN does not say on which of a task's images a region lies"):
            read(tmp_path, records, **more)
    with pytest.raises(SagesegError, match="JSON-MIN does not say on which of a task's images a region lies"):
        read(tmp_path, [minimal(1, {"box": [front]})], image_tag="img1")


def test_a_key_may_hold_an_address_that_does_not_end_as_an_image(tmp_path: Path) -> None:
    tasks = [task(1, by(1, "a"), data={"shown": "/tasks/1/resolve/?fileuri=a1.png", "page": "https://x/index.html"})]
    assert labels_of(read(tmp_path, tasks)) == ["a"]
    tasks = [task(1, by(1, "a"), data={"page": "https://x/index.html"})]
    with pytest.raises(SagesegError, match=r"1 of 1 images are not in .*: /index\.html"):
        read(tmp_path, tasks, image_key="page")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"video": "/data/upload/1/0123abcd-drive.MP4"}, r"a video \(video\), whose labels are not read"),
        ({"pages": ["a1.png", "a2.png"]}, "pages holds a list of images; expected tasks of one image each"),
        ({"text": "a car"}, "its data names no image"),
        ({}, "its data names no image"),
    ],
)
def test_tasks_without_an_image_are_refused(tmp_path: Path, data: dict[str, Any], told: str) -> None:
    with pytest.raises(SagesegError, match=told) as caught:
        read(tmp_path, [task(4, by(1, "a"), data=data)])
    assert "[0] (task 4)" in str(caught.value)


def test_an_image_of_two_tasks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SagesegError, match=r"\(task 1\): annotation 11 and .*\(task 2\): annotation 11: two tasks of one"
    ):
        read(tmp_path, [task(1, by(1, "a")), task(2, by(1, "a"), image="/data/upload/1/0123abcd-a1.png")])
    records = [minimal(1, {}), minimal(1, {}, image="a2.png")]
    with pytest.raises(SagesegError, match="one task with two images"):
        read(tmp_path, records)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty; expected a JSON or JSON-MIN export of Label Studio"),
        ("[]", "no task in it"),
        ('{"images": [], "annotations": [], "categories": []}', "an object, not an array of tasks; expected a JSON"),
        ('{"a": 1}', "an object, not an array of tasks"),
        ('[{"a": 1}]', r'\[0\]: neither "data" nor "annotation_id" is in it'),
        ("[1, 2]", "expected an object"),
        ('[{"id": 1}', "cut short"),
        ("[{]}", "not JSON"),
        ('[{"id": 1, "data": {}, "annotations": 5}]', r"\[0\] \(task 1\): annotations is no list"),
        ('[{"id": 1, "data": {}, "annotations": [5]}]', r"annotations\[0\]: 5; expected an object"),
        (
            '[{"id": 1, "data": {}, "annotations": [{"id": 2, "updated_at": "soon"}]}]',
            r"annotation 2: 'soon' is no time",
        ),
        (
            json.dumps([task(1, {"id": 2, "result": {"a": 1}})]),
            r"\(task 1\): annotation 2: result is no list",
        ),
        (json.dumps([task(1, {"id": 2, "result": [3]})]), r"annotation 2: result\[0\]: 3; expected an object"),
    ],
)
def test_what_is_no_export_is_told(tmp_path: Path, text: str, told: str) -> None:
    images = write_images(tmp_path / "images", "a1.png")
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(SagesegError, match=told) as caught:
        read_labelstudio(path, images, workers=1)
    assert str(path) in str(caught.value)


def test_the_verb_makes_a_dataset_and_counts_what_it_left_out(tmp_path: Path) -> None:
    write_images(tmp_path / "images", "a1.png", "a2.png", "a3.png")
    tasks = [task(number, by(1, "car")) for number in (1, 2)] + [task(3)]
    export, out = write_export(tmp_path, tasks), tmp_path / "dataset"
    words = ("prep", "labelstudio", str(export), "images", "--out", str(out), "--crop", "none", "--workers", "1")
    done = typed(words, tmp_path)
    assert done.returncode == 0, done.stderr
    info = json.loads((out / "dataset.json").read_text())
    assert info["source_format"] == "labelstudio"
    assert info["left_out"] == {"tasks without annotations": 1}
    assert len(list((out / "SegmentationClass").iterdir())) == 2
