"""What a split leaks is counted by the user's groups and the reader's own, and said by prep."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from formats.images import Rgb, encode_image
from formats.masks import encode_mask
from formats.prepared.leaks import Leak, read_leaks
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from prep.readers.kitti import read_kitti
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.labelme.reader import read_labelme
from prep.readers.voc.reader import read_voc
from tests.support.labelme_samples import shape, write_json, write_labels
from tests.support.prep_samples import PngMask

SIDE = 64


def scene(number: int, moved: int = 0) -> Rgb:
    """A smooth scene like no other, seen a little further right."""
    coarse = np.random.default_rng(number).integers(40, 200, (6, 8, 3), np.uint8)
    wide = np.asarray(cv2.resize(coarse, (SIDE + 16, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.ascontiguousarray(wide[:, moved : moved + SIDE])


def write(path: Path, image: Rgb) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(image))
    return path


def half() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[SIDE // 2 :] = 1
    return mask


def leak(source: Source, out: Path, **options: object) -> Leak:
    write_dataset(source, out, PrepOptions(crop=None, workers=1, **options))  # type: ignore[arg-type]
    return read_leaks(out).splits["val"]


def carvana(folder: Path, group_by: str | None) -> Source:
    """Four cars from four sides, none like another."""
    for car in range(4):
        for angle in range(1, 5):
            write(folder / "images" / f"car{car}_{angle:02}.jpg", scene(10 * car + angle))
            (folder / "masks").mkdir(exist_ok=True)
            Image.fromarray(half()).save(folder / "masks" / f"car{car}_{angle:02}_mask.gif")
    return read_carvana(folder / "images", folder / "masks", None, re.compile(group_by) if group_by else None)


def test_cars_cut_in_four_have_siblings_in_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    angle = r"_(\d+)$"
    found = leak(carvana(tmp_path, angle), tmp_path / "out", val=1, group_by=re.compile(angle))
    assert found == Leak(4, 0, 4, 0)
    said = capsys.readouterr().err
    assert "note: 4 of 4 validation images have a sibling of the same car in train" in said
    assert "prepare again without --group-by" in said


def test_whole_cars_leak_nothing_and_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert leak(carvana(tmp_path, None), tmp_path / "out", val=1) == Leak(4, 0, 0, 0)
    assert leak(carvana(tmp_path, r"^(car\d)"), tmp_path / "coarse", val=1) == Leak(4, 0, 0, 0)
    assert "note" not in capsys.readouterr().err


def test_folders_and_blocks_of_labelme_are_families_too(tmp_path: Path) -> None:
    names = [f"{place}/{number}{place}" for place in ("dam", "mill") for number in range(2)]
    names += [f"drive_b0000_f{number:06}" for number in (0, 10)]
    for number, name in enumerate(names):
        image = write(tmp_path / "in" / f"{name}.jpg", scene(number))
        triangle = shape("car", [[5, 5], [40, 5], [40, 40]])
        write_json(image.with_suffix(".json"), [triangle], imagePath=image.name, imageWidth=SIDE, imageHeight=SIDE)
    digits = re.compile(r"(\d+)(?:dam|mill)?$")
    source = read_labelme(tmp_path / "in", write_labels(tmp_path), group_by=digits, workers=1)
    assert leak(source, tmp_path / "out", val=2).with_own_sibling >= 2
    assert {image.family for image in source.images} == {"dam", "mill", "drive_b0000"}


def test_a_sequence_that_lists_divide_is_still_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = tmp_path / "training"
    for folder in ("image_2", "gt_image_2", "calib"):
        (training / folder).mkdir(parents=True)
    colours = np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8)
    colours[32:] = (255, 0, 255)
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(6):
        Image.fromarray(scene(number)).save(training / "image_2" / f"um_{number:06}.png")
        Image.fromarray(colours).save(training / "gt_image_2" / f"um_road_{number:06}.png")
        (training / "calib" / f"um_{number:06}.txt").write_text(f"P0: {number // 3}\n")
        lists["val" if number in (1, 2) else "train"].append(f"um_{number:06}")
    paths = {split: tmp_path / f"{split}.txt" for split in lists}
    for split, stems in lists.items():
        paths[split].write_text("\n".join(stems))
    assert leak(read_kitti(tmp_path, "road", lists=paths), tmp_path / "out") == Leak(2, 0, 2, 0)
    assert "2 of 2 validation images have a sibling of the same sequence in train" in capsys.readouterr().err


def test_without_calibration_kitti_knows_no_sequence(tmp_path: Path) -> None:
    for name, image in (("image_2/um_000000", scene(0)), ("gt_image_2/um_road_000000", np.full((8, 8, 3), 255))):
        path = tmp_path / "training" / f"{name}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(image.astype(np.uint8)).save(path)
    (image_read,) = read_kitti(tmp_path, "road", group_by=re.compile(r"(\d+)$")).images
    assert image_read.family == image_read.group == "000000"


def voc(folder: Path, stems: dict[str, Rgb]) -> Source:
    for stem, image in stems.items():
        write(folder / "JPEGImages" / f"{stem}.jpg", image)
        (folder / "SegmentationClass").mkdir(exist_ok=True)
        (folder / "SegmentationClass" / f"{stem}.png").write_bytes(encode_mask(half()))
    (folder / "labels.txt").write_text("_background_\ncar\n")
    return read_voc(folder, workers=1)


def test_frames_of_one_clip_on_both_sides_are_said_with_what_parts_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = {f"clip{clip}_{number:04}": scene(clip, number) for clip in range(4) for number in range(5)}
    found = leak(voc(tmp_path / "voc", clips), tmp_path / "out")
    assert found == Leak(4, 0, 0, 4)
    said = capsys.readouterr().err
    assert "note: 4 of 4 validation images have a near-twin in train" in said
    pattern = read_leaks(tmp_path / "out").group_by
    assert pattern is not None
    assert f"--group-by '{pattern}'" in said
    again = read_voc(tmp_path / "voc", group_by=re.compile(pattern), workers=1)
    assert leak(again, tmp_path / "again", val=1) == Leak(5, 0, 0, 0)
    assert "note: " not in capsys.readouterr().err.replace("note: each image", "")


def test_blocks_in_the_names_of_frames_are_families_for_every_reader(tmp_path: Path) -> None:
    frame = LabelledImage("JPEGImages/v_b0003_f000120.jpg", tmp_path, PngMask(tmp_path), "v_b0003_f000120")
    assert frame.family == "v_b0003"


def test_test_images_are_counted_as_those_of_val(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = {f"{number}": scene(0, number) for number in range(6)}
    write_dataset(voc(tmp_path / "voc", images), tmp_path / "out", PrepOptions(crop=None, workers=1, val=1, test=2))
    assert read_leaks(tmp_path / "out").splits["test"] == Leak(2, 0, 0, 2)
    assert "2 of 2 test images have a near-twin in train" in capsys.readouterr().err
