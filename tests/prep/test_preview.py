"""The preview tells what is in a dataset, on one page that needs nothing else."""

import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset, split_path
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from formats.masks import Mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.augmented import Augmentation, draw_changed
from prep.preview.page import near_folder, write_preview
from prep.preview.samples import choose_samples, rows_of
from prep.preview.survey import survey
from sageseg.cli import app
from tests.support.page_reader import Page
from tests.support.prep_samples import make_source, noise

CLASSES = ClassTable(("_background_", "car", "bus & <van>"))
GROUPS = {"a": 3, "b": 3, "<i>c": 3}


def mask_of(number: int) -> Mask:
    mask = np.zeros((110, 150), np.uint8)
    mask[5:40, 7:50] = 1
    if number == 4:
        mask[10:20, 10:20] = 2
    return mask


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    source = make_source(tmp_path / "labels", GROUPS, mask=mask_of, classes=CLASSES)
    write_dataset(source, tmp_path / "my dataset", PrepOptions(crop=64, workers=1))
    return open_dataset(tmp_path / "my dataset")


TODAY = date(2026, 2, 28)


def test_a_dataset_without_validation_has_its_page(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, workers=1, val=0))
    write_preview(open_dataset(tmp_path / "dataset"), tmp_path / "preview.html", workers=1)
    text = Page((tmp_path / "preview.html").read_text(encoding="utf-8")).words
    assert "Every class is in train." in text


@pytest.fixture
def page(dataset: Dataset, tmp_path: Path) -> str:
    write_preview(dataset, tmp_path / "preview.html", workers=1, today=TODAY)
    return (tmp_path / "preview.html").read_text(encoding="utf-8")


def test_the_page_loads_nothing_by_itself(page: str) -> None:
    read = Page(page)
    read.check_whole()
    assert read.addresses == []
    for drawing in read.data["drawings"].values():
        assert drawing["image"].startswith("data:image/webp;base64,")
        assert drawing["mask"].startswith("data:image/png;base64,")


def test_names_are_escaped(page: str) -> None:
    assert "bus &amp; &lt;van&gt;" in page
    assert "<van>" not in page
    assert "&lt;i&gt;c_0" in page
    assert "<i>c" not in page


def test_the_page_tells_the_dataset(dataset: Dataset, page: str) -> None:
    text = Page(page.partition("</style>")[2]).words
    for told in (
        "my dataset", "9 images", "3 groups", "3 classes", "Crop 64", "val 20.0 % → 33.3 %", "3 of 3",
        "Page made 2026-02-28", f"Dataset digest {dataset.digest[:12]}", f"digest {dataset.info['inputs_sha256'][:12]}",
        "Source sample", "No group (folder or block of a video) is on both sides", "Near-twins, images of different",
        "Missing from", "bus & <van>", "9 objects",
    ):  # fmt: skip
        assert told in text, told


def test_the_command_that_made_the_dataset_is_told(dataset: Dataset, tmp_path: Path) -> None:
    dataset.info["command"] = ["sample", "my labels", "--label", "<i>"]
    write_preview(dataset, tmp_path / "preview.html", workers=1)
    text = Page((tmp_path / "preview.html").read_text(encoding="utf-8")).words
    assert "Command sageseg prep sample 'my labels' --label '<i>'" in text


def test_a_class_that_is_missing_from_a_split_is_told(dataset: Dataset) -> None:
    samples = choose_samples(dataset, survey(dataset, workers=1).crops)
    bus = {own.split: own.found for own in samples if own.class_id == 2}
    assert sorted(bus.values()) == [0, 1]
    assert {own.title for own in samples} == {"car", "bus & <van>", "no foreground"}


def test_samples_show_their_class(dataset: Dataset) -> None:
    crops = survey(dataset, workers=1).crops
    with_car = {fact.row.id for fact in crops if 1 in fact.classes}
    for own in choose_samples(dataset, crops):
        if own.class_id == 1:
            assert {row.id for row in own.rows} <= with_car
        assert len(own.rows) == min(own.found, 4)


