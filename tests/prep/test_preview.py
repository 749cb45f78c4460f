"""The preview tells what is in a dataset, on one page that needs nothing else."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset, split_path
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from formats.manifest import ManifestRow
from formats.masks import Mask
from formats.prepared.resize import Resize
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.augmented import Augmentation, draw_changed
from prep.preview.images import draw_map, lay_over, page_palette
from prep.preview.page import choose_samples, write_preview
from prep.preview.survey import find_unusual, survey
from sageseg.cli import app
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


@pytest.fixture
def page(dataset: Dataset, tmp_path: Path) -> str:
    write_preview(dataset, tmp_path / "preview.html", workers=1)
    return (tmp_path / "preview.html").read_text(encoding="utf-8")


def test_the_page_loads_nothing(page: str) -> None:
    assert set(re.findall(r"""(?:src|href)=["']([a-z]+:?)""", page)) == {"data:"}
    assert "url(" not in page
    assert "@import" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_names_are_escaped(page: str) -> None:
    assert "bus &amp; &lt;van&gt;" in page
    assert "<van>" not in page
    assert "&lt;i&gt;c_0" in page
    assert "<i>c" not in page


def test_the_page_tells_the_dataset(page: str) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", page.partition("</style>")[2]).split())
    for told in ("my dataset", "9 images", "3 groups", "3 classes", "Crop 64", "val 20.0 % → 33.3 %", "3 of 3"):
        assert told in text, told


def test_a_class_that_is_missing_from_a_split_is_told(dataset: Dataset) -> None:
    samples = choose_samples(dataset, survey(dataset, workers=1), {})
    bus = {own.split: own.found for own in samples if own.class_id == 2}
    assert sorted(bus.values()) == [0, 1]
    assert {own.title for own in samples} == {"car", "bus & <van>", "no foreground"}


def test_samples_show_their_class(dataset: Dataset) -> None:
    facts = survey(dataset, workers=1)
    with_car = {fact.row.id for fact in facts if 1 in fact.classes}
    for own in choose_samples(dataset, facts, {}):
        if own.class_id == 1:
            assert {drawing.title for drawing in own.drawings} <= with_car
        assert len(own.drawings) == min(own.found, 4)


def test_the_page_is_the_same_each_time_and_with_any_number_of_workers(
    dataset: Dataset, page: str, tmp_path: Path
) -> None:
    write_preview(dataset, tmp_path / "again.html", workers=2)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def flat(level: int, width: int = 150, height: int = 110) -> Rgb:
    return np.full((height, width, 3), level, np.uint8)


def reasons(tmp_path: Path, images: list[Rgb], masks: list[Mask], **options: int | None) -> dict[str, list[str]]:
    groups = {f"g{number:02d}": 1 for number in range(len(images))}
    source = make_source(tmp_path / "labels", groups, image=lambda n: images[n], mask=lambda n: masks[n])
    given = {"crop": 64, "workers": 1} | options
    write_dataset(source, tmp_path / "dataset", PrepOptions(keep_empty=1, **given))  # type: ignore[arg-type]
    dataset = open_dataset(tmp_path / "dataset")
    found: dict[str, list[str]] = {}
    for each in find_unusual(dataset, survey(dataset, workers=1)):
        found.setdefault(each.rows[0].source, []).append(each.reason)
    return found


def test_dark_bright_and_empty_images_are_found(tmp_path: Path) -> None:
    levels = [100, 104, 98, 101, 99, 103, 10, 245, 100, 102]
    masks = [mask_of(0) for _ in levels]
    masks[8] = np.zeros((110, 150), np.uint8)
    assert reasons(tmp_path, [flat(level) for level in levels], masks) == {
        "g06_0.jpg": ["dark: mean grey level 10, others about 100"],
        "g07_0.jpg": ["bright: mean grey level 245, others about 100"],
        "g08_0.jpg": ["no foreground"],
    }


def test_images_that_differ_widely_are_not_all_found(tmp_path: Path) -> None:
    levels = list(range(30, 230, 20))
    assert reasons(tmp_path, [flat(level) for level in levels], [mask_of(0)] * len(levels)) == {}


