"""Folders of masks as other programs write them, read as predictions and as truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from analysis.masks.reading import read_prediction, read_truth
from analysis.masks.sources import plan_sources
from analysis.plain.matching import bare, match_names
from analysis.plain.opening import open_predictions
from analysis.plain.truth import TruthFolder, open_with_truth
from formats.classes import ClassTable, voc_palette, write_labels
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import Mask, encode_mask
from formats.predictions import Predictions
from tests.support.dataset_samples import CAR, disc_image, make_dataset
from tests.support.typed_commands import typed

WIDTH, HEIGHT = 40, 24
STEMS = ("a_01", "a_02", "b_01")
SAMPLES = {stem: disc_image(WIDTH, HEIGHT, seed=seed) for seed, stem in enumerate(STEMS)}
THREE = ClassTable(("_background_", "car", "road"))
PALETTE = voc_palette()


def masks(num_classes: int = 2) -> dict[str, Mask]:
    """A mask for each image, the last of them without class 1 where there are three."""
    made = {stem: mask.copy() for stem, (_, mask) in SAMPLES.items()}
    if num_classes == 3:
        for mask in made.values():
            mask[18:, :] = 2
        made["b_01"][made["b_01"] == 1] = 0
    return made


def with_palette(mask: Mask, colours: bytes) -> Image.Image:
    image = Image.fromarray(mask)
    image.putpalette(colours.ljust(768, b"\0"))
    return image


def write_all(root: Path, name: str, draw: Callable[[Mask], Image.Image], num_classes: int = 2) -> Path:
    """The masks of all images, drawn, in files called by `name` with the stem in it."""
    for stem, mask in masks(num_classes).items():
        path = root / name.format(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(mask).save(path)
    return root


def read_back(predictions: Predictions, dataset: Dataset | None = None) -> dict[str, Mask]:
    """Full-size masks by stem, as everything downstream reads them."""
    num_classes = len(predictions.classes or CAR)
    return {
        source.stem: read_prediction(predictions.root, source, num_classes)
        for source in plan_sources(predictions, dataset)
    }


def same(found: dict[str, Mask], expected: dict[str, Mask]) -> bool:
    return found.keys() == expected.keys() and all(np.array_equal(found[key], expected[key]) for key in expected)


def ids(mask: Mask) -> Image.Image:
    return Image.fromarray(mask)


def white(mask: Mask) -> Image.Image:
    return Image.fromarray(mask * 255)


def white_first(mask: Mask) -> Image.Image:
    return with_palette(1 - mask, bytes([255, 255, 255, 0, 0, 0]))


def white_rgba(mask: Mask) -> Image.Image:
    cut_out = np.repeat(mask[..., None] * 255, 4, axis=2)
    return Image.fromarray(cut_out)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", SAMPLES)


@pytest.fixture
def dataset_of_three(tmp_path: Path) -> Dataset:
    samples = {stem: (SAMPLES[stem][0], mask) for stem, mask in masks(3).items()}
    return make_dataset(tmp_path / "dataset", samples, classes=THREE)


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("{}.png", ids),
        ("{}_pred.png", ids),
        ("pred_{}.png", ids),
        ("deep/er/{}_mask.png", ids),
        ("{}.bmp", ids),
        ("{}.gif", ids),
        ("{}.tif", lambda mask: Image.fromarray(mask.astype(np.uint16))),
        ("{}.tiff", lambda mask: Image.fromarray(mask.astype(np.float32))),
        ("{}.png", lambda mask: Image.fromarray(mask.astype(np.uint16) * np.uint16(65535))),
        ("{}.png", white),
        ("{}.png", lambda mask: white(mask).convert("1")),
        ("{}.png", lambda mask: Image.fromarray(mask * 200)),
        ("{}.png", lambda mask: white(mask).convert("RGB")),
        ("{}.png", white_rgba),
        ("{}.gif", white_first),
        ("{}.png", white_first),
        ("{}.png", lambda mask: with_palette(mask, bytes([9, 9, 9, 0, 128, 0]))),
    ],
)
def test_two_classes_are_read_however_they_were_written(
    tmp_path: Path, dataset: Dataset, name: str, draw: Callable[[Mask], Image.Image]
) -> None:
    root = write_all(tmp_path / "out", name, draw)
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("{}.png", ids),
        ("{}.gif", ids),
        ("{}.gif", lambda mask: with_palette(mask, PALETTE.tobytes())),
        ("{}.png", lambda mask: with_palette(mask, PALETTE.tobytes())),
        ("{}.png", lambda mask: Image.fromarray(PALETTE[mask])),
        ("{}.png", lambda mask: Image.fromarray(PALETTE[mask]).convert("RGBA")),
    ],
)
def test_three_classes_are_read_where_a_file_lacks_one(
    tmp_path: Path, dataset_of_three: Dataset, name: str, draw: Callable[[Mask], Image.Image]
) -> None:
    """A GIF numbers the colours that it uses anew: its ids 0 and 2 lie in it as 0 and 1."""
    root = write_all(tmp_path / "out", name, draw, 3)
    opened = open_predictions(root, dataset=dataset_of_three, workers=1)
    assert same(read_back(opened, dataset_of_three), masks(3))


def test_crops_are_known_by_their_ids(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", SAMPLES, crop=20, drop_empty=False)
    root = tmp_path / "out"
    root.mkdir()
    for row in dataset.rows:
        mask = SAMPLES[row.source_stem][1][row.y : row.y + 20, row.x : row.x + 20]
        (root / f"{row.id}_pred.png").write_bytes(encode_mask(mask))
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())


def test_masks_of_half_the_size_are_enlarged_and_it_is_said(
    tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    half = (WIDTH // 2, HEIGHT // 2)
    root = write_all(tmp_path / "out", "{}.png", lambda mask: ids(mask).resize(half, Image.Resampling.NEAREST))
    found = read_back(open_predictions(root, dataset=dataset, workers=1), dataset)
    assert found["a_01"].shape == (HEIGHT, WIDTH)
    assert np.array_equal(found["a_01"][::2, ::2], found["a_01"][1::2, 1::2])
    assert "3 masks are smaller or larger than their images, such as a_01.png" in capsys.readouterr().err


def grey_levels(mask: Mask) -> Image.Image:
    return Image.fromarray(np.arange(mask.size, dtype=np.uint8).reshape(mask.shape))


def with_value(value: int) -> Callable[[Mask], Image.Image]:
    def draw(mask: Mask) -> Image.Image:
        changed = mask.copy()
        changed[0, 0] = value
        return Image.fromarray(changed)

    return draw


@pytest.mark.parametrize(
    ("name", "draw", "told"),
    [
        ("{}.jpg", white, "only masks such as a_01.jpg: JPEG and WebP change values"),
        ("{}.jpeg", white, "JPEG and WebP change values"),
        ("{}.webp", white, "JPEG and WebP change values"),
        ("z{}.png", ids, "masks: za_01, za_02, zb_01; images: a_01, a_02, b_01: rename"),
        ("{}.png", with_value(7), "value 7 is no class; expected 0 to 1"),
        ("{}.png", with_value(255), "value 255 is no class; expected 0 to 1 (ignore, 255, is never predicted"),
        ("{}.png", grey_levels, "256 different values, like probabilities or grey levels"),
        ("{}.png", lambda mask: ids(mask).resize((30, 30)), "30×30 pixels, but a_01.jpg has 40×24"),
        (
            "{}.png",
            lambda mask: Image.fromarray(PALETTE[mask] + np.uint8(3)),
            "colour (3,3,3), (131,3,3) is not in VOC's palette",
        ),
        ("{}.tif", lambda mask: Image.fromarray(mask * np.float32(0.5)), "mode F, values of 0.0 to 0.5"),
    ],
)
def test_what_is_no_mask_of_the_dataset_is_refused(
    tmp_path: Path, dataset: Dataset, name: str, draw: Callable[[Mask], Image.Image], told: str
) -> None:
    root = write_all(tmp_path / "out", name, draw)
    with pytest.raises(SagesegError) as caught:
        open_predictions(root, dataset=dataset, workers=1)
    assert str(root) in str(caught.value)
    assert told in str(caught.value)


def test_wrong_files_are_counted_and_ten_are_named(tmp_path: Path) -> None:
    names = [f"n{number:02}" for number in range(12)]
    dataset = make_dataset(tmp_path / "dataset", dict.fromkeys(names, SAMPLES["a_01"]))
    for name in names:
        path = tmp_path / "out" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        with_value(9)(SAMPLES["a_01"][1]).save(path)
    with pytest.raises(SagesegError, match="in 12 of 12 masks: n00.png, .*, n09.png …$"):
        open_predictions(tmp_path / "out", dataset=dataset, workers=1)


@pytest.mark.parametrize("suffix", [".npy", ".txt", ""])
def test_a_folder_without_masks_says_what_is_there(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"a{suffix}").write_bytes(b"x")
    with pytest.raises(SagesegError, match=rf"no mask in it \(1 {suffix or 'no suffix'}\); expected masks as PNG"):
        open_predictions(tmp_path / "out")


def test_two_masks_of_one_image_are_refused(tmp_path: Path, dataset: Dataset) -> None:
    root = write_all(tmp_path / "out", "{}_pred.png", ids)
    write_all(root, "{}_mask.png", ids)
    with pytest.raises(SagesegError, match="a_01_mask and a_01_pred both fit a_01 by name"):
        open_predictions(root, dataset=dataset)


def test_masks_of_other_images_are_left_out_and_named(
    tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_all(tmp_path / "out", "{}.png", ids)
    write_all(root, "x{}.png", ids)
    assert same(read_back(open_predictions(root, dataset=dataset, workers=1), dataset), masks())
    assert "3 masks left out, called like none of the images: xa_01, xa_02, xb_01" in capsys.readouterr().err


def test_a_list_beside_masks_that_differs_from_the_datasets_is_not_passed_over(
    tmp_path: Path, dataset: Dataset
) -> None:
    root = write_all(tmp_path / "out", "{}.png", ids)
    write_labels(root / "labels.txt", ClassTable(("_background_", "road")))
    with pytest.raises(SagesegError, match="classes _background_, road; expected those of the truth"):
        plan_sources(open_predictions(root, dataset=dataset, workers=1), dataset)


NAME = st.text("abcdefgh0123456789", min_size=1, max_size=6).filter(lambda name: name != "0000")
WORDS = st.sampled_from(["{}", "{}_mask", "{}_pred", "pred_{}", "{}-seg", "{}_gtFine_labelIds", "mask_{}", "{}_0000"])


@given(st.sets(NAME.map("q{}".format), min_size=1, max_size=6), WORDS, WORDS)
def test_names_fit_whatever_words_each_side_has(names: set[str], one: str, other: str) -> None:
    found = match_names(Path("m"), {one.format(name) for name in names}, {name: {other.format(name)} for name in names})
    assert found == {one.format(name): name for name in names}


@pytest.mark.parametrize(
    ("name", "left"),
    [("a_mask", "a"), ("a_gtFine_labelIds", "a"), ("image_7", "7"), ("mask", "mask"), ("_mask", "_mask"), ("a1", "a1")],
)
def test_a_bare_name_is_what_the_words_leave(name: str, left: str) -> None:
    assert bare(name) == left


def truth_of(predictions: Predictions, dataset: Dataset) -> dict[str, Mask]:
    return {
        source.stem: read_truth(dataset.root, source, len(dataset.classes))
        for source in plan_sources(predictions, dataset)
    }


@pytest.mark.parametrize(
    ("draw_truth", "draw"), [(ids, ids), (white, ids), (ids, white), (white_first, white), (ids, white_rgba)]
)
def test_a_folder_of_truth_is_enough(
    tmp_path: Path, draw_truth: Callable[[Mask], Image.Image], draw: Callable[[Mask], Image.Image]
) -> None:
    truth = write_all(tmp_path / "truth", "{}.png", draw_truth)
    opened, dataset = open_with_truth(write_all(tmp_path / "out", "{}_pred.png", draw), TruthFolder(truth), workers=1)
    assert dataset.classes.names == ("_background_", "class_1")
    assert same(read_back(opened, dataset), masks())
    assert same(truth_of(opened, dataset), masks())


def test_values_that_nobody_named_are_classes_on_both_sides_alike(tmp_path: Path) -> None:
    def spread(mask: Mask) -> Image.Image:
        return Image.fromarray(np.array([0, 7, 26], np.uint8)[mask])

    def ignored(mask: Mask) -> Image.Image:
        return with_value(255)(np.asarray(spread(mask)))

    truth, root = write_all(tmp_path / "truth", "{}.png", ignored, 3), write_all(tmp_path / "o", "{}.png", spread, 3)
    opened, dataset = open_with_truth(root, TruthFolder(truth), workers=1)
    assert dataset.classes.names == ("_background_", "class_7", "class_26")
    assert same(read_back(opened, dataset), masks(3))
    known = truth_of(opened, dataset)["a_01"]
    assert known[0, 0] == 255
    assert np.array_equal(known[1:], masks(3)["a_01"][1:])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("_background_\ncar\n", ("_background_", "car")),
        ("background\r\ncar\r\n", ("_background_", "car")),
        ("\ufeffcar\n", ("_background_", "car")),
        ("__ignore__\n_background_\ncar\n", ("_background_", "car")),
    ],
)
def test_a_list_names_the_classes(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    truth, root = write_all(tmp_path / "truth", "{}.png", ids), write_all(tmp_path / "o", "{}.png", ids)
    labels = tmp_path / "names.txt"
    labels.write_text(text, encoding="utf-8")
    _, dataset = open_with_truth(root, TruthFolder(truth, labels=labels), workers=1)
    assert dataset.classes.names == names


def test_truth_without_a_prediction_is_named_and_partial_leaves_it_out(tmp_path: Path) -> None:
    truth, root = write_all(tmp_path / "truth", "{}.png", ids), write_all(tmp_path / "out", "{}.png", ids)
    (root / "b_01.png").unlink()
    with pytest.raises(SagesegError, match="true masks without a prediction in .*, 1 in all: b_01; .* --partial"):
        open_with_truth(root, TruthFolder(truth), workers=1)
    opened, dataset = open_with_truth(root, TruthFolder(truth, partial=True), workers=1)
    assert sorted(read_back(opened, dataset)) == ["a_01", "a_02"]


def test_written_predictions_take_a_folder_of_truth_too(tmp_path: Path) -> None:
    root = write_all(tmp_path / "plain", "{}.png", ids)
    write_labels(root / "labels.txt", CAR)
    assert typed(["analysis", "stitch", str(root), "--out", "out"], tmp_path).returncode == 0
    truth = write_all(tmp_path / "truth", "{}_gt.png", white)
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)
    assert dataset.classes == CAR
    assert same(truth_of(opened, dataset), masks())


def test_stitched_masks_that_nobody_named_are_called_as_their_truth(
    tmp_path: Path, dataset_of_three: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(tmp_path / "plain", "{}.png", ids, 3)
    assert typed(["analysis", "stitch", "plain", "--out", "out"], tmp_path).returncode == 0
    assert open_predictions(tmp_path / "out", dataset=dataset_of_three).classes == THREE
    assert "its classes, which had numbers, are car, road in this order" in capsys.readouterr().err
    truth = write_all(tmp_path / "truth", "{}.png", ids, 3)
    write_labels(truth / "labels.txt", THREE)
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)
    assert opened.classes == dataset.classes == THREE
    write_labels(truth / "labels.txt", CAR)  # fewer: no number is sure
    with pytest.raises(SagesegError, match="value 2 is no class; expected 0 to 1"):
        open_with_truth(tmp_path / "out", TruthFolder(truth), workers=1)


def test_crops_beside_a_folder_of_truth_are_to_be_stitched(tmp_path: Path) -> None:
    cropped = make_dataset(tmp_path / "cropped", SAMPLES, crop=20)
    truth = write_all(tmp_path / "truth", "{}.png", ids)
    with pytest.raises(SagesegError, match="sageseg analysis stitch .*cropped --out STITCHED"):
        open_with_truth(cropped.root, TruthFolder(truth))


def test_plain_crops_beside_a_folder_of_truth_need_their_dataset(tmp_path: Path) -> None:
    write_all(tmp_path / "out", "{}_x0_y16.png", ids)
    write_all(tmp_path / "truth", "{}.png", ids)
    with pytest.raises(SagesegError, match="masks of crops need --dataset"):
        open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)


def test_a_report_inside_the_folder_is_passed_over(tmp_path: Path) -> None:
    write_all(tmp_path / "out", "{}.png", white)
    for number in (1, 2):
        words = ["analysis", "report", "out", "--truth", "out", "--draws", "0", "--out", f"out/report{number}"]
        ran = typed(words, tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert "out: reports in it are passed over: report1" in ran.stderr


def test_a_report_needs_no_dataset(tmp_path: Path) -> None:
    write_all(tmp_path / "truth", "{}.png", white)
    write_all(tmp_path / "out", "{}.png", lambda mask: white(np.roll(mask, 2, axis=1)))
    (tmp_path / "images").mkdir()
    for stem, (image, _) in SAMPLES.items():
        (tmp_path / "images" / f"{stem}.jpg").write_bytes(encode_image(image))
    common = ["analysis", "report", "out", "--truth", "truth", "--workers", "1", "--draws", "0"]
    ran = typed([*common, "--images", "images", "--group-by", "^(.)_", "--out", "shown"], tmp_path)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "shown/index.html")
    scores = json.loads((tmp_path / "shown" / "scores.json").read_text(encoding="utf-8"))
    assert sorted(scores["groups"]) == ["a", "b"]
    true = np.stack([mask for _, mask in SAMPLES.values()])
    shifted = np.roll(true, 2, axis=2)
    shared, either = np.count_nonzero(true & shifted), np.count_nonzero(true | shifted)
    assert scores["overall"]["iou"]["class_1"] == pytest.approx(shared / either)
    assert (tmp_path / "shown" / "layers" / "image" / "a_01.jpg").read_bytes() == encode_image(SAMPLES["a_01"][0])
    grey = typed([*common, "--out", "grey"], tmp_path)
    assert grey.returncode == 0
    assert "report with --images FOLDER" in (tmp_path / "grey" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["out"], "--dataset DATASET, or --truth FOLDER"),
        (["out", "--dataset", "dataset", "--truth", "truth"], "--dataset DATASET, or --truth FOLDER"),
        (["out", "--dataset", "dataset", "--labels", "x.txt"], "--labels x.txt: goes with --truth"),
        (["out", "--truth", "dataset"], "dataset: a dataset; give it as --dataset dataset"),
        (["absent", "--dataset", "dataset"], "absent: no such folder; expected predictions"),
        (["out/a_01.png", "--dataset", "dataset"], "out/a_01.png: a file, and no folder"),
        (["out", "--truth", "truth", "--labels", "absent.txt"], "absent.txt: not found"),
        (["out", "--truth", "truth", "--images", "out"], "out/a_01.png: 40×24 pixels, but its mask has 20×12"),
    ],
)
def test_what_a_report_was_given_is_refused_in_one_line(
    tmp_path: Path, dataset: Dataset, words: list[str], told: str
) -> None:
    write_all(tmp_path / "out", "{}.png", ids)
    write_all(tmp_path / "truth", "{}.png", lambda mask: ids(mask[::2, ::2]))
    ran = typed(["analysis", "report", *words, "--out", "report", "--workers", "1"], tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "report").exists()


def test_what_was_made_for_the_command_is_gone_with_it(tmp_path: Path) -> None:
    program = "from analysis.plain.folder import temporary_folder; print(temporary_folder('masks').is_dir())"
    made = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (made.stdout, list(tmp_path.iterdir())) == ("True\n", [])


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["stitch", "out", "--out", "x"], "x/masks/a_01.png"),
        (["overlay", "out", "images", "--out", "x"], "x/a_01.jpg"),
        (["cutout", "out", "images", "--out", "x"], "x/a_01.png"),
        (["labelme", "out", "--images", "images", "--out", "x"], "x/a_01.json"),
        (["coco", "out", "--out", "x.json"], "x.json"),
        (["cvat", "out", "--out", "x.xml"], "x.xml"),
        (["submission", "out", "--out", "x.csv"], "x.csv"),
        (["combine", "out", "out", "out", "--by", "majority", "--out", "x"], "x/masks/a_01.png"),
    ],
)
def test_other_verbs_take_plain_masks(tmp_path: Path, words: list[str], made: str) -> None:
    write_all(tmp_path / "out", "{}_pred.png", white)
    (tmp_path / "images").mkdir()
    for stem, (image, _) in SAMPLES.items():
        (tmp_path / "images" / f"{stem}.jpg").write_bytes(encode_image(image))
    ran = typed(["analysis", *words], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / made).is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["suspects", "out", "--dataset", "dataset", "--out", "x.csv"],
            "error: out: no probabilities to doubt labels by",
        ),
        (["select", "out", "--count", "1", "--out", "x"], "IMAGES --probabilities --out PREDICTIONS"),
        (["stitch", "out", "--probabilities", "--out", "x"], "error: out: no probabilities to keep"),
    ],
)
def test_verbs_that_need_probabilities_say_so_of_the_folder_itself(
    tmp_path: Path, dataset: Dataset, words: list[str], told: str
) -> None:
    write_all(tmp_path / "out", "{}.png", ids)
    ran = typed(["analysis", *words], tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr.splitlines()[-1]
