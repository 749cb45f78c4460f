"""The report's images: what prep dropped of them comes from the folder that --images names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from analysis.cli import app
from analysis.report.report import report
from analysis.report_files import layer_name
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb, encode_image, read_image
from formats.predictions import Predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page

WIDTH, HEIGHT = 96, 64
STEM = "a_01"
GREY = "Flat grey"


def sample() -> tuple[Rgb, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """A ramp, so that any crop of it is known by its values, and an object in one corner."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([2 * columns, 3 * rows, 100 + 0 * rows], axis=-1).astype(np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:20, 4:20] = 1
    return image, mask


@pytest.fixture
def cropped(tmp_path: Path) -> Dataset:
    """Crops of 32, of which all but one were dropped."""
    return make_dataset(tmp_path / "dataset", {STEM: sample()}, crop=32)


@pytest.fixture
def predictions(tmp_path: Path, cropped: Dataset) -> Predictions:
    mask = sample()[1].copy()
    mask[50:60, 70:90] = 1  # where nothing was kept
    return make_predictions(tmp_path / "predictions", cropped, {STEM: mask}, dropped_too=True)


def put(folder: Path, name: str, image: Rgb) -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(image).save(folder / name, quality=95)
    return folder


def shown(out: Path) -> Rgb:
    return read_image(out / layer_name("image", STEM))


def is_like(one: Rgb, other: Rgb) -> bool:
    return bool(np.abs(one.astype(int) - other.astype(int)).mean() < 4)


def test_without_the_folder_dropped_crops_are_grey_and_the_page_says_how_to_see_them(
    predictions: Predictions, cropped: Dataset, tmp_path: Path
) -> None:
    report(predictions, cropped, tmp_path / "out", workers=1)
    assert is_like(shown(tmp_path / "out")[34:, 34:], np.full((HEIGHT - 34, WIDTH - 34, 3), 128, np.uint8))
    assert "report with --images FOLDER" in Page((tmp_path / "out" / "index.html").read_text()).words


def test_a_jpeg_is_shown_as_it_is(predictions: Predictions, cropped: Dataset, tmp_path: Path) -> None:
    content = encode_image(sample()[0])
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / f"{STEM}.jpg").write_bytes(content)
    report(predictions, cropped, tmp_path / "out", images=tmp_path / "images", workers=1)
    assert (tmp_path / "out" / layer_name("image", STEM)).read_bytes() == content
    assert GREY not in Page((tmp_path / "out" / "index.html").read_text()).words


def test_other_kinds_and_turned_ones_are_shown_upright(tmp_path: Path) -> None:
    image, mask = sample()
    for suffix in (".png", ".jpg"):
        root = tmp_path / suffix[1:]
        dataset = make_dataset(root / "dataset", {STEM: (image, mask)}, crop=32, suffix=suffix)
        made = make_predictions(root / "predictions", dataset, {STEM: mask}, dropped_too=True)
        (root / "images").mkdir()
        exif = Image.Exif()
        exif[0x0112] = 3  # upside down
        turned = image[::-1, ::-1] if suffix == ".jpg" else image
        Image.fromarray(np.ascontiguousarray(turned)).save(
            root / "images" / f"{STEM}{suffix}", quality=95, exif=exif if suffix == ".jpg" else None
        )
        report(made, dataset, root / "out", images=root / "images", workers=1)
        assert is_like(shown(root / "out"), image), suffix


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        (f"{STEM}.jpg", (WIDTH - 1, HEIGHT), f"{WIDTH - 1}×{HEIGHT} pixels, but the dataset was made of"),
        ("other.jpg", (WIDTH, HEIGHT), "not found; expected, as --images, the folder that holds a_01.jpg"),
        (f"{STEM}.png", (WIDTH, HEIGHT), "not found; expected, as --images, the folder that holds a_01.jpg"),
    ],
)
def test_a_folder_of_other_images_is_refused_before_anything_is_made(
    predictions: Predictions, cropped: Dataset, tmp_path: Path, name: str, size: tuple[int, int], told: str
) -> None:
    put(tmp_path / "images", name, disc_image(*size)[0])
    with pytest.raises(SagesegError, match=told):
        report(predictions, cropped, tmp_path / "out", images=tmp_path / "images", workers=1)
    assert not (tmp_path / "out").exists()


def test_whole_images_of_the_dataset_need_no_folder(tmp_path: Path) -> None:
    image, mask = sample()
    dataset = make_dataset(tmp_path / "dataset", {STEM: (image, mask)})
    made = make_predictions(tmp_path / "predictions", dataset, {STEM: mask})
    report(made, dataset, tmp_path / "out", images=tmp_path / "nowhere", workers=1)
    assert is_like(shown(tmp_path / "out"), image)


def test_the_command_takes_images_beside_a_dataset(predictions: Predictions, cropped: Dataset, tmp_path: Path) -> None:
    put(tmp_path / "images", f"{STEM}.jpg", sample()[0])
    line = ["report", str(predictions.root), "--dataset", str(cropped.root), "--images", str(tmp_path / "images")]
    done = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out"), "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert is_like(shown(tmp_path / "out"), sample()[0])
