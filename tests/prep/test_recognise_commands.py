"""The command that `sageseg prep auto` prints for labels as tools lay them out: it runs as it stands and reads all of
them, or the line below it says what is missing."""

import re
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.dataset import open_dataset
from formats.masks import read_mask
from prep.recognise.recognise import recognise
from tests.support.export_layouts import HEIGHT, LAYOUTS, WIDTH, labelme_apart, mask, photo, write, yolo_mostly_empty
from tests.support.typed_commands import typed
from tests.support.voc_samples import add_image, add_mask, rows


@pytest.mark.parametrize("lay_out", LAYOUTS, ids=lambda each: each.__name__)
def test_the_printed_command_reads_all_labels(lay_out: Callable[[Path], int], tmp_path: Path) -> None:
    count = lay_out(tmp_path / "my labels")
    told = typed(["prep", "auto", "my labels"], tmp_path).stdout.splitlines()
    assert len(told) == 2
    words = shlex.split(told[1].replace("DATASET", "dataset"))
    ran = typed([*words[1:], "--keep-empty", "1"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    dataset = open_dataset(tmp_path / "dataset")
    assert dataset.classes.names == ("_background_", "car", "road")
    masks = [read_mask(path) for path in sorted((tmp_path / "dataset" / "SegmentationClass").iterdir())]
    assert len(masks) == count
    seen = {(int(pixels[32, 4]), int(pixels[32, 18]), int(pixels[32, 50])) for pixels in masks}
    assert seen <= {(0, 1, 2), *([(0, 0, 0)] if lay_out is yolo_mostly_empty else [])}
    assert (0, 1, 2) in seen


@pytest.mark.parametrize(
    ("masks", "options"),
    [(("lane",), ["--target", "lane"]), (("road",), []), (("lane", "road"), [])],
)
def test_kitti_is_read_for_what_has_masks(masks: tuple[str, ...], options: list[str], tmp_path: Path) -> None:
    training = tmp_path / "data_road" / "training"
    photo(training / "image_2" / "um_000000.png")
    for kind in masks:
        mask(training / "gt_image_2" / f"um_{kind}_000000.png")
    (found,) = recognise(tmp_path / "data_road")
    words = shlex.split(found.command)
    assert words == ["sageseg", "prep", "kitti", str(tmp_path / "data_road"), *options, "--out", "DATASET"]


@pytest.mark.parametrize(
    ("values", "options", "told"),
    [
        ((1, 2), ["--labels", "labels.txt"], "hold the values 0, 1, 2"),
        ((255, 0), ["--labels", "labels.txt", "--binary"], "black and white"),
    ],
)
def test_what_must_be_written_first_is_told(
    values: tuple[int, int], options: list[str], told: str, tmp_path: Path
) -> None:
    photo(tmp_path / "images" / "a.jpg")
    mask(tmp_path / "masks" / "a.png", values)
    (found,) = recognise(tmp_path)
    assert shlex.split(found.command)[5:-2] == options
    assert told in found.missing
    assert "labels.txt" in found.missing


def test_labelme_needs_no_list(tmp_path: Path) -> None:
    labelme_apart(tmp_path)
    (tmp_path / "labels.txt").unlink()
    told = typed(["prep", "auto", "."], tmp_path).stdout.splitlines()
    assert told[1:] == ["sageseg prep labelme json --images jpg --out DATASET"]
    assert typed([*shlex.split(told[1])[1:-1], "dataset"], tmp_path).returncode == 0
    assert open_dataset(tmp_path / "dataset").classes.names == ("_background_", "car", "road")


def test_files_that_are_read_one_by_one_are_all_printed(tmp_path: Path) -> None:
    for task in ("one", "two", "three"):
        image = f'<image id="0" name="{task}.jpg" width="{WIDTH}" height="{HEIGHT}"/>'
        write(tmp_path / task / "annotations.xml", f"<annotations><version>1.1</version>{image}</annotations>")
        photo(tmp_path / task / "images" / f"{task}.jpg")
    found = recognise(tmp_path)
    assert [shlex.split(each.command)[3:5] for each in found] == [
        [str(tmp_path / task / "annotations.xml"), str(tmp_path / task / "images")] for task in ("one", "three", "two")
    ]
    assert "1 of 3, each a dataset of its own" in found[0].why


def test_the_list_of_a_project_is_found_behind_many_files(tmp_path: Path) -> None:
    for number in range(120):
        write(tmp_path / "ds" / "ann" / f"{number}.jpg.json", {"objects": [], "size": {}})
    write(tmp_path / "meta.json", {"classes": [{"title": "car"}], "tags": []})
    assert [each.verb for each in recognise(tmp_path)] == ["supervisely"]


def test_all_archives_are_unpacked_each_into_its_own_folder(tmp_path: Path) -> None:
    for name in ("train.zip", "train_masks.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("a.txt", "")
    (found,) = recognise(tmp_path)
    assert found.command == " && ".join(
        [
            *(f"unzip -d {tmp_path / name} {tmp_path / name}.zip" for name in ("train", "train_masks")),
            f"sageseg prep auto {tmp_path}",
        ]
    )


def test_an_archive_beside_images_is_not_passed_over(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.jpg")
    with zipfile.ZipFile(tmp_path / "annotations.zip", "w") as archive:
        archive.writestr("annotations.xml", "")
    assert recognise(tmp_path)[0].command.startswith("unzip ")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("default.json", {"dm_format_version": "1.0", "items": [], "categories": {}}, "Datumaro's own format; .* cvat"),
        ("a.json", {"version": "2.0", "item": {"name": "a"}, "annotations": []}, "V7's Darwin JSON; .* coco"),
        ("p.json", {"images": [{}], "annotations": [{"segments_info": []}], "categories": []}, "panoptic COCO"),
        ("v1.json", {"name": "v1", "dataset": {"samples": []}}, "Segments.ai; .* coco"),
        ("task-1-annotation-2-by-1-tag-car-0.png", "", "a brush of Label Studio.*prep labelstudio"),
        ("via.csv", "filename,file_size,region_shape_attributes\n", "VGG Image Annotator; .*JSON.*prep via"),
        ("train.csv", "ImageId,EncodedPixels\na,1 2\n", "run lengths in a table.*prep pairs"),
        ("a.xml", "<annotation><object><bndbox/></object></annotation>", "boxes, which have no outline"),
        ("b.xml", "<annotation><object><polygon><pt/></polygon></object></annotation>", "LabelMe on the web.*cvat"),
        ("sa_1.json", {"image": {"image_id": 1}, "annotations": [{"segmentation": {}}]}, "Segment Anything"),
        ("labels/a.txt", "0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.1 0.1\n", "boxes, which have no outline"),
        ("dataset.manifest", '{"source-ref": "s3://b/a.jpg"}\n', "a manifest without masks"),
    ],
)
def test_what_no_reader_takes_is_told_with_the_export_that_one_does(
    name: str, content: object, told: str, tmp_path: Path
) -> None:
    write(tmp_path / name, content)
    photo(tmp_path / "a.jpg")
    ran = typed(["prep", "auto", str(tmp_path)], tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"error: {tmp_path / name}: ")
    assert re.search(told, ran.stderr)


@pytest.mark.parametrize("text", ["", "[{]", "\0\0", "[1", "x"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_damaged_file_is_told_where_nothing_else_is_known(text: str, alone: bool, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text(text)
    ran = typed(["prep", "auto", "project.json" if alone else "."], tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("error: project.json: ")


@pytest.mark.parametrize("text", ["[]", "7", "[null]", '[{"a": 1}]'])
def test_a_file_that_holds_nothing_known_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text(text)
    ran = typed(["prep", "auto", "project.json"], tmp_path)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert re.match("error: project.json: (no labels that are known, but 1 .json|not JSON)", ran.stderr)


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images", "masks"), ("JPEGImages", "SegmentationClass"), ("train", "train_annotation")],
)
def test_black_and_white_masks_beside_a_list_are_read_by_the_printed_command(
    tmp_path: Path, images: str, masks: str
) -> None:
    for stem in ("a", "b"):
        add_image(tmp_path / images / f"{stem}.jpg")
        add_mask(tmp_path / masks / f"{stem}.png", rows(0, 255))
    (tmp_path / "classes.txt").write_text("car\n")
    told = typed(["prep", "auto", "."], tmp_path).stdout.splitlines()
    assert len(told) == 2
    ran = typed([*shlex.split(told[1].replace("DATASET", "dataset"))[1:], "--crop", "none", "--val", "1"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert set(read_mask(tmp_path / "dataset" / "SegmentationClass" / "a.png").ravel().tolist()) == {0, 1}


def test_frames_that_nobody_labelled_are_known(tmp_path: Path) -> None:
    for number in range(3):
        photo(tmp_path / "my frames" / f"drive_b0000_f{number:06}.jpg")
    (tmp_path / "my frames" / "frames.csv").write_text("name,time\n")
    ran = typed(["prep", "auto", "my frames"], tmp_path)
    assert ran.returncode == 1
    assert "3 images and no labels" in ran.stderr
    assert "labelme 'my frames' does" in ran.stderr


def test_other_files_are_counted(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("later")
    ran = typed(["prep", "auto", str(tmp_path)], tmp_path)
    assert "no labels that are known, but 1 .jpg, 1 .txt; docs/readers.md" in ran.stderr