def test_of_very_many_classes_the_page_has_no_more_crops_than_it_can_hold(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prep.preview.samples.MOST", 2)
    samples = choose_samples(dataset, survey(dataset, workers=1).crops)
    assert len(rows_of(samples)) == 2
    assert any(own.found and not own.rows for own in samples)


def test_the_page_is_the_same_each_time_and_with_any_number_of_workers(
    dataset: Dataset, page: str, tmp_path: Path
) -> None:
    write_preview(dataset, tmp_path / "again.html", workers=2, today=TODAY)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("page.html", "data/cars/"),
        ("data/page.html", "cars/"),
        ("data/cars/page.html", "./"),
        ("data/other/page.html", "../cars/"),
    ],
)
def test_a_page_near_its_dataset_knows_the_way(tmp_path: Path, page: str, address: str) -> None:
    assert near_folder(tmp_path / "data/cars", tmp_path / page) == address


@pytest.mark.parametrize("page", ["pages/deep/down/page.html", "a/b/page.html"])
def test_a_page_elsewhere_tells_nothing_of_the_machine(tmp_path: Path, page: str) -> None:
    assert near_folder(tmp_path / "data/cars", tmp_path / page) is None


@pytest.mark.parametrize("content", ["", "[]", '{"groups": {}}'])
def test_a_dataset_without_its_certificate_is_told(dataset: Dataset, tmp_path: Path, content: str) -> None:
    split_path(dataset.root).write_text(content)
    with pytest.raises(SagesegError, match=r"split\.json: .*; prepare the dataset again"):
        write_preview(dataset, tmp_path / "preview.html", workers=1)


def test_a_broken_crop_is_named(dataset: Dataset, tmp_path: Path) -> None:
    path = dataset.image_path(dataset.kept("val")[0].id)
    path.write_bytes(encode_image(noise(0))[:300])
    with pytest.raises(SagesegError, match=rf"{path.name}: cannot be read as an image"):
        write_preview(dataset, tmp_path / "preview.html", workers=1)


def test_a_folder_is_no_page(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="is a folder; expected the name of a page"):
        write_preview(dataset, tmp_path, workers=1)