def test_unusual_sizes_and_images_smaller_than_the_crop_are_found(tmp_path: Path) -> None:
    images, masks = [flat(100)] * 11, [mask_of(0)] * 11
    images.append(flat(100, 40, 30))
    masks.append(np.ones((30, 40), np.uint8))
    assert reasons(tmp_path, images, masks) == {"g11_0.jpg": ["size 40 × 30, smaller than the crop and padded"]}
    images[11], masks[11] = flat(100, 90, 70), np.ones((70, 90), np.uint8)
    assert reasons(tmp_path / "larger", images, masks) == {"g11_0.jpg": ["size 90 × 70, as 1 of 12 images"]}


def test_a_map_shows_kept_crops_in_their_places(tmp_path: Path) -> None:
    image = flat(30)
    image[:, 75:] = 220
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1}, image=lambda _: image)
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, resize=Resize(300), keep_empty=1, workers=1))
    dataset = open_dataset(tmp_path / "dataset")
    drawn = draw_map(dataset, [row for row in dataset.rows if row.source_stem == "a_0"])
    assert (drawn.width, drawn.height) == (drawn.drawing.width, drawn.drawing.height) == (300, 220)
    assert drawn.dropped == ()
    assert sum(box.width * box.height for box in drawn.kept) == 300 * 220


def test_the_map_of_an_image_without_kept_crops_is_grey(dataset: Dataset) -> None:
    rows = [row for row in dataset.rows if row.source == dataset.rows[0].source]
    dropped = [ManifestRow(**{**vars(row), "kept": False}) for row in rows]
    drawn = draw_map(dataset, dropped)
    assert drawn.kept == ()
    assert len(drawn.dropped) == len(rows)


def test_masks_are_laid_over_with_a_line_at_their_edge() -> None:
    image, mask = flat(100, 6, 6), np.zeros((6, 6), np.uint8)
    mask[1:5, 1:5] = 1
    drawn = lay_over(image, mask, page_palette(3))
    assert (drawn[0] == 100).all()
    assert drawn[1, 1].tolist() == page_palette(3)[1].tolist()
    assert drawn[2, 2].tolist() == [int(0.55 * 100 + 0.45 * level) for level in page_palette(3)[1].tolist()]
    assert (image == 100).all()  # an argument is never changed


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
    assert {each.original.title for each in changed} <= train
    assert len(changed) == min(6, len(train))
    for each in changed:
        assert (each.original.width, each.original.height) == (64, 64)
        assert [(drawing.width, drawing.height) for drawing in each.draws] == [(32, 64)] * 3
    assert len({drawing.uri for each in changed for drawing in each.draws}) > len(changed)  # both halves come


def test_what_training_sees_depends_on_the_seed_alone(dataset: Dataset) -> None:
    first, again, other = (draw_changed(dataset, Augmentation(half, seed, "halves")) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def preview(dataset: Dataset, *words: str) -> str:
    out = dataset.root.parent / "preview.html"
    line = ["prep", "preview", str(dataset.root), "--out", str(out), "--workers", "1", *words]
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
    assert 'width="48" height="48"' in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--crop-size", "240"], "--crop-size: is for --augmented; add that, or leave it out"),
        (["--augmentation", "strong"], "--augmentation: is for --augmented"),
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
    write_preview(open_dataset(dataset.root), tmp_path / "renamed.html", workers=1)
    renamed = (tmp_path / "renamed.html").read_text(encoding="utf-8")
    assert renamed == re.sub(r"\bcar\b", "Auto", page)


@pytest.mark.parametrize("lines", ["_background_\ncar\n", "_background_\ncar\nbus & <van>\ntram\n"])
def test_classes_that_were_added_or_taken_away_are_refused(dataset: Dataset, tmp_path: Path, lines: str) -> None:
    (dataset.root / "labels.txt").write_text(lines)
    with pytest.raises(
        SagesegError, match=rf"split\.json: tells of 3 classes, and labels\.txt names {lines.count(chr(10))}"
    ):
        write_preview(open_dataset(dataset.root), tmp_path / "preview.html", workers=1)
