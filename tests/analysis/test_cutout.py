"""Predictions on images without truth: tinted, cut out, on another background; never resized."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.cli import app
from analysis.drawing.legend import text_size
from analysis.exports.cutout import backdrop, blend, encode_rgba, soft_alpha
from analysis.exports.options import parse_background
from analysis.exports.tint import draw_tint, light_palette, outline
from analysis.masks.stitch import stitch
from formats.classes import voc_palette
from formats.console import run_app
from formats.errors import SagesegError
from formats.images import Rgb, encode_image, read_image
from formats.masks import Mask
from formats.predictions import Predictions, open_predictions, probabilities_path, write_probabilities
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions

STEMS = ("a_01", "a_02")
SAMPLES = {stem: disc_image(90, 70, seed=n) for n, stem in enumerate(STEMS)}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for stem, (image, _) in SAMPLES.items():
        (folder / f"{stem}.jpg").write_bytes(encode_image(image))
    return folder


@pytest.fixture
def predictions(tmp_path: Path) -> Predictions:
    """Of crops, as `jobs predict` writes them."""
    dataset = make_dataset(tmp_path / "dataset", SAMPLES, crop=32, overlap=8)
    masks = {stem: mask for stem, (_, mask) in SAMPLES.items()}
    return make_predictions(tmp_path / "predictions", dataset, masks, dropped_too=True)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["analysis", *map(str, arguments), "--workers", "1"])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return int(stopped.value.code or 0)


def test_cutouts_keep_the_foreground_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, predictions: Predictions, images: Path, tmp_path: Path
) -> None:
    assert run(monkeypatch, "cutout", predictions.root, images, "--out", tmp_path / "out") == 0
    for stem, (_, mask) in SAMPLES.items():
        with Image.open(tmp_path / "out" / f"{stem}.png") as file:
            assert file.mode == "RGBA"
            cut = np.asarray(file)
        assert np.array_equal(cut[..., 3], 255 * mask)
        assert np.array_equal(cut[mask == 1][:, :3], read_image(images / f"{stem}.jpg")[mask == 1])
        assert not cut[mask == 0].any()  # the background is gone, not only hidden


def test_a_colour_stands_behind(
    monkeypatch: pytest.MonkeyPatch, predictions: Predictions, images: Path, tmp_path: Path
) -> None:
    arguments = ("--background", "#2040ff", "--out", tmp_path / "out")
    assert run(monkeypatch, "cutout", predictions.root, images, *arguments) == 0
    drawn, mask = read_image(tmp_path / "out" / "a_01.jpg"), SAMPLES["a_01"][1]
    far = np.zeros_like(mask)
    far[:5] = 1
    assert np.abs(drawn[far == 1].astype(int) - (0x20, 0x40, 0xFF)).max() < 8
    middle = tuple(np.argwhere(mask).mean(axis=0).astype(int))
    assert np.abs(drawn[middle].astype(int) - read_image(images / "a_01.jpg")[middle]).max() < 25


def test_soft_edges_come_from_probabilities(
    monkeypatch: pytest.MonkeyPatch, predictions: Predictions, images: Path, tmp_path: Path
) -> None:
    (predictions.root / "probabilities").mkdir()
    for row in predictions.rows:
        half = np.full((2, row.height, row.width), 0.5)
        write_probabilities(probabilities_path(predictions.root, row.id), half)
    assert run(monkeypatch, "cutout", predictions.root, images, "--soft", "--out", tmp_path / "out") == 0
    with Image.open(tmp_path / "out" / "a_01.png") as file:
        assert set(np.asarray(file)[..., 3].ravel().tolist()) <= {127, 128}


@pytest.mark.parametrize(("background", "alpha"), [(1.0, 0), (0.9, 0), (0.5, 128), (0.1, 255), (0.0, 255)])
def test_soft_alpha_is_clear_solid_and_straight_between(background: float, alpha: int) -> None:
    assert soft_alpha(np.array([[background]])).tolist() == [[alpha]]


def test_blending_is_exact_at_both_ends() -> None:
    image = np.array([[[10, 200, 255]] * 3], np.uint8)
    behind = np.array([[[250, 0, 7]] * 3], np.uint8)
    drawn = blend(image, behind, np.array([[0, 255, 51]], np.uint8))
    assert drawn.tolist() == [[[250, 0, 7], [10, 200, 255], [202, 40, 57]]]


def test_png_bytes_hold_what_pillow_reads() -> None:
    rng = np.random.default_rng(0)
    image, alpha = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8), rng.integers(1, 256, (9, 7)).astype(np.uint8)
    with Image.open(BytesIO(encode_rgba(image, alpha))) as read:
        assert np.array_equal(np.asarray(read), np.dstack([image, alpha]))


@pytest.mark.parametrize("size", [(40, 30), (10, 60), (300, 50)])
def test_a_background_image_fills_everything_in_its_proportions(size: tuple[int, int], tmp_path: Path) -> None:
    left_dark = np.zeros((60, 80, 3), np.uint8)
    left_dark[:, 40:] = 255
    path = tmp_path / "behind.png"
    Image.fromarray(left_dark).save(path)
    drawn = backdrop(path, *size)
    assert drawn.shape == (size[1], size[0], 3)
    assert drawn[:, 0].max() < 40
    assert drawn[:, -1].min() > 215


def test_backgrounds_are_files_or_colours(tmp_path: Path) -> None:
    path = tmp_path / "red"  # a file wins over a colour's name
    Image.new("RGB", (3, 3)).save(path, "PNG")
    assert parse_background(str(path)) == path
    assert parse_background("white") == (255, 255, 255)
    with pytest.raises(SagesegError, match="--background no-such: neither a file nor a colour"):
        parse_background("no-such")


def overlay_parts(path: Path) -> tuple[Rgb, Rgb]:
    drawn = read_image(path)
    return drawn[:70], drawn[70:]


def test_overlays_tint_the_class_and_name_it(
    monkeypatch: pytest.MonkeyPatch, predictions: Predictions, images: Path, tmp_path: Path
) -> None:
    assert run(monkeypatch, "overlay", predictions.root, images, "--out", tmp_path / "out") == 0
    drawn, legend = overlay_parts(tmp_path / "out" / "a_01.jpg")
    image, mask = read_image(images / "a_01.jpg"), SAMPLES["a_01"][1]
    changed = np.abs(drawn.astype(int) - image).max(axis=2) > 40
    assert np.mean(changed == (mask == 1)) > 0.95
    assert legend.shape[0] == 2 * text_size(90)


def test_tints_are_vocs_and_outlines_lighter() -> None:
    mask: Mask = np.zeros((40, 40), np.uint8)
    mask[5:35, 5:20], mask[5:35, 20:35] = 1, 2
    drawn = draw_tint(np.full((40, 40, 3), 100, np.uint8), mask)
    assert np.array_equal(drawn[mask == 0], np.full((40 * 40 - 30 * 30, 3), 100))
    assert drawn[20, 12].tolist() == [45 + 70, 45, 45]
    assert drawn[20, 28].tolist() == [45, 45 + 70, 45]
    assert drawn[5, 5].tolist() == light_palette()[1].tolist() == [191, 127, 127]
    line = outline(mask, 2)
    assert not line[mask == 0].any()
    assert line[20, 19]  # classes are told apart where they touch
    assert not line[20, 12]
    assert len(np.unique(light_palette(), axis=0)) == len(np.unique(voc_palette(), axis=0))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda images: (images / "a_02.jpg").unlink(), "a_02.jpg: not found; expected the folder of the images"),
        (
            lambda images: (images / "a_02.jpg").write_bytes(encode_image(np.zeros((50, 60, 3), np.uint8))),
            "a_02.jpg: 60×50 pixels, but 90×70 were predicted",
        ),
        (lambda images: images.rename(images.with_name("gone")), "images: no such folder"),
    ],
    ids=["missing", "of another size", "no folder"],
)
def test_images_that_do_not_fit_are_named_before_anything_is_drawn(
    spoil: object,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    images: Path,
    tmp_path: Path,
) -> None:
    assert callable(spoil)
    spoil(images)
    for command in ("overlay", "cutout"):
        assert run(monkeypatch, command, predictions.root, images, "--out", tmp_path / "out") == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_soft_without_probabilities_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    images: Path,
    tmp_path: Path,
) -> None:
    assert run(monkeypatch, "cutout", predictions.root, images, "--soft", "--out", tmp_path / "out") == 1
    assert "no probabilities for --soft; predict with --probabilities" in capsys.readouterr().err


@pytest.mark.parametrize("stitched", [False, True])
@pytest.mark.parametrize("verb", ["cutout", "overlay", "labelme", "submission"])
def test_what_was_not_predicted_is_said(
    verb: str,
    stitched: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    images: Path,
    tmp_path: Path,
) -> None:
    dataset = make_dataset(tmp_path / "d", SAMPLES, crop=16)
    predictions = make_predictions(tmp_path / "p", dataset, {stem: mask for stem, (_, mask) in SAMPLES.items()})
    if stitched:
        stitch(predictions, dataset, tmp_path / "s", workers=1)
        predictions = open_predictions(tmp_path / "s")
    operands = [predictions.root, images] if verb in ("cutout", "overlay") else [predictions.root]
    capsys.readouterr()
    assert run(monkeypatch, verb, *operands, "--out", tmp_path / "out") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note:")]
    assert len(said) == 1
    assert re.match(r"note: [\d.]+ % of the pixels, in \d of \d images, were not predicted and are background", said[0])
    whole = make_predictions(tmp_path / "w", dataset, {s: m for s, (_, m) in SAMPLES.items()}, dropped_too=True)
    operands[0] = whole.root
    assert run(monkeypatch, verb, *operands, "--out", tmp_path / "again") == 0
    assert "not predicted" not in capsys.readouterr().err