def test_the_command_writes_the_page(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "pages" / "preview.html"
    ran = CliRunner().invoke(app, ["prep", "preview", str(dataset.root), "--out", str(out), "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"{out}\n"
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_that_is_there_is_replaced_when_asked(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("mine")
    line = ["prep", "preview", str(dataset.root), "--out", str(out), "--workers", "1"]
    refused = CliRunner().invoke(app, line)
    assert "exists already; choose another --out or add --overwrite" in str(refused.exception)
    assert out.read_text() == "mine"
    assert CliRunner().invoke(app, [*line, "--overwrite"]).exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_near_twins_across_splits_are_shown(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1}, image=lambda _: noise(0))
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, workers=1))
    assert json.loads((tmp_path / "dataset" / "split.json").read_text())["twins"]["found"] == 1
    write_preview(open_dataset(tmp_path / "dataset"), tmp_path / "preview.html", workers=1)
    assert "1 of 1, the most alike first" in (tmp_path / "preview.html").read_text(encoding="utf-8")


def half(image: Rgb, mask: Mask, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """In the place of a training's changes: the left or the right half."""
    side = slice(0, 32) if rng.random() < 0.5 else slice(32, 64)
    return image[:, side], mask[:, side]


def test_what_training_sees_is_drawn_of_train_alone(dataset: Dataset) -> None:
    changed = draw_changed(dataset, Augmentation(half, 0, "halves"))
    train = {row.id for row in dataset.kept("train")}
    assert {each.original.name for each in changed} <= train
    assert len(changed) == min(6, len(train))
    for each in changed:
        assert (each.original.width, each.original.height) == (64, 64)
        assert [(drawing.width, drawing.height) for drawing in each.draws] == [(32, 64)] * 3
    assert len({drawing.image for each in changed for drawing in each.draws}) > len(changed)  # both halves come


def test_what_training_sees_depends_on_the_seed_alone(dataset: Dataset) -> None:
    first, again, other = (draw_changed(dataset, Augmentation(half, seed, "halves")) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def preview(dataset: Dataset, *words: str) -> str:
    out = dataset.root.parent / "preview.html"
    line = ["prep", "preview", str(dataset.root), "--out", str(out), "--overwrite", "--workers", "1", *words]
    ran = CliRunner().invoke(app, line)
    if isinstance(ran.exception, SagesegError):
        return str(ran.exception)
    assert ran.exit_code == 0, ran.output
    return out.read_text(encoding="utf-8")


def test_the_page_shows_what_training_sees_when_asked(dataset: Dataset, page: str) -> None:
    assert "What training sees" not in page
    shown = preview(dataset, "--augmented", "--crop-size", "41", "--base-size", "64", "--augmentation", "strong")
    assert shown.count(">draw 3<") == min(6, len(dataset.kept("train")))
    assert "base_size 64 × 0.5 to 2.0; 48 × 48 pixels are cut out" in shown
    assert "turned, sheared and shifted" in shown
    assert "is inferred from" in shown
    drawings = Page(shown).data["drawings"]
    assert {(own["width"], own["height"]) for key, own in drawings.items() if key.startswith("draw=")} == {(48, 48)}


def test_marks_of_a_job_follow_its_settings(dataset: Dataset) -> None:
    assert "crop_size 240: about 30 px" in preview(dataset)
    shown = preview(dataset, "--crop-size", "120", "--base-size", "64")
    assert "crop_size 120: about 120 px" in shown
    assert "A job with base_size 64 and crop_size 120" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--crop-size", "8"], "crop_size"),
        (["--augmentation", "strong"], "--augmentation: is for --augmented"),
        (["--base-size", "99999"], "--base-size 99999: a page shows up to 4096 pixels"),
        (["--images", "/nowhere"], "--images /nowhere: no such folder; expected the folder that prep read"),
        (["--images", "/"], "--images /: no a_0.jpg there; expected the folder that prep read"),
        (["--seed", "4"], "--seed: is for --augmented"),
        (["--augmented", "--crop-size", "99999"], "--crop-size 99999: a page shows up to 4096 pixels"),
        (["--augmented", "--crop-size", "wide"], "crop_size"),
        (["--augmented", "--base-size", "16"], "base_size"),
        (["--augmented", "--augmentation", "wild"], "augmentation"),
    ],
)
def test_settings_that_no_training_has_are_refused(dataset: Dataset, words: list[str], told: str) -> None:
    assert told in preview(dataset, *words)
    assert not (dataset.root.parent / "preview.html").exists()


def test_classes_that_a_person_renamed_are_told_by_their_new_names(dataset: Dataset, page: str, tmp_path: Path) -> None:
    labels = dataset.root / "labels.txt"
    labels.write_text(labels.read_text().replace("car", "Auto"))
    write_preview(open_dataset(dataset.root), tmp_path / "renamed.html", workers=1, today=TODAY)
    renamed = (tmp_path / "renamed.html").read_text(encoding="utf-8")
    assert renamed == re.sub(r"\bcar\b", "Auto", page)


@pytest.mark.parametrize("absent", [["tram"], ["tram", "<i>"], ["tram", "bus", "pole", "sign"]])
def test_classes_of_no_crop_share_a_line(absent: list[str], tmp_path: Path) -> None:
    classes = ClassTable(("_background_", "car", *absent))
    source = make_source(tmp_path / "labels", GROUPS, mask=car_of, classes=classes)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, workers=1))
    write_preview(open_dataset(tmp_path / "dataset"), tmp_path / "preview.html", workers=1, today=TODAY)
    words = Page((tmp_path / "preview.html").read_text(encoding="utf-8")).words
    assert f"No crop has {', '.join(absent)}." in words
    assert "of train has this class" not in words


def car_of(_: int) -> Mask:
    return mask_of(0)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"val": 0}, "Every class is in train."),
        ({"val": 0, "test": 1}, "Every class is in every split."),
        ({"val": 1}, "Every class is in every split, and no share differs more than 2 × between train and val."),
        ({"val": 1, "test": 1}, "Every class is in every split, and no share differs more than 2 × between"),
    ],
)
def test_any_splits_have_a_page(shares: dict[str, float], said: str, tmp_path: Path) -> None:
    classes = ClassTable(("_background_", "car"))
    source = make_source(tmp_path / "labels", GROUPS, mask=car_of, classes=classes)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, workers=1, **shares))  # type: ignore[arg-type]
    write_preview(open_dataset(tmp_path / "dataset"), tmp_path / "preview.html", workers=1, today=TODAY)
    page = Page((tmp_path / "preview.html").read_text(encoding="utf-8"))
    page.check_whole()
    assert said in page.words


@pytest.mark.parametrize("lines", ["_background_\ncar\n", "_background_\ncar\nbus & <van>\ntram\n"])
def test_classes_that_were_added_or_taken_away_are_refused(dataset: Dataset, tmp_path: Path, lines: str) -> None:
    (dataset.root / "labels.txt").write_text(lines)
    with pytest.raises(
        SagesegError, match=rf"split\.json: tells of 3 classes, and labels\.txt names {lines.count(chr(10))}"
    ):
        write_preview(open_dataset(dataset.root), tmp_path / "preview.html", workers=1)
